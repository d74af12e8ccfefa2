import "./Path.css";
import { t, word } from "../i18n";
import type { DirectionState, PairReport, PeerReport, Report, TrialReport } from "../protocol.gen";
import { Badge } from "./Badge";
import { columns, endpoint, labelOf, none, shortAddress } from "./format";
import { Sign } from "./Sign";
import { directionLook, outcomeLook } from "./tones";

/** Path is the picture: both machines, what stands between each of them and this server, and both directions of each trial. */
export function Path({ report }: { report: Report }) {
  const [a, b] = columns(report);
  if (!a || !b) return null;
  return (
    <div class="path card">
      <Machine peer={a} />
      <div class="path-middle">
        <div class="path-server">
          <Leg peer={a} />
          <span class="path-box">
            <Sign name="server" size={16} /> {t("path.server")}
          </span>
          <Leg peer={b} />
        </div>
        {report.trials.map((tr) => (
          <Trial key={tr.kind} trial={tr} flipped={tr.a === b.id} />
        ))}
      </div>
      <Machine peer={b} />
    </div>
  );
}

function Machine({ peer }: { peer: PeerReport }) {
  return (
    <div class="path-machine">
      <span class="peer-letter">{peer.id.toUpperCase()}</span>
      <strong>{labelOf(peer) || t("peer.unnamed")}</strong>
      <span class="muted small">{peer.browser || word("kind", peer.kind)}</span>
    </div>
  );
}

/** Leg is the way from a machine to this server, with the NAT on it where there is one. */
function Leg({ peer }: { peer: PeerReport }) {
  const seen = peer.stunAddresses[0] ?? peer.httpAddress;
  const nat = peer.nat.translated;
  return (
    <span class="path-leg" data-nat={String(nat)}>
      <i />
      {nat === true && <span class="path-box path-nat">NAT</span>}
      {nat === null && <span class="path-box path-nat">{t("path.unknown")}</span>}
      <span class="path-address mono">{seen || none}</span>
      <i />
    </span>
  );
}

function Trial({ trial: tr, flipped }: { trial: TrialReport; flipped: boolean }) {
  const p = telling(tr.pairs);
  const left = p && (flipped ? p.remote : p.local);
  const right = p && (flipped ? p.local : p.remote);
  return (
    <div class="path-trial">
      <p class="path-label">
        <span class="mono">{left && (left.address ? endpoint(shortAddress(left.address), left.port) : t("candidates.hidden"))}</span>
        <span class="path-name" data-tone={outcomeLook[tr.outcome].tone}>
          <Sign name={outcomeLook[tr.outcome].sign} size={12} /> {word("trial", tr.kind)}
        </span>
        <span class="mono">{right && (right.address ? endpoint(shortAddress(right.address), right.port) : t("candidates.hidden"))}</span>
      </p>
      {p ? (
        <>
          <Lane state={flipped ? p.directions.bToA : p.directions.aToB} to="right" />
          <Lane state={flipped ? p.directions.aToB : p.directions.bToA} to="left" />
        </>
      ) : (
        <p class="path-nopair">{t(tr.outcome ? "pairs.none" : "path.nopair")}</p>
      )}
    </div>
  );
}

/** telling picks the pair that the picture shows: the selected one, else the one that was tried hardest. The table below has them all. */
function telling(pairs: readonly PairReport[]): PairReport | undefined {
  const effort = (p: PairReport) => (p.selected ? Infinity : (p.a?.requestsSent ?? 0) + (p.b?.requestsSent ?? 0));
  return pairs.reduce<PairReport | undefined>((best, p) => (!best || effort(p) > effort(best) ? p : best), undefined);
}

function Lane({ state, to }: { state: DirectionState; to: "left" | "right" }) {
  const look = directionLook[state] ?? directionLook["not-observable"];
  return (
    <p class="path-lane" data-to={to} data-state={state} data-tone={look.tone}>
      <i />
      <Badge look={look} text={word("direction", state)} />
      <i />
      <Sign name={to} size={14} />
    </p>
  );
}
