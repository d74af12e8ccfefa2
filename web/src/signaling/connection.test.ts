import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClientMessage, ServerMessage, Welcome } from "../protocol.gen";
import { Connection } from "./connection";

/** A socket whose other end is the test. */
class FakeSocket {
  static all: FakeSocket[] = [];
  readyState = 0;
  bufferedAmount = 0;
  sent: ClientMessage[] = [];
  closedWith = 0;
  onopen = () => {};
  onclose = () => {};
  onmessage = (_: { data: string }) => {};
  constructor() {
    FakeSocket.all.push(this);
  }
  send(text: string) {
    this.sent.push(JSON.parse(text) as ClientMessage);
  }
  close(code: number) {
    this.readyState = 3;
    this.closedWith = code;
  }
  opens() {
    this.readyState = 1;
    this.onopen();
  }
  drops() {
    this.readyState = 3;
    this.onclose();
  }
  says(m: ServerMessage) {
    this.onmessage({ data: JSON.stringify(m) });
  }
  welcomes(w: Partial<Welcome> = {}) {
    this.says({ type: "welcome", welcome: { room: "r", peer: "a", kind: "browser", resume: "token", resumeSeconds: 30, received: 0, version: "v", ...w } });
  }
}

const socket = () => FakeSocket.all.at(-1)!;
const seqs = (s = socket()) => s.sent.filter((m) => m.seq).map((m) => m.seq);
const run: ClientMessage = { type: "run", run: {} };
let connection: Connection;
let welcomes: Welcome[];
let frames: ServerMessage[];

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  welcomes = [];
  frames = [];
  connection = new Connection({
    url: "ws://x/ws",
    hello: () => ({ kind: "browser" }),
    eventsSeen: () => 7,
    onWelcome: (w) => welcomes.push(w),
    onFrame: (m) => frames.push(m),
    WebSocket: FakeSocket as unknown as new () => WebSocket,
  });
  connection.open();
});
afterEach(() => {
  vi.useRealTimers();
});

function online() {
  socket().opens();
  socket().welcomes();
}

function comesBack(w: Partial<Welcome>) {
  vi.advanceTimersByTime(1000);
  socket().opens();
  socket().welcomes(w);
}

test("hello first, then what was sent too early, numbered", () => {
  connection.send(run);
  socket().opens();
  expect(socket().sent).toEqual([{ type: "hello", hello: { kind: "browser" } }]);
  socket().welcomes();
  expect(connection.status.value).toEqual({ kind: "online" });
  connection.send(run);
  connection.post({ type: "ack" });
  expect(seqs()).toEqual([1, 2]);
});

test("a dropped socket resumes and sends again what the server has not", () => {
  online();
  for (let i = 0; i < 3; i++) connection.send(run);
  socket().says({ type: "stop", seq: 4, ack: 1, stop: { trial: "host-1", outcome: "failed", reason: "no-pairs" } });
  socket().drops();
  connection.send(run);
  expect(connection.status.value.kind).toBe("reconnecting");
  comesBack({ resumed: true, received: 2 });
  expect(socket().sent[0]).toEqual({ type: "hello", hello: { kind: "browser", resume: "token", received: 4, events: 7 } });
  expect(seqs()).toEqual([3, 4]);
  expect(welcomes.map((w) => w.resumed)).toEqual([undefined, true]);
});

test("a frame that a resume brings twice is seen once", () => {
  online();
  const stop: ServerMessage = { type: "stop", seq: 1, stop: { trial: "host-1", outcome: "failed", reason: "no-pairs" } };
  socket().says(stop);
  socket().drops();
  comesBack({ resumed: true });
  socket().says(stop);
  expect(frames).toEqual([stop]);
});

test("a refused resume says hello anew on the same connection, as a new peer", () => {
  online();
  connection.send(run);
  socket().drops();
  vi.advanceTimersByTime(1000);
  socket().opens();
  socket().says({ type: "error", error: { code: "bad-resume", message: "", hint: "" } });
  expect(socket().sent.at(-1)).toEqual({ type: "hello", hello: { kind: "browser" } });
  socket().welcomes({ peer: "b", resume: "other" });
  expect(seqs()).toEqual([]); // what a said is not repeated by b
  connection.send(run);
  expect(seqs()).toEqual([1]);
});

test("after resumeSeconds no resume is tried", () => {
  online();
  socket().drops();
  for (let i = 0; i < 12; i++) {
    vi.advanceTimersByTime(5000);
    socket().drops();
  }
  vi.advanceTimersByTime(5000);
  socket().opens();
  expect(socket().sent).toEqual([{ type: "hello", hello: { kind: "browser" } }]);
});

test("acknowledges: with a frame at once, without one after a second", () => {
  online();
  const stop = { type: "stop", stop: { trial: "host-1", outcome: "failed", reason: "no-pairs" } } as const;
  socket().says({ ...stop, seq: 1 });
  socket().says({ ...stop, seq: 2 });
  expect(socket().sent).toHaveLength(1);
  vi.advanceTimersByTime(1000);
  expect(socket().sent.at(-1)).toEqual({ type: "ack", ack: 2 });
  socket().says({ ...stop, seq: 3 });
  connection.send(run);
  expect(socket().sent.at(-1)).toMatchObject({ type: "run", ack: 3 });
  vi.advanceTimersByTime(2000);
  expect(socket().sent.filter((m) => m.type === "ack")).toHaveLength(1);
});

test.each(["unknown-room", "room-full"] as const)("%s ends it; reopen begins anew", (code) => {
  socket().opens();
  socket().says({ type: "error", error: { code, message: "", hint: "" } });
  expect(connection.status.value).toEqual({ kind: "gone", reason: code });
  expect(frames.map((m) => m.type)).toEqual(["error"]);
  vi.advanceTimersByTime(60_000);
  expect(FakeSocket.all).toHaveLength(1);
  connection.reopen();
  online();
  expect(connection.status.value).toEqual({ kind: "online" });
});

test("bye says whether and when to come back", () => {
  online();
  socket().says({ type: "bye", bye: { reason: "shutdown", retryMs: 1000 } });
  vi.advanceTimersByTime(999);
  expect(FakeSocket.all).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(FakeSocket.all).toHaveLength(2);
  online();
  socket().says({ type: "bye", bye: { reason: "replaced" } });
  expect(connection.status.value).toEqual({ kind: "gone", reason: "replaced" });
});

test("a silent path is given up though TCP says nothing", () => {
  online();
  connection.send(run);
  vi.advanceTimersByTime(12_000);
  expect(FakeSocket.all[0]?.closedWith).toBe(4000);
  comesBack({ resumed: true });
  expect(seqs()).toEqual([1]);
});

test("an overflowing queue joins anew rather than leave a hole", () => {
  online();
  socket().drops();
  for (let i = 0; i < 2100; i++) connection.send(run);
  comesBack({});
  expect(socket().sent).toEqual([{ type: "hello", hello: { kind: "browser" } }]);
});

test("leave says so and stays away", () => {
  online();
  connection.leave();
  expect(socket().sent.at(-1)).toEqual({ type: "leave" });
  expect(connection.status.value).toEqual({ kind: "gone", reason: "left" });
  vi.advanceTimersByTime(60_000);
  expect(FakeSocket.all).toHaveLength(1);
});

test("unreachable for long", () => {
  for (let i = 0; i < 100; i++) {
    socket().drops();
    vi.advanceTimersByTime(5000);
  }
  expect(connection.status.value).toEqual({ kind: "gone", reason: "unreachable" });
});
