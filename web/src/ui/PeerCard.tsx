import "./PeerCard.css";
import { t, word } from "../i18n";
import type { PeerReport, Report } from "../protocol.gen";
import { Badge } from "./Badge";
import { labelOf, ms, none, peerName } from "./format";
import { NAT } from "./NAT";
import type { Tone } from "./tones";
import { TrialLines } from "./TrialLines";

/** PeerCard is one machine and its place in the network, as this server and its browser see it. */
export function PeerCard({ peer, own, report }: { peer: PeerReport; own: boolean; report: Report }) {
  return (
    <section class="peer card" data-testid={`peer-${peer.id}`} data-masked={String(peer.masked)} data-translated={String(peer.nat.translated)} aria-label={labelOf(peer) || peer.id.toUpperCase()}>
      <header class="apart">
        <span class="peer-letter">{peer.id.toUpperCase()}</span>
        <div>
          <h3>
            {labelOf(peer) || t("peer.unnamed")}
            {own && <span class="peer-own">{t("peer.you")}</span>}
          </h3>
          <p class="muted small" title={peer.userAgent}>
            {peer.browser || word("kind", peer.kind)}
            {peer.kind === "headless" && ` · ${word("kind", peer.kind)}`}
          </p>
        </div>
        <Badge look={peer.online ? { tone: "ok", sign: "check" } : { tone: "idle", sign: "dash" }} text={t(peer.online ? "peer.online" : "peer.offline")} />
      </header>
      <dl>
        <Fact name={t("peer.http")} mono>
          {peer.httpAddress || none}
        </Fact>
        <Fact name={t("peer.stun")} mono>
          {peer.stunAddresses.length > 0 ? peer.stunAddresses.map((a) => <div key={a}>{a}</div>) : <span class="muted">{t("peer.stun.none")}</span>}
        </Fact>
        <Fact name={t("peer.rtt")}>{ms(peer.httpRttMs)}</Fact>
        <Fact name={t("peer.translated")}>
          <Answer value={peer.nat.translated} />
        </Fact>
        <Fact name={t("peer.masked")}>
          <Answer value={peer.masked} yes="warn" />
        </Fact>
        <Fact name={t("peer.secure")}>
          <Answer value={peer.secureContext} />
        </Fact>
        {peer.proxy && (
          <Fact name={t("peer.proxy")} mono>
            {peer.proxy}
          </Fact>
        )}
      </dl>
      <Beside peer={peer} report={report} />
      <NAT peer={peer} own={own} />
    </section>
  );
}

/** Beside are the headless peers on this machine: what they can and this browser cannot is not the machine's fault, nor the network's. */
function Beside({ peer, report }: { peer: PeerReport; report: Report }) {
  return report.beside
    .filter((b) => b.beside === peer.id)
    .map((b) => (
      <section key={b.peer} class="peer-beside well stack" data-testid={`beside-${b.peer}`}>
        <h4>
          {t("beside.title", { peer: peerName(report, b.peer) })}
          {report.peers.some((p) => p.id === b.peer && !p.online) && <span class="muted"> · {t("peer.offline")}</span>}
        </h4>
        {b.trials.length > 0 ? <TrialLines trials={b.trials} /> : <p class="muted small">{t("beside.none")}</p>}
      </section>
    ));
}

function Fact({ name, mono, children }: { name: preact.ComponentChildren; mono?: boolean; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={mono ? "mono" : undefined}>{children}</dd>
    </div>
  );
}

/** Answer keeps the third value: what was not measured is not "no". */
function Answer({ value, yes = "idle" }: { value: boolean | null; yes?: Tone }) {
  if (value === null) return <Badge look={{ tone: "idle", sign: "question" }} text={t("answer.unknown")} />;
  return <Badge look={value ? { tone: yes, sign: "check" } : { tone: "idle", sign: "dash" }} text={t(value ? "answer.yes" : "answer.no")} />;
}
