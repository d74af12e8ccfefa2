// What the reader points at. Whatever shows the same thing lights up: its row in a table, its cell in the matrix, its arrow in the picture, its events in the timeline.
import { computed, signal } from "@preact/signals";
import type { CandidateReport, PairEnd, PairReport } from "../protocol.gen";

/** Focus names the things that belong together, by the keys below and by the numbers of events. */
export interface Focus {
  /** keys of candidateKey */
  candidates?: readonly string[];
  /** keys of pairKey */
  pairs?: readonly string[];
  /** keys of laneKey */
  lanes?: readonly string[];
  /** numbers of events of the recording */
  events?: readonly number[];
}

/** pointed is what the mouse or the keyboard is on; null: nothing. */
export const pointed = signal<Focus | null>(null);
/** pinned is what stays lit until something else is: an opened finding's evidence. */
export const pinned = signal<Focus | null>(null);

/** lit is everything that is to be lit now. */
export const lit = computed(() => {
  const all = [pointed.value, pinned.value];
  return {
    candidates: new Set(all.flatMap((f) => f?.candidates ?? [])),
    pairs: new Set(all.flatMap((f) => f?.pairs ?? [])),
    lanes: new Set(all.flatMap((f) => f?.lanes ?? [])),
    events: new Set(all.flatMap((f) => f?.events ?? [])),
  };
});

/** candidateKey is one candidate of a peer in a kind of trial. */
export function candidateKey(peer: string, c: Pick<CandidateReport, "trial" | "type" | "protocol" | "address" | "port">): string {
  return `${peer}|${c.trial}|${c.type}|${c.protocol}|${c.address}:${c.port}`;
}

/** pairKey is one pair of a trial, by its identifier as in stun-1. */
export function pairKey(trial: string, p: Pick<PairReport, "local" | "remote">): string {
  const end = (e: PairEnd) => `${e.type} ${e.protocol} ${e.address}:${e.port}`;
  return `${trial}|${end(p.local)}|${end(p.remote)}`;
}

/** laneKey is one direction of a kind of trial, between two peers. */
export function laneKey(trial: string, from: string, to: string): string {
  return `${trial}|${from}>${to}`;
}
