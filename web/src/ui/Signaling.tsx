import "./Signaling.css";
import { useEffect } from "preact/hooks";
import { t, word } from "../i18n";
import { lit, pointed } from "../model/focus";
import type { Report, SignalReport } from "../protocol.gen";
import { Way } from "./Sign";
import { still } from "./matrix/still";
import { ms, peerName } from "./format";
import type { Filter } from "./TrialFilter";

/** Signaling is the log of what the ends told each other through this server, and what became of it. */
export function Signaling({ report, filter }: { report: Report; filter: Filter }) {
  useEffect(markLit, []);
  const rows = report.signaling.filter((s) => filter === "all" || s.trial === filter);
  if (rows.length === 0) return <p class="muted">{t("filter.none")}</p>;
  return (
    <div class="signaling scroll card" tabIndex={0} role="group" aria-label={t("signaling.title")} data-testid="signaling">
      <table>
        <thead>
          <tr>
            <th scope="col" class="right">{t("signaling.at")}</th>
            <th scope="col">{t("signaling.way")}</th>
            <th scope="col">{t("signaling.trial")}</th>
            <th scope="col">{t("signaling.what")}</th>
            <th scope="col" class="right">{t("signaling.applied")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((s) => (
            <Row key={s.event} line={s} way={s.to ? `${peerName(report, s.from)} → ${peerName(report, s.to)}` : ""} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** markLit marks the lines of what is pointed at. There may be thousands of lines: none of them is drawn anew for it. */
function markLit(): () => void {
  let marked: Element[] = [];
  return lit.subscribe(({ events }) => {
    for (const line of marked) line.removeAttribute("data-lit");
    marked = [...events].flatMap((seq) => document.getElementById(`event-${seq}`) ?? []);
    for (const line of marked) line.setAttribute("data-lit", "");
  });
}

/** A line changes only when the other end has taken what it tells. There may be thousands, and a snapshot several times a second. */
const Row = still(
  ({ line: s, way }: { line: SignalReport; way: string }) => (
    <tr
      onMouseEnter={() => (pointed.value = { events: [s.event] })}
      onMouseLeave={() => (pointed.value = null)}
      id={`event-${s.event}`}
      tabIndex={-1}
      data-testid="signal"
      data-event={s.event}
      data-what={s.what}
      data-from={s.from}
      data-to={s.to ?? ""}
      data-trial={s.trial}
    >
      <td class="right nowrap">
        <span class="muted small mono">#{s.event}</span> {ms(s.atMs)}
      </td>
      <td class="nowrap" title={way}>
        {s.to ? <Way from={s.from.toUpperCase()} to={s.to.toUpperCase()} /> : s.from.toUpperCase()}
      </td>
      <td class="nowrap">
        {word("trial", s.trial)} <span class="muted">{s.run}</span>
      </td>
      <td class="signal-text">
        <strong>{word("signal", s.what)}</strong> <span class="mono">{s.text}</span>
        {s.error && <p class="bad">{s.error}</p>}
      </td>
      <td class="right nowrap">{s.error ? <span class="bad">{t("mark.is.refused")}</span> : s.appliedMs == null ? <span class="muted">–</span> : ms(s.appliedMs - s.atMs)}</td>
    </tr>
  ),
  (old, now) => old.line.event === now.line.event && old.line.appliedMs === now.line.appliedMs && old.line.error === now.line.error && old.way === now.way,
);
