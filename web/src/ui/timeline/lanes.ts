import type { Event } from "../../protocol.gen";
import { search } from "../../model/search";
import { kindOf } from "../../model/steps";
import { kindOfEvent, kinds, trialOf, type Kind } from "./kinds";

/** A lane is one peer in one kind of trial, or one peer beside its trials, or the server. Its marks rise in time. */
export interface Lane {
  /** kind of trial; "": beside the trials */
  trial: string;
  /** "": the server */
  peer: string;
  /** They are the events themselves, which the page keeps anyhow: one of their own for each would grow with the room. */
  marks: Event[];
}

/** Runs whose beginning is marked: of a room that is run again and again, the newest. */
const MAX_RUNS = 200;

const trialOrder = ["", "alone", "gather", "nat", "host", "stun", "relay-udp", "relay-tcp", "custom"];

/** LaneFold sorts the events into lanes. It keeps as many as the page keeps events. */
export class LaneFold {
  /** in the order in which they are drawn */
  lanes: Lane[] = [];
  firstMs = 0;
  lastMs = 0;
  runs: { number: number; atMs: number; experiment: boolean }[] = [];
  #empty = true;

  add(e: Event): void {
    if (this.#empty) this.firstMs = e.type === "room" ? 0 : e.atMs;
    this.#empty = false;
    this.lastMs = Math.max(this.lastMs, e.atMs);
    if (e.type === "run") this.runs.push({ number: e.run.number, atMs: e.atMs, experiment: !!e.run.experiment });
    const trial = kindOf(trialOf(e));
    const peer = e.peer ?? "";
    this.#lane(peer ? trial : "", peer).marks.push(e);
  }

  /** forget drops what is older than the oldest event that the page still has. */
  forget(oldest: number): void {
    if (this.runs.length > MAX_RUNS) this.runs.splice(0, this.runs.length - MAX_RUNS);
    for (const { marks } of this.lanes) if (marks[0] && marks[0].seq < oldest) marks.splice(0, search(marks.length, (i) => marks[i]!.seq < oldest));
  }

  #lane(trial: string, peer: string): Lane {
    let lane = this.lanes.find((l) => l.trial === trial && l.peer === peer);
    if (!lane) {
      lane = { trial, peer, marks: [] };
      this.lanes.push(lane);
      const rank = (l: Lane) => (l.peer === "" ? -1 : (trialOrder.indexOf(l.trial) + trialOrder.length) % trialOrder.length);
      this.lanes.sort((x, y) => rank(x) - rank(y) || x.peer.localeCompare(y.peer));
    }
    return lane;
  }
}

/** Bin is what is drawn in one place: the most important of the marks that stand there. */
export interface Bin {
  x: number;
  top: Event;
  count: number;
  /** the first and last of them */
  fromMs: number;
  toMs: number;
  lit: boolean;
  seqs: number[];
}

/** The most numbers of events that a bin names: what is pointed at is lit elsewhere too. */
const MAX_SEQS = 50;
const rank = Object.fromEntries(kinds.map((k, i) => [k, i])) as Record<Kind, number>;

export interface Wanted {
  fromMs: number;
  toMs: number;
  /** in pixels */
  width: number;
  binPx: number;
  shows(e: Event): boolean;
  lit: ReadonlySet<number>;
}

/** binned are the marks of a lane in a window of time, at most one for each place. */
export function binned(marks: readonly Event[], w: Wanted): Bin[] {
  const out: Bin[] = [];
  const scale = w.width / (w.toMs - w.fromMs);
  let bin: Bin | undefined;
  let place = -1;
  for (let i = search(marks.length, (i) => marks[i]!.atMs < w.fromMs); i < marks.length; i++) {
    const m = marks[i]!;
    if (m.atMs > w.toMs) break;
    if (!w.shows(m)) continue;
    const x = (m.atMs - w.fromMs) * scale;
    const at = Math.floor((m.atMs * scale) / w.binPx); // of the whole time, so that marks do not jump while it moves
    const lit = w.lit.has(m.seq);
    if (!bin || at !== place) {
      place = at;
      bin = { x, top: m, count: 1, fromMs: m.atMs, toMs: m.atMs, lit, seqs: [m.seq] };
      out.push(bin);
      continue;
    }
    bin.count++;
    bin.toMs = m.atMs;
    if (bin.seqs.length < MAX_SEQS) bin.seqs.push(m.seq);
    // What is lit is never hidden by what is not.
    if (lit !== bin.lit ? lit : rank[kindOfEvent(m)] < rank[kindOfEvent(bin.top)]) {
      bin.top = m;
      bin.x = x;
    }
    bin.lit ||= lit;
  }
  return out;
}
