import "./Trials.css";
import { useEffect, useState } from "preact/hooks";
import { t, word } from "../i18n";
import { axisMs, measuredMs, StepFold, stepNames, type RunSteps, type Step, type TrialSteps } from "../model/steps";
import type { Event, Report, TrialReport } from "../protocol.gen";
import { Badge } from "./Badge";
import { useRoom } from "./context";
import { ms, none, peerName, percent, rate } from "./format";
import { Explain } from "./Explain";
import { Hold } from "./Hold";
import { PairName } from "./PairName";
import { Sparkline } from "./Sparkline";
import { useFold } from "./timeline/feed";
import { outcomeLook } from "./tones";
import { Axis, endWord, Lane, Patterns, Swatch } from "./TrialBars";

/** How often the bars of what runs grow. */
const GROW_MS = 250;

/** A row is one trial: what the report says of it, what its events say, or both. */
interface Row {
  id: string;
  report: TrialReport | undefined;
  steps: TrialSteps | undefined;
  zeroMs: number;
}

/** Trials compares the experiments on one time axis: what each needed, how far it came, how long each step took, and what it measured. */
export function Trials({ report }: { report: Report }) {
  const fold = useFold(() => new StepFold());
  const [chosen, setChosen] = useState(0); // 0: the newest of each kind
  const runs = [...fold.runs.values()].filter((r) => fold.trials(r.number).length > 0).reverse();
  const run = runs.find((r) => r.number === chosen);
  const rows = run ? rowsOf(fold, run, report) : newest(fold, report);
  const running = rows.some((r) => r.steps && r.steps.endMs === null);
  const nowMs = useNow(running);
  const longest = Math.max(0, ...rows.map((r) => lengthOf(r.steps, nowMs) - r.zeroMs), ...rows.map((r) => (r.steps ? 0 : (r.report?.clocks.totalMs ?? 0))));
  const lengthMs = axisMs(longest);
  return (
    <div class="trials-compared card">
      <Patterns />
      <div class="trials-axis">
        <div>{runs.length > 1 && <Runs runs={runs} chosen={run ? chosen : 0} onChoose={setChosen} />}</div>
        <Axis lengthMs={lengthMs} />
      </div>
      <ul class="trials">
        {rows.map((r) => (
          <Trial key={r.id} row={r} report={report} lengthMs={lengthMs} nowMs={nowMs} />
        ))}
      </ul>
      <p class="trials-note right muted small">{t("bars.axis")}</p>
      <details class="trials-table">
        <summary>{t("bars.table")}</summary>
        <Table rows={rows} report={report} />
      </details>
    </div>
  );
}

function newest(fold: StepFold, report: Report): Row[] {
  return report.trials.map((tr) => {
    const steps = fold.trial(tr.id);
    return { id: tr.kind, report: tr, steps, zeroMs: fold.runs.get(steps?.run ?? 0)?.atMs ?? steps?.startMs ?? 0 };
  });
}

function rowsOf(fold: StepFold, run: RunSteps, report: Report): Row[] {
  return fold.trials(run.number).map((steps) => ({ id: steps.id, report: report.trials.find((tr) => tr.id === steps.id), steps, zeroMs: run.atMs }));
}

/** What is kept up is drawn until it was measured: minutes of it would leave nothing of the rest. */
function lengthOf(tr: TrialSteps | undefined, nowMs: number): number {
  if (!tr) return 0;
  return measuredMs(tr) ?? tr.endMs ?? nowMs;
}

/** useNow is the server's clock as far as this page can tell: the newest event's time, and what has passed since it came. */
function useNow(running: boolean): number {
  const room = useRoom();
  const newest: Event | undefined = room.events.value.at(-1);
  const [seen, setSeen] = useState({ seq: -1, at: 0 });
  const [now, setNow] = useState(0);
  useEffect(() => {
    if (newest && newest.seq !== seen.seq) setSeen({ seq: newest.seq, at: performance.now() });
  }, [newest]);
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(performance.now()), GROW_MS);
    return () => clearInterval(timer);
  }, [running]);
  return (newest?.atMs ?? 0) + (running && seen.seq === newest?.seq && room.status.value.kind === "online" ? Math.max(0, now - seen.at) : 0);
}

