// For tests only: the recordings of the lab.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Event } from "../protocol.gen";

/** story is the recording of a lab story: what really came in. */
export function story(name: string): Event[] {
  const text = readFileSync(join(import.meta.dirname, `../../../diagnosis/testdata/${name}.txtar`), "utf8");
  const recording = text.split(/^-- recording\.jsonl --$/m)[1]!.split(/^-- /m)[0]!;
  return recording.trim().split("\n").map((line) => JSON.parse(line) as Event);
}
