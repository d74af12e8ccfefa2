// That the samples decode as the generated types is proved by tsc (satisfies); that none is missing, here.
import { expect, test } from "vitest";
import { clientTypeValues, eventTypeValues, serverTypeValues } from "./protocol.gen";
import { clientSamples, eventSamples, serverSamples } from "./protocol.samples.gen";

test.each([
  ["client", clientTypeValues, clientSamples],
  ["server", serverTypeValues, serverSamples],
  ["event", eventTypeValues, eventSamples],
] as const)("every %s type has a sample", (_, types, samples) => {
  const sampled = new Set(Object.values(samples).map((s) => s.type as string));
  expect([...types].filter((t) => !sampled.has(t))).toEqual([]);
});
