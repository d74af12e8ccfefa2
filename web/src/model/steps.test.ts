import { describe, expect, test } from "vitest";
import { axisMs, bars, foldSteps, measuredMs, StepFold } from "./steps";
import { story } from "./story";

describe("flat: everything connects", () => {
  const events = story("flat");
  const fold = foldSteps(events);

  test("every trial passes all steps, both ends", () => {
    const trials = fold.trials(1);
    expect(trials.map((tr) => tr.kind)).toEqual(expect.arrayContaining(["host", "stun"]));
    for (const tr of trials) {
      expect(tr.outcome).toBe("connected");
      expect(tr.last).toBe("video");
      expect(Object.keys(tr.steps)).toEqual(["gather", "check", "dtls", "data", "video"]);
      expect(Object.keys(tr.ends).sort()).toEqual(["a", "b"]);
      for (const s of [tr.steps, ...Object.values(tr.ends)].flatMap((s) => Object.values(s))) if (s.toMs !== null) expect(s.toMs).toBeGreaterThanOrEqual(s.fromMs);
      expect(measuredMs(tr)).toBeLessThanOrEqual(tr.endMs!);
    }
  });

  test("the moments are the server's", () => {
    const tr = fold.trial("host-1")!;
    const at = (peer: string, what: string, value: string) =>
      events.find((e) => e.type === "state" && e.peer === peer && e.state.trial === "host-1" && e.state.what === what && e.state.value === value)!.atMs;
    expect(tr.startMs).toBe(events.find((e) => e.type === "start" && e.start.trial === "host-1")!.atMs);
    expect(tr.ends["a"]!.check!.fromMs).toBeLessThanOrEqual(at("a", "ice", "checking"));
    expect(tr.ends["a"]!.check!.toMs).toBe(at("a", "ice", "connected"));
    expect(tr.steps.check!.toMs).toBe(Math.max(at("a", "ice", "connected"), at("b", "ice", "connected")));
  });

  test("the pieces of the way follow each other without overlap", () => {
    for (const tr of fold.trials(1)) {
      const { way, beside } = bars(tr, 0);
      expect(way.map((b) => b.step)).toEqual(["gather", "check", "dtls", "data"]);
      way.forEach((b, i) => {
        expect(b.toMs).toBeGreaterThanOrEqual(b.fromMs);
        if (i > 0) expect(b.fromMs).toBeGreaterThanOrEqual(way[i - 1]!.toMs);
        expect(b.cut || b.open).toBe(false);
      });
      expect(beside.at(-1)!.step).toBe("video");
    }
  });
});

test("dtls-blocked: stuck in DTLS", () => {
  const tr = foldSteps(story("dtls-blocked")).trial("stun-1")!;
  expect([tr.outcome, tr.reason, tr.last]).toEqual(["stuck", "dtls-timeout", "dtls"]);
  expect(tr.steps.dtls!.toMs).toBeNull();
  const piece = bars(tr, 0).way.at(-1)!;
  expect(piece).toMatchObject({ step: "dtls", cut: true, open: false, toMs: tr.endMs });
  expect(measuredMs(tr)).toBeNull();
});

test("nat-dependent-both: no answer to any check", () => {
  const tr = foldSteps(story("nat-dependent-both")).trial("stun-1")!;
  expect(tr.outcome).toBe("failed");
  expect(tr.last).toBe("check");
  expect(tr.steps.dtls).toBeUndefined();
  expect(bars(tr, 0).way.at(-1)).toMatchObject({ step: "check", cut: true });
});

test("a trial that runs grows to now, at each moment of its story", () => {
  const fold = new StepFold();
  let open = 0;
  for (const e of story("flat")) {
    fold.add(e);
    const tr = fold.trial("stun-1");
    if (!tr) continue;
    const { way, beside } = bars(tr, e.atMs);
    for (const b of [...way, ...beside]) expect(b.toMs).toBeLessThanOrEqual(e.atMs);
    if (way.at(-1)!.open) {
      expect(way.at(-1)!.toMs).toBe(e.atMs);
      open++;
    }
  }
  expect(open).toBeGreaterThan(10);
});

test("a run of an experiment is known as one", () => {
  const fold = foldSteps(story("dtls-blocked"));
  expect([...fold.runs.values()].map((r) => r.experiment)).toEqual(expect.arrayContaining(["", "size"]));
  expect(fold.trials(2).map((tr) => tr.id)).toEqual(expect.arrayContaining(["host-2", "stun-2"]));
});

test("what is not compared is left out", () => {
  expect(foldSteps(story("flat")).trial("nat-1")).toBeUndefined();
  expect(foldSteps(story("flat")).trial("alone-1")).toBeUndefined();
});

test("the axis grows in few steps", () => {
  expect([0, 1999, 2001, 16_000, 700_000].map(axisMs)).toEqual([2000, 2000, 3000, 20_000, 1_200_000]);
});
