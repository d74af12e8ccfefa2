import { useEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";
import { theme } from "../theme";
import type { Inks } from "./draw";

/** The media that change what the tokens of the page are. */
const media = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "(prefers-contrast: more)"];

/**
 * useInks reads the page's colours for a canvas, which knows no custom properties: from the computed colours of elements that wear them. With forced colours these
 * are the system's. The elements are the children of the box, each with the ink's name in data-ink.
 */
export function useInks(box: RefObject<HTMLElement | null>): { inks: Inks | null; version: number } {
  const [state, setState] = useState<{ inks: Inks | null; version: number }>({ inks: null, version: 0 });
  const look = theme.value;
  useEffect(() => {
    const read = () => {
      if (!box.current) return;
      const inks: Record<string, string> = { font: getComputedStyle(box.current).fontFamily };
      for (const child of box.current.querySelectorAll<HTMLElement>("[data-ink]")) inks[child.dataset["ink"]!] = getComputedStyle(child).color;
      setState((s) => ({ inks: inks as Inks, version: s.version + 1 }));
    };
    read();
    const lists = media.map((m) => matchMedia(m));
    for (const l of lists) l.addEventListener("change", read);
    return () => lists.forEach((l) => l.removeEventListener("change", read));
  }, [look]);
  return state;
}

export interface Size {
  width: number;
  height: number;
  dpr: number;
}

/** useSize follows the size of a canvas and makes its pixels those of the screen. */
export function useSize(canvas: RefObject<HTMLCanvasElement | null>): Size | null {
  const [size, setSize] = useState<Size | null>(null);
  useEffect(() => {
    const el = canvas.current;
    if (!el) return;
    const watch = new ResizeObserver(() => {
      const { width, height } = el.getBoundingClientRect();
      setSize({ width, height, dpr: devicePixelRatio || 1 });
    });
    watch.observe(el);
    return () => watch.disconnect();
  }, []);
  return size;
}

/** onCanvas draws with the lengths of the page. */
export function onCanvas(el: HTMLCanvasElement, size: Size, f: (g: CanvasRenderingContext2D) => void): void {
  const w = Math.round(size.width * size.dpr);
  const h = Math.round(size.height * size.dpr);
  if (el.width !== w || el.height !== h) {
    el.width = w;
    el.height = h;
  }
  const g = el.getContext("2d");
  if (!g) return;
  g.setTransform(size.dpr, 0, 0, size.dpr, 0, 0);
  f(g);
}

/** useFrame runs the newest function it was given, once before the next picture, however often it was asked. */
export function useFrame(f: () => void): void {
  const latest = useRef(f);
  const asked = useRef(0);
  latest.current = f;
  useEffect(() => {
    if (asked.current) return;
    asked.current = requestAnimationFrame(() => {
      asked.current = 0;
      latest.current();
    });
  });
  useEffect(() => () => cancelAnimationFrame(asked.current), []);
}
