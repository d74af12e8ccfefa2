import { beforeEach, describe, expect, test } from "vitest";
import type { Event } from "../../protocol.gen";
import { bounds, chosen, show, showEvents, view } from "./view";

const events = (first: number, count: number) => Array.from({ length: count }, (_, i) => ({ seq: first + i, atMs: (first + i) * 100, type: "full" }) as Event);

beforeEach(() => {
  bounds.value = { firstMs: 0, lastMs: 10_000, runMs: 0 };
  chosen.value = null;
});

describe("what a finding stands on is zoomed to", () => {
  test("with some room around it", () => {
    expect(showEvents([20, 30], events(0, 100))).toBe(true);
    expect(view.value).toEqual({ fromMs: 1920, toMs: 3080 });
  });

  test("as far as it has come, and that there is more to come is told", () => {
    expect(showEvents([20, 30], events(0, 25))).toBe(false);
    expect(view.value).toEqual({ fromMs: 1980, toMs: 2020 });
    expect(showEvents([20, 30], [])).toBe(false);
  });

  test("nothing is waited for that was let go", () => {
    expect(showEvents([20, 30], events(25, 50))).toBe(true);
    expect(view.value).toEqual({ fromMs: 2980, toMs: 3020 });
    chosen.value = null;
    expect(showEvents([1, 2], events(25, 50))).toBe(true);
    expect(chosen.value).toBeNull();
  });
});

test("nothing is shown that is outside of all that there is", () => {
  show(-5000, -4000);
  expect(view.value).toEqual({ fromMs: 0, toMs: 1000 });
});
