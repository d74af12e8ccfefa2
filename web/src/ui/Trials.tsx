import "./Trials.css";
import { t, word } from "../i18n";
import type { Report, TrialReport } from "../protocol.gen";
import { Badge } from "./Badge";
import { ms, none, peerName, percent, rate } from "./format";
import { Explain } from "./Explain";
import { Hold } from "./Hold";
import { PairName } from "./PairName";
import { Sparkline } from "./Sparkline";
import { outcomeLook } from "./tones";

/** Trials is the strip of experiments: what was tried, how far it came, and what it measured. */
export function Trials({ report }: { report: Report }) {
  return (
    <ul class="trials">
      {report.trials.map((tr) => (
        <Trial key={tr.kind} trial={tr} report={report} />
      ))}
    </ul>
  );
}

/** The steps as drawn. "exchange" runs beside the gathering and "done" is no step of its own. */
const steps = ["gather", "check", "dtls", "data", "video"] as const;
const reached: Record<string, number> = { gather: 0, exchange: 1, check: 1, dtls: 2, data: 3, video: 4, done: 5 };

function Trial({ trial: tr, report }: { trial: TrialReport; report: Report }) {
  const look = outcomeLook[tr.outcome];
  const at = tr.outcome === "connected" ? steps.length : (reached[tr.step] ?? 0);
  const clock = { gather: tr.clocks.gatherMs, check: tr.clocks.checkMs, dtls: tr.clocks.dtlsMs, data: null, video: null };
  const ended = tr.outcome !== "";
  const run = tr.id.slice(tr.kind.length + 1);
  return (
    <li class="trial card" data-tone={look.tone} data-testid={`trial-${tr.kind}`} data-outcome={tr.outcome} data-step={tr.step} data-run={run}>
      <header>
        <h3>
          <Explain term="trial">{word("trial", tr.kind)}</Explain>
        </h3>
        <Badge look={look} text={t(tr.outcome ? `outcome.${tr.outcome}` : "outcome.running")} />
      </header>
      <ol class="steps">
        {steps.map((step, i) => {
          const state = i < at ? "done" : i > at || tr.outcome === "skipped" ? "open" : tr.outcome ? "broken" : "now";
          return (
            <li key={step} data-state={state}>
              <span class="step-bar" />
              <span class="step-name">
                {word("step", step)}
                <span class="hidden-visually"> {t(`step.${state}`)}</span>
              </span>
              <span class="step-clock mono">{clock[step] == null ? "" : ms(clock[step])}</span>
            </li>
          );
        })}
      </ol>
      <p class="trial-reason">{tr.error || tr.reasonText || (tr.outcome === "" ? t(`running.${steps[Math.min(at, steps.length - 1)]!}`) : "")}</p>
      {/* These are there before they are known, so that nothing moves when they come. What has ended without them leaves their place empty. */}
      <p class="trial-pair mono" title={t("trial.pair")} data-void={(ended && !tr.selectedPair) || undefined}>
        {tr.selectedPair ? <PairName pair={tr.selectedPair} /> : none}
      </p>
      <dl class="trial-numbers" data-void={(ended && !tr.data && !tr.video) || undefined}>
        <Number name="RTT" value={ms(tr.data?.rttMs)}>
          {tr.data?.roundTripsMs && <Sparkline values={tr.data.roundTripsMs} />}
        </Number>
        <Number name={t("trial.loss")} value={percent(tr.data?.lossPercent)} />
        <Number name={t("trial.rate")} value={rate(tr.data?.throughputKbps)} />
        <Number name={t("trial.video")} value={tr.video ? t("trial.frames", { n: tr.video.framesDecoded }) : none} />
      </dl>
      <Hold trial={tr} />
      <footer class="muted small">
        <span>{t("trial.offerer", { peer: peerName(report, tr.offerer) })}</span>
        <span>
          {t("trial.run", { n: run })}
          {tr.clocks.totalMs != null && ` · ${ms(tr.clocks.totalMs)}`}
        </span>
      </footer>
    </li>
  );
}

function Number({ name, value, children }: { name: string; value: string; children?: preact.ComponentChildren }) {
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
