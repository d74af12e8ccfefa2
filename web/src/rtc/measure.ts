// What a trial's data channels measure: round trips first, then a short burst each way, one after the other. peer/measure.go speaks the same: two channels
// negotiated out of band, so that neither end waits for the other to announce them, and JSON texts on the first of them.
import type { DataResult } from "../protocol.gen";
import { round } from "./sample";

/** In bytes: with SCTP, DTLS, UDP and IPv6 around it still under a 1280-byte MTU, so that loss is loss and not fragmentation. */
const PACKET_BYTES = 1100;
/** What may wait in the browser while bursting: enough to keep a LAN busy between two turns of the event loop, little enough to end on time. */
const BURST_BUFFER_BYTES = 128 << 10;
/** A round trip longer than this is a broken path. */
const REPLY_MS = 3000;
/** All round trips together: over a slow path fewer are enough. */
const TRIPS_MS = 2000;
/** How many DataResult carries. */
const MAX_TRIPS = 32;
const DEFAULT_TRIPS = 8;
/** How long to let the other end finish its round trips, and the offerer its burst, before ours would disturb them. */
const COURTESY_MS = 1000;

/** What is still under way when the sender says that its burst has ended is late, not lost: the two channels do not wait for each other. */
const LATE_MS = 100;

interface Message {
  t: "ping" | "pong" | "burst" | "report"; // burst: the sender has ended; report: its answer
  n?: number; // missing: 0
  sent?: number;
  received?: number;
  bytes?: number;
  ms?: number;
}

export interface DataPlan {
  roundTrips: number;
  burstMs: number;
  /** The offerer bursts first. */
  offerer: boolean;
  /** result is called when the round trips are done, and again with the burst. */
  result(r: DataResult): void;
}

export class DataMeter {
  readonly ping: RTCDataChannel;
  readonly #burst: RTCDataChannel;
  readonly #plan: DataPlan;
  readonly #waiting = new Set<(m: Message) => void>();
  readonly #otherTrips: Promise<void>;
  readonly #otherBurst: Promise<void>;
  #otherTripsDone = () => {};
  #otherBurstDone = () => {};
  #packets = 0;
  #bytes = 0;
  #firstAt = 0;
  #lastAt = 0;

  constructor(pc: RTCPeerConnection, plan: DataPlan) {
    this.#plan = plan;
    this.ping = pc.createDataChannel("ping", { negotiated: true, id: 0 });
    this.#burst = pc.createDataChannel("burst", { negotiated: true, id: 1, ordered: false, maxRetransmits: 0 });
    this.#burst.binaryType = "arraybuffer";
    this.#burst.bufferedAmountLowThreshold = BURST_BUFFER_BYTES / 2;
    this.#otherTrips = new Promise((resolve) => (this.#otherTripsDone = resolve));
    this.#otherBurst = new Promise((resolve) => (this.#otherBurstDone = resolve));
    this.ping.onmessage = (e: MessageEvent) => void this.#onPing(e.data);
    this.#burst.onmessage = (e: MessageEvent) => this.#onBurst(e.data as ArrayBuffer);
  }

