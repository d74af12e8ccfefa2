import "./NATPicture.css";
import { t } from "../i18n";
import type { Corner as Name, NATReport, NATTest } from "../protocol.gen";
import { Corner, corners } from "./Corner";
import { none } from "./format";
import { Sign, type SignName } from "./Sign";
import type { Tone } from "./tones";

type Passage = "passes" | "blocked" | "unknown";

const look: Record<Passage, { tone: Tone; sign: SignName }> = {
  passes: { tone: "ok", sign: "check" },
  blocked: { tone: "bad", sign: "cross" },
  unknown: { tone: "idle", sign: "question" },
};

const laneWord = (state: Passage) => t(state === "unknown" ? "plots.none" : `nat.lane.${state}`);

/** NATPicture is the machine, its NAT, and the server's four corners: from which of them does a packet come in? */
export function NATPicture({ nat, own }: { nat: NATReport; own: boolean }) {
  const lanes = corners.map((corner) => ({ corner, ...passage(nat, corner) }));
  const said = lanes.map((l) => `${t(`corner.${l.corner}`)}${l.address && ` ${l.address}`}: ${laneWord(l.state)}`);
  const wall = nat.rfc3489 === "Symmetric UDP Firewall" ? t("nat.firewall") : nat.translated === null ? t("path.unknown") : nat.translated ? "NAT" : t("nat.none");
  return (
    <div class="nat-picture well" role="img" aria-label={`${t("nat.picture")} ${said.join("; ")}`}>
      <span class="nat-machine">{t(own ? "nat.machine" : "timeline.peer")}</span>
      <span class="nat-wall" data-nat={String(nat.translated || nat.rfc3489 === "Symmetric UDP Firewall")}>
        {wall}
      </span>
      {lanes.map(({ corner, state, address }) => (
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

/**
 * passage is what the steps say of a corner. A silence means "blocked" only where the server has concluded what the filtering is: until a control has shown that
 * the corner can be heard at all, it says nothing.
 */
export function passage(nat: Pick<NATReport, "filtering" | "tests">, corner: Name): { state: Passage; address: string } {
  const of = nat.tests.filter((test) => test.corner === corner && test.transport === "udp");
  // A step named filter is a packet that nobody asked this corner for; towards PP every step is one that the machine has asked.
  const unasked = of.filter((test) => test.step.startsWith("filter-"));
  const address = [...unasked.map(fromOf), ...of.map(fromOf)].find(Boolean) ?? "";
  const telling = corner === "PP" ? of : unasked;
  if (telling.some((test) => test.result === "answered")) return { state: "passes", address };
  const silent = telling.some((test) => test.result === "unanswered");
  return { state: silent && corner !== "PP" && nat.filtering !== "not-measurable" ? "blocked" : "unknown", address };
}

/** fromOf is the corner's own ip:port: a check is sent from it, a request to it. */
function fromOf(test: NATTest): string {
  return (test.step.startsWith("filter-") || test.step === "control" ? test.from : test.to) ?? "";
}
