import { describe, expect, test } from "vitest";
import type { Event, Sample } from "../protocol.gen";
import { aligned, MAX_LINES, MAX_POINTS, SeriesFold, thinned, valueAt, type Line } from "./series";
import { story } from "./story";

function fold(events: readonly Event[]): SeriesFold {
  const f = new SeriesFold();
  for (const e of events) f.add(e);
  return f;
}

let seq = 0;
const start = (trial = "host-1"): Event => ({ seq: seq++, atMs: 0, type: "start", start: { trial, offerer: "a", answerer: "b" } });
function sample(atMs: number, pair: Partial<NonNullable<Sample["pairs"]>[number]> | null, trial = "host-1"): Event {
  return {
    seq: seq++,
    atMs,
    peer: "a",
    type: "sample",
    sample: { trial, atMs, counters: true, ...(pair ? { selectedPair: "P", pairs: [{ id: "P", local: "l", remote: "r", state: "succeeded", ...pair }] } : {}) },
  };
}
/** what a test compares: as arrays, a gap as null */
const points = (l: Pick<Line, "xs" | "ys">) => ({ xs: [...l.xs], ys: [...l.ys].map((y) => (Number.isNaN(y) ? null : y)) });
const line = (f: SeriesFold, metric: string) => {
  const l = [...f.lines.values()].find((l) => l.metric === metric)!;
  return { from: l.from, to: l.to, ...points(l) };
};
const put = (xs: number[], ys: (number | null)[]) => ({ xs: new Float64Array(xs), ys: new Float64Array(ys.map((y) => y ?? NaN)) });

describe("a story", () => {
  const f = fold(story("flat"));

  test("has each quantity of both directions", () => {
    for (const metric of ["rtt", "trips", "jitter", "loss", "throughput", "fps"]) {
      const there = [...f.lines.values()].filter((l) => l.metric === metric && l.kind === "host");
      expect(there.map((l) => `${l.from}${l.to}`).sort(), metric).toEqual(["ab", "ba"]);
    }
  });

  test("is in the order of time", () => {
    for (const l of f.lines.values()) expect(l.xs).toEqual(l.xs.toSorted());
  });
});

test("throughput is what arrived since the sample before, told at the end that received it", () => {
  const l = line(fold([start(), sample(500, { bytesReceived: 1000 }), sample(1000, { bytesReceived: 63_500 })]), "throughput");
  expect([l.from, l.to, l.xs, l.ys]).toEqual(["b", "a", [1000], [1000]]); // 62,500 bytes in half a second
});

test("what was not measured is a gap and no zero", () => {
  const f = fold([start(), sample(500, { bytesReceived: 0 }), sample(1000, { bytesReceived: 500 }), sample(1500, null), sample(2000, { bytesReceived: 900 }), sample(2500, { bytesReceived: 900 }), sample(9000, { bytesReceived: 5000 })]);
  expect(line(f, "throughput").ys).toEqual([8, null, 0, null]);
});

test("a round trip that only stayed in the statistics is not measured again", () => {
  const f = fold([start(), sample(500, { rttMs: 3, responsesReceived: 1 }), sample(1000, { rttMs: 3, responsesReceived: 1 }), sample(1500, { rttMs: 3, responsesReceived: 2 }), sample(12_000, { rttMs: 4, responsesReceived: 3 })]);
  expect(line(f, "rtt").xs).toEqual([500, 1500, 11_999, 12_000]);
  expect(line(f, "rtt").ys).toEqual([3, 3, null, 4]);
});

test("round trips stand where they were made, and their differences are the jitter", () => {
  const f = fold([start(), { seq: seq++, atMs: 100, peer: "a", type: "measurement", measurement: { trial: "host-1", atMs: 90, data: { rttMs: 10, jitterMs: 5, roundTripsMs: [10, 20, 10] } } }]);
  expect(line(f, "trips")).toMatchObject({ xs: [70, 90, 100], ys: [10, 20, 10] });
  expect(line(f, "jitter")).toMatchObject({ xs: [90, 100], ys: [10, 10] });
});

test("a line and their number are bounded", () => {
  const f = new SeriesFold();
  f.add(start());
  for (let i = 0; i < 3 * MAX_POINTS; i++) f.add(sample(i * 500, { bytesReceived: i * 1000, rttMs: i % 7 }));
  for (const l of f.lines.values()) expect(l.xs.length).toBeLessThanOrEqual(MAX_POINTS);
  for (let run = 2; run < 2 + MAX_LINES; run++) for (const e of [start(`host-${run}`), sample(500, { bytesReceived: 0, rttMs: 1 }, `host-${run}`), sample(900, { bytesReceived: 9 }, `host-${run}`)]) f.add(e);
  expect(f.lines.size).toBeLessThanOrEqual(MAX_LINES);
  expect([...f.lines.values()].at(-1)!.trial).toBe(`host-${MAX_LINES + 1}`);
});

test("lines are put on one row of moments", () => {
  expect(aligned([{ xs: [1000, 3000], ys: [1, null] }, { xs: [2000, 3000], ys: [5, 6] }])).toEqual([[1, 2, 3], [1, undefined, null], [undefined, 5, 6]]);
});

test("the value at a moment", () => {
  const l = put([10, 20, 30], [1, null, 3]);
  expect([5, 10, 15, 25, 30, 99].map((at) => valueAt(l, at, 50))).toEqual([null, 1, 1, null, 3, null]);
});

describe("what is seen of a line", () => {
  const long = put(Array.from({ length: 1200 }, (_, i) => i * 500), Array.from({ length: 1200 }, (_, i) => (i === 400 ? null : i === 500 ? 90 : i === 600 ? 0 : 40 + (i % 2))));

  test("is as much as its places hold, with each peak, dip and gap of it", () => {
    const { xs, ys } = thinned(long, 0, 600_000, 100);
    expect(xs.length).toBeLessThanOrEqual(202);
    expect(xs).toEqual([...new Set(xs)].sort((a, b) => a - b));
    expect([400, 500, 600].map((i) => ys[xs.indexOf(i * 500)])).toEqual([null, 90, 0]);
  });

  test("is all of it where there is room, with one point beyond each end", () => {
    expect(thinned(long, 199_600, 200_900, 100)).toEqual({ xs: [199_500, 200_000, 200_500, 201_000], ys: [41, null, 41, 40] });
    expect(thinned(put([5, 10], [1, 2]), 0, 100, 100, 10)).toEqual({ xs: [5, 10], ys: [10, 20] });
    expect(thinned(put([], []), 0, 100, 100)).toEqual({ xs: [], ys: [] });
  });
});
