// Where everything of the picture stands. report/picturesvg.go lays out the same model by the same numbers; path.test.ts compares what both draw.
import type { ArrowState, Picture, PictureAddress, PictureArrow, PictureNode, PictureWay, TrialKind } from "../../protocol.gen";
import { clip, shortened, shortHost, textWidth, wrap } from "./text";

/** Shape is one mark: a rectangle, a path, or a text. */
export type Shape =
  | { is: "rect"; x: number; y: number; w: number; h: number; cls: string }
  | { is: "path"; d: string; cls: string }
  | { is: "text"; x: number; y: number; anchor: Anchor; cls: string; text: string };
type Anchor = "start" | "middle" | "end";

/** Mark is a group of shapes that means one thing. */
export interface Mark {
  kind: "node" | "wire" | "leg" | "way" | "arrow";
  id: string;
  state: string;
  cls: string;
  shapes: Shape[];
  of?: PictureNode | PictureArrow | PictureWay;
}

export interface Drawing {
  w: number;
  h: number;
  tall: boolean;
  marks: Mark[];
}

const wallWidth = 14;
const wallGap = 30;
const tierGap = 84;
const serverWidth = 190;
const headHeight = 26;
const legPitch = 32;
const seenPitch = 30;
const relayHeight = 62;
const chipHeight = 34;
const titleHeight = 24;
const rowHeight = 54;
const wayHeight = titleHeight + 2 * rowHeight + 6;
const leastWays = 2;
const hatchStep = 8;
const boxHeight = 70;
const tallWallGap = 24;
const tallTier = 36;
const tallSeen = 36;
const middleHeight = 260;
const legsWidth = 104;

/** Below this width the picture stands upright. */
export const TALL_BELOW = 680;

const signs: Partial<Record<ArrowState, string>> = { alive: "✓", dead: "✗", "lost-on-return": "✗", "non-symmetric": "!", stuck: "!", "not-sent": "–", measuring: "…" };
export const stateSign = (s: ArrowState): string => signs[s] ?? "?";
/** lineOf is the line of a state in which nothing moves, bends or breaks. */
const lineOf = (s: ArrowState) => (s === "stuck" ? "pic-line" : s === "measuring" ? "pic-dash" : "pic-dots");
const outcomeSigns: Record<string, string> = { connected: "✓", failed: "✗", stuck: "✗", skipped: "–" };
export const outcomeSign = (w: PictureWay): string => outcomeSigns[w.outcome] ?? (w.trial ? "…" : "?");

const rect = (x: number, y: number, w: number, h: number, cls: string): Shape => ({ is: "rect", x, y, w, h, cls });
const path = (cls: string, d: string): Shape => ({ is: "path", d, cls });
const text = (x: number, y: number, anchor: Anchor, cls: string, s: string): Shape => ({ is: "text", x, y, anchor, cls, text: s });
const cross = (x: number, y: number) => path("pic-cross", `M${x - 6} ${y - 6}l12 12m-12 0l12 -12`);
const head = (x: number, y: number, towards: number) => path("pic-head", `M${x} ${y}l${-9 * towards} -5v10z`);
const headDown = (x: number, y: number, down: number) => path("pic-head", `M${x} ${y}l-5 ${-9 * down}h10z`);
const half = (n: number) => Math.trunc(n / 2);

/** wall is a NAT's bar, hatched: what goes through it comes out as something else. */
function wall(x: number, y: number, w: number, h: number): Shape[] {
  let d = "";
  if (w < h) for (let at = y + w; at <= y + h; at += hatchStep) d += `M${x} ${at}l${w} -${w}`;
  else for (let at = x; at <= x + w - h; at += hatchStep) d += `M${at} ${y + h}l${h} -${h}`;
  return [rect(x, y, w, h, "pic-wall"), path("pic-hatch", d)];
}
const bar = (x: number, y: number, w: number, h: number, cls: string) => (cls === "pic-wall" ? wall(x, y, w, h) : [rect(x, y, w, h, cls)]);
const upperOf = (n: PictureNode) => (n.state === "there" || n.state === "one-way" ? "pic-wall" : n.state === "unknown" ? "pic-wall-unknown" : "");
const lowerOf = (n: PictureNode, upper: string) => (n.crossing === "crossed" ? upper : n.crossing === "unknown" ? "pic-wall-unknown" : "");

