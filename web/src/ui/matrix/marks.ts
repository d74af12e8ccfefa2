import { pairedWith } from "../../model/focus";
import type { CandidateReport, PeerReport, Report } from "../../protocol.gen";
import type { Filter } from "../TrialFilter";

/** The kinds of candidates that a table is narrowed by. TCP is a kind of its own: such a candidate is tried by other rules (RFC 6544). */
export const candidateKinds = ["host", "srflx", "prflx", "relay", "tcp"] as const;
export type CandidateKind = (typeof candidateKinds)[number];
export type KindFilter = CandidateKind | "all";

export function kindOf(c: Pick<CandidateReport, "type" | "protocol">): string {
  return c.protocol === "tcp" ? "tcp" : c.type;
}

export function fits(c: CandidateReport, trial: Filter, kind: KindFilter): boolean {
  return (trial === "all" || c.trial === trial) && (kind === "all" || kindOf(c) === kind);
}

/** Mark is how far a candidate came. "open" is not known yet, "unknown" was not measured, "none" cannot be. */
export type Mark = "yes" | "no" | "refused" | "open" | "unknown" | "none";
export const steps = ["signaled", "arrived", "paired", "selected"] as const;
export type Step = (typeof steps)[number];

/** Of these trials the candidates are offered to nobody. */
const offeredToNobody = (trial: string) => trial === "alone" || trial === "gather" || trial === "nat";

/** marksOf is what became of a candidate: told to the other end, applied there, put into a pair, chosen. */
export function marksOf(report: Report, peer: string, c: CandidateReport): Record<Step, Mark> {
  const signaled: Mark = c.signaled ? "yes" : "no";
  if (offeredToNobody(c.trial)) return { signaled, arrived: "none", paired: "none", selected: "none" };
  const tr = report.trials.find((tr) => tr.kind === c.trial && (tr.a === peer || tr.b === peer));
  const over: Mark = !tr ? "unknown" : tr.outcome === "" ? "open" : "no";
  return {
    signaled,
    arrived: c.appliedError ? "refused" : c.receivedByPeer ? "yes" : !c.signaled ? "none" : over,
    // A connection has a pair: where none is shown, nobody counted them.
    paired: pairedWith(report, peer, c) > 0 || c.selected ? "yes" : over === "no" && tr!.pairs.length === 0 && tr!.outcome === "connected" ? "unknown" : over,
    selected: c.selected ? "yes" : over,
  };
}

/** Ends is how many candidates of one kind each end offers, and how many of them the other end took. */
export interface Ends {
  kind: CandidateKind;
  ends: readonly { peer: string; offered: number; missing: number; open: number; refused: number; seen: number }[];
  /** only: one end alone has this kind; lost: something did not arrive; empty: nothing differs */
  differs: "only" | "lost" | "";
}

/** endsOf compares both ends by kind. What one gathered alone was offered to nobody and counts only where it is asked for. */
export function endsOf(report: Report, peers: readonly PeerReport[], trial: Filter): Ends[] {
  return candidateKinds.map((kind) => {
    const ends = peers.map((p) => {
      const own = p.candidates.filter((c) => kindOf(c) === kind && (trial === "all" ? !offeredToNobody(c.trial) : c.trial === trial));
      const marks = own.map((c) => marksOf(report, p.id, c));
      const count = (m: Mark) => marks.filter((x) => x.arrived === m).length;
      return {
        peer: p.id,
        offered: own.filter((c) => c.signaled).length,
        missing: count("no"),
        open: count("open"),
        refused: count("refused"),
        seen: own.filter((c) => !c.signaled).length,
      };
    });
    const has = ends.map((e) => e.offered + e.seen > 0);
    const lost = ends.some((e) => e.missing + e.refused > 0);
    return { kind, ends, differs: lost ? "lost" : peers.length === 2 && has[0] !== has[1] ? "only" : "" };
  });
}
