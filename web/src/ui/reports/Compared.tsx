import "./Compared.css";
import { lang, t, word } from "../../i18n";
import type { Change, ChangeTone, ComparedReport, Comparison } from "../../protocol.gen";
import { Badge } from "../Badge";
import { none } from "../format";
import { Section } from "../Section";
import { Sign } from "../Sign";
import { needsLook, type Look } from "../tones";

/** changeLook: the arrow says it as well as the colour, and the word says it again. */
const changeLook: Record<ChangeTone, Look> = {
  better: { tone: "ok", sign: "check" },
  worse: { tone: "bad", sign: "cross" },
  other: { tone: "idle", sign: "swap" },
};

/** when is a moment as the reader writes it. */
export function when(text: string): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : new Intl.DateTimeFormat(lang(), { dateStyle: "medium", timeStyle: "short" }).format(at);
}

/** Compared is what two reports say differently: both verdicts side by side, then the changes by what they are about. */
export function Compared({ comparison: c, names, ids }: { comparison: Comparison; names?: readonly string[]; ids?: readonly string[] }) {
  const groups = [...new Set(c.changes.map((ch) => ch.group))];
  return (
    <div class="compared stack" data-testid="comparison" data-tone-of={c.tone}>
      <section class="compared-head card" data-tone={changeLook[c.tone].tone} aria-labelledby="compared-title">
        <p>
          <Badge look={changeLook[c.tone]} text={t(`compare.tone.${c.tone}`)} /> <span class="muted">{t("compare.title")}</span>
        </p>
        <h1 id="compared-title">{c.summary}</h1>
      </section>
      <div class="compared-sides">
        <Side title={t("compare.before")} side={c.before} name={names?.[0]} id={ids?.[0]} />
        <span class="compared-arrow">
          <Sign name="right" size={22} />
        </span>
        <Side title={t("compare.after")} side={c.after} name={names?.[1]} id={ids?.[1]} />
      </div>
      {groups.map((group) => (
        <Section key={group} id={`changes-${group}`} title={word("compare.group", group)}>
          <Changes title={word("compare.group", group)} changes={c.changes.filter((ch) => ch.group === group)} />
        </Section>
      ))}
      {c.unchanged.length > 0 && (
        <Section id="unchanged" title={t("compare.unchanged")}>
          <ul class="stack muted">
            {c.unchanged.map((f) => (
              <li key={f.title}>
                <Sign name="dash" /> {f.title}
              </li>
            ))}
          </ul>
        </Section>
      )}
    </div>
  );
}

function Side({ title, side, name, id }: { title: string; side: ComparedReport; name: string | undefined; id: string | undefined }) {
  const v = side.verdict;
  return (
    <section class="compared-side stack card" aria-label={title}>
      <h2 class="row tight">
        {title} <time class="muted small">{when(side.generatedAt)}</time>
      </h2>
      <p>
        <Badge look={needsLook[v.needs]} text={word("needs", v.needs)} />
      </p>
      {v.causeTitle && (
        <p>
          {t("verdict.cause", { cause: v.causeTitle })} <span class="muted">({word("confidence", v.confidence)})</span>
        </p>
      )}
      <p class="muted small">
        {side.peers.map((p) => [p.id.toUpperCase(), p.label, p.browser].filter(Boolean).join(" ")).join(" ↔ ") || none}
        {name && <span class="mono"> {name}</span>}
      </p>
      {id && (
        <p>
          <a href={`/reports/${id}?lang=${lang()}`}>{t("reports.open")}</a>
        </p>
      )}
    </section>
  );
}

function Changes({ title, changes }: { title: string; changes: readonly Change[] }) {
  return (
    <table class="changes card" aria-label={title}>
      <thead>
        <tr>
          <th scope="col">{t("compare.what")}</th>
          <th scope="col">{t("compare.before")}</th>
          <th scope="col">{t("compare.after")}</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((ch) => (
          <tr key={ch.text} data-tone={changeLook[ch.tone].tone} data-testid="change" data-what={ch.what} data-change={ch.tone}>
            <th scope="row">
              <Badge look={changeLook[ch.tone]} text={t(`compare.tone.${ch.tone}`)} />
              <span>{ch.text}</span>
            </th>
            <td data-name={t("compare.before")}>{ch.before || none}</td>
            <td data-name={t("compare.after")}>{ch.after || none}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