/** draw lays out the ways of these kinds, in a width. */
export function draw(p: Picture, kinds: readonly TrialKind[], w: number): Drawing {
  const l = new Layout(p, kinds, w);
  return w < TALL_BELOW ? l.tall() : l.wide();
}

class Layout {
  private readonly marks: Mark[] = [];
  private readonly tags: Shape[] = [];
  private readonly nodes: Map<string, PictureNode>;
  private readonly ways: PictureWay[];
  private h = 0;

  constructor(
    private readonly p: Picture,
    kinds: readonly TrialKind[],
    private readonly w: number,
  ) {
    this.nodes = new Map(p.nodes.map((n) => [n.id, n]));
    this.ways = p.ways.filter((way) => kinds.includes(way.kind));
  }

  private add(kind: Mark["kind"], id: string, state: string, cls: string, of: Mark["of"], shapes: Shape[]): void {
    this.marks.push({ kind, id, state, cls, shapes, ...(of ? { of } : {}) });
  }
  private side(id: string): string {
    return id === this.p.a ? "A" : id === this.p.b ? "B" : "server";
  }
  private arrowID(a: PictureArrow): string {
    return `${a.id.split(" ")[0]} ${this.side(a.from)}>${this.side(a.to)}`;
  }
  private natID(id: string, i: number): string {
    return `nat-${this.side(id)}${i > 0 ? "-2" : ""}`;
  }
  private natsOf(id: string): PictureNode[] {
    return this.p.nodes.filter((n) => n.kind === "nat" && n.of === id).sort((x, y) => (x.id < y.id ? -1 : 1));
  }
  private outside(id: string): PictureAddress[] {
    return this.p.wires.find((w) => w.of === id && w.to === "server")?.addresses ?? [];
  }
  private legsOf(id: string): PictureArrow[] {
    return this.p.legs.filter((a) => a.from === id || a.to === id);
  }
  private x(id: string, x: number): number {
    return id === this.p.a ? x : this.w - x;
  }
  private y(id: string, y: number): number {
    return id === this.p.a ? y : this.h - y;
  }
  private anchor(id: string, a: "start" | "end"): Anchor {
    return id === this.p.a ? a : a === "start" ? "end" : "start";
  }
  private letter(n: PictureNode): string {
    return n.state === "unknown" ? "?" : n.id.toUpperCase();
  }
  private chip(x: number, y: number, s: string): Shape[] {
    return this.chipOf(x, y, [clip(s, Math.trunc((this.w * 2) / 3), 12)]);
  }
  /** chipOf has a line for each text, and stands on the same foot however many they are. */
  private chipOf(x: number, foot: number, lines: string[]): Shape[] {
    const w = Math.max(...lines.map((s) => textWidth(s, 12) + 32));
    const y = foot - 15 * (lines.length - 1);
    x = Math.max(Math.min(x, this.w - half(w) - 2), half(w) + 1);
    return [rect(x - half(w), y, w, 9 + 15 * lines.length, "pic-chip"), ...lines.map((s, i) => text(x, y + 16 + 15 * i, "middle", "pic-label", s))];
  }
  /** column is how wide each way of the tall drawing is. */
  private column(): number {
    return Math.trunc((this.w - legsWidth) / Math.max(this.ways.length, 1));
  }
  private sorted(): { relays: PictureWay[]; directs: PictureWay[] } {
    const back = [...this.ways].reverse();
    return { relays: back.filter((w) => w.via === "server"), directs: back.filter((w) => w.via !== "server") };
  }

