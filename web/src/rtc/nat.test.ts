import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClientMessage, Start } from "../protocol.gen";
import { NATTrial } from "./nat";

/** An RTCPeerConnection that does as it is told. */
class FakePC {
  static last: FakePC;
  static broken = "";
  onicecandidate = (_: { candidate: unknown }) => {};
  onicegatheringstatechange = () => {};
  oniceconnectionstatechange = () => {};
  onconnectionstatechange = () => {};
  iceGatheringState = "gathering";
  iceConnectionState = "checking";
  connectionState = "new";
  signalingState = "stable";
  localDescription: { sdp: string } | null = null;
  sctp = null;
  getStats = vi.fn();
  remote: unknown = null;
  constructor(readonly config: RTCConfiguration) {
    FakePC.last = this;
    if (FakePC.broken) throw new Error(FakePC.broken);
  }
  createDataChannel() {}
  async createOffer() {
    return { sdp: "offer" };
  }
  async setLocalDescription(d: { sdp: string }) {
    this.localDescription = d;
    this.onicecandidate({ candidate: { candidate: "candidate:1 1 udp 1 10.0.0.2 5000 typ host", sdpMid: "0" } });
  }
  async setRemoteDescription(d: { sdp: string }) {
    if (d.sdp === "nonsense") throw new Error("no SDP");
    this.remote = d;
  }
  close() {
    this.signalingState = this.connectionState = "closed";
  }
}

const start: Start = { trial: "nat-1", role: "offerer", peer: "", iceServers: [{ urls: ["stun:10.9.0.10:3478"] }], sampleMs: 500, roundTrips: 0, burstMs: 0, videoMs: 0 };
let sent: ClientMessage[];
const out = { send: (m: ClientMessage) => void sent.push(m), post: (m: ClientMessage) => void sent.push(m) };
const types = () => sent.map((m) => m.type);
const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  sent = [];
  FakePC.broken = "";
  vi.useFakeTimers();
  vi.stubGlobal("RTCPeerConnection", FakePC);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("it offers to the server, applies its answer, and sends no statistics", async () => {
  const nat = new NATTrial(start, out);
  await settled();
  expect(FakePC.last.config.iceServers).toEqual(start.iceServers);
  expect(types()).toEqual(["description", "candidate"]);
  nat.description({ trial: "nat-1", kind: "answer", sdp: "answer", atMs: 0 }, 7);
  await settled();
  FakePC.last.oniceconnectionstatechange();
  FakePC.last.onconnectionstatechange();
  expect(FakePC.last.remote).toEqual({ type: "answer", sdp: "answer" });
  expect(sent[2]).toMatchObject({ type: "applied", applied: { trial: "nat-1", ref: 7, ok: true } });
  expect(types().slice(3)).toEqual(["state", "state"]);
  await nat.stop();
  expect(FakePC.last.connectionState).toBe("closed");
  expect(FakePC.last.getStats).not.toHaveBeenCalled();
});

test("an answer that comes early waits, and one that is refused is said so", async () => {
  const nat = new NATTrial(start, out);
  nat.description({ trial: "nat-1", kind: "answer", sdp: "nonsense", atMs: 0 }, 7);
  await settled();
  expect(sent.at(-1)).toMatchObject({ type: "applied", applied: { ref: 7, ok: false, error: "Error: no SDP" } });
});

test("it ends by itself where no stop comes, and then says no more", async () => {
  const nat = new NATTrial(start, out);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(FakePC.last.connectionState).toBe("closed");
  const before = sent.length;
  nat.description({ trial: "nat-1", kind: "answer", sdp: "answer", atMs: 0 }, 7);
  await settled();
  expect(sent).toHaveLength(before);
});

test("a browser that allows no RTCPeerConnection is told of once", async () => {
  FakePC.broken = "a policy";
  const nat = new NATTrial(start, out);
  await nat.stop();
  expect(sent).toEqual([{ type: "trialError", trialError: { trial: "nat-1", step: "create", error: "Error: a policy", fatal: true } }]);
});
