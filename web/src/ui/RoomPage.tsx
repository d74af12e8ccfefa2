import "./RoomPage.css";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import type { PeerReport, Report } from "../protocol.gen";
import { Candidates } from "./Candidates";
import { useRoom } from "./context";
import { Custom } from "./Custom";
import { Findings } from "./Findings";
import { columns, trialKinds } from "./format";
import { Invite } from "./Invite";
import { Masked } from "./Masked";
import { Pairs } from "./Pairs";
import { Path } from "./Path";
import { PeerCard } from "./PeerCard";
import { Problem } from "./Problem";
import { Section } from "./Section";
import { Sign } from "./Sign";
import { Signaling } from "./Signaling";
import { TrialFilter, type Filter } from "./TrialFilter";
import { Trials } from "./Trials";
import { Verdict } from "./Verdict";

/** RoomPage is right at a glance and deep on demand: what is read first stands first. */
export function RoomPage({ code }: { code: string }) {
  const room = useRoom();
  const status = room.status.value;
  const report = room.snapshot.value;
  const gone = status.kind === "gone" ? <Problem gone={status} room={room} /> : null;
  if (gone && !report) return gone;
  const waiting = report !== null && columns(report).filter((p) => p.online).length < 2;
  return (
    <>
      {gone}
      <Verdict report={report} />
      {waiting && !gone && <Invite code={code} />}
      {report && <Body report={report} own={room.welcome.value?.peer ?? ""} waiting={waiting} />}
    </>
  );
}

function Body({ report, own, waiting }: { report: Report; own: string; waiting: boolean }) {
  const room = useRoom();
  const [pairFilter, setPairFilter] = useState<Filter>("all");
  const [logFilter, setLogFilter] = useState<Filter>("all");
  const cannotRun = waiting || room.status.value.kind !== "online" || room.welcome.value?.kind === "watcher";
  const ran = report.trials.map((tr) => tr.kind);
  return (
    <>
      {report.run > 0 && (
        <Section
          id="trials"
          title={t("trials.title")}
          note={t("trials.note")}
          tools={
            <>
              <button type="button" class="button" disabled={cannotRun} onClick={() => room.run({})} data-testid="button-run-again">
                <Sign name="again" /> {t("action.again")}
              </button>
              <button type="button" class="button" disabled={cannotRun} onClick={() => room.run({ swapOfferer: true })} data-testid="button-swap">
                <Sign name="swap" /> {t("action.swap")}
              </button>
            </>
          }
        >
          <Trials report={report} />
          <Custom disabled={cannotRun} />
        </Section>
      )}
      {(report.run > 0 || report.findings.length > 0) && (
        <Section id="findings" title={t("findings.title")}>
          <Findings report={report} />
        </Section>
      )}
      {report.run > 0 && columns(report).length === 2 && (
        <Section id="path" title={t("path.title")} note={t("path.note")}>
          <Path report={report} />
        </Section>
      )}
      <Machines report={report} own={own} />
      {report.run > 0 && (
        <Section
          id="pairs"
          title={t("pairs.title")}
          note={t("pairs.note")}
          tools={<TrialFilter name="pairs" kinds={ran} value={pairFilter} onChange={setPairFilter} />}
        >
          <Pairs report={report} filter={pairFilter} />
        </Section>
      )}
      {report.signaling.length > 0 && (
        <Section
          id="signaling-log"
          title={t("signaling.title")}
          note={t("signaling.note")}
          tools={<TrialFilter name="signaling" kinds={trialKinds(report)} value={logFilter} onChange={setLogFilter} />}
        >
          <Signaling report={report} filter={logFilter} />
        </Section>
      )}
    </>
  );
}

/** Machines are both ends side by side: who they are, what they signaled, what arrived. */
export function Machines({ report, own, alone }: { report: Report; own: string; alone?: boolean }) {
  const [filter, setFilter] = useState<Filter>("all");
  const peers = columns(report);
  return (
    <Section
      id="candidates"
      title={t(alone ? "start.alone" : "candidates.title")}
      note={t(alone ? "start.alone.text" : "candidates.note")}
      tools={<TrialFilter name="candidates" kinds={trialKinds(report)} value={filter} onChange={setFilter} />}
    >
      <div class="machines" data-count={peers.length}>
        {peers.map((peer) => (
          <Machine key={peer.id} peer={peer} own={peer.id === own} filter={filter} />
        ))}
      </div>
    </Section>
  );
}

function Machine({ peer, own, filter }: { peer: PeerReport; own: boolean; filter: Filter }) {
  return (
    <div class="machine">
      <PeerCard peer={peer} own={own} />
      {peer.masked ? <Masked own={own} /> : <span />}
      <Candidates peer={peer} filter={filter} />
    </div>
  );
}
