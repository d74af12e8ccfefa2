// The timeline's canvas. A frame is drawn in time that depends on its width and not on the number of events: what stands in one place is one mark.
import { word } from "../../i18n";
import type { Event } from "../../protocol.gen";
import { binned, type Bin, type Lane } from "./lanes";
import { inks, kindOfEvent, shapes, type Ink, type Kind } from "./kinds";
import type { Span } from "./view";

/** The height of the axis above the lanes. */
export const AXIS_PX = 24;
/** A mark's place: no two marks of a lane stand closer. */
const BIN_PX = 9;
/** Lanes are as high as there is room for, within what can be read. */
const LANE_PX = { least: 9, most: 40 };
/** With more of them, only their marks are lit and no lines are drawn. */
const MAX_LINES = 60;

export type Inks = Record<Ink | "line" | "ground" | "band" | "lit", string> & { font: string };

export interface Scene {
  lanes: readonly Lane[];
  view: Span;
  runs: readonly { number: number; atMs: number }[];
  lit: ReadonlySet<number>;
  /** seq of the event that the keyboard or the mouse is on */
  here: number | null;
  cursorMs: number | null;
  width: number;
  height: number;
  inks: Inks;
  runWord(n: number): string;
  serverWord: string;
  peerWord: string;
  shows(e: Event): boolean;
}

/** Drawn is where everything stands: to find what is under the pointer. */
export interface Drawn {
  left: number;
  laneHeight: number;
  rows: { lane: Lane; bins: Bin[] }[];
}

const paths = new Map<Kind, Path2D>();
function pathOf(kind: Kind): Path2D {
  let path = paths.get(kind);
  if (!path) paths.set(kind, (path = new Path2D(shapes[kind])));
  return path;
}

/** labelWidth is what the names of the lanes take. */
export function labelWidth(width: number): number {
  return width < 560 ? 92 : 150;
}

/** timeTicks are round moments within a span, about so many pixels apart. */
export function timeTicks({ fromMs, toMs }: Span, width: number): { at: number[]; partMs: number } {
  const least = ((toMs - fromMs) * 80) / Math.max(80, width);
  const decade = 10 ** Math.floor(Math.log10(least));
  const partMs = [1, 2, 5, 10].map((n) => n * decade).find((p) => p >= least) ?? least;
  const at: number[] = [];
  for (let ms = Math.ceil(fromMs / partMs) * partMs; ms <= toMs; ms += partMs) at.push(ms);
  return { at, partMs };
}

export function tickText(ms: number, partMs: number): string {
  return `${(ms / 1000).toFixed(partMs >= 1000 ? 0 : partMs >= 100 ? 1 : partMs >= 10 ? 2 : 3)} s`;
}