  /** measure runs after the ping channel has opened. It rejects when an answer stays out; what was measured until then has been told. */
  async measure(): Promise<void> {
    const { offerer, burstMs, result } = this.#plan;
    const trips = await this.#trips();
    const data = summary(trips);
    result(data);
    if (burstMs <= 0) return;
    await soon(this.#otherTrips, COURTESY_MS);
    if (!offerer) await soon(this.#otherBurst, burstMs + COURTESY_MS);
    const sent = await this.#fire(burstMs);
    const report = this.#reply((m) => m.t === "report");
    this.#say({ t: "burst", sent });
    const { received = 0, bytes = 0, ms = 0 } = await report;
    data.lossPercent = lossPercent(sent, received);
    const kbps = throughputKbps(bytes, ms);
    if (kbps !== null) data.throughputKbps = kbps;
    result(data);
  }

  /** touch sends one ping whose answer nobody waits for, unless the one before is still on its way out. */
  touch(): void {
    if (this.ping.bufferedAmount === 0) this.#say({ t: "ping", n: MAX_TRIPS });
  }

  async #trips(): Promise<number[]> {
    const wanted = this.#wanted();
    const began = performance.now();
    const trips: number[] = [];
    for (let n = 0; n < wanted && (n === 0 || performance.now() - began < TRIPS_MS); n++) {
      const pong = this.#reply((m) => m.t === "pong" && (m.n ?? 0) === n);
      const sent = performance.now();
      this.#say({ t: "ping", n });
      try {
        await pong;
      } catch (e) {
        if (n === 0) throw e;
        break; // some are better than none
      }
      trips.push(round(performance.now() - sent));
    }
    return trips;
  }

  /** fire sends numbered packets for a while and returns how many. */
  async #fire(ms: number): Promise<number> {
    const channel = this.#burst;
    if (channel.readyState !== "open") throw new Error("the burst channel is not open");
    const packet = new DataView(new ArrayBuffer(PACKET_BYTES));
    const until = performance.now() + ms;
    let sent = 0;
    while (performance.now() < until) {
      while (channel.bufferedAmount < BURST_BUFFER_BYTES && performance.now() < until) {
        packet.setUint32(0, sent++);
        channel.send(packet);
      }
      await lowered(channel, until - performance.now());
    }
    // What still waits here would come after the word that the burst has ended, and count as lost.
    channel.bufferedAmountLowThreshold = 0;
    if (channel.bufferedAmount > 0) await lowered(channel, COURTESY_MS);
    return sent;
  }

  #say(m: Message): void {
    if (this.ping.readyState === "open") this.ping.send(JSON.stringify(m));
  }

  #reply(fits: (m: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error("no reply over the data channel"));
      }, REPLY_MS);
      const look = (m: Message) => {
        if (!fits(m)) return;
        done();
        resolve(m);
      };
      this.#waiting.add(look);
    });
  }

  async #onPing(data: unknown): Promise<void> {
    if (typeof data !== "string") return;
    const m = JSON.parse(data) as Message;
    switch (m.t) {
      case "ping":
        this.#say({ ...m, t: "pong" });
        if ((m.n ?? 0) + 1 >= this.#wanted()) this.#otherTripsDone();
        return;
      case "burst":
        if (this.#packets < (m.sent ?? 0)) await new Promise((resolve) => setTimeout(resolve, LATE_MS));
        this.#say({ t: "report", received: this.#packets, bytes: this.#bytes, ms: round(this.#lastAt - this.#firstAt) });
        this.#otherTripsDone();
        this.#otherBurstDone();
        return;
    }
    for (const look of [...this.#waiting]) look(m);
  }

  #onBurst(data: ArrayBuffer): void {
    this.#lastAt = performance.now();
    if (this.#packets++ === 0) this.#firstAt = this.#lastAt;
    this.#bytes += data.byteLength;
  }

  #wanted(): number {
    return Math.min(this.#plan.roundTrips > 0 ? this.#plan.roundTrips : DEFAULT_TRIPS, MAX_TRIPS);
  }
}

/** summary is the median of the round trips, and their mean absolute difference (the jitter of RFC 3550 section 6.4.1, unsmoothed). */
export function summary(trips: number[]): DataResult {
  const sorted = [...trips].sort((a, b) => a - b);
  const middle = (sorted[sorted.length >> 1] ?? 0) + (sorted[(sorted.length - 1) >> 1] ?? 0);
  let jitter = 0;
  for (let i = 1; i < trips.length; i++) jitter += Math.abs(trips[i]! - trips[i - 1]!) / (trips.length - 1);
  return { rttMs: round(middle / 2), jitterMs: round(jitter), roundTripsMs: trips };
}

export function lossPercent(sent: number, received: number): number {
  return sent > 0 ? round((100 * Math.max(sent - received, 0)) / sent) : 0;
}

/** throughputKbps is null where one packet or none arrived: there is no length of time to divide by. */
export function throughputKbps(bytes: number, ms: number): number | null {
  return ms > 0 ? round((bytes * 8) / ms) : null;
}

/** lowered resolves when the channel's buffer has drained to its threshold, or after ms. */
async function lowered(channel: RTCDataChannel, ms: number): Promise<void> {
  await soon(new Promise((resolve) => (channel.onbufferedamountlow = resolve)), ms);
  channel.onbufferedamountlow = null;
}

/** soon waits for a promise, but not longer than ms. */
async function soon(p: Promise<unknown>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([p, new Promise((resolve) => (timer = setTimeout(resolve, Math.max(ms, 0))))]);
  clearTimeout(timer);
}
