import "./RoomPage.css";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import type { Report } from "../protocol.gen";
import { CandidateEnds, CandidateLegend, Candidates } from "./Candidates";
import { useRoom } from "./context";
import { Custom } from "./Custom";
import { Expectation } from "./Expectation";
import { Experiments } from "./Experiments";
import { Findings } from "./Findings";
import { columns, peerName, trialKinds } from "./format";
import { Watch } from "./HoldFor";
import { Invite } from "./Invite";
import { Masked } from "./Masked";
import type { KindFilter } from "./matrix/marks";
import { NoWebRTC } from "./NoWebRTC";
import { Pairs, sideTrials } from "./Pairs";
import { Path } from "./path/Path";
import { PeerCard } from "./PeerCard";
import { Problem } from "./Problem";
import { Section } from "./Section";
import { Sign } from "./Sign";
import { Signaling } from "./Signaling";
import { OverTime } from "./timeline/Sections";
import { TrialFilter, TypeFilter, type Filter } from "./TrialFilter";
import { Trials } from "./Trials";
import { Turn } from "./Turn";
import { Verdict } from "./Verdict";

/** RoomPage is right at a glance and deep on demand: what is read first stands first. */
export function RoomPage({ code, still }: { code: string; still?: boolean }) {
  const room = useRoom();
  const status = room.status.value;
  const report = room.snapshot.value;
  const gone = status.kind === "gone" ? <Problem gone={status} room={room} /> : null;
  if (gone && !report) return gone;
  const own = room.welcome.value?.peer ?? "";
  const waiting = !still && report !== null && columns(report).filter((p) => p.online).length < 2;
  return (
    <>
      {gone}
      <NoWebRTC room={room} />
      <Verdict report={report} />
      {report === null || report.run === 0 ? (
        <>
          <Turn>{!gone && !still && <Invite code={code} />}</Turn>
          {report && <Waiting report={report} own={own} />}
        </>
      ) : (
        <Measured report={report} own={own} invite={waiting && !gone ? code : ""} still={still ?? false} />
      )}
    </>
  );
}

/** Waiting is before the first run: this browser alone, with the other one's place kept free, in the picture too. */
function Waiting({ report, own }: { report: Report; own: string }) {
  return (
    <>
      <Machines report={report} own={own} />
      <Turn>
        {report.picture && (
          <Section id="path" title={t("path.title")}>
            <Path report={report} />
          </Section>
        )}
      </Turn>
      <Turn>
        {report.findings.length > 0 && (
          <Section id="findings" title={t("findings.title")}>
            <Findings report={report} />
          </Section>
        )}
      </Turn>
      <Turn>
        <Log report={report} />
      </Turn>
    </>
  );
}

