// The recorded answers are of real browsers: two RTCPeerConnections in one page, connected over masked host candidates.
import { expect, test } from "vitest";
import certificates from "./testdata/chromium-156-certificates.json";
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
  expect(local).toEqual({ id: pair?.local, type: "host", protocol: "udp", port: 33182, priority: 2113942271, foundation: "2155647649", networkType: "unknown", usernameFragment: "HWhJ" });
  expect(pair).toMatchObject({ packetsSent: 3842, packetsReceived: 5044, bytesSent: 2096333, bytesReceived: 4795549 });
  expect(s.remote?.every((c) => c.usernameFragment === undefined)).toBe(true);
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

test("the certificates that are in use and were shown, through the transport", () => {
  const s = sample(certificates);
  expect(s.localFingerprint).toBe(`sha-256 48:BF:B7:8E:8A:C3:9B:03:A7:73:51:8F:8C:99:4F:28:4C:AE:DA:F7:34:9F:C1:85:C5:48:35:CB:8C:6B:A9:BA`);
  expect(s.remoteFingerprint).toBe(`sha-256 CD:8E:18:22:54:EF:DE:B4:49:28:02:33:C6:66:2E:32:F2:C3:50:53:A9:B9:BA:E8:89:FA:45:A9:19:9C:C3:D4`);
  expect(s.dtlsRole).toBe("server");
  const none = sample(certificates.filter((c) => c.type !== "certificate"));
  expect(none).not.toHaveProperty("localFingerprint");
  expect(none).not.toHaveProperty("remoteFingerprint");
  expect(sample([{ id: "t", type: "transport", dtlsRole: "unknown" }])).not.toHaveProperty("dtlsRole");
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
