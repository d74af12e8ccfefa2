import "./States.css";
import type { ComponentChildren } from "preact";
import { t, word } from "../../i18n";
import { Sign } from "../Sign";
import type { Loaded } from "./data";

/** Loading keeps the room that the answer will take, so that nothing moves when it comes. */
export function Loading() {
  return (
    <p class="state card" data-tone="info" role="status" data-testid="reports-loading">
      <Sign name="spinner" size={20} /> {t("loading")}
    </p>
  );
}

/** Failed says what went wrong, in the reader's words where they are known, and what can be done. */
export function Failed({ failed, again, children }: { failed: Extract<Loaded<unknown>, { state: "failed" }>; again?: (() => void) | undefined; children?: ComponentChildren }) {
  const title = word("reports.failed", failed.code);
  const text = `${failed.code}.text`;
  const said = word("reports.failed", text);
  return (
    <section class="state card" data-tone="warn" role="alert" data-testid="reports-failed" data-code={failed.code}>
      <Sign name="warning" size={24} />
      <div>
        <h1>{title === failed.code ? t("reports.failed") : title}</h1>
        <p>{said === text ? failed.message : said}</p>
        <div class="row tight">
          {again && (
            <button type="button" class="button primary" onClick={again}>
              <Sign name="again" /> {t("action.reload")}
            </button>
          )}
          {children}
        </div>
      </div>
    </section>
  );
}
