import "./TrialLines.css";
import { t, word } from "../i18n";
import type { TrialReport } from "../protocol.gen";
import { Badge } from "./Badge";
import { Hold } from "./Hold";
import { PairName } from "./PairName";
import { outcomeLook } from "./tones";

/** TrialLines are trials beside those of the strip: of an experiment, or of a headless peer. One line each. */
export function TrialLines({ trials }: { trials: readonly TrialReport[] }) {
  return (
    <ul class="trial-lines stack">
      {trials.map((tr) => (
        <li key={tr.id} data-testid="side-trial" data-trial={tr.kind} data-outcome={tr.outcome}>
          <p class="row tight">
            <Badge look={outcomeLook[tr.outcome]} text={t(`outcome.${tr.outcome}`)} />
            <strong>{word("trial", tr.kind)}</strong>
            {tr.selectedPair && (
              <span class="row tight mono small">
                <PairName pair={tr.selectedPair} />
              </span>
            )}
          </p>
          {(tr.error || tr.reasonText) && tr.outcome !== "connected" && <p class="muted small">{tr.error || tr.reasonText}</p>}
          <Hold trial={tr} />
        </li>
      ))}
    </ul>
  );
}