  /** wide: from left to right A, its NAT, the server, B's NAT, B; this server's relay above, the direct ways below. */
  wide(): Drawing {
    const { p, w } = this;
    const mw = Math.min(Math.max(Math.trunc((w * 33) / 200), 150), 200);
    const edge: Record<string, number> = {};
    for (const id of [p.a, p.b]) edge[id] = mw + wallGap + wallWidth + (this.natsOf(id).length === 2 ? tierGap : 0);
    const serverL = half(w) - half(serverWidth);
    const seenY = headHeight + 2 * legPitch + 14;
    const { relays, directs } = this.sorted();
    const relayY = seenY + 2 * seenPitch;
    // The height stays when other ways turn out to tell more.
    const spare = Math.max(0, leastWays * wayHeight - relays.length * relayHeight - directs.length * wayHeight);
    const zone = relayY + relays.length * relayHeight + spare;
    const directY = zone + chipHeight;
    this.h = directY + directs.length * wayHeight + 4;
    const bottom = this.h - 2;

    const between = this.nodes.get("between")!;
    const nat = this.nodes.get("nat");
    if (!nat) {
      this.add("node", between.id, between.state, "", between, [path("pic-spine", `M${half(w)} ${zone + 30}V${bottom}`), ...this.chip(half(w), zone + 6, between.label)]);
    } else {
      const [x1, x2] = [mw + wallGap, w - mw - wallGap];
      const legs = zone + 18 - half(wallWidth) - headHeight;
      const shapes = [...wall(x1, headHeight, wallWidth, legs), ...wall(x2 - wallWidth, headHeight, wallWidth, legs), ...wall(x1, zone + 18 - half(wallWidth), x2 - x1, wallWidth)];
      let end = directY;
      directs.forEach((way, i) => way.kind !== "host" && (end = directY + (i + 1) * wayHeight - 6));
      if (end > directY) shapes.push(...wall(half(w) - half(wallWidth), zone + 18 + half(wallWidth), wallWidth, end - zone - 18 - half(wallWidth)));
      this.add("node", nat.id, nat.state, "", nat, [...shapes, ...this.chip(half(w), zone + 6, `${nat.label} · ${nat.addresses.join(", ")}`)]);
    }

    for (const id of [p.a, p.b]) {
      this.machineWide(id, mw, bottom);
      const nats = this.natsOf(id);
      nats.forEach((n, i) => this.wallWide(id, i, n, mw + wallGap + i * tierGap, zone + 4, bottom, directs, directY));
      const inner = nats.length === 2 ? p.wires.find((x) => x.from === nats[0]!.id)?.addresses ?? [] : [];
      this.seen(this.x(id, mw + wallGap + wallWidth + 6), seenY, this.anchor(id, "start"), inner.slice(0, 1), tierGap - wallWidth - 8, `${this.natID(id, 0)}-wire`);
      this.legsOf(id).forEach((a, i) => this.legWide(id, a, i, mw, edge[id]!, serverL));
      this.seen(this.x(id, edge[id]! + 10), seenY, this.anchor(id, "start"), this.outside(id).slice(0, this.legsOf(id).length > 2 ? 1 : 2), serverL - edge[id]! - 16, `${this.side(id)}-outside`);
    }
    this.serverWide(serverL, zone);
    relays.forEach((way, i) => this.relayWide(way, relayY + i * relayHeight, mw, edge, serverL));
    directs.forEach((way, i) => {
      const top = directY + i * wayHeight;
      this.add("way", way.kind, way.outcome, "", way, [
        path("pic-rule", `M${mw + wallGap + wallWidth + 16} ${top}H${w - mw - wallGap - wallWidth - 16}`),
        text(half(w), top + 17, "middle", "pic-name", `${way.name}  ${outcomeSign(way)} ${way.outcomeText}`),
      ]);
      way.arrows.forEach((a, j) => this.arrowWide(a, top + titleHeight + j * rowHeight, mw, edge));
    });
    return { w, h: this.h, tall: false, marks: this.marks };
  }

