import "./Verdict.css";
import { useRef } from "preact/hooks";
import { t, word } from "../i18n";
import type { Report } from "../protocol.gen";
import { Badge } from "./Badge";
import { causeOf, snippet } from "./format";
import { Servers } from "./servers/Servers";
import { Sign } from "./Sign";
import { confidenceLook, needsLook, type Look } from "./tones";

/** Verdict is the answer, to be read from across the room. */
export function Verdict({ report }: { report: Report | null }) {
  const v = report?.verdict;
  const phase = !report ? "connecting" : report.run === 0 ? "waiting" : v!.final ? "final" : "measuring";
  const open = !v || (phase !== "final" && v.needs === "undetermined");
  const look: Look = !open ? needsLook[v.needs] : { tone: "info", sign: phase === "waiting" ? "wait" : "spinner" };
  const headline = open ? t(`phase.${phase}`) : t(`needs.${v.needs}`);
  const paste = v && phase !== "waiting" && (phase === "final" || v.needs !== "undetermined") ? snippet(v.needs, v.recommendedIceServers) : "";
  const before = useBefore(report);
  return (
    <section
      class="verdict card"
      data-tone={look.tone}
      data-phase={phase}
      data-ran={phase === "measuring" || phase === "final" || undefined}
      data-testid="verdict"
      data-needs={v?.needs ?? "undetermined"}
      data-cause={v?.cause ?? ""}
      data-final={String(v?.final ?? false)}
      aria-labelledby="verdict-word"
    >
      <div class="verdict-sign">
        <Sign name={look.sign} size={44} />
      </div>
      <div class="verdict-body">
        {/* The whole sentence is read anew when it changes, and only then: the progress below changes far more often. */}
        <div aria-live="polite" aria-atomic="true">
          <h1 id="verdict-word" class="verdict-word">
            {headline}
          </h1>
          <p class="verdict-summary">{v?.summary || t(`phase.${phase}.text`)}</p>
          {!open && sure(v) && <span class="hidden-visually">{word("confidence", v.confidence)}</span>}
          {before && (
            <p class="verdict-before muted">
              <Sign name="swap" size={13} /> {t("verdict.before", { before })}
            </p>
          )}
        </div>
        {v?.advice && <p class="verdict-advice">{v.advice}</p>}
        {report && report.run > 0 && (
          <div class="verdict-facts row">
            {phase === "final" ? (
              <Badge look={{ tone: look.tone, sign: "check" }} text={t("verdict.final")} />
            ) : (
              <Badge look={{ tone: "info", sign: "spinner" }} text={open ? t("verdict.measuring") : t("verdict.sofar")} />
            )}
            {v!.cause && (
              <a class="verdict-cause" href="#cause">
                {t("verdict.cause", { cause: causeOf(report)?.title ?? v!.cause })}
              </a>
            )}
            {!open && sure(v!) && <Badge look={confidenceLook[v!.confidence] ?? confidenceLook.possible} text={word("confidence", v!.confidence)} title={t("confidence.title")} />}
            {phase === "measuring" && <Progress report={report} />}
          </div>
        )}
      </div>
      {paste && (
        <div class="verdict-paste">
          <Servers needs={v!.needs} servers={v!.recommendedIceServers} />
        </div>
      )}
      {!paste && phase === "measuring" && <p class="verdict-paste muted">{t("verdict.paste.later")}</p>}
    </section>
  );
}

/** sure: the confidence is that of the cause. Where none is known, it would seem to doubt what the pair needs, and that was tried. */
function sure(v: Report["verdict"]): boolean {
  return v.cause !== "" || v.needs === "nothing";
}

/** useBefore is what the verdict was before an experiment changed it; empty: nothing that was settled has changed in this run. */
function useBefore(report: Report | null): string {
  const seen = useRef({ run: 0, key: "", text: "", settled: false, before: "" });
  if (!report || report.run === 0) return "";
  const v = report.verdict;
  const key = `${v.needs} ${v.cause} ${v.confidence}`;
  const last = seen.current.run === report.run ? seen.current : { ...seen.current, key, before: "" };
  const text = [t(`needs.${v.needs}`), causeOf(report)?.title ?? v.cause, word("confidence", v.confidence)].filter(Boolean).join(t("list"));
  seen.current = {
    run: report.run,
    key,
    text,
    // While trials are out, a verdict is expected to change; and one that knew nothing is nothing to remember.
    settled: v.pending.length === 0 && (v.needs !== "undetermined" || v.cause !== ""),
    before: key !== last.key && last.settled ? last.text : last.before,
  };
  return seen.current.before === text ? "" : seen.current.before;
}

/** Progress says how many trials are still out, and so why the verdict may yet change. Which they are stands below, in the trials. */
function Progress({ report }: { report: Report }) {
  const out = new Set(report.verdict.pending);
  const trials = report.trials.filter((tr) => tr.id.endsWith(`-${report.run}`));
  const total = new Set([...trials.map((tr) => tr.kind), ...out]).size;
  if (total === 0) return null;
  return (
    <progress max={total} value={total - out.size} aria-label={t("verdict.progress", { done: total - out.size, total })} />
  );
}
