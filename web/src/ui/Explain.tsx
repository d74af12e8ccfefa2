import "./Explain.css";
import type { ComponentChildren } from "preact";
import { t } from "../i18n";

/** The words that the page explains where they stand. Their texts are the keys explain.*. */
const terms = ["host", "srflx", "prflx", "relay", "raddr", "priority", "foundation", "trial", "direction", "mapping", "filtering"] as const;
export type Term = (typeof terms)[number];

/** Explain is a word with its meaning behind it: click or Enter opens, Escape closes. All uses of a term share one popover (see Explanations). */
export function Explain({ term, children }: { term: Term; children: ComponentChildren }) {
  return (
    <button type="button" class="explain" popovertarget={`explain-${term}`}>
      {children}
    </button>
  );
}

export function Explanations() {
  return (
    <>
      {terms.map((term) => (
        <p key={term} id={`explain-${term}`} popover="auto" class="explanation card" role="note">
          {t(`explain.${term}`)}
        </p>
      ))}
    </>
  );
}