export function draw(g: CanvasRenderingContext2D, s: Scene): Drawn {
  const left = labelWidth(s.width);
  const width = s.width - left - 8;
  const laneHeight = Math.min(LANE_PX.most, Math.max(LANE_PX.least, (s.height - AXIS_PX - 4) / Math.max(1, s.lanes.length)));
  const scale = width / (s.view.toMs - s.view.fromMs);
  const xOf = (ms: number) => left + (ms - s.view.fromMs) * scale;
  const bottom = AXIS_PX + laneHeight * s.lanes.length;
  g.clearRect(0, 0, s.width, s.height);
  g.textBaseline = "middle";

  // The bands of the trials, then the axis.
  let group = 0;
  s.lanes.forEach((lane, i) => {
    if (i > 0 && groupOf(lane) !== groupOf(s.lanes[i - 1]!)) group++;
    if (group % 2) return;
    g.fillStyle = s.inks.band;
    g.fillRect(0, AXIS_PX + i * laneHeight, s.width, laneHeight);
  });
  g.font = `11px ${s.inks.font}`;
  g.strokeStyle = s.inks.line;
  g.lineWidth = 1;
  const { at, partMs } = timeTicks(s.view, width);
  g.beginPath();
  for (const ms of at) {
    const x = Math.round(xOf(ms)) + 0.5;
    g.moveTo(x, AXIS_PX - 4);
    g.lineTo(x, bottom);
  }
  g.stroke();
  g.fillStyle = s.inks.muted;
  g.textAlign = "center";
  const runs = s.runs.filter((r) => r.atMs >= s.view.fromMs && r.atMs <= s.view.toMs).map((r) => ({ x: xOf(r.atMs), text: s.runWord(r.number) }));
  for (const ms of at) {
    const x = xOf(ms);
    if (x < s.width - 20 && !runs.some((r) => x > r.x - 24 && x < r.x + 54)) g.fillText(tickText(ms, partMs), x, AXIS_PX / 2 - 1);
  }
  g.fillStyle = g.strokeStyle = s.inks.text;
  g.textAlign = "left";
  let free = -Infinity;
  for (const r of runs) {
    g.fillRect(Math.round(r.x), 3, 1.5, bottom - 3);
    if (r.x > free) g.fillText(r.text, r.x + 4, AXIS_PX / 2 - 1);
    free = r.x + 50;
  }

  // The names of the lanes: the trial once, the peer on each.
  const name = Math.min(12, laneHeight - 1);
  s.lanes.forEach((lane, i) => {
    const y = AXIS_PX + (i + 0.5) * laneHeight;
    const first = i === 0 || groupOf(lane) !== groupOf(s.lanes[i - 1]!);
    g.font = `600 ${name}px ${s.inks.font}`;
    g.fillStyle = s.inks.text;
    g.textAlign = "right";
    if (lane.peer) g.fillText(lane.peer.toUpperCase(), left - 10, y);
    if (!first) return;
    g.textAlign = "left";
    g.font = `${name}px ${s.inks.font}`;
    g.fillStyle = s.inks.muted;
    const text = lane.peer === "" ? s.serverWord : lane.trial ? word("trial", lane.trial) : s.peerWord;
    g.fillText(fitted(g, text, left - 34), 6, y);
  });

  g.save();
  g.beginPath();
  g.rect(left - 6, 0, s.width - left + 6, s.height);
  g.clip();
  const rows = s.lanes.map((lane) => ({
    lane,
    bins: binned(lane.marks, { fromMs: s.view.fromMs - 6 / scale, toMs: s.view.toMs + 6 / scale, width: width + 12, binPx: BIN_PX, shows: s.shows, lit: s.lit }),
  }));
  for (const r of rows) for (const b of r.bins) b.x += left - 6;

  const litBins = rows.flatMap((r, i) => r.bins.filter((b) => b.lit).map((b) => ({ b, i })));
  if (litBins.length <= MAX_LINES) {
    g.strokeStyle = s.inks.lit;
    g.setLineDash([2, 3]);
    g.beginPath();
    for (const { b } of litBins) {
      g.moveTo(b.x, AXIS_PX - 5);
      g.lineTo(b.x, bottom);
    }
    g.stroke();
    g.setLineDash([]);
  }
  const size = Math.min(1, laneHeight / 14);
  rows.forEach(({ bins }, i) => {
    const y = AXIS_PX + (i + 0.5) * laneHeight;
    for (const b of bins) {
      if (b.count > 1) {
        // How many stand here: the bar under the mark.
        g.fillStyle = s.inks.muted;
        const h = Math.min(laneHeight / 2.4, 1.2 * Math.log2(b.count));
        g.fillRect(b.x - BIN_PX / 2 + 0.5, y + laneHeight / 2 - h, BIN_PX - 1, h);
      }
      const kind = kindOfEvent(b.top);
      g.fillStyle = s.inks[inks[kind]];
      g.translate(b.x, y);
      if (size < 1) g.scale(size, size);
      g.fill(pathOf(kind), "evenodd");
      if (size < 1) g.scale(1 / size, 1 / size);
      g.translate(-b.x, -y);
    }
  });
  // What is lit: a ring with a gap of ground, and a flag on the axis.
  for (const { b, i } of litBins) {
    ring(g, b.x, AXIS_PX + (i + 0.5) * laneHeight, s.inks.lit, s.inks.ground);
    g.fillStyle = s.inks.lit;
    g.beginPath();
    g.moveTo(b.x - 4, AXIS_PX - 8);
    g.lineTo(b.x + 4, AXIS_PX - 8);
    g.lineTo(b.x, AXIS_PX - 2);
    g.fill();
  }
  rows.forEach(({ bins }, i) => {
    const b = s.here === null ? undefined : bins.find((b) => b.top.seq === s.here || b.seqs.includes(s.here!));
    if (!b) return;
    const y = AXIS_PX + (i + 0.5) * laneHeight;
    g.strokeStyle = s.inks.text;
    g.lineWidth = 2;
    g.strokeRect(b.x - 9, y - 9, 18, 18);
    g.lineWidth = 1;
  });
  if (s.cursorMs !== null) {
    g.strokeStyle = s.inks.muted;
    g.beginPath();
    g.moveTo(xOf(s.cursorMs), AXIS_PX - 4);
    g.lineTo(xOf(s.cursorMs), bottom);
    g.stroke();
  }
  g.restore();
  return { left, laneHeight, rows };
}

