import { describe, expect, test } from "vitest";
import type { Event } from "../protocol.gen";
import { brief, kindOfEvent, sentence, trialOf } from "../ui/timeline/kinds";
import { LaneFold } from "../ui/timeline/lanes";
import { Brief, Kept, WHOLE_SAMPLES } from "./kept";
import { MAX_POINTS, SeriesFold, thinned } from "./series";
import { story } from "./story";

type Sampled = Event & { type: "sample" };

const recorded = story("flat");
const from = recorded.findIndex((e) => e.type === "sample" && e.sample.selectedPair && e.sample.trial.startsWith("host-"));
const rounds = recorded.slice(from).filter((e): e is Sampled => e.type === "sample" && e.sample.trial === (recorded[from] as Sampled).sample.trial);

/** streamed is the recording until its trial is up, and then its samples over and over, two a second from each end, handed on once a second. */
function* streamed(minutes: number): Generator<Event[]> {
  const before = structuredClone(recorded.slice(0, from)); // what is kept is changed
  yield before;
  let seq = before.at(-1)!.seq;
  const began = before.at(-1)!.atMs;
  for (let second = 0; second < minutes * 60; second++) {
    yield Array.from({ length: 4 }, (_, i) => {
      const e = structuredClone(rounds[(4 * second + i) % rounds.length]!);
      const atMs = began + second * 1000 + i * 250;
      return { ...e, seq: ++seq, atMs, peer: "ab"[i % 2]!, sample: { ...e.sample, atMs } };
    });
  }
}

/** page is what a page keeps of a stream, and how much that is: the samples that are not yet brief, the briefs, the points of the lines, and what is drawn of them. */
function page() {
  const kept = new Kept();
  const series = new SeriesFold();
  const lanes = new LaneFold();
  let events: readonly Event[] = [];
  return {
    series,
    lanes,
    events: () => events,
    take(more: Event[]) {
      for (const e of more) {
        series.add(e);
        kept.add(e);
      }
      events = kept.all();
      for (const e of more) lanes.add(e);
    },
    size() {
      const samples = events.filter((e): e is Sampled => e.type === "sample");
      const lines = [...series.lines.values()];
      return {
        whole: samples.filter((e) => !(e.sample instanceof Brief)).length,
        briefs: new Set(samples.map((e) => e.sample).filter((s) => s instanceof Brief)).size,
        room: lines.reduce((sum, l) => sum + l.xs.buffer.byteLength, 0),
        drawn: lines.reduce((sum, l) => sum + thinned(l, 0, events.at(-1)!.atMs, 120).xs.length, 0),
      };
    },
  };
}

describe("twenty minutes of samples", () => {
  const p = page();
  const sizes: ReturnType<typeof p.size>[] = [];
  let taken = 0;
  let said: string[] = [];
  for (const more of streamed(20)) {
    said = said.concat(more.map((e) => `${kindOfEvent(e)} ${trialOf(e)} ${brief(e)}`));
    p.take(more);
    if (taken++ % 60 === 0) sizes.push(p.size());
  }

  test("leave as much as two minutes of them", () => {
    const [, , two, ...rest] = sizes;
    expect(rest.length).toBe(18);
    for (const s of rest) expect({ ...s, drawn: 0 }).toEqual({ ...two, drawn: 0 });
    expect(two!.whole).toBe(WHOLE_SAMPLES);
    expect(two!.briefs).toBeLessThan(20);
    for (const s of sizes) expect(s.drawn).toBeLessThanOrEqual(p.series.lines.size * 242);
  });

  test("are all on the timeline, in the words that they had when they were whole", () => {
    const events = p.events();
    expect(events.length).toBe(from + 20 * 60 * 4);
    expect(events.map((e) => `${kindOfEvent(e)} ${trialOf(e)} ${brief(e)}`)).toEqual(said);
    expect(sentence(events[from]!)).toContain("sample");
    const marks = p.lanes.lanes.flatMap((l) => l.marks);
    expect(new Set(marks)).toEqual(new Set(events)); // the same objects: a lane keeps nothing of its own
  });

  test("leave the last ten minutes of each line that goes on", () => {
    const long = [...p.series.lines.values()].filter((l) => l.metric === "throughput" && l.trial === rounds[0]!.sample.trial);
    expect(long.length).toBe(2);
    for (const l of long) {
      expect(l.xs.length).toBe(MAX_POINTS);
      expect(l.xs.at(-1)! - l.xs[0]!).toBeGreaterThanOrEqual(599_500);
    }
  });
});

test("whoever comes late is sent everything at once, and keeps as much", () => {
  const p = page();
  p.take([...streamed(20)].flat());
  expect(p.size()).toMatchObject({ whole: WHOLE_SAMPLES });
  expect(p.series.lines.size).toBeGreaterThan(0);
  const samples = p.events().filter((e): e is Sampled => e.type === "sample");
  expect(samples.slice(-WHOLE_SAMPLES).every((e) => !(e.sample instanceof Brief))).toBe(true); // the newest
});
