// The WebSocket client of docs/protocol.md: it numbers what must not be lost, keeps it until the server has it, and comes back after a drop with a resume
// token. It knows nothing of rooms and trials.
//
// A reload of the page does not resume: its RTCPeerConnections are gone, so that it is another peer. That is why the token lives in memory only.
import { signal, type ReadonlySignal } from "@preact/signals";
import { subprotocol, type ClientMessage, type ErrorCode, type Hello, type ServerMessage, type Welcome } from "../protocol.gen";

/** Status is where the connection to the server stands. retryAt is a Date.now() value. */
export type Status =
  | { kind: "connecting" }
  | { kind: "online" }
  | { kind: "reconnecting"; retryAt: number }
  | { kind: "gone"; reason: GoneReason };

/**
 * GoneReason says why nothing reconnects by itself: the person left, the server cannot be reached for long, it refused the hello (its error code), or it
 * said bye (its reason). What the server should not have said counts as "internal".
 */
export type GoneReason = (typeof goneReasons)[number];
const goneReasons = [
  "left",
  "unreachable",
  "unknown-room",
  "room-full",
  "too-many-rooms",
  "too-many-watchers",
  "forbidden-origin",
  "shutdown",
  "expired",
  "replaced",
  "too-slow",
  "internal",
] as const;

/** Waits between two attempts, in ms: the first is for a socket that a proxy closed, the last for a server that is being restarted. */
const RETRY_MS = [100, 500, 1000, 2000, 4000];
/** Longer than a restart of the server or a change of cables; a room that nobody is in expires on the server anyway. */
const UNREACHABLE_MS = 5 * 60_000;
/** A SYN into a black hole is given up after this; the browser itself waits for minutes. */
const CONNECT_MS = 8000;
/** Idle receivers acknowledge at this pace, so that the server's queue for us stays short. */
const ACK_MS = 1000;
/** Every frame we send comes back as an event within 40 ms. Nothing at all for so long means that the path is dead, which TCP says only after minutes. */
const SILENCE_MS = 12_000;
/** What is kept for a resume. Five trials make some 400 frames of 500 bytes; over this limit the next connection joins anew. */
const MAX_KEPT_FRAMES = 2048;
const MAX_KEPT_CHARS = 4 << 20;
/** The server closes the connection with 1009 over this size (signaling/limits.go), and would do so again after each resume. */
const MAX_FRAME_CHARS = 60 << 10;
/** Samples are dropped, not queued, while so many bytes wait in the socket: the next sample says more. */
const MAX_BUFFERED_BYTES = 256 << 10;

const NORMAL_CLOSURE = 1000; // RFC 6455 section 7.4.1
const GIVEN_UP = 4000; // RFC 6455 section 7.4.2: private use

export interface ConnectionOptions {
  url: string;
  /** hello without resume, received and events, asked for again at each connection. */
  hello(): Hello;
  /** How many events of the recording are known, so that a resume brings only the others. */
  eventsSeen(): number;
  /** Not resumed: all that was before belongs to a peer that is no more. */
  onWelcome(w: Welcome): void;
  onFrame(m: ServerMessage): void;
  WebSocket?: new (url: string, protocol: string) => WebSocket;
}

interface Kept {
  seq: number;
  frame: ClientMessage;
  chars: number;
}

export class Connection {
  readonly #status = signal<Status>({ kind: "connecting" });
  readonly status: ReadonlySignal<Status> = this.#status;
  readonly #o: ConnectionOptions;
  #socket: WebSocket | null = null;
  #welcomed = false; // on this socket
  #joined = false; // ever
  #attempt = 0;
  #kept: Kept[] = [];
  #keptChars = 0;
  #seq = 0; // of the newest numbered frame
  #received = 0; // the highest ServerMessage.seq
  #resume = "";
  #resumeSeconds = 0;
  #droppedAt = Date.now(); // or began
  #retryTimer = 0;
  #connectTimer = 0;
  #ackTimer = 0;
  #silenceTimer = 0;

  constructor(o: ConnectionOptions) {
    this.#o = o;
  }

