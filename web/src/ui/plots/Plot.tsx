import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { aligned, thinned, type Line } from "../../model/series";
import type { Inks } from "../timeline/draw";
import { useSize } from "../timeline/canvas";
import { cursorMs, view } from "../timeline/view";
import { HEIGHT_PX, options, type Style } from "./options";

/** New values are drawn at most so often: nobody reads faster, and a sample comes every half second. */
const DRAW_MS = 400;
/** What is shown has so many places, some four pixels each, and uPlot is handed no more than can be told apart there: it would keep, and draw, ten minutes of every line. */
const PLACES = 120;

interface Props {
  lines: readonly Line[];
  inks: Inks;
  /** grows when the inks are others */
  look: number;
  /** grows when the lines are longer */
  version: number;
  scale: number;
  styleOf(l: Line): Style;
}

/** Plot is one quantity, on the time axis that the timeline shows. The values stand in the table beside it, so the picture is none of a screen reader's. */
export function Plot({ lines, inks, look, version, scale, styleOf }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const size = useSize(box as unknown as preact.RefObject<HTMLCanvasElement | null>);
  const names = lines.map((l) => `${l.metric} ${l.trial} ${l.from}`).join();
  const latest = useRef(lines);
  latest.current = lines;

  const data = () => {
    const { fromMs, toMs } = view.peek();
    return aligned(latest.current.map((l) => thinned(l, fromMs, toMs, PLACES, scale))) as uPlot.AlignedData;
  };

  useEffect(() => {
    if (!size || size.width < 40) return;
    const u = new uPlot(options(latest.current, inks, styleOf, Math.floor(size.width)), data(), box.current!);
    const leave = () => (cursorMs.value = null);
    u.over.addEventListener("mouseleave", leave);
    plot.current = u;
    return () => {
      u.over.removeEventListener("mouseleave", leave);
      u.destroy();
      plot.current = null;
    };
  }, [names, look, size?.dpr, size !== null]);

  useEffect(() => {
    if (size && plot.current && plot.current.width !== Math.floor(size.width)) plot.current.setSize({ width: Math.floor(size.width), height: HEIGHT_PX });
  }, [size?.width]);

  const drawn = useRef(0);
  useEffect(() => {
    const wait = Math.max(0, drawn.current + DRAW_MS - performance.now());
    const timer = setTimeout(() => {
      drawn.current = performance.now();
      plot.current?.setData(data());
    }, wait);
    return () => clearTimeout(timer);
  }, [version]);

  useEffect(() => {
    let frame = 0;
    let seen = true;
    const rescale = () => {
      cancelAnimationFrame(frame);
      const { fromMs, toMs } = view.peek();
      if (!seen) return;
      frame = requestAnimationFrame(() => {
        plot.current?.setData(data(), false);
        plot.current?.setScale("x", { min: fromMs / 1000, max: toMs / 1000 });
        place(cursorMs.peek()); // the moment that is pointed at stands elsewhere now
      });
    };
    const place = (at: number | null) => {
      const u = plot.current;
      if (!u || u.root.matches(":hover")) return;
      const left = at === null ? -10 : u.valToPos(at / 1000, "x");
      u.setCursor({ left, top: at === null ? -10 : 10 }, false);
    };
    // What is off the screen is drawn when it comes onto it.
    const watch = new IntersectionObserver(([entry]) => {
      if (seen !== (seen = !!entry?.isIntersecting) && seen) rescale();
    });
    watch.observe(box.current!);
    const endView = view.subscribe(rescale);
    const endCursor = cursorMs.subscribe(place);
    return () => {
      cancelAnimationFrame(frame);
      watch.disconnect();
      endView();
      endCursor();
    };
  }, []);

  return <div ref={box} class="plot-box" aria-hidden="true" />;
}