  private machineWide(id: string, mw: number, bottom: number): void {
    const n = this.nodes.get(id)!;
    const left = id === this.p.a ? 1 : this.w - mw - 1;
    const mid = left + half(mw);
    let y = headHeight + 30;
    const shapes = [rect(left, headHeight, mw, bottom - headHeight, "pic-box"), text(mid, y, "middle", "pic-letter", this.letter(n))];
    for (const s of wrap(n.label, mw - 16, 13, 3)) shapes.push(text(mid, (y += 19), "middle", "pic-name", s));
    y += 6;
    for (const s of n.addresses) shapes.push(text(mid, (y += 17), "middle", "pic-mono", shortened(s, mw - 8)));
    for (const note of n.notes) for (const s of wrap(note, mw - 12, 11, 2)) shapes.push(text(mid, (y += 17), "middle", "pic-soft", s));
    this.add("node", this.side(id), n.state, "", n, shapes);
  }

  private wallWide(id: string, i: number, n: PictureNode, x: number, split: number, bottom: number, directs: PictureWay[], directY: number): void {
    const left = id === this.p.a ? x : this.w - x - wallWidth;
    const mid = left + half(wallWidth);
    const shapes: Shape[] = [];
    const upper = upperOf(n);
    if (upper) {
      shapes.push(...bar(left, headHeight, wallWidth, split - headHeight, upper));
      const lower = lowerOf(n, upper);
      if (lower && bottom > split) shapes.push(...bar(left, split, wallWidth, bottom - split, lower));
      if (lower === "pic-wall-unknown") shapes.push(text(mid, split + 21, "middle", "pic-label", "?"));
    } else shapes.push(path("pic-faint", `M${mid} ${headHeight}V${bottom}`));
    // Where a question comes in untranslated the wall has a gate.
    directs.forEach((way, k) =>
      way.arrows.forEach((a, j) => {
        if (a.to === id && a.state === "non-symmetric" && n.state === "one-way")
          shapes.push(rect(left - 2, directY + k * wayHeight + titleHeight + j * rowHeight + 10, wallWidth + 4, 12, "pic-gate"));
      }),
    );
    shapes.push(text(mid, 17, "middle", "pic-label", n.label));
    this.add("node", this.natID(id, i), n.state, n.crossing ?? "", n, shapes);
  }

  private seen(x: number, y: number, anchor: Anchor, list: PictureAddress[], room: number, id: string): void {
    const shapes: Shape[] = [];
    const end = y + 2 * seenPitch;
    for (const s of list) {
      const lines = wrap(s.text, room, 11, 2);
      if (y + 13 * lines.length > end) break;
      for (const c of lines) {
        shapes.push(text(x, y, anchor, "pic-soft", c));
        y += 13;
      }
      shapes.push(text(x, y, anchor, "pic-mono", shortened(s.address, room)));
      y += seenPitch - 13;
    }
    if (shapes.length) this.add("wire", id, "", "", undefined, shapes);
  }

  private legWide(id: string, a: PictureArrow, i: number, mw: number, edge: number, serverL: number): void {
    const y = headHeight + 24 + (i === 2 ? 3 : i) * legPitch; // the server's own check stands below the addresses
    const mid = this.x(id, half(edge + serverL));
    const [x1, x2] = [this.x(id, mw + 3), this.x(id, serverL - 2)];
    const t = id === this.p.a ? 1 : -1;
    const cx = this.x(id, serverL - 22);
    const shapes: Shape[] = [];
    if (a.state === "alive") shapes.push(path("pic-line", `M${x1} ${y}H${x2 - 8 * t}`), path("pic-flow", `M${x1} ${y}H${x2 - 8 * t}`), head(x2, y, t));
    else if (a.state === "dead") shapes.push(path("pic-line", `M${x1} ${y}H${cx - 9 * t}`), cross(cx, y));
    else if (a.state === "lost-on-return")
      shapes.push(path("pic-line", `M${x1} ${y - 2}H${x2 - 8 * t}`), head(x2, y - 2, t), path("pic-back", `M${x2} ${y + 6}H${mid}`), cross(mid - 9 * t, y + 6));
    else if (a.state === "non-symmetric")
      shapes.push(path("pic-line", `M${x2} ${y}H${x1 + 8 * t}`), head(x1, y, -t), path("pic-back", `M${x1} ${y + 8}H${x2 - 20 * t}`), cross(x2 - 11 * t, y + 8));
    else shapes.push(path("pic-dots", `M${x1} ${y}H${x2 - 8 * t}`), head(x2, y, t));
    let label = `${stateSign(a.state)} ${a.label}`;
    if (a.asked) label += ` ${shortened(withoutPort(a.asked), 110)}`;
    if (textWidth(label, 12) > serverL - edge - 8) label = label.split("(")[0]!.trim().split("（")[0]!; // what stands in brackets can be left out
    shapes.push(text(mid, y - 7, "middle", "pic-label", clip(label, serverL - edge - 8, 12)));
    this.add("leg", this.arrowID(a), a.state, "", a, shapes);
  }

