// One RTCPeerConnection and the reporting that hangs on it: what trials and the gathering alone have in common.
import type { Candidate, CandidateError, ClientMessage, ICEServer, State, TrialError, TrialID } from "../protocol.gen";
import { round, toSample, type Stats } from "./sample";
import { fingerprintOf, isFamily, newUfrag, ofFamily, onlyFamily, withUfrag, type Family } from "./sdp";

/** Outbox takes frames for the server: send may not lose any, post may. */
export interface Outbox {
  send(m: ClientMessage): void;
  post(m: ClientMessage): void;
}

/** A sample equal to the one before is not sent again, but one each half second is, so that "still so" can be told from "gone". */
const SAME_SAMPLE_MS = 450;
/** Firefox counts no requests (facts.md section 4). Asked only while there is no pair whose members could tell. */
const COUNTS = typeof navigator !== "undefined" && !/firefox/i.test(navigator.userAgent);

export interface AgentOptions {
  relayOnly?: boolean;
  /** silent: nobody needs its statistics, and none are sent. */
  silent?: boolean;
  /** ufragLength asks for username fragments of that many characters; 0: the browser's own. */
  ufragLength?: number;
  /** family is "ipv4" or "ipv6": candidates of the other one are not signaled. */
  family?: string;
}

export class Agent {
  readonly pc: RTCPeerConnection;
  readonly trial: TrialID;
  readonly #out: Outbox;
  readonly #silent: boolean;
  readonly #family: Family | null;
  #ufragLength: number;
  readonly #began = performance.now();
  #described = false;
  #early: Candidate[] = []; // gathered before the description went out, which they must not overtake
  #lastSample = "";
  #lastSampleAt = -Infinity;
  #sampling: Promise<void> | null = null;
  #sampleAgain = false;
  #dtls: RTCDtlsTransport | null = null;
  #detail = ""; // of the last RTCError
  #fingerprint = "";

  /** It throws what the constructor of RTCPeerConnection throws: a malformed URL, a policy. */
  constructor(trial: TrialID, out: Outbox, iceServers: ICEServer[], { relayOnly = false, silent = false, ufragLength = 0, family }: AgentOptions = {}) {
    this.trial = trial;
    this.#out = out;
    this.#silent = silent;
    this.#ufragLength = ufragLength;
    this.#family = isFamily(family) ? family : null;
    const pc = new RTCPeerConnection({
      iceServers: iceServers.map((s) => ({ ...s })),
      iceTransportPolicy: relayOnly ? "relay" : "all",
      bundlePolicy: "max-bundle", // one transport: one set of pairs to explain
      iceCandidatePoolSize: 0,
    });
    this.pc = pc;
    pc.onicecandidate = (e) => this.#candidate(e.candidate);
    pc.onicecandidateerror = (e) => this.#candidateError(e);
    pc.onicegatheringstatechange = () => this.state("gathering", pc.iceGatheringState);
    pc.onsignalingstatechange = () => this.state("signaling", pc.signalingState);
    pc.oniceconnectionstatechange = () => this.#changed("ice", pc.iceConnectionState);
    pc.onconnectionstatechange = () => this.#changed("connection", pc.connectionState, pc.connectionState === "failed" ? this.#detail : "");
  }