function Runs({ runs, chosen, onChoose }: { runs: readonly RunSteps[]; chosen: number; onChoose: (run: number) => void }) {
  return (
    <label class="trials-runs small">
      {t("bars.runs")}
      <select class="field" value={chosen} onChange={(e) => onChoose(Number(e.currentTarget.value))}>
        <option value={0}>{t("bars.newest")}</option>
        {runs.map((r) => (
          <option key={r.number} value={r.number}>
            {t("trials.run", { n: r.number })}
            {r.experiment && ` · ${word("experiment.kind", r.experiment)}`}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The steps as the report counts them, for a trial whose events are not on this page. "exchange" runs beside the gathering and "done" is no step of its own. */
const reached: Record<string, number> = { gather: 0, exchange: 1, check: 1, dtls: 2, data: 3, video: 4, done: 5 };

function Trial({ row, report, lengthMs, nowMs }: { row: Row; report: Report; lengthMs: number; nowMs: number }) {
  const { report: tr, steps } = row;
  const kind = tr?.kind ?? steps!.kind;
  const outcome = tr?.outcome ?? steps!.outcome;
  const look = outcomeLook[outcome];
  const step = tr?.step ?? (outcome === "connected" ? "done" : steps!.last);
  const at = outcome === "connected" ? stepNames.length : steps ? stepNames.indexOf(steps.last) : (reached[step] ?? 0);
  const run = (tr?.id ?? steps!.id).slice(kind.length + 1);
  const said = steps ? endWord(steps) : "";
  const offerer = tr?.offerer ?? steps!.offerer;
  // What was measured comes to where the words stood: their place is kept, and nothing moves.
  const measured = tr && (tr.data || tr.video || tr.selectedPair) ? tr : null;
  const total = tr?.clocks.totalMs ?? (steps?.endMs != null ? steps.endMs - steps.startMs : null);
  return (
    <li class="trial" data-tone={look.tone} data-testid={`trial-${kind}`} data-outcome={outcome} data-step={step} data-run={run}>
      <header class="stack">
        <div class="row tight between">
          <h3>
            <Explain term="trial">{word("trial", kind)}</Explain>
          </h3>
          <Badge look={look} text={t(`outcome.${outcome}`)} />
        </div>
        <p class="small">{word("uses", kind)}</p>
        <p class="row tight muted small">
          <span>{t("trials.offerer", { peer: peerName(report, offerer) })}</span>
          <span>
            {t("trials.run", { n: run })}
            {total != null && ` · ${ms(total)}`}
          </span>
        </p>
      </header>
      <div class="trial-body stack">
        {steps ? <Lane trial={steps} zeroMs={row.zeroMs} lengthMs={lengthMs} nowMs={nowMs} /> : <p class="lane-void muted small">{t("bars.void")}</p>}
        <ol class="steps row" aria-label={t("bars.steps")}>
          {stepNames.map((name, i) => {
            const own = steps?.steps[name];
            const state = i < at ? "done" : i > at || outcome === "skipped" ? "open" : outcome ? "broken" : "now";
            return (
              <li key={name} data-state={state}>
                <Swatch step={name} />
                <span class="step-name">{word("step", name)}</span> <span class="step-clock mono">{state === "open" ? none : clock(own, steps, tr, name)}</span>
                <span class="hidden-visually"> {t(`step.${state}`)}</span>
              </li>
            );
          })}
        </ol>
        <div class="trial-said">
          {(!measured || (outcome !== "connected" && outcome !== "")) && (
            <p>{tr?.error || tr?.reasonText || (outcome === "" ? t(`running.${stepNames[Math.min(at, stepNames.length - 1)]!}`) : said)}</p>
          )}
          {measured && (
            <dl class="trial-numbers">
              {(measured.data || measured.video) && (
                <>
                  <Figure name="RTT" value={ms(measured.data?.rttMs)}>
                    {measured.data?.roundTripsMs && <Sparkline values={measured.data.roundTripsMs} />}
                  </Figure>
                  <Figure name={t("plot.loss")} value={percent(measured.data?.lossPercent)} />
                  <Figure name={t("trials.rate")} value={rate(measured.data?.throughputKbps)} />
                  <Figure name={t("plot.fps")} value={measured.video ? t("trials.frames", { n: measured.video.framesDecoded }) : none} />
                </>
              )}
              <div class="trial-pair">
                <dt>{t("trials.pair")}</dt>
                <dd class="mono">{measured.selectedPair ? <PairName pair={measured.selectedPair} /> : none}</dd>
              </div>
            </dl>
          )}
        </div>
        {tr && <Hold trial={tr} />}
      </div>
    </li>
  );
}

/** clock is how long a step took; without its events, what the report counted of it. */
function clock(step: Step | undefined, steps: TrialSteps | undefined, tr: TrialReport | undefined, name: string): string {
  if (step) return lasted(step, steps);
  const told: Record<string, number | null | undefined> = { gather: tr?.clocks.gatherMs, check: tr?.clocks.checkMs, dtls: tr?.clocks.dtlsMs };
  return ms(told[name]);
}

/** lasted is how long a step took; of one that never came to its end, for how long it was tried. */
function lasted(step: Step, steps: TrialSteps | undefined): string {
  const until = step.toMs ?? steps?.endMs ?? null;
  if (until === null) return "…";
  return `${step.toMs === null ? "> " : ""}${ms(until - step.fromMs)}`;
}

function Figure({ name, value, children }: { name: string; value: string; children?: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        {children}
      </dd>
    </div>
  );
}

/** Table is the same as the bars, to be read: each end for itself. */
function Table({ rows, report }: { rows: readonly Row[]; report: Report }) {
  const ends = rows.flatMap((r) => Object.entries(r.steps?.ends ?? {}).map(([peer, steps]) => ({ row: r, peer, steps })));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("bars.table")}>
      <table class="small nowrap">
        <thead>
          <tr>
            <th scope="col">{t("signaling.trial")}</th>
            <th scope="col">{t("bars.end")}</th>
            {stepNames.map((s) => (
              <th key={s} scope="col">
                {word("step", s)}
              </th>
            ))}
            <th scope="col">{t("bars.outcome")}</th>
          </tr>
        </thead>
        <tbody>
          {ends.map(({ row, peer, steps }) => (
            <tr key={`${row.id} ${peer}`}>
              <th scope="row">{word("trial", row.steps!.kind)}</th>
              <td>{peerName(report, peer)}</td>
              {stepNames.map((s) => (
                <td key={s} class="mono">
                  {steps[s] ? `${lasted(steps[s], row.steps)} (+${ms(steps[s].fromMs - row.zeroMs)})` : none}
                </td>
              ))}
              <td>{endWord(row.steps!) || t(`outcome.${row.steps!.outcome}`)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