/** Measured is from the first run on. All its parts are there from the start, each with room for what is to come. */
function Measured({ report, own, invite, still }: { report: Report; own: string; invite: string; still: boolean }) {
  const room = useRoom();
  const [pairFilter, setPairFilter] = useState<Filter>("all");
  const cannotRun = invite !== "" || room.status.value.kind !== "online" || room.welcome.value?.kind === "watcher";
  const ran = [...new Set([...report.trials, ...sideTrials(report).map((s) => s.trial)].map((tr) => tr.kind))];
  return (
    <>
      <Turn>
        {columns(report).length === 2 && (
          <Section id="path" title={t("path.title")} note={t("path.note")}>
            <Path report={report} />
          </Section>
        )}
      </Turn>
      <Turn>
        <Section
          id="trials"
          title={t("trials.title")}
          note={t("trials.note")}
          tools={
            !still && (
              <>
                <button type="button" class="button" disabled={cannotRun} onClick={() => room.run({})} data-testid="button-run-again">
                  <Sign name="again" /> {t("action.again")}
                </button>
                <button type="button" class="button" disabled={cannotRun} onClick={() => room.run({ swapOfferer: true })} data-testid="button-swap">
                  <Sign name="swap" /> {t("action.swap")}
                </button>
              </>
            )
          }
        >
          <Expectation report={report} />
          <Trials report={report} />
          {!still && (
            <>
              <Custom disabled={cannotRun} />
              <Watch report={report} disabled={cannotRun} />
            </>
          )}
        </Section>
      </Turn>
      <Turn>
        <Section id="findings" title={t("findings.title")} measuring={!report.verdict.final}>
          <Findings report={report} />
        </Section>
      </Turn>
      <Turn>
        {report.experiments.length > 0 && (
          <Section id="experiments" title={t("experiments.title")} note={t("experiments.note")}>
            <Experiments report={report} own={own} disabled={cannotRun} />
          </Section>
        )}
      </Turn>
      <Turn>
        <OverTime report={report} />
      </Turn>
      <Machines report={report} own={own} />
      {/* After a run nothing above may move because the other one has left. */}
      <Turn>
        {invite && <Invite code={invite} />}
      </Turn>
      <Turn>
        <Section
          id="pairs"
          title={t("pairs.title")}
          note={t("pairs.note")}
          tools={<TrialFilter name="pairs" kinds={ran} value={pairFilter} onChange={setPairFilter} />}
        >
          <Pairs report={report} filter={pairFilter} />
        </Section>
      </Turn>
      <Turn>
        <Log report={report} />
      </Turn>
    </>
  );
}

function Log({ report }: { report: Report }) {
  const [filter, setFilter] = useState<Filter>("all");
  if (report.signaling.length === 0) return null;
  return (
    <Section
      id="signaling-log"
      title={t("signaling.title")}
      note={t("signaling.note")}
      tools={<TrialFilter name="signaling" kinds={trialKinds(report, report.signaling.map((s) => s.trial))} value={filter} onChange={setFilter} />}
    >
      <Signaling report={report} filter={filter} />
    </Section>
  );
}

/** Machines are both ends side by side: who they are, then what they signaled and what arrived. Alone, a machine and its candidates are one part. */
export function Machines({ report, own, alone }: { report: Report; own: string; alone?: boolean }) {
  const [filter, setFilter] = useState<Filter>("all");
  const [type, setType] = useState<KindFilter>("all");
  const peers = columns(report);
  const tools = (
    <>
      <TrialFilter name="candidates" kinds={trialKinds(report)} value={filter} onChange={setFilter} />
      <TypeFilter value={type} onChange={setType} />
    </>
  );
  const cards = (
    <div class="machines" data-alone={alone}>
      {peers.map((peer) => (
        <div key={peer.id} class="machine">
          <PeerCard peer={peer} own={peer.id === own} report={report} />
          {peer.masked ? <Masked own={peer.id === own} /> : <span />}
        </div>
      ))}
      {!alone && peers.length === 1 && <p class="machine-missing vacant muted">{t("candidates.other")}</p>}
    </div>
  );
  const tables = (
    <div class="machines machines-tables" data-alone={alone}>
      {peers.map((peer) => (
        <div key={peer.id}>
          {!alone && <h3>{peerName(report, peer.id)}</h3>}
          <Turn>
            <Candidates peer={peer} report={report} filter={filter} type={type} />
          </Turn>
        </div>
      ))}
    </div>
  );
  if (alone) {
    return (
      <Section id="candidates" title={t("start.alone")} note={t("start.alone.text")} tools={tools}>
        {cards}
        {tables}
      </Section>
    );
  }
  return (
    <>
      <Turn>
        <Section id="machines" title={t("machines.title")} note={t("machines.note")}>
          {cards}
        </Section>
      </Turn>
      <Turn>
        <Section id="candidates" title={t("candidates.title")} note={t("candidates.note")} tools={tools}>
          {peers.length === 2 && <CandidateEnds report={report} peers={peers} filter={filter} />}
          <CandidateLegend />
          {tables}
        </Section>
      </Turn>
    </>
  );
}
