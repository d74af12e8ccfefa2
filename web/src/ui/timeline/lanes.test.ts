import { describe, expect, test } from "vitest";
import { story } from "../../model/story";
import { tickText, timeTicks } from "./draw";
import { Feed, firstFrom } from "./feed";
import { kindOfEvent, kinds, shapes, trialOf } from "./kinds";
import { binned, LaneFold, type Wanted } from "./lanes";

const events = story("dtls-blocked");
const fold = () => new Feed(() => new LaneFold());

describe("lanes", () => {
  const lanes = fold().take(events).lanes;

  test("hold every event once, in its order", () => {
    expect(lanes.flatMap((l) => l.marks.map((m) => m.seq)).sort((a, b) => a - b)).toEqual(events.map((e) => e.seq));
    for (const l of lanes) expect(l.marks.map((m) => m.atMs)).toEqual(l.marks.map((m) => m.atMs).sort((a, b) => a - b));
  });

  test("stand in the order of what the trials cost, the server first, the peers side by side", () => {
    expect(lanes[0]).toMatchObject({ trial: "", peer: "" });
    expect(lanes.slice(1).map((l) => `${l.trial} ${l.peer}`)).toEqual(["", "alone", "nat", "host", "stun", "relay-udp", "relay-tcp"].flatMap((t) => [`${t} a`, `${t} b`]));
  });

  test("forget what the page has let go of", () => {
    const f = fold().take(events);
    f.forget(300);
    expect(Math.min(...f.lanes.flatMap((l) => l.marks.map((m) => m.seq)))).toBe(300);
  });
});

describe("bins", () => {
  const marks = fold().take(events).lanes.find((l) => l.trial === "host" && l.peer === "a")!.marks;
  const wanted: Wanted = { fromMs: 0, toMs: 30_000, width: 900, binPx: 9, shows: () => true, lit: new Set() };

  test("lose nothing, and no two stand in one place", () => {
    const bins = binned(marks, wanted);
    expect(bins.reduce((n, b) => n + b.count, 0)).toBe(marks.length);
    expect(bins.length).toBeLessThanOrEqual(101);
    expect(bins.length).toBeLessThan(marks.length);
  });

  test("show what is lit above all else", () => {
    const sample = marks.find((m) => m.type === "sample")!;
    const bin = binned(marks, { ...wanted, toMs: 1e6, lit: new Set([sample.seq]) }).find((b) => b.lit)!;
    expect(bin.top.seq).toBe(sample.seq);
  });

  test("keep to the window and the filter", () => {
    const at = marks[10]!.atMs;
    const bins = binned(marks, { ...wanted, fromMs: at, toMs: at + 500, shows: (e) => kindOfEvent(e) === "state" });
    for (const b of bins) expect([kindOfEvent(b.top), b.fromMs >= at, b.toMs <= at + 500]).toEqual(["state", true, true]);
  });
});

test("a feed hands out each event once, whatever part of the list is kept, and begins anew with another list", () => {
  const feed = new Feed(() => ({ seqs: [] as number[], add(e: { seq: number }) { this.seqs.push(e.seq); } }));
  feed.take(events.slice(0, 10));
  feed.take(events.slice(5, 20));
  feed.take(events.slice(5, 20));
  expect(feed.fold.seqs).toEqual(events.slice(0, 20).map((e) => e.seq));
  feed.take([]);
  expect(feed.take(events.slice(0, 3)).seqs).toEqual([0, 1, 2]);
  expect([firstFrom(events.slice(5), 2), firstFrom(events.slice(5), 7), firstFrom([], 7)]).toEqual([0, 2, 0]);
});

test("each kind of event has a shape of its own", () => {
  expect(new Set(Object.values(shapes)).size).toBe(kinds.length);
  for (const e of events) expect(kinds).toContain(kindOfEvent(e));
  expect(trialOf(events.find((e) => e.type === "run")!)).toBe("");
});

test("the axis has round moments", () => {
  const { at, partMs } = timeTicks({ fromMs: 0, toMs: 10_000 }, 800);
  expect([partMs, at.length]).toEqual([1000, 11]);
  expect([tickText(1500, 100), tickText(2, 1)]).toEqual(["1.5 s", "0.002 s"]);
});
