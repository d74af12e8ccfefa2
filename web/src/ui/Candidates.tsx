import "./Candidates.css";
import { t, word } from "../i18n";
import type { CandidateReport, PeerReport } from "../protocol.gen";
import { Badge } from "./Badge";
import { showEvent } from "./context";
import { Explain, isTerm } from "./Explain";
import { endpoint, labelOf, ms, shortAddress } from "./format";
import { Sign } from "./Sign";
import type { Filter } from "./TrialFilter";
import type { Look } from "./tones";

/** Candidates is one peer's table: what it signaled, and what became of each at the other end. */
export function Candidates({ peer, filter }: { peer: PeerReport; filter: Filter }) {
  const shown = peer.candidates.filter((c) => filter === "all" || c.trial === filter);
  // What was gathered alone matters least as soon as there are trials.
  const rows = [...shown.filter((c) => c.trial !== "alone"), ...shown.filter((c) => c.trial === "alone")];
  const errors = peer.candidateErrors.filter((e) => filter === "all" || e.trial === filter);
  return (
    <div class="candidates card" data-testid={`candidates-${peer.id}`}>
      <div class="candidates-scroll" tabIndex={0} role="region" aria-label={t("candidates.of", { peer: labelOf(peer) || peer.id.toUpperCase() })}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("candidates.type")}</th>
              <th scope="col">
                {t("candidates.address")} <i>/ raddr rport</i>
              </th>
              <th scope="col">
                <Explain term="priority">{t("candidates.priority")}</Explain>
              </th>
              <th scope="col">
                <Explain term="foundation">{t("candidates.foundation")}</Explain> <i>/ {t("candidates.server")}</i>
              </th>
              <th scope="col">
                <Explain term="state">{t("candidates.state")}</Explain>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((c) => (
              <Row key={`${c.trial} ${c.event} ${c.type} ${c.protocol} ${c.address} ${c.port} ${c.foundation}`} candidate={c} peer={peer.id} />
            ))}
            {rows.length === 0 && (
              <tr class="candidates-empty">
                <td colSpan={5}>{t("candidates.none")}</td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
      {errors.length > 0 && (
        <ul class="candidates-errors">
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

function Row({ candidate: c, peer }: { candidate: CandidateReport; peer: string }) {
  const life = lifeOf(c);
  return (
    <tr
      data-testid="candidate"
      data-peer={peer}
      data-trial={c.trial}
      data-type={c.type}
      data-address={c.address}
      data-port={c.port}
      data-protocol={c.protocol}
      data-state={life.state}
      class={c.selected ? "candidate-selected" : undefined}
    >
      <td>
        <span class="candidate-type" data-type={c.type}>
          {isTerm(c.type) ? <Explain term={c.type}>{c.type}</Explain> : c.type}
        </span>
        <small>{word("trial", c.trial)}</small>
      </td>
      <td class="mono">
        <span class="candidate-address">
          {c.masked && <Sign name="hidden" size={13} />}
          <span title={c.address}>{c.address ? endpoint(shortAddress(c.address), c.port) : t("candidates.hidden")}</span>
        </span>
        <small>
          {c.protocol}
          {c.tcpType && ` ${c.tcpType}`}
          {c.masked && " · "}
          {c.masked && <Explain term="local">{t("candidates.masked")}</Explain>}
          {c.relatedAddress && (
            <>
              {" · "}
              <Explain term="raddr">raddr</Explain> {c.relatedAddress} rport {c.relatedPort ?? "–"}
            </>
          )}
        </small>
      </td>
      <td class="mono" title={t("candidates.preferences", { type: c.typePreference, local: c.localPreference, component: c.component })}>
        {c.priority || "–"}
        <small>{c.priority > 0 && `${c.typePreference} · ${c.localPreference} · ${c.component}`}</small>
      </td>
      <td class="mono">
        {c.foundation || "–"}
        <small>{c.url}</small>
      </td>
      <td>
        <Badge look={life.look} text={t(`life.${life.state}`)} title={c.appliedError} />
        <small>
          {c.event >= 0 ? (
            <button type="button" class="candidate-at" onClick={() => showEvent(c.event)} title={t("event.show", { seq: c.event })}>
              {t("candidates.at", { ms: ms(c.atMs) })}
            </button>
          ) : (
            t("candidates.at", { ms: ms(c.atMs) })
          )}
        </small>
        {c.appliedError && <small class="candidate-refused">{c.appliedError}</small>}
      </td>
    </tr>
  );
}

type Life = "selected" | "refused" | "arrived" | "signaled" | "observed" | "alone";

/** lifeOf is the last thing that happened to a candidate. One of the trial "alone" is offered to nobody, so it cannot be missing anywhere. */
function lifeOf(c: CandidateReport): { state: Life; look: Look } {
  if (c.selected) return { state: "selected", look: { tone: "ok", sign: "star" } };
  if (c.appliedError) return { state: "refused", look: { tone: "bad", sign: "cross" } };
  if (c.receivedByPeer) return { state: "arrived", look: { tone: "idle", sign: "check" } };
  if (c.trial === "alone") return { state: "alone", look: { tone: "idle", sign: "dash" } };
  if (c.signaled) return { state: "signaled", look: { tone: "warn", sign: "wait" } };
  return { state: "observed", look: { tone: "info", sign: "eye" } };
}
