import "./Explain.css";
import type { ComponentChildren } from "preact";
import { t, word } from "../i18n";

/** The words that the page explains where they stand. Their texts are the keys explain.*. */
export const terms = ["host", "srflx", "prflx", "relay", "local", "raddr", "priority", "foundation", "trial", "state", "direction", "mapping", "filtering"] as const;
export type Term = (typeof terms)[number];

export function isTerm(word: string): word is Term {
  return (terms as readonly string[]).includes(word);
}

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
        <div key={term} id={`explain-${term}`} popover="auto" class="explanation card" role="note">
          <h4 class="mono muted">{word("term", term)}</h4>
          <p>{t(`explain.${term}`)}</p>
        </div>
      ))}
    </>
  );
}
