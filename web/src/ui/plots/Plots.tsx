import "./Plots.css";
import { useMemo, useRef, useState } from "preact/hooks";
import { t, word } from "../../i18n";
import { valueAt, type Line, type Metric, type SeriesFold } from "../../model/series";
import { kindOf } from "../../model/steps";
import type { Report, TrialKind } from "../../protocol.gen";
import { ms, none, percent, rate } from "../format";
import { useRoom } from "../context";
import { useInks } from "../timeline/canvas";
import { Probes } from "../timeline/Probes";
import { cursorMs } from "../timeline/view";
import { TrialFilter, type Filter } from "../TrialFilter";
import { type Style } from "./options";
import { Plot } from "./Plot";

/** How far back a value is still that of the moment under the cursor. Of the round trips of ICE, one comes every few seconds. */
const REACH_MS: Record<Metric, number> = { rtt: 8000, trips: 1000, jitter: 1000, loss: 1500, throughput: 1000, fps: 1000 };

interface Quantity {
  name: "rtt" | "jitter" | "loss" | "throughput" | "fps";
  metrics: readonly Metric[];
  text(value: number | null): string;
  /** the axis, in short */
  unit: string;
  scale: number;
}

const quantities: readonly Quantity[] = [
  { name: "rtt", metrics: ["rtt", "trips"], text: ms, unit: "ms", scale: 1 },
  { name: "jitter", metrics: ["jitter"], text: ms, unit: "ms", scale: 1 },
  { name: "loss", metrics: ["loss"], text: percent, unit: "%", scale: 1 },
  { name: "throughput", metrics: ["throughput"], text: rate, unit: "Mbit/s", scale: 1 / 1000 },
  { name: "fps", metrics: ["fps"], text: (v) => (v === null ? none : `${v.toFixed(1)} fps`), unit: "fps", scale: 1 },
];

/** A direction of a trial has one style in all plots: the colour is the trial's, the line the end's. */
const colours: Record<string, Style["ink"]> = { host: "text", stun: "accent", "relay-udp": "violet", "relay-tcp": "warn", custom: "ok" };

/** Plots are what was measured over time: one plot a quantity, and the values under the cursor in a table, which is their text. */
export default function Plots({ report }: { report: Report }) {
  const room = useRoom();
  void room.events.value; // with which the series changes
  const fold = room.series;
  const [filter, setFilter] = useState<Filter>("all");
  const box = useRef<HTMLDivElement>(null);
  const { inks, version } = useInks(box);
  const kinds = [...new Set(report.trials.map((tr) => tr.kind))];
  const lines = useMemo(() => {
    const all = [...fold.lines.values()].filter((l) => colours[l.kind] && (filter === "all" || l.kind === filter));
    return new Map(quantities.map((q) => [q.name, all.filter((l) => q.metrics.includes(l.metric))]));
  }, [fold, fold.lines.size, filter, fold.version]);
  const styleOf = (l: Line): Style => ({ ink: colours[l.kind]!, dashed: l.from > l.to, dots: l.metric === "trips" || l.metric === "loss", line: l.metric !== "trips" && l.metric !== "loss" });
  return (
    <div class="plots stack card" ref={box}>
      <Probes />
      <div class="plots-tools">
        <TrialFilter name="plots" kinds={kinds as TrialKind[]} value={filter} onChange={setFilter} />
      </div>
      <div class="plots-grid">
        {quantities.map((q) => (
          <figure key={q.name} class="plot" data-testid={`plot-${q.name}`} data-lines={lines.get(q.name)!.length}>
            <figcaption class="cut">
              <strong>{t(`plot.${q.name}`)}</strong> <span class="muted small">{q.unit} · {t(`plot.${q.name}.text`)}</span>
            </figcaption>
            {lines.get(q.name)!.length === 0 && <p class="plot-none muted small">{t("plots.none")}</p>}
            {inks && <Plot lines={lines.get(q.name)!} inks={inks} look={version} version={fold.version} scale={q.scale} styleOf={styleOf} />}
          </figure>
        ))}
        <Values fold={fold} report={report} filter={filter} />
      </div>
    </div>
  );
}

/** Values is the legend: each direction of each trial, with its values at the cursor, or the newest. */
function Values({ fold, report, filter }: { fold: SeriesFold; report: Report; filter: Filter }) {
  const at = cursorMs.value;
  const rows = report.trials
    .filter((tr) => colours[tr.kind] && (filter === "all" || tr.kind === filter))
    .flatMap((tr) => [[tr.a, tr.b] as const, [tr.b, tr.a] as const].map(([from, to]) => ({ trial: tr.id, from, to })));
  const value = (trial: string, from: string, q: Quantity): number | null => {
    for (const m of q.metrics) {
      const line = fold.lines.get(`${m}|${trial}|${from}`);
      const v = at === null ? (line?.ys.findLast((y) => !Number.isNaN(y)) ?? null) : valueAt(line, at, REACH_MS[m]);
      if (v !== null) return v;
    }
    return null;
  };
  return (
    <div class="plot-values scroll" tabIndex={0} role="region" aria-label={t("plots.title")}>
      <table class="small nowrap">
        <caption>{at === null ? t("plots.latest") : t("plots.cursor", { at: (at / 1000).toFixed(2) })}</caption>
        <thead>
          <tr>
            <th scope="col">{t("signaling.trial")}</th>
            {quantities.map((q) => (
              <th key={q.name} scope="col">
                {t(`plot.${q.name}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ trial, from, to }) => (
            <tr key={`${trial} ${from}`}>
              <th scope="row">
                <svg class="shape plot-key" data-ink={colours[kindOf(trial)]} width="26" height="8" aria-hidden="true">
                  <path d="M0 4h26" stroke-dasharray={from > to ? "5 3" : undefined} />
                </svg>
                {word("trial", kindOf(trial))}{" "}
                <span class="muted">
                  {from.toUpperCase()} → {to.toUpperCase()}
                </span>
              </th>
              {quantities.map((q) => {
                const v = value(trial, from, q);
                return (
                  <td key={q.name} class="mono">
                    {v === null ? <span class="muted" title={t("plots.none")}>{none}</span> : q.text(v)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
