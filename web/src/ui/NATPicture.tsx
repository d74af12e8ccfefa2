import "./NATPicture.css";
import { t } from "../i18n";
import type { NATReport, Passage } from "../protocol.gen";
import { Corner } from "./Corner";
import { none } from "./format";
import { Sign, type SignName } from "./Sign";
import type { Tone } from "./tones";

const look: Record<Passage, { tone: Tone; sign: SignName }> = {
  passes: { tone: "ok", sign: "check" },
  blocked: { tone: "bad", sign: "cross" },
  unknown: { tone: "idle", sign: "question" },
};

const laneWord = (state: Passage) => t(state === "unknown" ? "plots.none" : `nat.lane.${state}`);

/** NATPicture is the machine, its NAT, and the server's four corners: from which of them does a packet come in? */
export function NATPicture({ nat, own }: { nat: NATReport; own: boolean }) {
  const said = nat.corners.map((l) => `${t(`corner.${l.corner}`)}${l.address && ` ${l.address}`}: ${laneWord(l.state)}`);
  const wall = nat.rfc3489 === "Symmetric UDP Firewall" ? t("nat.firewall") : nat.translated === null ? t("path.unknown") : nat.translated ? "NAT" : t("nat.none");
  return (
    <div class="nat-picture well" role="img" aria-label={`${t("nat.picture")} ${said.join("; ")}`}>
      <span class="nat-machine">{t(own ? "nat.machine" : "timeline.peer")}</span>
      <span class="nat-wall" data-nat={String(nat.translated || nat.rfc3489 === "Symmetric UDP Firewall")}>
        {wall}
      </span>
      {nat.corners.map(({ corner, state, address }) => (
        <div key={corner} class="nat-lane" data-corner={corner} data-state={state} data-tone={look[state].tone}>
          <i class="nat-in">{state === "passes" && <Sign name="left" size={14} />}</i>
          <i class="nat-out">
            <Sign name={look[state].sign} size={13} />
          </i>
          <span class="nat-corner">
            <span class="nat-place">
              <Corner name={corner} />
              {corner}
            </span>
            <span class="nat-from">
              <span class="mono">{address || none}</span>
              <b>{laneWord(state)}</b>
            </span>
          </span>
        </div>
      ))}
    </div>
  );
}