  private serverWide(x: number, bottom: number): void {
    const n = this.nodes.get("server")!;
    const mid = x + half(serverWidth);
    let y = headHeight + 30;
    const shapes = [rect(x, headHeight, serverWidth, bottom - headHeight, "pic-box"), text(mid, headHeight + 24, "middle", "pic-name", n.label)];
    for (const s of [...n.addresses, ...n.notes]) shapes.push(text(mid, (y += 17), "middle", "pic-mono", shortened(s, serverWidth - 10)));
    this.add("node", n.id, n.state, "pic-server", n, shapes);
  }

  private relayWide(way: PictureWay, top: number, mw: number, edge: Record<string, number>, serverL: number): void {
    this.add("way", way.kind, way.outcome, "", way, [
      path("pic-rule", `M${serverL + 10} ${top}H${serverL + serverWidth - 10}`),
      text(half(this.w), top + 14, "middle", "pic-name", way.name),
      text(half(this.w), top + 38, "middle", "pic-soft", `${outcomeSign(way)} ${way.outcomeText}`),
    ]);
    way.arrows.forEach((a, i) => {
      const y = top + 20 + i * 27;
      const t = a.from === this.p.a ? 1 : -1;
      const shapes = this.straight(a, this.x(a.from, mw + 3), this.x(a.from, this.w - mw - 3), y, t, this.x(a.from, this.w - edge[a.to]! - 22));
      const room = serverL - edge[a.from]! - 8;
      shapes.push(text(this.x(a.from, half(edge[a.from]! + serverL)), y - 6, "middle", "pic-label", clip(`${stateSign(a.state)} ${a.label}`, room, 12)));
      this.add("arrow", this.arrowID(a), a.state, "", a, shapes);
    });
  }

  /** straight are the states in which nothing bends; cx is where a loss is marked. */
  private straight(a: PictureArrow, x1: number, x2: number, y: number, t: number, cx: number): Shape[] {
    switch (a.state) {
      case "alive":
        return [path("pic-line", `M${x1} ${y}H${x2 - 8 * t}`), path("pic-flow", `M${x1} ${y}H${x2 - 8 * t}`), head(x2, y, t)];
      case "dead":
      case "lost-on-return":
      case "non-symmetric":
        return [path("pic-line", `M${x1} ${y}H${cx - 9 * t}`), cross(cx, y), path("pic-gone", `M${cx + 9 * t} ${y}H${x2}`)];
      case "not-sent":
        return [path("pic-line", `M${x1} ${y}H${x1 + 20 * t}m0 -6v12`), path("pic-gone", `M${x1 + 26 * t} ${y}H${x2}`)];
    }
    return [path(lineOf(a.state), `M${x1} ${y}H${x2 - 8 * t}`), head(x2, y, t)];
  }

