import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Hold } from "./hold";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function device() {
  const track = { stop: vi.fn(), addEventListener: vi.fn() };
  return { track, stream: { getTracks: () => [track] } as unknown as MediaStream };
}

test("a device is held until all trials that started meanwhile have stopped", () => {
  const { track, stream } = device();
  const hold = new Hold();
  hold.started("host-1"); // nothing is held: it does not count
  hold.take(stream);
  hold.stopped("host-1");
  expect(hold.on.value).toBe(true);
  hold.started("host-2");
  hold.started("stun-2");
  hold.stopped("host-2");
  expect(track.stop).not.toHaveBeenCalled();
  hold.stopped("stun-2");
  expect(track.stop).toHaveBeenCalledOnce();
  expect(hold.on.value).toBe(false);
});

test("a device is never held for long", () => {
  const { track, stream } = device();
  const hold = new Hold();
  hold.take(stream);
  vi.advanceTimersByTime(30_000);
  hold.started("host-1"); // the run has the whole time
  vi.advanceTimersByTime(39_999);
  expect(hold.on.value).toBe(true);
  vi.advanceTimersByTime(1);
  expect(track.stop).toHaveBeenCalledOnce();
});
