import { t } from "../i18n";
import type { Outage, TrialReport } from "../protocol.gen";
import { seconds } from "./format";

/** Hold is what became of a connection that was kept up: for how long, and each time that it was lost. */
export function Hold({ trial }: { trial: TrialReport }) {
  const h = trial.hold;
  if (!h) return null;
  const running = trial.outcome === "";
  const held = t(running ? "hold.running" : "hold.held", { held: seconds(h.heldMs), wanted: seconds(h.wantedMs) });
  return (
    <div class="stack tight" data-testid="hold" data-outages={h.outages.length}>
      <p>
        {held}
        {h.outages.length === 0 && !running && ` ${t("hold.whole")}`}
      </p>
      {running && <progress max={h.wantedMs || 1} value={Math.min(h.heldMs, h.wantedMs)} aria-label={held} />}
      {h.outages.length > 0 && (
        <ol class="numbered">
          {h.outages.map((o) => (
            <li key={o.fromMs} data-back={String(o.backMs !== null)}>
              {outage(o, trial, running)}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function outage(o: Outage, trial: TrialReport, running: boolean): string {
  const at = seconds(o.fromMs - trial.startedAtMs);
  const lost =
    o.backMs === null
      ? t(running ? "hold.open" : "hold.never", { at, n: o.restarts })
      : t("hold.back", { at, lost: seconds(o.backMs - o.fromMs), n: o.restarts });
  // The browsers notice late: the last answer is when the path was cut.
  return o.lastAnswerMs === null ? lost : `${lost} ${t("hold.last", { ago: seconds(o.fromMs - o.lastAnswerMs) })}`;
}
