import "./Experiments.css";
import { t, word } from "../i18n";
import type { ExperimentReport, Report } from "../protocol.gen";
import { Badge } from "./Badge";
import { useRoom } from "./context";
import { Code } from "./Code";
import { peerName } from "./format";
import { HoldFor } from "./HoldFor";
import { Reveal } from "./Reveal";
import { Sign } from "./Sign";
import type { Look } from "./tones";
import { TrialLines } from "./TrialLines";

const stateLook: Record<string, Look> = {
  proposed: { tone: "info", sign: "question" },
  running: { tone: "info", sign: "spinner" },
  done: { tone: "ok", sign: "check" },
};

/** Experiments are what separates the causes that explain the same: what the session tries by itself, and what a person must do. */
export function Experiments({ report, own, disabled }: { report: Report; own: string; disabled: boolean }) {
  return (
    <ul class="experiments">
      {report.experiments.map((x) => (
        <Item key={`${x.kind} ${x.peer ?? ""}`} experiment={x} report={report} own={own} disabled={disabled} />
      ))}
    </ul>
  );
}

function Item({ experiment: x, report, own, disabled }: { experiment: ExperimentReport; report: Report; own: string; disabled: boolean }) {
  const separates = x.findings.map((code) => report.findings.find((f) => f.code === code)?.title ?? code);
  return (
    <li class="experiment stack card" data-testid={`experiment-${x.kind}`} data-state={x.state} data-by={x.by} data-peer={x.peer} data-run={x.run}>
      <header class="apart">
        <h3>{word("experiment.kind", x.kind)}</h3>
        <Badge look={stateLook[x.state] ?? stateLook.proposed!} text={word("experiment.state", x.state)} />
      </header>
      <p>{x.text}</p>
      {separates.length > 0 && <p class="muted small">{t("experiment.separates", { findings: separates.join(t("list")) })}</p>}
      {x.state === "proposed" && x.by === "session" && <p class="muted small">{t("experiment.itself")}</p>}
      <Act experiment={x} report={report} own={own} disabled={disabled || x.state === "running"} />
      {x.trials && x.trials.length > 0 && <TrialLines trials={x.trials} />}
    </li>
  );
}

/** Act is what the reader can do about it, here and now. */
function Act({ experiment: x, report, own, disabled }: { experiment: ExperimentReport; report: Report; own: string; disabled: boolean }) {
  const room = useRoom();
  switch (x.kind) {
    case "reveal":
      if (x.peer && x.peer !== own) return <p class="muted small">{t("experiment.there", { peer: peerName(report, x.peer) })}</p>;
      return (
        <p>
          <Reveal />
        </p>
      );
    case "headless":
      return (
        <>
          {x.command && (
            <div class="well">
              <Code text={x.command} label={t("experiment.command")} testid="command" />
            </div>
          )}
          <p class="muted small">{t("experiment.headless.tells")}</p>
        </>
      );
    case "hold":
      return <HoldFor report={report} disabled={disabled} name="experiment" />;
    default:
      return (
        <p>
          <button type="button" class="button" disabled={disabled} onClick={() => room.run({ experiment: x.kind })} data-testid={`experiment-run-${x.kind}`}>
            <Sign name="again" /> {t(x.state === "done" ? "action.again" : "experiment.now")}
          </button>
        </p>
      );
  }
}
