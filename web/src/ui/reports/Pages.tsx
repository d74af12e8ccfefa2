import "./Pages.css";
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { lang, t, word } from "../../i18n";
import { needsValues, type Comparison, type KeptReport, type Needs, type Report } from "../../protocol.gen";
import { Badge } from "../Badge";
import { Room } from "../context";
import { EventDialog } from "../EventDialog";
import { none } from "../format";
import { RoomPage } from "../RoomPage";
import { Section } from "../Section";
import { Sign } from "../Sign";
import { needsLook } from "../tones";
import { Compared, when } from "./Compared";
import { brought, failed, fetchComparison, fetchFinished, fetchList, type Finished, type Loaded } from "./data";
import { DropZone } from "./Drop";
import { place } from "./place";
import { Failed, Loading, useLoaded } from "./States";
import { stillRoom } from "./still";

/** ReportsPages is what the page shows where it stands in no room. */
export function ReportsPages() {
  const here = place.value;
  switch (here.at) {
    case "list":
      return <List />;
    case "report":
      return <One id={here.id} />;
    case "compare":
      return <Two a={here.a} b={here.b} />;
    default:
      return <BroughtPage />;
  }
}

function compareURL(a: string, b: string): string {
  return `/compare?${new URLSearchParams({ a, b, lang: lang() })}`;
}

function Back() {
  return (
    <a class="button" href={`/reports?lang=${lang()}`}>
      <Sign name="left" /> {t("reports.back")}
    </a>
  );
}

/** Load is one of three: it is on its way, it does not come, or it is here. */
function Load<T>({ loaded, again, children }: { loaded: Loaded<T>; again?: (() => void) | undefined; children: (value: T) => ComponentChildren }) {
  if (loaded.state === "loading") return <Loading />;
  if (loaded.state === "ready") return <>{children(loaded.value)}</>;
  return (
    <Failed failed={loaded} again={again}>
      <Back />
    </Failed>
  );
}

function One({ id }: { id: string }) {
  const [loaded, again] = useLoaded(id, () => fetchFinished(id));
  return (
    <Load loaded={loaded} again={again}>
      {(finished) => <FinishedReport finished={finished} id={id} />}
    </Load>
  );
}

/** FinishedReport draws a report with the parts of a live room, in which nothing can be run any more. */
export function FinishedReport({ finished, id, name }: { finished: Finished; id?: string; name?: string | undefined }) {
  const { report, events } = finished;
  const still = useMemo(() => stillRoom(report, events), [report, events]);
  const document = (format: string) => `/api/v1/reports/${id}?format=${format}&lang=${lang()}`;
  return (
    <Room.Provider value={still}>
      <div class="row between" data-testid="finished">
        <p>
          <Sign name="eye" /> {t("reports.finished", { when: when(report.generatedAt) })} {name && <span class="mono">{name}</span>}
        </p>
        <div class="row tight">
          <Back />
          {id && (
            <>
              <a class="button" href={document("html")} target="_blank" rel="noopener">
                HTML
              </a>
              <a class="button" href={`/api/v1/reports/${id}/recording?download=1`}>
                <Sign name="download" /> {t("export.jsonl")}
              </a>
            </>
          )}
        </div>
      </div>
      <Imported report={report} />
      <RoomPage code="" still />
      <EventDialog />
    </Room.Provider>
  );
}

/** Imported says which browsers' logs a report was made of, and what they cannot say. */
function Imported({ report: { imported } }: { report: Report }) {
  if (!imported) return null;
  return (
    <Section id="imported" title={t("reports.imported")} note={t("reports.imported.text")}>
      <ul class="card reports-imported">
        {imported.sources.map((s) => (
          <li key={`${s.peer} ${s.name}`}>
            <b>{s.peer.toUpperCase()}</b> <span class="mono">{s.name}</span> <span class="muted">{s.kind}</span>
          </li>
        ))}
        {imported.notes.map((n) => (
          <li key={n}>{n}</li>
        ))}
      </ul>
    </Section>
  );
}

function Two({ a, b }: { a: string; b: string }) {
  const [loaded, again] = useLoaded<Comparison>(`${a} ${b}`, () => fetchComparison(a, b));
  return (
    <Load loaded={loaded} again={again}>
      {(comparison) => (
        <>
          <div class="row tight">
            <Back />
            <a class="button" href={compareURL(b, a)}>
              <Sign name="swap" /> {t("compare.swap")}
            </a>
          </div>
          <Compared comparison={comparison} />
        </>
      )}
    </Load>
  );
}

function BroughtPage() {
  return (
    <>
      <Load loaded={brought.value ?? { state: "loading" }}>
        {(now) =>
          "diagnosed" in now ? (
            <>
              <div>
                <Back />
              </div>
              <Compared comparison={now.diagnosed.comparison} />
            </>
          ) : (
            <FinishedReport finished={now} name={now.names.join(", ")} />
          )
        }
      </Load>
      <DropZone />
    </>
  );
}

