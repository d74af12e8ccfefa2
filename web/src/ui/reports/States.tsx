import "./States.css";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t, word } from "../../i18n";
import { Sign } from "../Sign";
import { failed, type Loaded } from "./data";

/** useLoaded asks once for each key, and again when it is told to. What comes for an older key is dropped. */
export function useLoaded<T>(key: string, ask: () => Promise<T>): [Loaded<T>, () => void] {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: "loading" });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let old = false;
    setLoaded({ state: "loading" });
    ask().then(
      (value) => !old && setLoaded({ state: "ready", value }),
      (e: unknown) => !old && setLoaded(failed(e)),
    );
    return () => {
      old = true;
    };
  }, [key, turn]);
  return [loaded, () => setTurn(turn + 1)];
}

/** Loading keeps the room that the answer will take, so that nothing moves when it comes. */
export function Loading() {
  return (
    <p class="state card" data-tone="info" role="status" data-testid="reports-loading">
      <Sign name="spinner" size={20} /> {t("loading")}
    </p>
  );
}

/** Failed says what went wrong, in the reader's words where they are known, and what can be done. */
export function Failed({ failed: what, again, children }: { failed: Extract<Loaded<unknown>, { state: "failed" }>; again?: (() => void) | undefined; children?: ComponentChildren }) {
  const title = word("reports.failed", what.code);
  const text = `${what.code}.text`;
  const said = word("reports.failed", text);
  return (
    <section class="state card" data-tone="warn" role="alert" data-code={what.code}>
      <Sign name="warning" size={24} />
      <div>
        <h1>{title === what.code ? t("reports.failed") : title}</h1>
        <p>{said === text ? what.message : said}</p>
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