  private arrowWide(a: PictureArrow, top: number, mw: number, edge: Record<string, number>): void {
    const { w } = this;
    const t = a.from === this.p.a ? 1 : -1;
    const at = (x: number) => this.x(a.from, x);
    const [x1, x2, mid] = [at(mw + 3), at(w - mw - 3), half(w)];
    const label = `${stateSign(a.state)} ${a.label}`;
    const shapes: Shape[] = [];
    const asked = (y: number) => {
      const room = mid - edge[a.to]! - 8 - half(textWidth(label, 12)) - 10;
      if (a.asked && room > 60) shapes.push(text(at(w - edge[a.to]! - 8), y, this.anchor(a.from, "end"), "pic-mono", shortened(a.asked, room)));
    };
    if (a.state === "lost-on-return") {
      shapes.push(
        path("pic-line", `M${x1} ${top + 18}H${x2 - 8 * t}`),
        head(x2, top + 18, t),
        path("pic-back", `M${x2} ${top + 40}H${mid + 9 * t}`),
        cross(mid, top + 40),
        path("pic-gone", `M${mid - 9 * t} ${top + 40}H${x1}`),
        text(mid, top + 12, "middle", "pic-label", label),
      );
      asked(top + 12);
    } else if (a.state === "non-symmetric") {
      const room = w - edge[this.p.a]! - edge[this.p.b]! - 16;
      shapes.push(
        path("pic-line", `M${x1} ${top + 16}H${x2 - 8 * t}`),
        head(x2, top + 16, t),
        path("pic-back", `M${x2} ${top + 29}H${at(w - edge[a.to]! - 26)}c${-16 * t} 0 ${-12 * t} 18 ${-28 * t} 18H${at(mw + 36)}`),
        head(at(mw + 26), top + 47, -t),
        cross(at(mw + 14), top + 47),
        text(mid, top + 11, "middle", "pic-label pic-asks", clip(a.askedText ?? "", room, 12)),
        text(mid, top + 41, "middle", "pic-label pic-stray", clip(`${stateSign(a.state)} ${a.answerText ?? ""}`, room, 12)),
      );
    } else {
      shapes.push(...this.straight(a, x1, x2, top + 32, t, mid), text(mid, top + 21, "middle", "pic-label", label));
      asked(top + 21);
    }
    this.add("arrow", this.arrowID(a), a.state, "", a, shapes);
  }

  /** tall: the same from top to bottom, for a narrow screen. */
  tall(): Drawing {
    const { p, w } = this;
    const edge: Record<string, number> = {};
    for (const id of [p.a, p.b]) edge[id] = boxHeight + tallWallGap + wallWidth + (this.natsOf(id).length === 2 ? tallTier : 0);
    const top = edge[p.a]! + tallSeen;
    const end = top + middleHeight;
    this.h = end + tallSeen + edge[p.b]!;
    const { relays, directs } = this.sorted();
    const col = this.column();
    const split = legsWidth + relays.length * col;
    const between = this.nodes.get("between")!;
    const nat = this.nodes.get("nat");
    const middle = top + half(middleHeight);
    const chipX = half(w + split);
    if (nat) {
      const [y1, y2] = [boxHeight + tallWallGap, this.h - boxHeight - tallWallGap];
      const x = Math.min(split - 8, w - wallWidth);
      const shapes = [...wall(0, y1, x, wallWidth), ...wall(0, y2 - wallWidth, x, wallWidth), ...wall(x, y1, wallWidth, y2 - y1)];
      if (directs.length > 0 && directs[0]!.kind !== "host") shapes.push(...wall(split + wallWidth - 8, middle - half(wallWidth), col - wallWidth, wallWidth));
      this.add("node", nat.id, nat.state, "", nat, [...shapes, ...this.chip(chipX, end - 26, nat.label)]);
    }
    for (const id of [p.a, p.b]) {
      this.machineTall(id);
      this.natsOf(id).forEach((n, i) => this.wallTall(id, i, n, boxHeight + tallWallGap + i * tallTier, split));
      this.outside(id).slice(0, 2).forEach((s, i) => {
        const y = id === p.a ? edge[id]! + 15 + i * 15 : this.h - edge[id]! - 22 + i * 15;
        const caption = clip(s.text, half(w), 11);
        const width = textWidth(caption, 11);
        this.tags.push(text(4, y, "start", "pic-soft", caption), text(12 + width, y, "start", "pic-mono", shortened(s.address, w - width - 16)));
      });
      this.legsOf(id).filter((a) => a.from === id).forEach((a, i) => this.legTall(id, a, 18 + i * 56, middle - 44));
    }
    const n = this.nodes.get("server")!;
    const box = [rect(1, middle - 42, split - 10, 84, "pic-box")];
    wrap(n.label, legsWidth - 16, 13, 2).forEach((s, i) => box.push(text(half(legsWidth) - 4, middle - 14 + i * 17, "middle", "pic-name", s)));
    if (n.addresses.length) box.push(text(half(legsWidth) - 4, middle + 30, "middle", "pic-mono", shortened(withoutPort(n.addresses[0]!), legsWidth - 8)));
    this.add("node", n.id, n.state, "pic-server", n, box);
    [...relays, ...directs].forEach((way, i) => this.wayTall(way, legsWidth + i * col, col, top, end, edge));
    if (!nat) this.add("node", between.id, between.state, "", between, [path("pic-spine", `M${split + 6} ${end - 14}H${w}`), ...this.chipOf(chipX, end - 26, wrap(between.label, Math.max(w - split - 48, 120), 12, 2))]);
    this.add("wire", "tags", "", "", undefined, this.tags);
    return { w, h: this.h, tall: true, marks: this.marks };
  }

