// What the reader points at. Whatever shows the same thing lights up: its row in a table, its cell in the matrix, its arrow in the picture, its events in the timeline.
import { computed, signal } from "@preact/signals";
import type { CandidateReport, Event, Evidence, Finding, PairEnd, PairReport, Report, TrialReport } from "../protocol.gen";

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
/** sought are the events that the timeline is to zoom to, once, as soon as it is there and has them: where the reader then goes in the time is the reader's. */
export const sought = signal<readonly number[] | null>(null);

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

function endKey(peer: string, kind: string, e: PairEnd): string {
  return `${peer}|${kind}|${e.type}|${e.protocol}|${e.address}:${e.port}`; // as candidateKey
}

/** A pair with the keys of everything that it touches. */
interface PairPlace {
  key: string;
  trial: TrialReport;
  pair: PairReport;
  /** the candidates' keys, a's and b's; a trial of an experiment has candidates of its own, which no table shows */
  ends: readonly [string, string] | null;
}

interface Index {
  pairs: readonly PairPlace[];
  candidates: readonly { peer: string; candidate: CandidateReport }[];
  byEnd: ReadonlyMap<string, readonly PairPlace[]>;
}

/** A report is looked through once: while the mouse moves over hundreds of rows, each of them asks. */
const indexes = new WeakMap<Report, Index>();

function indexOf(report: Report): Index {
  const known = indexes.get(report);
  if (known) return known;
  const side = [...(report.experiments ?? []).flatMap((x) => x.trials ?? []), ...(report.beside ?? []).flatMap((b) => b.trials)]; // a report of an earlier version has none
  const place = (trial: TrialReport, own: boolean) => (pair: PairReport): PairPlace => ({
    get key() {
      return pairKey(trial.id, pair); // of two thousand, few are asked for
    },
    trial,
    pair,
    ends: own ? [endKey(trial.a, trial.kind, pair.local), endKey(trial.b, trial.kind, pair.remote)] : null,
  });
  const pairs = [...report.trials.flatMap((tr) => tr.pairs.map(place(tr, true))), ...side.flatMap((tr) => tr.pairs.map(place(tr, false)))];
  const byEnd = new Map<string, PairPlace[]>();
  for (const p of pairs) {
    for (const end of p.ends ?? []) {
      const there = byEnd.get(end);
      if (there) there.push(p);
      else byEnd.set(end, [p]);
    }
  }
  const candidates = report.peers.flatMap((p) => p.candidates.map((candidate) => ({ peer: p.id, candidate })));
  const index = { pairs, candidates, byEnd };
  indexes.set(report, index);
  return index;
}

const unique = <T>(all: Iterable<T>): T[] => [...new Set(all)];

function bothLanes(tr: TrialReport): string[] {
  return [laneKey(tr.kind, tr.a, tr.b), laneKey(tr.kind, tr.b, tr.a)];
}

/** pairedWith counts the pairs that a candidate is in. */
export function pairedWith(report: Report, peer: string, c: CandidateReport): number {
  return indexOf(report).byEnd.get(candidateKey(peer, c))?.length ?? 0;
}

/** focusOfCandidate is a candidate with its pairs, those at the other end that it was paired with, its arrows, and its events. */
export function focusOfCandidate(report: Report, peer: string, c: CandidateReport): Focus {
  const own = candidateKey(peer, c);
  const pairs = indexOf(report).byEnd.get(own) ?? [];
  return {
    candidates: unique([own, ...pairs.flatMap((p) => p.ends ?? [])]),
    pairs: pairs.map((p) => p.key),
    lanes: unique(pairs.flatMap((p) => bothLanes(p.trial))),
    events: unique([...(c.event >= 0 ? [c.event] : []), ...pairs.flatMap((p) => p.pair.events)]),
  };
}

/** focusOfPair is a pair with its two candidates, the arrows of its trial, and the samples that hold it. */
export function focusOfPair(trial: TrialReport, p: PairReport): Focus {
  return {
    candidates: [candidateKey(trial.a, { trial: trial.kind, ...p.local }), candidateKey(trial.b, { trial: trial.kind, ...p.remote })],
    pairs: [pairKey(trial.id, p)],
    lanes: bothLanes(trial),
    events: p.events,
  };
}

/** focusOfEvents is what events are about: the candidate that one brings or that is applied by one, the pairs that a sample holds, with the arrows of their trial. */
export function focusOfEvents(report: Report | null, events: readonly Event[]): Focus {
  const own = events.map((e) => e.seq);
  if (!report) return { events: own };
  const { pairs, candidates } = indexOf(report);
  const about = new Set([...own, ...events.flatMap((e) => (e.type === "applied" ? [e.applied.ref] : []))]);
  const held = pairs.filter((p) => p.pair.events.some((seq) => about.has(seq)));
  return {
    candidates: candidates.filter(({ candidate: c }) => about.has(c.event)).map((c) => candidateKey(c.peer, c.candidate)),
    pairs: held.map((p) => p.key),
    lanes: unique(held.flatMap((p) => bothLanes(p.trial))),
    events: own,
  };
}

/** endpointsIn are the addresses with a port that a sentence names, as endpoint writes them. */
function endpointsIn(text: string): ReadonlySet<string> {
  return new Set(text.match(/(\[[0-9a-f:.%]+\]|[0-9a-z][0-9a-z.-]*):\d+(?!\d)/gi) ?? []);
}

function named(endpoints: ReadonlySet<string>, { address, port }: { address: string; port: number }): boolean {
  return address !== "" && endpoints.has(`${address.includes(":") ? `[${address}]` : address}:${port}`);
}

/**
 * focusOfEvidence is what a finding's evidence is about. A sample holds all the pairs of a trial: where the sentences name addresses, only those pairs count, and where
 * the finding has a direction, those that fail in it.
 */
export function focusOfEvidence(report: Report, f: Finding, evidence: readonly Evidence[] = f.evidence): Focus {
  const { pairs: allPairs, candidates } = indexOf(report);
  const events = unique(evidence.flatMap((e) => e.events));
  const seen = new Set(events);
  const told = endpointsIn(evidence.map((e) => e.text).join("\n"));
  const ofTrial = (kind: string) => !f.trial || kind === f.trial;

  let pairs = allPairs.filter((p) => ofTrial(p.trial.kind) && (named(told, p.pair.local) || named(told, p.pair.remote)));
  if (pairs.length === 0) pairs = allPairs.filter((p) => ofTrial(p.trial.kind) && p.pair.events.some((e) => seen.has(e)));
  if (f.direction) {
    const { from } = f.direction;
    const failing = pairs.filter((p) => !["answered", "not-observable"].includes(from === p.trial.a ? p.pair.directions.aToB : p.pair.directions.bToA));
    if (failing.length > 0) pairs = failing;
  }
  const lit = candidates.filter(({ candidate: c }) => seen.has(c.event) || (ofTrial(c.trial) && named(told, c)));
  const trials = report.trials.filter((tr) => (f.trial ? tr.kind === f.trial : pairs.some((p) => p.trial === tr)));
  return {
    candidates: unique([...lit.map((c) => candidateKey(c.peer, c.candidate)), ...pairs.flatMap((p) => p.ends ?? [])]),
    pairs: pairs.map((p) => p.key),
    lanes: f.direction ? trials.map((tr) => laneKey(tr.kind, f.direction!.from, f.direction!.to)) : unique(trials.flatMap(bothLanes)),
    events,
  };
}
