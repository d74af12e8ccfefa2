// What part of the time is shown, in the timeline and in the plots, and where the reader's cursor is in it. Milliseconds on the server's clock.
import { computed, signal } from "@preact/signals";
import type { Event } from "../../protocol.gen";
import { firstFrom } from "./feed";

export interface Span {
  fromMs: number;
  toMs: number;
}

/** Closer than that, two events are not told apart by the clock. */
const MIN_SPAN_MS = 2;
/** A run begins that long after the left edge, so that its start is seen. */
const LEAD_MS = 150;

/** bounds is all that there is: the first event, the newest, and when the newest run began. */
export const bounds = signal({ firstMs: 0, lastMs: 0, runMs: 0 });
/** chosen is what the reader zoomed to; null: the newest run, followed to its end. */
export const chosen = signal<Span | null>(null);
export const cursorMs = signal<number | null>(null);
/** here is the event that the keyboard stands on. */
export const here = signal<number | null>(null);

export const whole = computed<Span>(() => padded(bounds.value.firstMs, bounds.value.lastMs));
export const view = computed<Span>(() => {
  const { firstMs, lastMs, runMs } = bounds.value;
  return chosen.value ?? padded(runMs > 0 ? Math.max(firstMs, runMs - LEAD_MS) : firstMs, lastMs);
});

/** A little room at the end: the newest mark is not cut. */
function padded(fromMs: number, lastMs: number): Span {
  return { fromMs, toMs: Math.max(fromMs + 1000, lastMs + (lastMs - fromMs) * 0.03) };
}

export function show(fromMs: number, toMs: number): void {
  const all = whole.value;
  const least = Math.max(MIN_SPAN_MS, toMs - fromMs);
  const length = Math.min(least, all.toMs - all.fromMs);
  const from = Math.min(Math.max(all.fromMs, fromMs), all.toMs - length);
  chosen.value = { fromMs: from, toMs: from + length };
}

export function showAll(): void {
  chosen.value = whole.value;
}

export function follow(): void {
  chosen.value = null;
}

/** zoom keeps the moment under the pointer where it is; without one, the middle. */
export function zoom(factor: number, atMs?: number): void {
  const { fromMs, toMs } = view.value;
  const at = atMs ?? (fromMs + toMs) / 2;
  const length = Math.max(MIN_SPAN_MS, (toMs - fromMs) * factor);
  const share = (at - fromMs) / (toMs - fromMs);
  show(at - length * share, at + length * (1 - share));
}

export function pan(byMs: number): void {
  const { fromMs, toMs } = view.value;
  show(fromMs + byMs, toMs + byMs);
}

/** reveal moves the view so that a moment is in it. */
export function reveal(atMs: number): void {
  const { fromMs, toMs } = view.value;
  if (atMs >= fromMs && atMs <= toMs) return;
  const half = (toMs - fromMs) / 2;
  show(atMs - half, atMs + half);
}

/** showEvents zooms to events, with some room around them. It answers whether the newest of them has come; of those that were let go, nothing will. */
export function showEvents(seqs: Iterable<number>, events: readonly Event[]): boolean {
  const wanted = [...seqs];
  const at = wanted.flatMap((seq) => {
    const e = events[firstFrom(events, seq)];
    return e?.seq === seq ? [e.atMs] : [];
  });
  if (at.length > 0) {
    const from = at.reduce((x, y) => Math.min(x, y));
    const to = at.reduce((x, y) => Math.max(x, y));
    const room = Math.max(20, (to - from) * 0.08);
    show(from - room, to + room);
  }
  const newest = events.at(-1)?.seq ?? -1;
  return wanted.every((seq) => seq <= newest);
}