/** List is all that this server has kept, the newest first. */
function List() {
  const [needs, setNeeds] = useState<Needs | "">("");
  const [loaded, again] = useLoaded(needs, () => fetchList(needs));
  return (
    <>
      <header class="reports-head">
        <h1>{t("reports.title")}</h1>
        <p class="muted">{t("reports.text")}</p>
      </header>
      {loaded.state === "failed" ? (
        <Failed failed={loaded} again={loaded.code === "not-listed" ? undefined : again} />
      ) : (
        <section class="reports stack" aria-label={t("reports.title")}>
          <label class="row">
            <span>{t("reports.filter")}</span>
            <select class="field" value={needs} onChange={(e) => setNeeds(e.currentTarget.value as Needs | "")}>
              <option value="">{t("filter.all")}</option>
              {needsValues.map((n) => (
                <option key={n} value={n}>
                  {word("needs", n)}
                </option>
              ))}
            </select>
          </label>
          {loaded.state === "loading" ? (
            <Loading />
          ) : (
            <Kept key={needs} first={loaded.value.reports} next={loaded.value.next ?? ""} needs={needs} durable={loaded.value.durable} days={loaded.value.keepForHours / 24} />
          )}
        </section>
      )}
      <DropZone />
    </>
  );
}

/** Kept is the list with its choice of two. */
export function Kept({ first, next: begin, needs, durable, days }: { first: readonly KeptReport[]; next: string; needs: Needs | ""; durable: boolean; days: number }) {
  const [reports, setReports] = useState(first);
  const [next, setNext] = useState(begin);
  const [why, setWhy] = useState("");
  const [chosen, setChosen] = useState<string[]>([]);
  const choose = (id: string, on: boolean) => setChosen((before) => (on ? [...before, id].slice(-2) : before.filter((c) => c !== id)));
  // The earlier one stands left, whichever was chosen first.
  const pair = reports.filter((r) => chosen.includes(r.id)).reverse();
  const more = () =>
    void fetchList(needs, next).then(
      (page) => {
        setReports([...reports, ...page.reports]);
        setNext(page.next ?? "");
        setWhy("");
      },
      (e: unknown) => setWhy(failed(e).message),
    );
  if (reports.length === 0)
    return (
      <p class="state card" data-testid="reports-empty">
        <Sign name="wait" size={20} /> {t(needs ? "filter.none" : "reports.empty")}
      </p>
    );
  return (
    <>
      <div class="row between">
        <span role="status" class="muted">
          {t("reports.chosen", { n: pair.length })}
        </span>
        {pair.length === 2 ? (
          <a class="button primary" href={compareURL(pair[0]!.id, pair[1]!.id)}>
            <Sign name="swap" /> {t("reports.compare")}
          </a>
        ) : (
          <button type="button" class="button" disabled>
            <Sign name="swap" /> {t("reports.compare")}
          </button>
        )}
      </div>
      <ul class="reports-list card">
        {reports.map((r) => {
          const machines = r.peers.map((p) => p.label || p.browser || p.id.toUpperCase()).join(" ↔ ") || none;
          return (
            <li key={r.id} data-testid="kept-report" data-needs={r.needs} data-chosen={chosen.includes(r.id) || undefined}>
              <label class="reports-choose">
                <input type="checkbox" checked={chosen.includes(r.id)} onChange={(e) => choose(r.id, e.currentTarget.checked)} />
                <span class="hidden-visually">{t("reports.choose", { machines, when: when(r.endedAt) })}</span>
              </label>
              <time dateTime={r.endedAt}>{when(r.endedAt)}</time>
              <a class="reports-open" href={`/reports/${r.id}?lang=${lang()}`}>
                {machines}
              </a>
              <span class="reports-verdict row tight">
                <Badge look={needsLook[r.needs]} text={word("needs", r.needs)} />
                {r.causeTitle && <span class="muted small">{r.causeTitle}</span>}
              </span>
              <a class="button" href={`/api/v1/reports/${r.id}?format=html&lang=${lang()}`} target="_blank" rel="noopener" aria-label={t("reports.html", { machines })}>
                HTML
              </a>
            </li>
          );
        })}
      </ul>
      {next && (
        <button type="button" class="button" onClick={more} data-testid="reports-more">
          {t("reports.more")}
        </button>
      )}
      {why && (
        <p role="alert" class="bad">
          {why}
        </p>
      )}
      <p class="muted small">
        <span>{t(durable ? "reports.durable" : "reports.memory")}</span> {days > 0 && <span>{t("reports.days", { n: Math.round(days * 10) / 10 })}</span>}
      </p>
    </>
  );
}
