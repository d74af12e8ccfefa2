import "./Expectation.css";
import { t, word } from "../i18n";
import type { Expectation as Expected, Report } from "../protocol.gen";
import { Badge } from "./Badge";
import { columns, peerName } from "./format";
import type { Look } from "./tones";

/** Expectation is what both NATs let one expect, to be held against what the trials then show. Its place is kept from the start. */
export function Expectation({ report }: { report: Report }) {
  const e = report.expectation;
  if (!e && columns(report).length < 2) return null;
  const look: Look = !e || e.direct === null ? { tone: "idle", sign: "question" } : e.direct ? { tone: "ok", sign: "check" } : { tone: "warn", sign: "cross" };
  return (
    <div
      class="expectation row card"
      data-testid="expectation"
      data-direct={String(e?.direct ?? null)}
      data-first={e?.first ?? ""}
      data-contradicted={String(e?.contradicted ?? false)}
    >
      <h3>{t("expect.title")}</h3>
      {e ? (
        <>
          <p class="row tight">
            <Badge look={look} text={t(e.direct === null ? "expect.open" : e.direct ? "expect.yes" : "expect.no")} />
            {e.first && <Badge look={{ tone: "idle", sign: "right" }} text={first(e, report)} />}
            {e.contradicted && <Badge look={{ tone: "bad", sign: "warning" }} text={t("expect.contradicted")} />}
          </p>
          <p class="expectation-text">{e.text}</p>
        </>
      ) : (
        <p class="muted">{t(report.verdict.final ? "expect.none" : "expect.later")}</p>
      )}
    </div>
  );
}

function first(e: Expected, report: Report): string {
  if (e.first === "a" || e.first === "b") return t("expect.first.one", { peer: peerName(report, e[e.first]) });
  return word("expect.first", e.first);
}
