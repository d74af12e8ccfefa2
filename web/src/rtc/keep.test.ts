import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keep, type KeepPlan } from "./keep";

// The page's clock is a worker, which Node has not.
vi.mock("./ticker", () => ({
  every: (ms: number, run: () => void) => {
    const timer = setInterval(run, ms);
    return () => clearInterval(timer);
  },
}));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Connection extends EventTarget {
  connectionState: RTCPeerConnectionState = "new";
  iceConnectionState: RTCIceConnectionState = "new";
  signalingState: RTCSignalingState = "stable";
  to(state: RTCPeerConnectionState, ice: RTCIceConnectionState = state === "connected" ? "connected" : "disconnected") {
    this.connectionState = state;
    this.iceConnectionState = ice;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
}

function kept(parts: Partial<KeepPlan> = {}) {
  const pc = new Connection();
  const told: string[] = [];
  const restart = vi.fn(async () => {});
  const ping = vi.fn();
  const end = keep(pc as unknown as RTCPeerConnection, { offerer: true, restartMs: 5000, ping, restart, tell: (v) => told.push(v), ...parts });
  return { pc, told, restart, ping, end };
}

test("a lost connection is restarted at once, and again at the pace that was asked for, until it is back", async () => {
  const { pc, told, restart } = kept();
  pc.to("connected");
  pc.to("disconnected");
  expect(restart).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1000);
  pc.to("connecting"); // Chromium: the restart is under way
  pc.to("failed");
  await vi.advanceTimersByTimeAsync(3000);
  expect(restart).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1250);
  expect(restart).toHaveBeenCalledTimes(2);
  pc.to("connected");
  expect(told).toEqual(["begun", "begun", "connected"]);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(restart).toHaveBeenCalledTimes(2);
  pc.to("failed"); // the next outage
  expect(restart).toHaveBeenCalledTimes(3);
});

test("what never was connected is not restarted", async () => {
  const { pc, restart, ping } = kept();
  pc.to("connecting");
  pc.to("failed");
  await vi.advanceTimersByTimeAsync(20_000);
  expect(restart).not.toHaveBeenCalled();
  expect(ping).not.toHaveBeenCalled();
});

test("an offer without an answer is waited for", async () => {
  const { pc, restart } = kept();
  pc.to("connected");
  pc.to("disconnected");
  pc.signalingState = "have-local-offer";
  await vi.advanceTimersByTimeAsync(12_000);
  expect(restart).toHaveBeenCalledTimes(1);
  pc.signalingState = "stable";
  await vi.advanceTimersByTimeAsync(250);
  expect(restart).toHaveBeenCalledTimes(2);
});

test("where ICE is back and DTLS is dead, no restart helps", async () => {
  const { pc, told, restart } = kept();
  pc.to("connected");
  pc.to("disconnected");
  pc.to("failed", "connected"); // Firefox after 30 s
  await vi.advanceTimersByTimeAsync(20_000);
  expect(restart).toHaveBeenCalledTimes(1);
  expect(told).toEqual(["begun"]);
});

test("the answerer leaves the restart to the other end", async () => {
  const { pc, told, restart } = kept({ offerer: false });
  pc.to("connected");
  pc.to("failed");
  await vi.advanceTimersByTimeAsync(20_000);
  pc.to("connected");
  expect(restart).not.toHaveBeenCalled();
  expect(told).toEqual([]);
});

test("a ping a second while it is up, and nothing after the end", async () => {
  const { pc, ping, restart, end } = kept();
  pc.to("connected");
  await vi.advanceTimersByTimeAsync(3000);
  expect(ping).toHaveBeenCalledTimes(3);
  pc.to("disconnected");
  await vi.advanceTimersByTimeAsync(3000);
  expect(ping).toHaveBeenCalledTimes(3);
  pc.to("connected");
  end();
  pc.to("failed");
  await vi.advanceTimersByTimeAsync(20_000);
  expect(ping).toHaveBeenCalledTimes(3);
  expect(restart).toHaveBeenCalledTimes(1);
});
