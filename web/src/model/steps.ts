// How far each trial came and how long each step of it took, from the events alone. Both ends are put on one clock: the server's, at which their events came in.
import type { Event, Experiment, Outcome, Reason, TrialID, TrialKind } from "../protocol.gen";

/** The steps in the order in which they begin. Gathering goes on beside the checks, and data and video are measured side by side. */
export const stepNames = ["gather", "check", "dtls", "data", "video"] as const;
export type StepName = (typeof stepNames)[number];

/** Step is one step on the server's clock. toMs is null where it did not come to its end: it goes on, or the trial ended in it. */
export interface Step {
  fromMs: number;
  toMs: number | null;
}

export type Steps = Partial<Record<StepName, Step>>;

export interface TrialSteps {
  id: TrialID;
  kind: TrialKind;
  run: number;
  offerer: string;
  answerer: string;
  startMs: number;
  /** null: it runs */
  endMs: number | null;
  outcome: Outcome | "";
  reason: Reason | "";
  /** holdMs is how long it is kept up after it was measured; 0: not at all. */
  holdMs: number;
  /** of both ends: from the first that began until the last that came through */
  steps: Steps;
  /** the same of each end, by peer */
  ends: Record<string, Steps>;
  /** the furthest step that either end began */
  last: StepName;
}

export interface RunSteps {
  number: number;
  atMs: number;
  experiment: Experiment | "";
}

/** The trials that are compared: each is one way to connect. */
const compared: readonly string[] = ["host", "stun", "relay-udp", "relay-tcp", "custom"] satisfies TrialKind[];
/** What is kept of a room that is run again and again; the server's recording has all. */
const MAX_RUNS = 50;

/** Marks are the moments of one end, on the server's clock. */
interface Marks {
  gathered?: number;
  checking?: number;
  ice?: number;
  up?: number;
  data?: number;
  video?: number;
}

interface Trial {
  start: Event & { type: "start" };
  stop?: Event & { type: "stop" };
  ends: Map<string, Marks>;
}

/** StepFold takes the events in their order, each once. */
export class StepFold {
  readonly runs = new Map<number, RunSteps>();
  readonly #trials = new Map<TrialID, Trial>();

  add(e: Event): void {
    switch (e.type) {
      case "run":
        this.runs.set(e.run.number, { number: e.run.number, atMs: e.atMs, experiment: e.run.experiment ?? "" });
        if (this.runs.size > MAX_RUNS) this.#forget(Math.min(...this.runs.keys()));
        return;
      case "start":
        if (e.start.answerer && compared.includes(kindOf(e.start.trial))) {
          this.#trials.set(e.start.trial, { start: e, ends: new Map([e.start.offerer, e.start.answerer].map((id) => [id, {}])) });
        }
        return;
      case "stop": {
        const trial = this.#trials.get(e.stop.trial);
        if (trial) trial.stop ??= e;
        return;
      }
      case "state": {
        const m = this.#marks(e.state.trial, e.peer);
        if (!m) return;
        switch (`${e.state.what}=${e.state.value}`) {
          case "gathering=complete":
            m.gathered ??= e.atMs;
            break;
          case "ice=checking":
            m.checking ??= e.atMs;
            break;
          case "ice=connected":
          case "ice=completed":
            m.checking ??= e.atMs;
            m.ice ??= e.atMs;
            break;
          case "dtls=connected":
          case "connection=connected":
            m.up ??= e.atMs;
        }
        return;
      }
      case "candidate": {
        const m = e.candidate.candidate === "" ? this.#marks(e.candidate.trial, e.peer) : undefined;
        if (m) m.gathered ??= e.atMs;
        return;
      }
      case "sample": {
        // Some agents check without ever saying so.
        const m = e.sample.pairs?.length ? this.#marks(e.sample.trial, e.peer) : undefined;
        if (m) m.checking ??= e.atMs;
        return;
      }
      case "measurement": {
        const m = this.#marks(e.measurement.trial, e.peer);
        if (!m) return;
        const { data, video } = e.measurement;
        if (data && data.lossPercent != null) m.data ??= e.atMs;
        if (video) m.video ??= e.atMs;
      }
    }
  }

  /** trials of one run, in the order in which they were started. */
  trials(run: number): TrialSteps[] {
    return [...this.#trials.keys()].filter((id) => runOf(id) === run).map((id) => this.trial(id)!);
  }

  trial(id: TrialID): TrialSteps | undefined {
    const trial = this.#trials.get(id);
    if (!trial) return undefined;
    const { start, stop } = trial;
    const ends = Object.fromEntries([...trial.ends].map(([peer, m]) => [peer, stepsOf(start.atMs, m)]));
    const steps = joined(Object.values(ends));
    return {
      id,
      kind: kindOf(id) as TrialKind,
      run: runOf(id),
      offerer: start.start.offerer,
      answerer: start.start.answerer,
      startMs: start.atMs,
      endMs: stop?.atMs ?? null,
      outcome: stop?.stop.outcome ?? "",
      reason: stop?.stop.reason ?? "",
      holdMs: start.start.holdMs ?? 0,
      steps,
      ends,
      last: stepNames.findLast((s) => steps[s]) ?? "gather",
    };
  }

  /** What comes after the stop (a last sample) is no step any more. */
  #marks(id: TrialID, peer: string | undefined): Marks | undefined {
    const trial = this.#trials.get(id);
    return trial && !trial.stop && peer !== undefined ? trial.ends.get(peer) : undefined;
  }