  private machineTall(id: string): void {
    const n = this.nodes.get(id)!;
    const y = Math.min(this.y(id, 0), this.y(id, boxHeight));
    const room = this.w - 66;
    const shapes = [
      rect(1, y + 1, this.w - 2, boxHeight - 2, "pic-box"),
      text(28, y + 44, "middle", "pic-letter", this.letter(n)),
      text(58, y + 22, "start", "pic-name", clip(n.label, room, 13)),
    ];
    if (n.addresses.length) shapes.push(text(58, y + 40, "start", "pic-mono", shortened(n.addresses.slice(0, 2).join(" "), room)));
    shapes.push(text(58, y + 58, "start", "pic-soft", clip(n.notes.join(" · "), room, 11)));
    this.add("node", this.side(id), n.state, "", n, shapes);
  }

  private wallTall(id: string, i: number, n: PictureNode, at: number, split: number): void {
    const y = Math.min(this.y(id, at), this.y(id, at + wallWidth));
    const upper = upperOf(n);
    const shapes: Shape[] = [];
    if (upper) {
      shapes.push(...bar(0, y, split, wallWidth, upper));
      const lower = lowerOf(n, upper);
      if (lower && split < this.w) shapes.push(...bar(split, y, this.w - split, wallWidth, lower));
    } else shapes.push(path("pic-faint", `M0 ${y + half(wallWidth)}H${this.w}`));
    // Between the last two arrows, or at the edge where they leave no room.
    const col = this.column();
    const fits = textWidth(n.label, 12) < half(col) - 8;
    this.tags.push(text(fits ? this.w - half(col) : this.w - 6, id === this.p.a ? y - 7 : y + wallWidth + 16, fits ? "middle" : "end", "pic-label", n.label));
    this.add("node", this.natID(id, i), n.state, n.crossing ?? "", n, shapes);
  }

  private legTall(id: string, a: PictureArrow, x: number, to: number): void {
    const [y1, y2] = [this.y(id, boxHeight + 3), this.y(id, to)];
    const d = id === this.p.a ? 1 : -1;
    const cy = y2 - 20 * d;
    const shapes: Shape[] = [];
    if (a.state === "alive") shapes.push(path("pic-line", `M${x} ${y1}V${y2 - 8 * d}`), path("pic-flow", `M${x} ${y1}V${y2 - 8 * d}`), headDown(x, y2, d));
    else if (a.state === "dead") shapes.push(path("pic-line", `M${x} ${y1}V${cy - 9 * d}`), cross(x, cy));
    else if (a.state === "lost-on-return")
      shapes.push(path("pic-line", `M${x - 3} ${y1}V${y2 - 8 * d}`), headDown(x - 3, y2, d), path("pic-back", `M${x + 6} ${y2}V${cy - 16 * d}`), cross(x + 6, cy - 24 * d));
    else shapes.push(path("pic-dots", `M${x} ${y1}V${y2 - 8 * d}`), headDown(x, y2, d));
    shapes.push(text(x - 16, this.y(id, to - 56) + 4, "start", "pic-label", `${stateSign(a.state)} ${a.id.startsWith("stun ") ? "STUN" : "HTTP"}`));
    this.add("leg", this.arrowID(a), a.state, "", a, shapes);
  }

