import "./Explain.css";
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { none } from "./format";
import { get } from "./reports/data";

/** The words that the page explains where they stand. Their texts are the server's (catalog: term.*). */
const terms = ["host", "srflx", "prflx", "relay", "raddr", "priority", "foundation", "trial", "direction", "mapping", "filtering"] as const;
export type Term = (typeof terms)[number];

/** What the words mean, once they were asked for; else the text that stands there until then. */
export const meanings = signal<Record<string, string> | "loading" | "explain.failed" | undefined>(undefined);

/** ask fetches all of them when the first is opened, and again at the next opening where that failed. */
export async function ask({ newState }: { newState: string }): Promise<void> {
  if (newState !== "open" || (meanings.value ?? "explain.failed") !== "explain.failed") return;
  meanings.value = "loading";
  meanings.value = await get<Record<string, string>>("terms").catch(() => "explain.failed" as const);
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
  const of = meanings.value ?? "loading";
  return (
    <>
      {terms.map((term) => (
        <p key={term} id={`explain-${term}`} popover="auto" class="explanation card" role="note" aria-live="polite" onBeforeToggle={ask}>
          {typeof of === "object" ? (of[term] ?? none) : t(of)}
        </p>
      ))}
    </>
  );
}