  open(): void {
    this.#retryTimer = clear(this.#retryTimer);
    const Socket = this.#o.WebSocket ?? WebSocket;
    const socket = new Socket(this.#o.url, subprotocol);
    this.#socket = socket;
    this.#welcomed = false;
    socket.onopen = () => socket === this.#socket && this.#hello();
    socket.onclose = () => socket === this.#socket && this.#dropped();
    socket.onmessage = (e: MessageEvent) => {
      if (socket === this.#socket && typeof e.data === "string") this.#frame(JSON.parse(e.data) as ServerMessage);
    };
    this.#connectTimer = later(CONNECT_MS, () => this.#giveUp());
  }

  /** reopen starts from the beginning as a new peer (a watcher, say). */
  reopen(): void {
    this.#detach(NORMAL_CLOSURE);
    this.#forget();
    this.#joined = false;
    this.#attempt = 0;
    this.#droppedAt = Date.now();
    this.#status.value = { kind: "connecting" };
    this.open();
  }

  /** retryNow shortens the wait, when the browser says that the network is back. */
  retryNow(): void {
    if (this.#status.value.kind === "reconnecting" && !this.#socket) this.open();
  }

  /** send numbers a frame and keeps it until the server has it. */
  send(frame: ClientMessage): void {
    if (this.#status.value.kind === "gone") return;
    const seq = ++this.#seq;
    const numbered = { ...frame, seq };
    const chars = JSON.stringify(numbered).length;
    if (chars > MAX_FRAME_CHARS) {
      this.#seq--;
      console.warn(`icescope: a ${frame.type} frame of ${chars} characters is over the limit and was not sent`);
      return;
    }
    this.#kept.push({ seq, frame: numbered, chars });
    this.#keptChars += chars;
    if (this.#kept.length > MAX_KEPT_FRAMES || this.#keptChars > MAX_KEPT_CHARS) {
      const online = this.#welcomed;
      this.#forget(); // the recording would have a hole: rather join anew
      if (online) this.#giveUp();
      return;
    }
    this.#write(numbered);
  }

  /** post sends a frame that may be lost (samples). */
  post(frame: ClientMessage): void {
    if (this.#socket && this.#socket.bufferedAmount < MAX_BUFFERED_BYTES) this.#write(frame);
  }

  leave(): void {
    if (this.#status.value.kind === "gone") return;
    this.#write({ type: "leave" });
    this.#gone("left");
  }

  #hello(): void {
    const hello = this.#o.hello();
    if (this.#resume) {
      hello.resume = this.#resume;
      hello.received = this.#received;
      hello.events = this.#o.eventsSeen();
    }
    this.#socket?.send(JSON.stringify({ type: "hello", hello } satisfies ClientMessage));
  }

  #frame(m: ServerMessage): void {
    this.#silenceTimer = clear(this.#silenceTimer);
    if (m.ack) this.#acknowledged(m.ack);
    if (m.seq) {
      if (m.seq <= this.#received) return; // sent again by a resume
      this.#received = m.seq;
      this.#ackTimer ||= later(ACK_MS, () => this.#write({ type: "ack" }));
    }
    switch (m.type) {
      case "welcome":
        return this.#welcome(m.welcome);
      case "bye":
        if (!m.bye.retryMs) return this.#gone(m.bye.reason);
        this.#droppedAt = Date.now();
        this.#detach(NORMAL_CLOSURE);
        return this.#retry(m.bye.retryMs);
      case "error":
        if (!this.#welcomed) return this.#refused(m.error.code, m);
    }
    this.#o.onFrame(m);
  }

  #welcome(w: Welcome): void {
    this.#connectTimer = clear(this.#connectTimer);
    this.#welcomed = true;
    this.#attempt = 0;
    if (!w.resumed && this.#joined) this.#forget(); // also what was said since a refused resume: it is about trials that are no more
    this.#joined = true;
    this.#resume = w.resume;
    this.#resumeSeconds = w.resumeSeconds;
    this.#acknowledged(w.received);
    this.#status.value = { kind: "online" };
    for (const k of this.#kept) this.#write(k.frame);
    this.#o.onWelcome(w);
  }

  /** refused is an error in answer to hello. */
  #refused(code: ErrorCode, m: ServerMessage): void {
    if (code === "bad-resume") {
      this.#forget();
      return this.#hello(); // on the same connection
    }
    this.#o.onFrame(m);
    this.#gone(code);
  }

  #write(frame: ClientMessage): void {
    if (!this.#welcomed || this.#socket?.readyState !== 1) return; // 1: OPEN
    this.#ackTimer = clear(this.#ackTimer);
    if (this.#received) frame = { ...frame, ack: this.#received };
    this.#socket.send(JSON.stringify(frame));
    if (frame.seq) this.#silenceTimer ||= later(SILENCE_MS, () => this.#giveUp());
  }

  #acknowledged(seq: number): void {
    let n = 0;
    for (const k of this.#kept) {
      if (k.seq > seq) break;
      this.#keptChars -= k.chars;
      n++;
    }
    this.#kept.splice(0, n);
  }

  /** forget gives up the old peer: what was kept was said by it and not by the next one. */
  #forget(): void {
    this.#kept = [];
    this.#keptChars = 0;
    this.#seq = 0;
    this.#received = 0;
    this.#resume = "";
  }

  /** giveUp drops a socket that is silent. Its close event may take minutes. */
  #giveUp(): void {
    this.#detach(GIVEN_UP);
    this.#dropped();
  }

  #dropped(): void {
    if (this.#welcomed) this.#droppedAt = Date.now();
    this.#detach(NORMAL_CLOSURE);
    const away = Date.now() - this.#droppedAt;
    if (away > UNREACHABLE_MS) return this.#gone("unreachable");
    if (away > this.#resumeSeconds * 1000 && this.#resume) this.#forget();
    const base = RETRY_MS[Math.min(this.#attempt++, RETRY_MS.length - 1)]!;
    this.#retry(base * (1 + Math.random() / 4)); // not all pages of a restarted server at once
  }

  #retry(ms: number): void {
    this.#status.value = { kind: "reconnecting", retryAt: Date.now() + ms };
    this.#retryTimer = later(ms, () => this.open());
  }

  #gone(reason: string): void {
    this.#status.value = { kind: "gone", reason: goneReasons.find((r) => r === reason) ?? "internal" };
    this.#detach(NORMAL_CLOSURE);
    this.#forget();
  }

  #detach(code: number): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#welcomed = false;
    this.#retryTimer = clear(this.#retryTimer);
    this.#connectTimer = clear(this.#connectTimer);
    this.#ackTimer = clear(this.#ackTimer);
    this.#silenceTimer = clear(this.#silenceTimer);
    socket?.close(code);
  }
}

function later(ms: number, f: () => void): number {
  return setTimeout(f, ms) as unknown as number;
}

/** clear stops a timer and returns the number that no timer has. */
function clear(timer: number): number {
  clearTimeout(timer);
  return 0;
}
