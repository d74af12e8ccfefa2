import { pairKey } from "../../model/focus";
import type { DirectionState, PairCounters, PairEnd, PairReport, Report, TrialReport } from "../../protocol.gen";
import { endpoint } from "../format";

/** Matrix is the pairs of a trial by their ends: a's down, b's across. */
export interface Matrix {
  rows: readonly PairEnd[];
  cols: readonly PairEnd[];
  /** by row and column; none: no pair of these two was formed */
  at(row: number, col: number): PairReport | undefined;
  place(p: Pick<PairReport, "local" | "remote">): { row: number; col: number } | null;
}

const name = (e: PairEnd) => `${e.type} ${e.protocol} ${e.address}:${e.port}`;

/** matrixOf has every candidate that was signaled in a trial, also those of which no pair came; own: the candidates of the report are those of this trial. */
export function matrixOf(report: Report, tr: TrialReport, own = true): Matrix {
  const [rowOf, rows] = [new Map<string, number>(), [] as PairEnd[]];
  const [colOf, cols] = [new Map<string, number>(), [] as PairEnd[]];
  const put = (e: PairEnd, index: Map<string, number>, all: PairEnd[]): number => {
    const key = name(e);
    const at = index.get(key);
    if (at !== undefined) return at;
    index.set(key, all.length);
    return all.push(e) - 1;
  };
  const signaled = (peer: string) => (own ? (report.peers.find((p) => p.id === peer)?.candidates ?? []).filter((c) => c.trial === tr.kind) : []);
  for (const c of signaled(tr.a)) put(c, rowOf, rows);
  for (const c of signaled(tr.b)) put(c, colOf, cols);
  const cells: (PairReport | undefined)[][] = [];
  for (const p of tr.pairs) {
    const row = (cells[put(p.local, rowOf, rows)] ??= []);
    const col = put(p.remote, colOf, cols);
    if (!row[col] || p.selected) row[col] = p;
  }
  return {
    rows,
    cols,
    at: (row, col) => cells[row]?.[col],
    place(p) {
      const [row, col] = [rowOf.get(name(p.local)), colOf.get(name(p.remote))];
      return row === undefined || col === undefined ? null : { row, col };
    },
  };
}

/** Way is one direction of a pair as the way of a check: sent, arrived, answered, answer back; null: not counted. */
export interface Way {
  state: DirectionState;
  counts: readonly [number | null, number | null, number | null, number | null];
}

/** waysOf are both directions, A → B first. */
export function waysOf(p: PairReport): readonly [Way, Way] {
  const way = (state: DirectionState, asks: PairCounters | null, answers: PairCounters | null): Way => ({
    state,
    counts: [asks?.requestsSent ?? null, answers?.requestsReceived ?? null, answers?.responsesSent ?? null, asks?.responsesReceived ?? null],
  });
  return [way(p.directions.aToB, p.a, p.b), way(p.directions.bToA, p.b, p.a)];
}

/** uncounted are the peers whose browser showed pairs of a trial and counted no check on any of them. */
export function uncounted(tr: TrialReport): string[] {
  const silent = (of: (p: PairReport) => PairCounters | null) => {
    const shown = tr.pairs.map(of).filter((c) => c !== null);
    return shown.length > 0 && shown.every((c) => c.requestsSent === null && c.requestsReceived === null && c.responsesSent === null);
  };
  return [silent((p) => p.a) ? tr.a : "", silent((p) => p.b) ? tr.b : ""].filter(Boolean);
}

/** pairData is how a pair is told from others on the page, in a cell and in a row alike. */
export function pairData(trial: TrialReport, p: PairReport) {
  return {
    "data-key": pairKey(trial.id, p),
    "data-testid": "pair",
    "data-trial": trial.kind,
    "data-local": endpoint(p.local.address, p.local.port),
    "data-remote": endpoint(p.remote.address, p.remote.port),
    "data-state": p.state,
    "data-selected": String(p.selected ?? false),
    "data-a-to-b": p.directions.aToB,
    "data-b-to-a": p.directions.bToA,
  };
}