  private wayTall(way: PictureWay, left: number, width: number, top: number, end: number, edge: Record<string, number>): void {
    const mid = left + half(width);
    const title: Shape[] = [];
    let y = top + 10;
    for (const s of wrap(way.name, width - 6, 13, 2)) {
      title.push(text(mid, y, "middle", "pic-name", s));
      y += 16;
    }
    title.push(text(mid, y, "middle", "pic-soft", clip(`${outcomeSign(way)} ${way.outcomeText}`, width - 4, 11)));
    way.arrows.forEach((a, i) => {
      const x = left + Math.trunc((width * (1 + 2 * i)) / 4);
      const d = a.from === this.p.a ? 1 : -1;
      const [y1, y2] = [this.y(a.from, boxHeight + 3), this.y(a.to, boxHeight + 3)];
      const cy = half(top + end) - 6 * d;
      let shapes: Shape[];
      switch (a.state) {
        case "alive":
          shapes = [path("pic-line", `M${x} ${y1}V${y2 - 8 * d}`), path("pic-flow", `M${x} ${y1}V${y2 - 8 * d}`), headDown(x, y2, d)];
          break;
        case "dead":
          shapes = [path("pic-line", `M${x} ${y1}V${cy - 9 * d}`), cross(x, cy), path("pic-gone", `M${x} ${cy + 9 * d}V${y2}`)];
          break;
        case "lost-on-return":
          shapes = [path("pic-line", `M${x - 5} ${y1}V${y2 - 8 * d}`), headDown(x - 5, y2, d), path("pic-back", `M${x + 7} ${y2}V${cy + 9 * d}`), cross(x + 7, cy), path("pic-gone", `M${x + 7} ${cy - 9 * d}V${y1}`)];
          break;
        case "non-symmetric":
          shapes = [
            path("pic-line", `M${x - 6} ${y1}V${y2 - 8 * d}`),
            headDown(x - 6, y2, d),
            path("pic-back", `M${x + 4} ${y2}V${y2 - (edge[a.to]! - boxHeight + 30) * d}c0 ${-16 * d} 16 ${-12 * d} 16 ${-28 * d}V${y1 + 30 * d}`),
            headDown(x + 20, y1 + 21 * d, -d),
            cross(x + 20, y1 + 10 * d),
          ];
          break;
        case "not-sent":
          shapes = [path("pic-line", `M${x} ${y1}V${y1 + 14 * d}m-6 0h12`), path("pic-gone", `M${x} ${y1 + 20 * d}V${y2}`)];
          break;
        default:
          shapes = [path(lineOf(a.state), `M${x} ${y1}V${y2 - 8 * d}`), headDown(x, y2, d)];
      }
      let ly = top + 68 + i * (way.via === "server" ? 128 : 92);
      for (const s of wrap(`${stateSign(a.state)} ${a.label}`, width - 6, 12, 2)) {
        shapes.push(text(mid, ly, "middle", "pic-label", s));
        ly += 15;
      }
      if (a.answerer) shapes.push(text(mid, ly, "middle", "pic-mono pic-stray", shortened(a.answerer, width - 4)));
      this.add("arrow", this.arrowID(a), a.state, "", a, shapes);
    });
    this.add("way", way.kind, way.outcome, "", way, title);
  }
}

/** withoutPort is the address of an ip:port. */
function withoutPort(s: string): string {
  return shortHost(s).replace(/^\[?(.*?)\]?:\d+$/, "$1");
}
