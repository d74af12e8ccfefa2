// The recorded answers are of real browsers: two RTCPeerConnections in one page, connected over masked host candidates.
import { expect, test } from "vitest";
import chromium from "./testdata/chromium-156-masked.json";
import firefox from "./testdata/firefox-153-masked.json";
import { toSample, type Stats } from "./sample";

const sample = (stats: unknown, counts = true) => toSample("host-1", 12.5, stats as Stats[], counts);

test("Chromium: counters, and no addresses while masked", () => {
  const s = sample(chromium);
  expect(s.counters).toBe(true);
  expect(s.iceState).toBe("connected");
  expect(s.dtlsState).toBe("connected");
  const pair = s.pairs?.find((p) => p.id === s.selectedPair);
  expect(pair).toMatchObject({ state: "succeeded", nominated: true, requestsSent: 4, requestsReceived: 4, responsesSent: 4, responsesReceived: 4, rttMs: 1 });
  const local = s.local?.find((c) => c.id === pair?.local);
  expect(local).toEqual({ id: pair?.local, type: "host", protocol: "udp", port: 33182, priority: 2113942271, foundation: "2155647649", networkType: "unknown" });
  expect(s.remote?.every((c) => c.address === undefined)).toBe(true);
});

test("Firefox: absent counters stay absent, masked names are visible", () => {
  const s = sample(firefox, false);
  expect(s.counters).toBe(false);
  const pair = s.pairs?.find((p) => p.id === s.selectedPair);
  expect(pair).toMatchObject({ state: "succeeded", nominated: true, responsesReceived: 1 });
  expect(pair).not.toHaveProperty("requestsSent");
  expect(s.local?.[0]?.address).toMatch(/\.local$/);
  const silent = s.pairs?.find((p) => p.responsesReceived === 0);
  expect(silent).not.toHaveProperty("rttMs");
});

test("no pairs: what the browser is known to do decides", () => {
  expect(sample([]).counters).toBe(true);
  expect(sample([], false).counters).toBe(false);
  expect(sample([])).toEqual({ trial: "host-1", atMs: 12.5, counters: true });
});

test("older Firefox: the selected pair is marked, the state is spelled inprogress", () => {
  const s = sample([{ id: "p", type: "candidate-pair", state: "inprogress", selected: true, localCandidateId: "l", remoteCandidateId: "r" }]);
  expect(s.selectedPair).toBe("p");
  expect(s.pairs).toEqual([{ id: "p", local: "l", remote: "r", state: "in-progress" }]);
  expect(s.counters).toBe(false);
});

test("a counter of zero is zero, a placeholder address is hidden", () => {
  const s = sample([
    { id: "p", type: "candidate-pair", state: "in-progress", requestsSent: 0 },
    { id: "r", type: "remote-candidate", candidateType: "prflx", protocol: "udp", address: "redacted-ip.invalid", port: 5 },
  ]);
  expect(s.pairs?.[0]?.requestsSent).toBe(0);
  expect(s.remote).toEqual([{ id: "r", type: "prflx", protocol: "udp", port: 5 }]);
});
