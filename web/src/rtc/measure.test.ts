import { expect, test } from "vitest";
import { lossPercent, summary, throughputKbps } from "./measure";

test("median and mean absolute difference of the round trips", () => {
  expect(summary([4, 1, 3])).toEqual({ rttMs: 3, jitterMs: 2.5, roundTripsMs: [4, 1, 3] });
  expect(summary([1, 2, 10, 3])).toMatchObject({ rttMs: 2.5 });
  expect(summary([7])).toEqual({ rttMs: 7, jitterMs: 0, roundTripsMs: [7] });
});

test("loss", () => {
  expect(lossPercent(200, 199)).toBe(0.5);
  expect(lossPercent(200, 201)).toBe(0); // a duplicate is no negative loss
  expect(lossPercent(0, 0)).toBe(0);
});

test("throughput has no value without a length of time", () => {
  expect(throughputKbps(1100 * 100, 100)).toBe(8800);
  expect(throughputKbps(1100, 0)).toBeNull();
});
