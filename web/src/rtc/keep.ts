// A connection that is kept up after it is measured: a little traffic, and an ICE restart (RFC 8445 section 2.4) as long as it is lost.
import { every } from "./ticker";

/** Often enough that the bytes of each second tell whether the path carried anything, and far below any NAT's time-out. */
const PING_MS = 1000;
/** How often to look whether it is time for another restart. */
const LOOK_MS = 250;
/** Where the server names no pace: a restart needs a round trip of signaling and a gathering, and more of them at once only disturb each other. */
const RESTART_MS = 5000;

export interface KeepPlan {
  /** Only the offerer restarts; else both offers would meet (RFC 8829 section 4.1.8.2 calls it glare). */
  offerer: boolean;
  restartMs: number;
  /** ping sends a little over the data channel. */
  ping(): void;
  /** restart makes a new offer with new ICE credentials. */
  restart(): Promise<void>;
  tell(value: "begun" | "connected"): void;
}

/** keep looks after a connection from now on. It returns what ends that. */
export function keep(pc: RTCPeerConnection, plan: KeepPlan): () => void {
  const restartMs = plan.restartMs > 0 ? plan.restartMs : RESTART_MS;
  let was = pc.connectionState === "connected";
  let lost = false;
  let restarts = 0; // of this outage
  let lastAt = 0;
  let busy = false;

  const restart = () => {
    // Without an answer to the offer before, there is nothing to offer anew: signaling loses nothing, so the answer still comes.
    if (!plan.offerer || !lost || busy || pc.signalingState !== "stable") return;
    // ICE is back and the connection is not: Firefox 153 gives DTLS up after 30 s without consent, and no restart brings that back.
    if (pc.iceConnectionState === "connected" || pc.iceConnectionState === "completed") return;
    if (restarts > 0 && performance.now() - lastAt < restartMs) return;
    restarts++;
    lastAt = performance.now();
    busy = true;
    plan.tell("begun");
    void plan.restart().finally(() => (busy = false));
  };
  const changed = () => {
    // Chromium's iceConnectionState stays "disconnected" where the other is "failed"; this one says both, and "connecting" while a restart is under way.
    const state = pc.connectionState;
    if (state === "connected") {
      if (restarts > 0) plan.tell("connected");
      was = true;
      lost = false;
      restarts = 0;
    } else if (was && (state === "disconnected" || state === "failed")) {
      lost = true;
      restart();
    }
  };
  pc.addEventListener("connectionstatechange", changed);
  const stopLooking = every(LOOK_MS, restart);
  const stopPinging = every(PING_MS, () => pc.connectionState === "connected" && plan.ping());
  return () => {
    pc.removeEventListener("connectionstatechange", changed);
    stopLooking();
    stopPinging();
  };
}