  /** atMs is the time since the trial began here. */
  atMs = (): number => round(performance.now() - this.#began);

  send(m: ClientMessage): void {
    this.#out.send(m);
  }

  state(what: string, value: string, error?: string): void {
    const state: State = { trial: this.trial, what, value, atMs: this.atMs() };
    if (error) state.error = error;
    this.send({ type: "state", state });
  }

  failed(step: "create" | "offer" | "answer" | "data" | "video" | "stats", e: unknown, fatal: boolean): void {
    if (this.pc.connectionState === "closed") return; // what breaks because of the closing is no news
    this.send({ type: "trialError", trialError: trialError(this.trial, step, e, fatal) });
  }

  /** describe makes the offer or answer, sets it and sends it, and then the candidates that were gathered meanwhile. */
  async describe(kind: "offer" | "answer", options?: RTCOfferOptions): Promise<void> {
    this.#described = false;
    await this.#setLocal(kind === "offer" ? await this.pc.createOffer(options) : await this.pc.createAnswer());
    const own = this.pc.localDescription?.sdp ?? "";
    const sdp = this.#family ? onlyFamily(own, this.#family) : own;
    this.#fingerprint = fingerprintOf(own);
    this.send({ type: "description", description: { trial: this.trial, kind, sdp, atMs: this.atMs() } });
    this.#described = true;
    for (const candidate of this.#early) this.send({ type: "candidate", candidate });
    this.#early = [];
    this.watchDTLS();
  }

  /** setLocal sets a description, with a long fragment where that is wanted. A browser that refuses it goes on with its own. */
  async #setLocal(d: RTCSessionDescriptionInit): Promise<void> {
    if (this.#ufragLength > 0) {
      try {
        return await this.pc.setLocalDescription({ type: d.type, sdp: withUfrag(d.sdp ?? "", newUfrag(this.#ufragLength)) });
      } catch (e) {
        this.#ufragLength = 0;
        this.failed("create", e, false);
      }
    }
    await this.pc.setLocalDescription(d);
  }

  /** apply does what the other end signaled and says what became of it. */
  async apply(ref: number, f: () => Promise<void>): Promise<boolean> {
    const tell = (result: { ok: boolean; error?: string }) => {
      if (this.pc.signalingState !== "closed") this.send({ type: "applied", applied: { trial: this.trial, ref, ...result, atMs: this.atMs() } });
      return result.ok;
    };
    try {
      await f();
    } catch (e) {
      return tell({ ok: false, error: String(e) });
    }
    return tell({ ok: true });
  }

  /** watchDTLS follows the DTLS transport, which is there once a description with a data channel is set. */
  watchDTLS(): void {
    const dtls = this.pc.sctp?.transport ?? null;
    if (!dtls || dtls === this.#dtls) return;
    this.#dtls = dtls;
    dtls.onerror = (e) => this.noteError(e);
    dtls.onstatechange = () => {
      this.state("dtls", dtls.state, dtls.state === "failed" ? this.#detail : "");
      void this.sample();
    };
  }

  /** noteError keeps what an RTCErrorEvent tells, for the state change that it explains. Neither Chromium 156 nor Firefox 153 has one for a wrong fingerprint. */
  noteError(e: Event): void {
    const error = (e as RTCErrorEvent).error as RTCError | undefined;
    if (error) this.#detail = [error.errorDetail, error.message].filter(Boolean).join(": ");
  }

  /** sample sends what getStats says now. One at a time: a call during another makes one more after it. */
  sample(): Promise<void> {
    if (this.#silent) return Promise.resolve();
    if (this.#sampling) {
      this.#sampleAgain = true;
      return this.#sampling;
    }
    this.#sampling = this.#sample().finally(() => {
      this.#sampling = null;
      if (this.#sampleAgain && this.pc.connectionState !== "closed") {
        this.#sampleAgain = false;
        void this.sample();
      }
    });
    return this.#sampling;
  }

  async #sample(): Promise<void> {
    try {
      const stats = (await this.pc.getStats()) as unknown as Map<string, Stats>;
      const sample = toSample(this.trial, this.atMs(), stats.values(), COUNTS);
      // Firefox has no statistics of certificates. Its own is the one that it described: a browser sets no description of another.
      if (!sample.localFingerprint && this.#fingerprint) sample.localFingerprint = this.#fingerprint;
      const { atMs, ...rest } = sample;
      const content = JSON.stringify(rest);
      if (content === this.#lastSample && atMs - this.#lastSampleAt < SAME_SAMPLE_MS) return;
      this.#lastSample = content;
      this.#lastSampleAt = atMs;
      this.#out.post({ type: "sample", sample });
    } catch (e) {
      this.failed("stats", e, false);
    }
  }

  #changed(what: string, value: string, error?: string): void {
    this.state(what, value, error);
    void this.sample();
  }

  #candidate(c: RTCIceCandidate | null): void {
    // Chromium gives an empty candidate and then null, Firefox likewise: the null is the end of candidates (RFC 8838 section 13) of all.
    if (c && c.candidate === "") return;
    if (c && this.#family && !ofFamily(c.candidate, this.#family)) return;
    const candidate: Candidate = { trial: this.trial, candidate: c?.candidate ?? "", atMs: this.atMs() };
    if (c?.sdpMid != null) candidate.sdpMid = c.sdpMid;
    if (c?.sdpMLineIndex != null) candidate.sdpMLineIndex = c.sdpMLineIndex;
    if (c?.usernameFragment) candidate.usernameFragment = c.usernameFragment;
    const url = (c as { url?: string | null } | null)?.url; // Chromium and Safari
    if (url) candidate.url = url;
    if (this.#described) this.send({ type: "candidate", candidate });
    else this.#early.push(candidate);
  }

  #candidateError(e: RTCPeerConnectionIceErrorEvent): void {
    const error: CandidateError = { trial: this.trial, errorCode: e.errorCode, atMs: this.atMs() };
    if (e.address) error.address = e.address;
    if (e.port) error.port = e.port;
    if (e.url) error.url = e.url;
    if (e.errorText) error.errorText = e.errorText;
    const host = (e as { hostCandidate?: string }).hostCandidate; // Chromium only
    if (host) error.hostCandidate = host;
    this.send({ type: "candidateError", candidateError: error });
  }
}

export function trialError(trial: TrialID, step: string, e: unknown, fatal: boolean): TrialError {
  const error: TrialError = { trial, step, error: String(e) };
  if (fatal) error.fatal = true;
  return error;
}
