// What was measured over time, as lines that a plot can draw. All of it is bounded: a connection that is kept up for hours leaves as much as one of ten minutes.
import type { Event, Sample, TrialID } from "../protocol.gen";
import { search } from "./search";
import { kindOf } from "./steps";

/** Points of one line: ten minutes of two samples a second. The oldest go first. */
export const MAX_POINTS = 1200;
/** A line is made for so many, which is what a trial has that is not held. One that has more takes the room for all at once, so that the page does not grow with each. */
const FEW_POINTS = 128;
/** Lines in all: five trials, two ends, six quantities, and two runs of it. Those of the oldest trial go first. */
export const MAX_LINES = 120;
/** Two samples further apart have a gap between them: they are sent at least every 500 ms. */
const SAMPLE_GAP_MS = 2000;
/** A round trip of ICE is asked for every few seconds while nothing else is to be done (RFC 7675 section 5.1: every 4 to 6 s). */
const RTT_GAP_MS = 8000;

/** trips are the round trips over the data channel, one by one; rtt are those of the connectivity checks. */
export const metrics = ["rtt", "trips", "jitter", "loss", "throughput", "fps"] as const;
export type Metric = (typeof metrics)[number];

/** Line is one quantity of one direction of a trial: what goes from one peer to another. A round trip begins at from. */
export class Line {
  readonly kind: string;
  #xs = new Float64Array(FEW_POINTS);
  #ys = new Float64Array(FEW_POINTS);
  #length = 0;

  constructor(
    readonly metric: Metric,
    readonly trial: TrialID,
    readonly from: string,
    readonly to: string,
  ) {
    this.kind = kindOf(trial);
  }

  /** on the server's clock, in milliseconds, rising */
  get xs(): Float64Array {
    return this.#xs.subarray(0, this.#length);
  }

  /** NaN is a gap: not measured. */
  get ys(): Float64Array {
    return this.#ys.subarray(0, this.#length);
  }

  put(x: number, y: number): void {
    if (this.#length === MAX_POINTS) {
      this.#length--;
      this.#xs.copyWithin(0, 1);
      this.#ys.copyWithin(0, 1);
    } else if (this.#length === this.#xs.length) {
      const { xs, ys } = this;
      (this.#xs = new Float64Array(MAX_POINTS)).set(xs);
      (this.#ys = new Float64Array(MAX_POINTS)).set(ys);
    }
    this.#xs[this.#length] = x;
    this.#ys[this.#length++] = y;
  }
}

/** End is what is remembered of an end between two of its events. */
interface End {
  atMs?: number;
  pair?: string | undefined;
  received?: number | undefined;
  answers?: number | undefined;
  rtt?: number | undefined;
  trips?: boolean;
  loss?: boolean;
  video?: boolean;
}

/** SeriesFold takes the events in their order, each once. */
export class SeriesFold {
  readonly lines = new Map<string, Line>();
  readonly #ends = new Map<TrialID, Map<string, End>>();
  /** grows with each change */
  version = 0;

  add(e: Event): void {
    switch (e.type) {
      case "start":
        if (e.start.answerer) this.#ends.set(e.start.trial, new Map([[e.start.offerer, {}], [e.start.answerer, {}]]));
        return;
      case "sample":
        this.#sample(e.sample, e.atMs, e.peer ?? "");
        return;
      case "measurement":
        this.#measurement(e);
        return;
      case "stop":
        this.#ends.delete(e.stop.trial); // the last sample comes when the connection is being closed
    }
  }

  #other(trial: TrialID, peer: string): string {
    return [...(this.#ends.get(trial)?.keys() ?? [])].find((id) => id !== peer) ?? "";
  }

  #sample(s: Sample, atMs: number, peer: string): void {
    const end = this.#ends.get(s.trial)?.get(peer);
    if (!end) return;
    const other = this.#other(s.trial, peer);
    const pair = s.pairs?.find((p) => p.id === s.selectedPair);
    const before = end.pair !== undefined && end.pair === pair?.id && s.atMs - end.atMs! <= SAMPLE_GAP_MS ? end : undefined;
    const passed = s.atMs - (before?.atMs ?? s.atMs);
    if (pair?.bytesReceived !== undefined && before?.received !== undefined && passed > 0) {
      this.#put("throughput", s.trial, other, peer, atMs, (Math.max(0, pair.bytesReceived - before.received) * 8) / passed);
    } else if (passed > 0 || !before) this.#gap("throughput", s.trial, other, peer, atMs);

    // The last value stays in the statistics: it was measured only where an answer has come since.
    const answers = pair?.responsesReceived;
    if (pair?.rttMs !== undefined && (pair.rttMs !== end.rtt || pair.id !== end.pair || (answers ?? 0) > (end.answers ?? 0))) {
      const line = this.lines.get(key("rtt", s.trial, peer));
      if (line && atMs - line.xs.at(-1)! > RTT_GAP_MS) this.#gap("rtt", s.trial, peer, other, atMs - 1);
      this.#put("rtt", s.trial, peer, other, atMs, pair.rttMs);
    } else if (pair === undefined) this.#gap("rtt", s.trial, peer, other, atMs);
    Object.assign(end, { atMs: s.atMs, pair: pair?.id, received: pair?.bytesReceived, answers, rtt: pair?.rttMs } satisfies End);
  }

  #measurement(e: Event & { type: "measurement" }): void {
    const { trial, data, video, atMs } = e.measurement;
    const peer = e.peer ?? "";
    const end = this.#ends.get(trial)?.get(peer);
    if (!end) return;
    const other = this.#other(trial, peer);
    const trips = data?.roundTripsMs ?? [];
    if (trips.length > 0 && !end.trips) {
      end.trips = true;
      // They were made one after the other, and told with the last of them.
      let at = e.atMs - trips.reduce((sum, trip) => sum + trip, 0);
      trips.forEach((trip, i) => {
        at += trip;
        this.#put("trips", trial, peer, other, at, trip);
        if (i > 0) this.#put("jitter", trial, peer, other, at, Math.abs(trip - trips[i - 1]!));
      });
    }
    if (data?.lossPercent != null && !end.loss) {
      end.loss = true;
      this.#put("loss", trial, peer, other, e.atMs, data.lossPercent);
    }
    if (video && !end.video) {
      end.video = true;
      if (video.framesDecoded === 0) this.#put("fps", trial, other, peer, e.atMs, 0);
      else if (video.fps !== undefined) {
        if (video.firstFrameMs !== undefined && video.firstFrameMs < atMs) this.#put("fps", trial, other, peer, e.atMs - (atMs - video.firstFrameMs), video.fps);
        this.#put("fps", trial, other, peer, e.atMs, video.fps);
      }
    }
  }

  #put(metric: Metric, trial: TrialID, from: string, to: string, x: number, y: number): void {
    const id = key(metric, trial, from);
    let line = this.lines.get(id);
    if (!line) {
      while (this.lines.size >= MAX_LINES) this.#forget();
      line = new Line(metric, trial, from, to);
      this.lines.set(id, line);
    }
    line.put(x, y);
    this.version++;
  }

