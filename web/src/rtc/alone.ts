// The gathering that a page does while nobody else is there: it shows what this browser says of itself at once, and gives the server a live ICE agent
// (ufrag and password of the description) to send signed checks to.
import type { ICEServer, TrialID } from "../protocol.gen";
import { Agent, trialError, type Outbox } from "./agent";
import { every } from "./ticker";

/** How long an agent that nobody will connect to stays open: long enough for the server's signed checks, short enough to free its ports. */
const OPEN_MS = 30_000;
/** How long a gathering with pasted servers may go on: Chromium waits 40 s for one that does not answer. The server ends it sooner. */
export const GATHER_MS = 45_000;
const SAMPLE_MS = 500;

export interface AloneState {
  state: "idle" | "gathering" | "complete";
  candidates: number;
}

/** gatherAlone starts and returns the function that ends it. */
export function gatherAlone(trial: TrialID, iceServers: ICEServer[], out: Outbox, progress: (s: AloneState) => void, openMs = OPEN_MS): () => void {
  let candidates = 0;
  const ends: (() => void)[] = [];
  const end = () => ends.splice(0).forEach((f) => f());
  let agent: Agent;
  try {
    agent = new Agent(trial, out, iceServers);
    ends.push(() => agent.pc.close());
    agent.pc.createDataChannel("ping", { negotiated: true, id: 0 });
  } catch (e) {
    out.send({ type: "trialError", trialError: trialError(trial, "create", e, true) });
    progress({ state: "complete", candidates: 0 });
    return end;
  }
  const { pc } = agent;
  const tell = () => progress({ state: pc.iceGatheringState === "complete" ? "complete" : "gathering", candidates });
  pc.addEventListener("icecandidate", (e) => {
    if (e.candidate?.candidate) candidates++;
    tell();
  });
  pc.addEventListener("icegatheringstatechange", tell);
  ends.push(every(SAMPLE_MS, () => void agent.sample()));
  const timer = setTimeout(end, openMs);
  ends.push(() => clearTimeout(timer));
  agent.describe("offer").catch((e: unknown) => agent.failed("offer", e, true));
  tell();
  return end;
}
