import "./TrialFilter.css";
import { t, word } from "../i18n";
import type { TrialKind } from "../protocol.gen";
import { candidateKinds, type KindFilter } from "./matrix/marks";

export type Filter = TrialKind | "all";

interface ChoiceProps<T> {
  name: string;
  legend: string;
  values: readonly T[];
  value: T;
  text: (value: T) => string;
  onChange: (to: T) => void;
  disabled?: boolean;
  testid?: string;
}

/** Choice is one of a few values, all of them in sight. */
export function Choice<T extends string | number>({ name, legend, values, value, text, onChange, disabled, testid = `filter-${name}` }: ChoiceProps<T>) {
  return (
    <fieldset class="trial-filter" disabled={disabled}>
      <legend class="hidden-visually">{legend}</legend>
      {values.map((v) => (
        <label key={v}>
          <input type="radio" name={name} checked={value === v} onChange={() => onChange(v)} class="hidden-visually" data-testid={`${testid}-${v}`} />
          <span>{text(v)}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** TrialFilter narrows a table to one trial. */
export function TrialFilter({ name, kinds, value, onChange }: { name: string; kinds: readonly TrialKind[]; value: Filter; onChange: (to: Filter) => void }) {
  if (kinds.length < 2) return null;
  return <Choice name={name} legend={t("filter.trial")} values={["all", ...kinds]} value={value} text={(k) => (k === "all" ? t("filter.all") : word("trial", k))} onChange={onChange} />;
}

/** TypeFilter narrows the candidates to one type. */
export function TypeFilter({ value, onChange }: { value: KindFilter; onChange: (to: KindFilter) => void }) {
  return <Choice name="types" legend={t("filter.type")} values={["all", ...candidateKinds]} value={value} text={(k) => (k === "all" ? t("filter.all.types") : k)} onChange={onChange} />;
}