function groupOf(l: Lane): string {
  return l.peer === "" ? "server" : l.trial;
}

function ring(g: CanvasRenderingContext2D, x: number, y: number, ink: string, ground: string): void {
  for (const [width, style] of [[5, ground], [2.4, ink]] as const) {
    g.lineWidth = width;
    g.strokeStyle = style;
    g.beginPath();
    g.arc(x, y, 8, 0, 2 * Math.PI);
    g.stroke();
  }
  g.lineWidth = 1;
}

function fitted(g: CanvasRenderingContext2D, text: string, width: number): string {
  if (g.measureText(text).width <= width) return text;
  let n = text.length - 1;
  while (n > 1 && g.measureText(`${text.slice(0, n)}…`).width > width) n--;
  return `${text.slice(0, n)}…`;
}

/** drawOverview is the strip of everything: how much happened when, where there were errors and evidence, and what part of it is shown. */
export function drawOverview(g: CanvasRenderingContext2D, s: Pick<Scene, "lanes" | "lit" | "width" | "height" | "inks" | "view" | "shows">, whole: Span): void {
  const columns = new Float64Array(Math.max(1, Math.ceil(s.width / 3)));
  const errors = new Uint8Array(columns.length);
  const lit = new Uint8Array(columns.length);
  const scale = columns.length / (whole.toMs - whole.fromMs);
  let most = 1;
  for (const lane of s.lanes) {
    for (const m of lane.marks) {
      if (!s.shows(m)) continue;
      const c = Math.min(columns.length - 1, Math.max(0, Math.floor((m.atMs - whole.fromMs) * scale)));
      most = Math.max(most, ++columns[c]!);
      if (kindOfEvent(m) === "error") errors[c] = 1;
      if (s.lit.has(m.seq)) lit[c] = 1;
    }
  }
  g.clearRect(0, 0, s.width, s.height);
  const x = (ms: number) => ((ms - whole.fromMs) / (whole.toMs - whole.fromMs)) * s.width;
  const from = x(s.view.fromMs);
  const to = Math.max(from + 3, x(s.view.toMs));
  g.fillStyle = s.inks.band;
  g.fillRect(from, 0, to - from, s.height);
  const top = Math.log2(1 + most);
  columns.forEach((n, c) => {
    if (n === 0) return;
    const h = Math.max(2, (Math.log2(1 + n) / top) * (s.height - 10));
    g.fillStyle = s.inks.muted;
    g.fillRect(c * 3, s.height - h, 2, h);
    if (errors[c]) {
      g.fillStyle = s.inks.bad;
      g.fillRect(c * 3 - 1, s.height - h - 3, 4, 3);
    }
    if (lit[c]) {
      g.fillStyle = s.inks.lit;
      g.fillRect(c * 3 - 1, 0, 4, 5);
    }
  });
  g.strokeStyle = s.inks.accent;
  g.lineWidth = 2;
  g.strokeRect(from + 1, 1, Math.max(2, to - from - 2), s.height - 2);
  g.fillStyle = s.inks.accent;
  for (const edge of [from, to - 4]) g.fillRect(edge, s.height / 2 - 7, 4, 14);
}
