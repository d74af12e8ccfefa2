import "./Candidates.css";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t, word } from "../i18n";
import { candidateKey, focusOfCandidate, pointed } from "../model/focus";
import type { CandidateReport, PeerReport, Report } from "../protocol.gen";
import { Badge } from "./Badge";
import { showEvent } from "./context";
import { Explain } from "./Explain";
import { endpointText, labelOf, ms } from "./format";
import { moved } from "./matrix/grid";
import { useLights } from "./matrix/lights";
import { endsOf, fits, marksOf, steps, type KindFilter, type Mark, type Step } from "./matrix/marks";
import { alike, still } from "./matrix/still";
import { Sign } from "./Sign";
import type { Filter } from "./TrialFilter";
import type { Look, Tone } from "./tones";

/** Candidates is one peer's table: what it signaled, and what became of each at the other end. One tab stop; the arrow keys move from row to row. */
export function Candidates({ peer, report, filter, type = "all" }: { peer: PeerReport; report: Report; filter: Filter; type?: KindFilter }) {
  const shown = peer.candidates.filter((c) => fits(c, filter, type));
  // What was gathered alone matters least as soon as there are trials.
  const rows = [...shown.filter((c) => c.trial !== "alone"), ...shown.filter((c) => c.trial === "alone")];
  const errors = peer.candidateErrors.filter((e) => filter === "all" || e.trial === filter);
  const drawn = useGrowing(rows.length);
  const body = useRef<HTMLTableSectionElement>(null);
  const stop = useRef("");
  useLights(body, "candidates");
  const all = () => [...body.current!.querySelectorAll<HTMLElement>("[data-key]")];
  // The one row that the Tab key leads to: the last that was focused, else the first.
  const lead = () => {
    const at = all().find((r) => r.dataset.key === stop.current) ?? all()[0];
    for (const r of all()) r.tabIndex = r === at ? 0 : -1;
  };
  useLayoutEffect(lead);
  const rowOf = (e: Event) => (e.target as Element).closest<HTMLElement>("[data-key]");
  const candidateOf = (e: Event) => {
    const key = rowOf(e)?.dataset.key;
    return key === undefined ? undefined : rows.find((c) => candidateKey(peer.id, c) === key);
  };
  const on = (e: Event) => {
    const c = candidateOf(e);
    pointed.value = c ? focusOfCandidate(report, peer.id, c) : null;
  };
  const off = () => (pointed.value = null);
  const focused = (e: Event) => {
    stop.current = rowOf(e)?.dataset.key ?? stop.current;
    lead();
    on(e);
  };
  const keyed = (e: KeyboardEvent) => {
    const row = rowOf(e);
    if (e.target !== row || !row) return;
    if (e.key === "Enter") {
      const c = candidateOf(e);
      if (c && c.event >= 0) showEvent(c.event);
    } else {
      const to = moved(e.key, { row: all().indexOf(row), col: 0 }, { rows: all().length, cols: 1 }, 10, true);
      if (!to || e.key === "ArrowLeft" || e.key === "ArrowRight") return;
      all()[to.row]!.focus();
    }
    e.preventDefault();
  };
  const keys = new Map<string, number>();
  return (
    <div class={rows.length > MANY ? "candidates candidates-many card" : "candidates card"} data-testid={`candidates-${peer.id}`}>
      <div class="candidates-scroll scroll">
        <table role="grid" aria-label={t("candidates.of", { peer: labelOf(peer) || peer.id.toUpperCase() })} aria-rowcount={rows.length + 1}>
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader" scope="col">{t("candidates.type")}</th>
              <th role="columnheader" scope="col">
                {t("candidates.address")} / <Explain term="raddr">raddr rport</Explain>
              </th>
              <th role="columnheader" scope="col" class="candidate-order">
                <Explain term="priority">{t("candidates.priority")}</Explain> / <Explain term="foundation">{t("candidates.foundation")}</Explain>
              </th>
              <th role="columnheader" scope="col">
                <span class="candidate-steps">
                  {steps.map((s) => (
                    <span key={s}>{t(`mark.${s}`)}</span>
                  ))}
                </span>
              </th>
            </tr>
          </thead>
          <tbody ref={body} role="rowgroup" onMouseOver={on} onMouseLeave={off} onFocusIn={focused} onFocusOut={off} onKeyDown={keyed}>
            {rows.slice(0, drawn).map((c) => {
              // Several TCP candidates of one address have one name: they all wait at port 9.
              const name = `${candidateKey(peer.id, c)} ${c.event} ${c.foundation}`;
              const again = keys.get(name) ?? 0;
              keys.set(name, again + 1);
              return <Row key={`${name} ${again}`} candidate={c} peer={peer.id} marks={marksOf(report, peer.id, c)} />;
            })}
            {rows.length === 0 && (
              <tr class="candidates-empty" role="row">
                <td colSpan={4} role="gridcell" class="muted">
                  {t(peer.candidates.length > 0 ? "filter.none" : "candidates.none")}
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
      {errors.length > 0 && (
        <ul class="candidates-errors stack">
          {errors.map((e) => (
            <li key={e.event} data-testid="candidate-error" data-code={e.errorCode}>
              <Badge look={{ tone: "warn", sign: "warning" }} text={String(e.errorCode)} />
              <span>
                {e.errorText || t("candidates.error")} <span class="muted mono">{e.url}</span>
              </span>
              <span class="muted small">{ms(e.atMs)}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** More rows than any screen shows. */
const MANY = 40;
/** As many rows are drawn within one frame on a slow machine. */
const ROWS_A_FRAME = 30;

/** useGrowing is how many of so many rows to draw: what comes at once, in a report that was loaded, is drawn over a few frames, so that the page answers meanwhile. */
function useGrowing(count: number): number {
  const whole = typeof requestAnimationFrame === "undefined"; // drawn on no screen: there are no frames to wait for
  const [drawn, setDrawn] = useState(ROWS_A_FRAME);
  useLayoutEffect(() => {
    if (drawn >= count) return;
    const next = requestAnimationFrame(() => setDrawn(drawn + ROWS_A_FRAME));
    return () => cancelAnimationFrame(next);
  }, [drawn, count]);
  return whole ? count : drawn;
}

const markLook: Record<Mark, Look> = {
  yes: { tone: "ok", sign: "check" },
  no: { tone: "idle", sign: "dash" },
  refused: { tone: "bad", sign: "cross" },
  open: { tone: "info", sign: "wait" },
  unknown: { tone: "idle", sign: "question" },
  none: { tone: "idle", sign: "silence" },
};

/** What was told and did not arrive is a fault; what was not chosen is none. */
function lookOf(step: Step, mark: Mark): Look {
  if (step === "arrived" && mark === "no") return { tone: "bad", sign: "cross" };
  if (step === "selected" && mark === "yes") return { tone: "ok", sign: "star" };
  return markLook[mark];
}

const Row = still<{ candidate: CandidateReport; peer: string; marks: Record<Step, Mark> }>(
  ({ candidate: c, peer, marks }) => {
    const life = lifeOf(c);
    const fault = marks.arrived === "no" || marks.arrived === "refused";
    return (
      <tr
        role="row"
        tabIndex={-1}
        data-key={candidateKey(peer, c)}
        data-testid="candidate"
        data-peer={peer}
        data-trial={c.trial}
        data-type={c.type}
        data-address={c.address}
        data-port={c.port}
        data-protocol={c.protocol}
        data-state={life}
        class={c.selected ? "candidate-selected" : fault ? "candidate-lost" : undefined}
      >
        <td role="gridcell">
          <span class="candidate-type">{c.type}</span>
          <small>{word("trial", c.trial)}</small>
        </td>
        <td role="gridcell" class="mono">
          <span class="candidate-address">
            {c.masked && <Sign name="hidden" size={13} />}
            <span title={c.address}>{endpointText(c)}</span>
          </span>
          <small>
            {c.protocol}
            {c.tcpType && ` ${c.tcpType}`}
            {c.masked && ` · ${t("candidates.masked")}`}
            {c.relatedAddress && ` · raddr ${c.relatedAddress} rport ${c.relatedPort ?? "–"}`}
          </small>
          {c.url && <small>{c.url}</small>}
        </td>
        <td role="gridcell" class="mono candidate-order">
          {c.priority || "–"}
          <small>{c.priority > 0 && `${c.typePreference} · ${c.localPreference} · ${c.component}`}</small>
          <small>{c.foundation}</small>
        </td>
        <td role="gridcell" class="candidate-way">
          <span class="candidate-steps">
            {steps.map((s) => {
              const look = lookOf(s, marks[s]);
              return (
                <span key={s} class="candidate-mark" role="img" aria-label={`${t(`mark.${s}`)}: ${t(`mark.is.${marks[s]}`)}`} data-label={t(`mark.${s}`)} data-tone={look.tone} data-step={s} data-mark={marks[s]}>
                  <Sign name={look.sign} size={14} />
                  {t(`mark.is.${marks[s]}`)}
                </span>
              );
            })}
          </span>
          <small>
            <button type="button" class="candidate-at" tabIndex={-1} disabled={c.event < 0} onClick={() => showEvent(c.event)} title={c.event < 0 ? undefined : t("event.show", { seq: c.event })}>
              {t("candidates.at", { ms: ms(c.atMs) })}
            </button>
          </small>
          {c.appliedError && <small class="candidate-refused">{c.appliedError}</small>}
        </td>
      </tr>
    );
  },
  (x, y) => x.peer === y.peer && alike(x.candidate, y.candidate) && alike(x.marks, y.marks),
);

/** lifeOf is the last thing that happened to a candidate. One of the trial "alone" is offered to nobody, so it cannot be missing anywhere. */
function lifeOf(c: CandidateReport): "selected" | "refused" | "arrived" | "signaled" | "observed" | "alone" {
  if (c.selected) return "selected";
  if (c.appliedError) return "refused";
  if (c.receivedByPeer) return "arrived";
  if (c.trial === "alone") return "alone";
  return c.signaled ? "signaled" : "observed";
}

/** CandidateLegend says once what the four marks mean. */
export function CandidateLegend() {
  return (
    <div class="candidates-legend small">
      {steps.map((s) => (
        <dl key={s}>
          <dt>{t(`mark.${s}`)}</dt>
          <dd class="muted">{t(`mark.${s}.text`)}</dd>
        </dl>
      ))}
    </div>
  );
}

/** CandidateEnds compares both ends by type: what one has and the other has not, and what did not arrive. */
export function CandidateEnds({ report, peers, filter }: { report: Report; peers: readonly PeerReport[]; filter: Filter }) {
  const all = endsOf(report, peers, filter);
  if (all.every((k) => k.ends.every((e) => e.offered + e.seen === 0))) return null;
  return (
    <div class="ends scroll card" data-testid="ends">
      <table>
        <caption class="hidden-visually">{t("ends.title")}</caption>
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden-visually">{t("bars.end")}</span>
            </th>
            {all.map((k) => (
              <th key={k.kind} scope="col">
                {k.kind === "tcp" ? "tcp" : <Explain term={k.kind}>{k.kind}</Explain>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {peers.map((p, i) => (
            <tr key={p.id}>
              <th scope="row">
                {p.id.toUpperCase()} <span class="ends-label">{labelOf(p)}</span>
              </th>
              {all.map(({ kind, ends, differs }) => {
                const e = ends[i]!;
                const none = e.offered + e.seen === 0;
                const [tone, sign] = look(kind, e, none, differs);
                return (
                  <td key={kind} data-tone={tone} data-differs={differs}>
                    <span class="ends-count sign-word">
                      {sign && <Sign name={sign} size={13} />}
                      {none ? t("ends.none") : e.offered || e.seen}
                    </span>
                    {none && differs === "only" && <span class="ends-text">{t("ends.only")}</span>}
                    {!none && (
                      <span class="ends-text">
                        {[
                          e.offered > 0 && e.offered - e.missing - e.refused - e.open > 0 && filter !== "alone" && t("ends.arrived", { n: e.offered - e.missing - e.refused - e.open }),
                          e.missing > 0 && t("ends.missing", { n: e.missing }),
                          e.refused > 0 && t("ends.refused", { n: e.refused }),
                          e.open > 0 && t("ends.open", { n: e.open }),
                          e.seen > 0 && t("ends.seen", { n: e.seen }),
                        ]
                          .filter(Boolean)
                          .join(t("list"))}
                      </span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function look(kind: string, e: { missing: number; refused: number }, none: boolean, differs: string): [Tone | undefined, "cross" | "warning" | "info" | ""] {
  if (e.missing + e.refused > 0) return ["bad", "cross"];
  if (!none || differs !== "only") return [undefined, ""];
  return kind === "prflx" || kind === "tcp" ? ["idle", "info"] : ["warn", "warning"]; // one of two browsers may well have no TCP, and a prflx is learned at one end
}
