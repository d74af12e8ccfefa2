import { t, word } from "../i18n";
import type { RoomModel } from "../model/room";
import type { ExperimentReport, Finding, Report } from "../protocol.gen";
import { columns, peerName } from "./format";
import { Reveal } from "./Reveal";
import { Sign } from "./Sign";

/** FindingExperiments are those that would tell this finding from its rivals, to be started where it stands. */
export function FindingExperiments({ finding: f, report, room }: { finding: Finding; report: Report; room: RoomModel }) {
  const own = report.experiments.filter((x) => x.findings.includes(f.code));
  const welcome = room.welcome.value;
  if (own.length === 0 || !welcome) return null; // a finished report: nothing runs there any more
  const disabled = room.status.value.kind !== "online" || welcome.kind === "watcher" || columns(report).filter((p) => p.online).length < 2;
  return (
    <ul class="row" aria-label={t("experiments.title")}>
      {own.map((x) => (
        <li key={`${x.kind} ${x.peer ?? ""}`} data-testid={`finding-experiment-${x.kind}`} data-state={x.state}>
          <Act experiment={x} report={report} room={room} own={welcome.peer} disabled={disabled || x.state === "running"} />
        </li>
      ))}
    </ul>
  );
}

function Act({ experiment: x, report, room, own, disabled }: { experiment: ExperimentReport; report: Report; room: RoomModel; own: string; disabled: boolean }) {
  const name = word("experiment.kind", x.kind);
  if (x.kind === "reveal" && (!x.peer || x.peer === own)) return <Reveal />;
  // What needs more than a click stands with its command and its choices among the experiments.
  if (x.kind === "reveal" || x.kind === "headless" || x.kind === "hold") {
    return (
      <a href="#experiments">
        {name}
        {x.peer && ` (${peerName(report, x.peer)})`}
      </a>
    );
  }
  return (
    <button type="button" class="button" disabled={disabled} onClick={() => room.run({ experiment: x.kind })}>
      <Sign name={x.state === "running" ? "spinner" : "again"} />
      {t("findings.run", { experiment: name, state: word("experiment.state", x.state) })}
    </button>
  );
}
