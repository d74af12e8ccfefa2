import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pace } from "./pace";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

// The faked clock stands still while something is drawn: what that takes is added to it.
let busy = 0;
beforeEach(() => {
  busy = 0;
  const now = performance.now.bind(performance);
  vi.spyOn(performance, "now").mockImplementation(() => now() + busy);
});
afterEach(() => void vi.restoreAllMocks());

/** drawer takes so many ms to draw. */
function drawer(cost: number): { drawn: () => number; pace: Pace } {
  let drawn = 0;
  const pace = new Pace(() => {
    drawn++;
    busy += cost;
  });
  return { drawn: () => drawn, pace };
}

test("draws at once what comes first", () => {
  const { drawn, pace } = drawer(5);
  pace.due();
  expect(drawn()).toBe(1);
});

test("draws together what comes while it draws, and after twice the time that drawing took", () => {
  const { drawn, pace } = drawer(40);
  pace.due();
  pace.due();
  pace.due();
  vi.advanceTimersByTime(79);
  expect(drawn()).toBe(1);
  vi.advanceTimersByTime(2);
  expect(drawn()).toBe(2);
  vi.advanceTimersByTime(1000);
  expect(drawn()).toBe(2);
});

test("draws at once again after a rest", () => {
  const { drawn, pace } = drawer(40);
  pace.due();
  vi.advanceTimersByTime(200);
  pace.due();
  expect(drawn()).toBe(2);
});

test("draws nothing that was stopped", () => {
  const { drawn, pace } = drawer(40);
  pace.due();
  pace.due();
  pace.stop();
  vi.advanceTimersByTime(1000);
  expect(drawn()).toBe(1);
});

test("rests no longer because the machine slept while it drew", () => {
  const { drawn, pace } = drawer(3_600_000);
  pace.due();
  pace.due();
  vi.advanceTimersByTime(5_001);
  expect(drawn()).toBe(2);
});
