import { readFileSync } from "node:fs";
import { join } from "node:path";
import type uPlot from "uplot";
import { describe, expect, test } from "vitest";
import { slim } from "../../../dev/slim.ts";
import { aligned, Line, type Points } from "../../model/series";
import type { Inks } from "../timeline/draw";
import { chosen } from "../timeline/view";
import { options, type Style } from "./options";

const whole = readFileSync(join(import.meta.dirname, "../../../node_modules/uplot/dist/uPlot.esm.js"), "utf8");

type Call = readonly unknown[];

/** screen is as much of a browser as a plot touches, and writes down what is drawn, placed and styled in it. */
function screen() {
  const calls: Call[] = [];
  class Path2D {
    readonly drawn: Call[] = [];
    constructor() {
      return new Proxy(this, { get: (path, key) => (key === "drawn" ? path.drawn : (...args: unknown[]) => void path.drawn.push([key, ...args])) });
    }
  }
  const recorder = (name: string) =>
    new Proxy({} as Record<string, unknown>, {
      get: (set, key) => set[key as string] ?? ((...args: unknown[]) => void calls.push([name, key, ...args.map((a) => (a instanceof Path2D ? [...a.drawn] : a))])),
      set: (set, key, value) => (calls.push([name, key, value]), (set[key as string] = value), true),
    });
  class HTMLElement {
    readonly classes: string[] = [];
    readonly style = recorder("style");
    readonly on = new Map<string, (e: object) => void>();
    readonly classList = { add: (c: string) => this.classes.push(c), remove: () => {}, contains: () => false };
    readonly childNodes: HTMLElement[] = [];
    constructor(readonly tag: string) {}
    getContext = () => recorder("canvas");
    appendChild = (child: HTMLElement) => this.insertBefore(child);
    insertBefore(child: HTMLElement) {
      this.childNodes.push(child);
      return child;
    }
    addEventListener = (type: string, listener: (e: object) => void) => this.on.set(type, listener);
    removeEventListener = (type: string) => this.on.delete(type);
    getBoundingClientRect = () => ({ left: 0, top: 0, width: 600, height: 150 });
    matches = () => true;
    setAttribute = () => {};
    remove = () => calls.push(["removed", this.classes]);
  }
  const document = { createElement: (tag: string) => new HTMLElement(tag), addEventListener() {}, removeEventListener() {} };
  const window = { devicePixelRatio: 1, matchMedia: () => ({ matches: false, addEventListener() {}, removeEventListener() {} }), addEventListener() {}, removeEventListener() {}, dispatchEvent() {} };
  const load = (code: string) =>
    new Function("window", "document", "navigator", "devicePixelRatio", "matchMedia", "Path2D", "HTMLElement", "CustomEvent", code.replace("export { uPlot as default };", "return uPlot;").replace(/^export /gm, ""))(
      window,
      document,
      { language: "en" },
      1,
      window.matchMedia,
      Path2D,
      HTMLElement,
      class {},
    ) as typeof uPlot;
  return { calls, load, box: () => new HTMLElement("div") as unknown as globalThis.HTMLElement };
}

const inks = new Proxy({} as Inks, { get: (_, ink) => String(ink) });
const line = (xs: number[], ys: (number | null)[]): Points => ({ xs, ys });
const lines = [
  line(Array.from({ length: 40 }, (_, i) => i * 500), Array.from({ length: 40 }, (_, i) => (i % 9 === 4 ? null : 20 + 15 * Math.sin(i)))),
  line([250, 900, 7000, 15000], [3, 80, 0, 41.37]),
  line([1000, 12000], [null, 7]),
];
const names = lines.map(() => new Line("rtt", "udp-1", "a", "b"));
const styles: Style[] = [
  { ink: "ok", dashed: false, dots: false, line: true },
  { ink: "bad", dashed: true, dots: true, line: true },
  { ink: "muted" as Style["ink"], dashed: false, dots: true, line: false },
];

/** played is all that a plot draws while a reader looks at it: values come, the view moves, the mouse passes over, presses, and leaves. */
async function played(code: string): Promise<Call[]> {
  const { calls, load, box } = screen();
  const data = (upTo: number) => aligned(lines.map((l) => ({ xs: l.xs.filter((x) => x <= upTo), ys: l.ys.slice(0, l.xs.filter((x) => x <= upTo).length) }))) as uPlot.AlignedData;
  const step = async (does: () => void) => {
    does();
    await Promise.resolve();
    await Promise.resolve();
  };
  chosen.value = { fromMs: 0, toMs: 20_000 };
  const plot = new (load(code))(options(names, inks, (l) => styles[names.indexOf(l)]!, 600), data(0), box());
  await step(() => {});
  for (const upTo of [3000, 9000, 20_000]) await step(() => plot.setData(data(upTo)));
  const mouse = (plot.over as unknown as { on: Map<string, (e: object) => void> }).on;
  for (const [type, clientX] of [["mouseenter", 90], ["mousemove", 100], ["mousedown", 100], ["mousemove", 260], ["mouseup", 260], ["dblclick", 260], ["mouseleave", 300]] as const)
    await step(() => mouse.get(type)?.({ type, target: plot.over, clientX, clientY: 40, movementX: 1, movementY: 0, button: 0 }));
  chosen.value = { fromMs: 4000, toMs: 9000 };
  await step(() => plot.setScale("x", { min: 4, max: 9 }));
  await step(() => plot.setSize({ width: 320, height: 150 }));
  await step(() => plot.setCursor({ left: plot.valToPos(6, "x"), top: 10 }, false));
  await step(() => plot.setSize({ width: 640, height: 150 }));
  calls.push(["read", plot.posToVal(50, "x"), plot.posToVal(50, "y"), plot.cursor.idx]);
  plot.destroy();
  chosen.value = null;
  return calls;
}

describe("uPlot without what no plot here asks for", () => {
  test("draws what the whole of it draws, call by call", async () => {
    const calls = await played(slim(whole));
    expect(calls.filter(([, what]) => what === "stroke").length).toBeGreaterThan(20);
    expect(calls).toEqual(await played(whole));
  });

  test("does not go with a file that it does not know", () => {
    expect(() => slim(whole.replace("mode == 2", "mode == 3"))).toThrow(/stands 15 times in uPlot, not 16/);
  });
});