  #gap(metric: Metric, trial: TrialID, from: string, to: string, x: number): void {
    const line = this.lines.get(key(metric, trial, from));
    if (line && !Number.isNaN(line.ys.at(-1))) this.#put(metric, trial, from, to, x, NaN);
  }

  #forget(): void {
    const oldest = this.lines.values().next().value!.trial;
    for (const [id, line] of this.lines) if (line.trial === oldest) this.lines.delete(id);
  }
}

/** foldSeries is for a list that is complete. */
export function foldSeries(events: readonly Event[]): SeriesFold {
  const fold = new SeriesFold();
  for (const e of events) fold.add(e);
  return fold;
}

function key(metric: Metric, trial: TrialID, from: string): string {
  return `${metric}|${trial}|${from}`;
}

/** Points are as many moments as values; null is a gap. */
export interface Points {
  xs: number[];
  ys: (number | null)[];
}

/**
 * thinned is what is to be seen of a line in a window of time: of the points that stand in one of so many places, the lowest and the highest, a gap being lower than all. So
 * a peak, a dip and an outage of half a second are still there when ten minutes are shown. One point beyond each end leads out of the window.
 */
export function thinned({ xs, ys }: Pick<Line, "xs" | "ys">, fromMs: number, toMs: number, places: number, scale = 1): Points {
  const out: Points = { xs: [], ys: [] };
  const y = (i: number) => (Number.isNaN(ys[i]) ? -1 : ys[i]!);
  const placeOf = (i: number) => Math.floor(((xs[i]! - fromMs) / (toMs - fromMs)) * places);
  const last = Math.min(xs.length, after(xs, toMs) + 1);
  for (let i = Math.max(0, after(xs, fromMs) - 1); i < last; ) {
    const place = placeOf(i);
    let low = i;
    let high = i;
    for (; i < last && placeOf(i) === place; i++) {
      if (y(i) < y(low)) low = i;
      if (y(i) > y(high)) high = i;
    }
    for (const at of new Set([Math.min(low, high), Math.max(low, high)])) {
      out.xs.push(xs[at]!);
      out.ys.push(y(at) < 0 ? null : y(at) * scale);
    }
  }
  return out;
}

/**
 * aligned puts lines on one row of moments in seconds, as uPlot wants them: undefined where a line has no point, which is drawn through, and null where it has a
 * gap, which is not.
 */
export function aligned(lines: readonly Points[]): [number[], ...(number | null | undefined)[][]] {
  const xs = [...new Set(lines.flatMap((l) => l.xs))].sort((a, b) => a - b);
  const columns = lines.map((l) => {
    const out: (number | null | undefined)[] = new Array(xs.length);
    let i = 0;
    for (let row = 0; row < xs.length && i < l.xs.length; row++) {
      while (i < l.xs.length && l.xs[i] === xs[row]) out[row] = l.ys[i++];
    }
    return out;
  });
  return [xs.map((x) => x / 1000), ...columns];
}

/** valueAt is the last value of a line at or before a moment, or null: not measured then. Beyond its end a line says nothing, but for what is about to come. */
export function valueAt(line: Pick<Line, "xs" | "ys"> | undefined, atMs: number, reachMs: number): number | null {
  if (!line) return null;
  const i = after(line.xs, atMs) - 1;
  return i >= 0 && atMs - line.xs[i]! <= reachMs && !Number.isNaN(line.ys[i]) ? line.ys[i]! : null;
}

const after = (xs: Float64Array, atMs: number) => search(xs.length, (i) => xs[i]! <= atMs);
