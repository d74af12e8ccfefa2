// One trial: one RTCPeerConnection from a start frame to its stop frame. Nothing that goes wrong in it may hurt another trial: every failure becomes a
// trialError frame.
import type { Candidate, Description, Measurement, Start } from "../protocol.gen";
import { Agent, trialError, type Outbox } from "./agent";
import { canvasTrack } from "./canvas";
import { keep } from "./keep";
import { DataMeter } from "./measure";
import { every } from "./ticker";
import { measureVideo } from "./video";

/** getStats locks the ICE agent; a server may not ask for it more often. */
const MIN_SAMPLE_MS = 50;
/** The last sample before closing is not worth waiting longer for. */
const LAST_SAMPLE_MS = 300;
/**
 * How long the trial without servers holds back the other end's candidates until both ends have gathered theirs. A connection that is made ends the gathering at both ends (libwebrtc), and in a quick
 * network that is before an address of the other family has got its .local name: nobody would learn that it is dead. Host candidates take 0.1 to 0.4 s.
 */
const GATHERED_MS = 500;

export class Trial {
  readonly start: Start;
  readonly #out: Outbox;
  #agent: Agent | null = null;
  #work: Promise<void> = Promise.resolve(); // what the other end signals, applied in its order
  #queued: { c: Candidate; ref: number }[] = []; // until the remote description is set, and, without servers, both ends have gathered
  #remote = false;
  #farGathered = false;
  #held: boolean; // the other end's candidates are held back
  #late = 0;
  #stopped = false;
  #ends: (() => void)[] = [];
  #measured: Pick<Measurement, "data" | "video"> = {};

  /** A trial begins at once. */
  constructor(start: Start, out: Outbox) {
    this.start = start;
    this.#out = out;
    this.#held = start.trial.startsWith("host-");
    try {
      this.#create();
    } catch (e) {
      out.send({ type: "trialError", trialError: trialError(start.trial, "create", e, true) });
      return;
    }
    if (start.role === "offerer") void this.#then("offer", () => this.#agent!.describe("offer"));
  }

  /** description applies the other end's offer or answer, says so, and answers an offer. */
  description(d: Description, ref: number): void {
    void this.#then(d.kind === "offer" ? "answer" : "offer", async () => {
      const { pc } = this.#agent!;
      const ok = await this.#agent!.apply(ref, () => pc.setRemoteDescription({ type: d.kind as RTCSdpType, sdp: d.sdp }));
      if (!ok) return;
      this.#remote = true;
      this.#agent!.watchDTLS();
      if (d.kind === "offer") await this.#agent!.describe("answer");
      await this.#addQueued();
    });
  }

  candidate(c: Candidate, ref: number): void {
    this.#late ||= this.#held ? window.setTimeout(() => this.#letGo(), GATHERED_MS) : 0;
    void this.#then("answer", async () => {
      this.#queued.push({ c, ref });
      this.#farGathered ||= c.candidate === "";
      await this.#addQueued();
    });
  }

  async #addQueued(): Promise<void> {
    this.#held &&= !(this.#farGathered && this.#agent!.pc.iceGatheringState === "complete");
    if (!this.#remote || this.#held) return;
    for (const { c, ref } of this.#queued.splice(0)) await this.#addCandidate(c, ref);
  }

  #letGo(): void {
    this.#held = false;
    void this.#then("answer", () => this.#addQueued());
  }

  /** stop sends the last sample and closes. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const end of this.#ends) end();
    clearTimeout(this.#late);
    if (!this.#agent) return;
    await Promise.race([this.#agent.sample(), new Promise((resolve) => setTimeout(resolve, LAST_SAMPLE_MS))]);
    this.#agent.pc.close();
  }

  #create(): void {
    const { start } = this;
    const agent = new Agent(start.trial, this.#out, start.iceServers ?? [], {
      relayOnly: start.relayOnly ?? false,
      ufragLength: start.ufragLength ?? 0,
      ...(start.family ? { family: start.family } : {}),
    });
    this.#agent = agent;
    const { pc } = agent;
    if (this.#held) pc.addEventListener("icegatheringstatechange", () => void this.#then("answer", () => this.#addQueued()));

    const data = new DataMeter(pc, {
      roundTrips: start.roundTrips,
      burstMs: start.burstMs,
      offerer: start.role === "offerer",
      result: (data) => this.#tell({ data: { ...data } }),
    });
    let measured = false;
    data.ping.addEventListener("open", () => {
      agent.state("data", "open");
      data
        .measure()
        .catch((e: unknown) => this.#failed("data", e, false))
        .finally(() => (measured = true));
    });
    data.ping.addEventListener("error", (e) => agent.noteError(e));
    data.ping.addEventListener("close", () => this.#stopped || agent.state("data", "closed"));

    if ((start.holdMs ?? 0) > 0) {
      this.#ends.push(
        keep(pc, {
          offerer: start.role === "offerer",
          restartMs: start.restartMs ?? 0,
          ping: () => measured && data.touch(), // before, it would disturb what is measured
          restart: () => this.#then("offer", () => agent.describe("offer", { iceRestart: true })),
          tell: (value) => agent.state("restart", value),
        }),
      );
    }

    try {
      const { track, stream, release } = canvasTrack();
      this.#ends.push(release);
      pc.addTrack(track, stream);
    } catch (e) {
      this.#failed("video", e, false); // a trial without video still tells everything about the path
    }
    let video = false;
    pc.addEventListener("connectionstatechange", () => {
      if (pc.connectionState !== "connected" || video) return;
      video = true;
      const comes = pc.getTransceivers().some((t) => t.currentDirection === "sendrecv" || t.currentDirection === "recvonly");
      if (!comes) return; // the headless peer sends none
      measureVideo(pc, start.videoMs, agent.atMs)
        .then((video) => video && this.#tell({ video }))
        .catch((e: unknown) => this.#failed("video", e, false));
    });

    this.#ends.push(every(Math.max(start.sampleMs || 0, MIN_SAMPLE_MS), () => void agent.sample()));
  }

  async #addCandidate(c: Candidate, ref: number): Promise<void> {
    const { pc } = this.#agent!;
    const init: RTCIceCandidateInit = { candidate: c.candidate, sdpMid: c.sdpMid ?? null, sdpMLineIndex: c.sdpMLineIndex ?? null };
    if (c.usernameFragment) init.usernameFragment = c.usernameFragment;
    // No argument: the end of candidates for every media section (WebRTC section 4.4.2, addIceCandidate).
    await this.#agent!.apply(ref, () => (c.candidate === "" ? pc.addIceCandidate() : pc.addIceCandidate(init)));
  }

  #then(step: "offer" | "answer", f: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(async () => {
      if (this.#stopped || !this.#agent) return;
      try {
        await f();
      } catch (e) {
        this.#failed(step, e, true);
      }
    });
    return this.#work;
  }

  /** tell sends all that is measured so far: the newest frame says everything. */
  #tell(part: Pick<Measurement, "data" | "video">): void {
    if (this.#stopped) return;
    Object.assign(this.#measured, part);
    this.#out.send({ type: "measurement", measurement: { trial: this.start.trial, atMs: this.#agent!.atMs(), ...this.#measured } });
  }

  #failed(step: "offer" | "answer" | "data" | "video", e: unknown, fatal: boolean): void {
    if (!this.#stopped) this.#agent?.failed(step, e, fatal);
  }
}
