import { expect, test } from "vitest";
import type { Event } from "../protocol.gen";
import { candidate, end, finding, pair, peer, report, trial, verdict } from "../ui/fixtures/build";
import { candidateKey, focusOfCandidate, focusOfEvents, focusOfEvidence, laneKey, pairKey } from "./focus";

const small = () => {
  const a = peer("a", "A", "10.1.0.2", { candidates: [candidate("stun", "host", "10.1.0.2", 1000, { event: 3 })] });
  const b = peer("b", "B", "10.9.0.2", { candidates: [candidate("stun", "host", "10.9.0.2", 2000, { event: 5 })] });
  const r = report("en", { verdict: verdict({}), peers: [a, b] });
  r.trials = [trial("stun", { outcome: "connected", pairs: [pair(end("host", "10.1.0.2", 1000), end("host", "10.9.0.2", 2000), { directions: { aToB: "answered", bToA: "answered" }, events: [20, 21] })] })];
  return r;
};
const sample = (seq: number) => ({ seq, atMs: seq, type: "sample" }) as Event;

test("an event of a candidate lights its row, and so does its being applied at the other end", () => {
  const r = small();
  const row = candidateKey("b", r.peers[1]!.candidates[0]!);
  const brought = { seq: 5, atMs: 5, type: "candidate" } as Event;
  const applied = { seq: 7, atMs: 7, peer: "a", type: "applied", applied: { trial: "stun-1", ref: 5, ok: true } } as Event;
  expect(focusOfEvents(r, [brought])).toEqual({ candidates: [row], pairs: [], lanes: [], events: [5] });
  expect(focusOfEvents(r, [applied])).toEqual({ candidates: [row], pairs: [], lanes: [], events: [7] });
});

test("a sample lights the pairs that it holds and the arrows of their trial", () => {
  const r = small();
  expect(focusOfEvents(r, [sample(21), sample(22)])).toEqual({
    candidates: [],
    pairs: [pairKey("stun-1", r.trials[0]!.pairs[0]!)],
    lanes: [laneKey("stun", "a", "b"), laneKey("stun", "b", "a")],
    events: [21, 22],
  });
});

test("what a row lights in the timeline lights the row", () => {
  const r = small();
  const c = r.peers[0]!.candidates[0]!;
  const back = focusOfEvents(r, focusOfCandidate(r, "a", c).events!.map(sample));
  expect(back.candidates).toContain(candidateKey("a", c));
  expect(back.pairs).toHaveLength(1);
});

test("without a snapshot an event is itself", () => expect(focusOfEvents(null, [sample(1)])).toEqual({ events: [1] }));

test("an opened finding marks the rows of both tables", () => {
  const r = small();
  const f = finding("udp-blocked", { title: "", summary: "", remedy: "", trial: "stun", evidence: [{ text: "B signaled 10.9.0.2:2000.", events: [5] }] });
  const lights = focusOfEvidence(r, f);
  expect(lights.candidates).toContain(candidateKey("b", r.peers[1]!.candidates[0]!));
  expect(lights.pairs).toEqual([pairKey("stun-1", r.trials[0]!.pairs[0]!)]);
  expect(lights.events).toEqual([5]);
});
