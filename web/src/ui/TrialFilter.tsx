import "./TrialFilter.css";
import { t, word } from "../i18n";
import type { TrialKind } from "../protocol.gen";

export type Filter = TrialKind | "all";

/** TrialFilter narrows a table to one trial. */
export function TrialFilter({ name, kinds, value, onChange }: { name: string; kinds: readonly TrialKind[]; value: Filter; onChange: (to: Filter) => void }) {
  if (kinds.length < 2) return null;
  return (
    <fieldset class="trial-filter">
      <legend class="hidden-visually">{t("filter.trial")}</legend>
      {(["all", ...kinds] as const).map((kind) => (
        <label key={kind}>
          <input type="radio" name={name} checked={value === kind} onChange={() => onChange(kind)} class="hidden-visually" data-testid={`filter-${name}-${kind}`} />
          <span>{kind === "all" ? t("filter.all") : word("trial", kind)}</span>
        </label>
      ))}
    </fieldset>
  );
}
