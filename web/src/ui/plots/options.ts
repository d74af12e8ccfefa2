import type uPlot from "uplot";
import type { Line } from "../../model/series";
import type { Inks } from "../timeline/draw";
import type { Ink } from "../timeline/kinds";
import { cursorMs, view } from "../timeline/view";

/** The height of a plot, as in Plots.css. */
export const HEIGHT_PX = 150;

export interface Style {
  ink: Ink;
  dashed: boolean;
  dots: boolean;
  line: boolean;
}

/** options is what a plot asks of uPlot. The build leaves out of uPlot what is not asked for here (dev/slim.ts). */
export function options(lines: readonly Line[], inks: Inks, styleOf: (l: Line) => Style, width: number): uPlot.Options {
  const axis = { stroke: inks.muted, font: `11px ${inks.font}`, grid: { stroke: inks.line, width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    padding: [8, 10, 0, 0],
    cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 7 } },
    scales: {
      x: { time: false, auto: false, range: () => [view.peek().fromMs / 1000, view.peek().toMs / 1000] },
      y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.12 : 1] },
    },
    axes: [
      { ...axis, size: 24, space: 70, values: (_u, at) => at.map((s) => `${+s.toFixed(3)} s`) },
      { ...axis, size: 46, space: 30, values: (_u, at) => at.map((v) => `${+v.toFixed(2)}`) },
    ],
    series: [
      {},
      ...lines.map((l): uPlot.Series => {
        const s = styleOf(l);
        const colour = inks[s.ink];
        return {
          stroke: colour,
          width: s.line ? 1.6 : 0,
          ...(s.dashed ? { dash: [5, 3] } : {}),
          ...(s.line ? {} : { paths: () => null }),
          // The end is told by the dots too: one's are filled, the other's hollow.
          points: { ...(s.dots ? { show: true } : {}), size: 5, width: 1.3, stroke: colour, fill: s.dashed ? inks.ground : colour },
        };
      }),
    ],
    hooks: {
      setCursor: [
        (u) => {
          if (!u.root.matches(":hover")) return; // moved from elsewhere
          const left = u.cursor.left ?? -1;
          cursorMs.value = left < 0 ? null : u.posToVal(left, "x") * 1000;
        },
      ],
    },
  };
}