  #forget(run: number): void {
    this.runs.delete(run);
    for (const id of [...this.#trials.keys()]) if (runOf(id) === run) this.#trials.delete(id);
  }
}

/** foldSteps is for a list that is complete. */
export function foldSteps(events: readonly Event[]): StepFold {
  const fold = new StepFold();
  for (const e of events) fold.add(e);
  return fold;
}

export function kindOf(id: TrialID): string {
  return id.slice(0, id.lastIndexOf("-"));
}

export function runOf(id: TrialID): number {
  return Number(id.slice(id.lastIndexOf("-") + 1));
}

/** The states of ICE, DTLS and the connection come in no fixed order from an end: a step never ends before it began. */
function stepsOf(startMs: number, m: Marks): Steps {
  const step = (fromMs: number | undefined, toMs: number | undefined): Step | undefined =>
    fromMs === undefined ? undefined : { fromMs, toMs: toMs === undefined ? null : Math.max(fromMs, toMs) };
  const up = m.up === undefined ? undefined : Math.max(m.up, m.ice ?? m.up);
  const ice = m.ice ?? up;
  const all: Record<StepName, Step | undefined> = {
    gather: step(startMs, m.gathered),
    check: step(m.checking ?? ice, ice),
    dtls: step(ice, up),
    data: step(up, m.data),
    video: step(up, m.video),
  };
  return Object.fromEntries(Object.entries(all).filter(([, s]) => s)) as Steps;
}

function joined(ends: Steps[]): Steps {
  const out: Steps = {};
  for (const name of stepNames) {
    const there = ends.map((e) => e[name]).filter((s) => s !== undefined);
    if (there.length === 0) continue;
    const done = there.length === ends.length && there.every((s) => s.toMs !== null);
    out[name] = { fromMs: Math.min(...there.map((s) => s.fromMs)), toMs: done ? Math.max(...there.map((s) => s.toMs!)) : null };
  }
  return out;
}

/** measuredMs is when all that is measured had been; null: not yet, or never. The headless peer sends no video, so the data alone is enough once the trial has ended. */
export function measuredMs(tr: TrialSteps): number | null {
  const data = tr.steps.data?.toMs ?? null;
  const video = tr.steps.video?.toMs ?? null;
  if (data !== null && video !== null) return Math.max(data, video);
  return tr.endMs !== null && tr.outcome === "connected" ? (data ?? tr.endMs) : null;
}

/** Bar is a piece of the line that is drawn for a trial. cut: the trial ended in it. open: it goes on. */
export interface Bar {
  step: StepName;
  fromMs: number;
  toMs: number;
  cut: boolean;
  open: boolean;
}

/**
 * bars are what is drawn of a trial. The way is what it has to pass, one after the other: each piece lasts until the next one begins. Beside it stands what goes on
 * at the same time: gathering after the checks have begun, and video.
 */
export function bars(tr: TrialSteps, nowMs: number): { way: Bar[]; beside: Bar[] } {
  const end = tr.endMs ?? Math.max(nowMs, tr.startMs);
  const way: Bar[] = [];
  const order = (["gather", "check", "dtls", "data"] as const).filter((s) => tr.steps[s]);
  order.forEach((step, i) => {
    const s = tr.steps[step]!;
    const next = order[i + 1];
    const fromMs = Math.min(Math.max(s.fromMs, way.at(-1)?.toMs ?? 0), end);
    // A step lasts until both ends are through; the next may have begun at one of them.
    const toMs = next ? Math.max(fromMs, step === "gather" ? tr.steps[next]!.fromMs : (s.toMs ?? tr.steps[next]!.fromMs)) : (s.toMs ?? end);
    const last = !next && s.toMs === null;
    way.push({ step, fromMs, toMs: Math.min(toMs, end), cut: last && tr.endMs !== null && tr.outcome !== "connected", open: last && tr.endMs === null });
  });
  const beside: Bar[] = [];
  const { gather, check, video } = tr.steps;
  const until = gather?.toMs ?? end;
  if (gather && check && until > check.fromMs) beside.push({ step: "gather", fromMs: check.fromMs, toMs: Math.min(until, end, video?.fromMs ?? end), cut: false, open: gather.toMs === null && tr.endMs === null && !video });
  if (video) beside.push({ step: "video", fromMs: video.fromMs, toMs: Math.min(video.toMs ?? end, end), cut: false, open: video.toMs === null && tr.endMs === null });
  return { way, beside };
}

/** The ends of an axis in milliseconds: with few of them, a growing axis seldom changes. */
const axes = [2000, 3000, 5000, 8000, 10_000, 12_000, 15_000, 20_000, 30_000, 45_000, 60_000, 90_000, 120_000, 180_000, 300_000, 600_000];

/** axisMs is the length of an axis that holds a duration. */
export function axisMs(longest: number): number {
  return axes.find((a) => a >= longest) ?? Math.ceil(longest / 600_000) * 600_000;
}
