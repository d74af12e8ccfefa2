import "./Pairs.css";
import { t, word } from "../i18n";
import type { DirectionState, PairCounters, PairEnd, PairReport, Report, TrialReport } from "../protocol.gen";
import { Badge } from "./Badge";
import { Explain } from "./Explain";
import { endpoint, peerName, shortAddress } from "./format";
import { Sign } from "./Sign";
import type { Filter } from "./TrialFilter";
import { directionLook } from "./tones";

/** Pairs shows each pair as its two directions, and each direction as the way of a check: sent, arrived, answered, answer back. */
export function Pairs({ report, filter }: { report: Report; filter: Filter }) {
  const fits = (tr: TrialReport) => filter === "all" || tr.kind === filter;
  const side = sideTrials(report).filter((s) => fits(s.trial) && s.trial.pairs.length > 0);
  return (
    <div class="pairs">
      {report.trials.filter(fits).map((tr) => (
        <Trial key={tr.kind} trial={tr} report={report} />
      ))}
      {side.length > 0 && (
        <details>
          <summary>{t("pairs.side", { n: side.length })}</summary>
          {side.map((s) => (
            <Trial key={s.trial.id + s.of} trial={s.trial} report={report} of={s.of} />
          ))}
        </details>
      )}
    </div>
  );
}

/** sideTrials are those of the experiments and of headless peers beside others, each with what it belongs to. */
export function sideTrials(report: Report): { trial: TrialReport; of: string }[] {
  return [
    ...report.experiments.flatMap((x) => (x.trials ?? []).map((trial) => ({ trial, of: word("experiment", x.kind) }))),
    ...report.beside.flatMap((b) => b.trials.map((trial) => ({ trial, of: peerName(report, b.peer) }))),
  ];
}

function Trial({ trial: tr, report, of }: { trial: TrialReport; report: Report; of?: string }) {
  return (
    <section class="pairs-trial card">
      <h3>
        {word("trial", tr.kind)}
        {of && <span class="muted"> · {of}</span>}
      </h3>
      {tr.pairs.length === 0 ? (
        <p class="muted">{t("pairs.none")}</p>
      ) : (
        <div class="pairs-scroll" tabIndex={0} role="region" aria-label={t("pairs.of", { trial: word("trial", tr.kind) })}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("pairs.pair")}</th>
                <th scope="col">
                  <Explain term="direction">{t("pairs.direction")}</Explain>
                </th>
                <th scope="col" class="right">{t("pairs.sent")}</th>
                <th scope="col" class="right">{t("pairs.arrived")}</th>
                <th scope="col" class="right">{t("pairs.answered")}</th>
                <th scope="col" class="right">{t("pairs.back")}</th>
                <th scope="col">{t("pairs.judged")}</th>
              </tr>
            </thead>
            {tr.pairs.map((p, i) => (
              <Pair key={i} pair={p} trial={tr} report={report} />
            ))}
          </table>
        </div>
      )}
    </section>
  );
}

function Pair({ pair: p, trial, report }: { pair: PairReport; trial: TrialReport; report: Report }) {
  const [a, b] = [trial.a, trial.b];
  const names = (from: string, to: string) => `${peerName(report, from)} → ${peerName(report, to)}`;
  const state = p.stateB && p.stateB !== p.state ? `${p.state} / ${p.stateB}` : p.state;
  return (
    <tbody
      data-testid="pair"
      data-trial={trial.kind}
      data-local={endpoint(p.local.address, p.local.port)}
      data-remote={endpoint(p.remote.address, p.remote.port)}
      data-state={p.state}
      data-selected={String(p.selected ?? false)}
      data-a-to-b={p.directions.aToB}
      data-b-to-a={p.directions.bToA}
      class={p.selected ? "pair-selected" : undefined}
    >
      <tr>
        <td rowSpan={2} class="pair-ends">
          <End end={p.local} />
          <End end={p.remote} />
          {p.aliases?.map((alias) => (
            <div key={alias} class="muted small">
              {t("pairs.alias", { address: alias })}
            </div>
          ))}
          <div class="pair-state muted small">
            {state}
            {p.selected && (
              <span class="pair-mark">
                <Sign name="star" size={12} /> {t("life.selected")}
              </span>
            )}
          </div>
        </td>
        <Direction from={a} to={b} names={names(a, b)} asks={p.a} answers={p.b} state={p.directions.aToB} />
      </tr>
      <tr>
        <Direction from={b} to={a} names={names(b, a)} asks={p.b} answers={p.a} state={p.directions.bToA} />
      </tr>
    </tbody>
  );
}

function End({ end }: { end: PairEnd }) {
  return (
    <div class="pair-end mono">
      <span title={end.address}>{end.address ? endpoint(shortAddress(end.address), end.port) : t("candidates.hidden")}</span>
      <span class="muted">
        {end.type} {end.protocol}
      </span>
    </div>
  );
}

function Direction({ from, to, names, asks, answers, state }: { from: string; to: string; names: string; asks: PairCounters | null; answers: PairCounters | null; state: DirectionState }) {
  const way = [asks?.requestsSent, answers?.requestsReceived, answers?.responsesSent, asks?.responsesReceived];
  return (
    <>
      {/* Letters: names may be long, and this column is read down. */}
      <td class="pair-way" title={names}>
        {from.toUpperCase()} <Sign name="right" size={12} />
        <span class="hidden-visually">{t("to")}</span> {to.toUpperCase()}
      </td>
      {way.map((n, i) => (
        // A zero after something is where the packets were lost: it is what the eye should find.
        <td key={i} class={n === 0 && (way[i - 1] ?? 0) > 0 ? "pair-count pair-lost" : "pair-count"} title={n == null ? t("pairs.notcounted") : undefined}>
          {n ?? <span class="muted">–</span>}
        </td>
      ))}
      <td>
        <Badge look={directionLook[state] ?? directionLook["not-observable"]} text={word("direction", state)} />
      </td>
    </>
  );
}
