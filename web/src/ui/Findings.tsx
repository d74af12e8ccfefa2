import "./Findings.css";
import { useRef } from "preact/hooks";
import { t, word } from "../i18n";
import type { Finding, Report } from "../protocol.gen";
import { Badge } from "./Badge";
import { FindingBody } from "./FindingBody";
import { FindingsBack } from "./FindingsBack";
import { causeOf, peerName } from "./format";
import { Notes } from "./Notes";
import { Sign, Way } from "./Sign";
import { confidenceLook, severityLook } from "./tones";

/** Findings are the causes. That of the verdict stands first, the notes last. */
export function Findings({ report }: { report: Report }) {
  const came = useRef<string[]>([]); // the order in which they came
  for (const f of report.findings) if (!came.current.includes(f.id)) came.current.push(f.id);
  const cause = causeOf(report);
  const faults = report.findings.filter((f) => f !== cause && f.severity !== "info");
  // While it streams, what is new comes below, so that nobody loses the line. In the end the server's order is the right one.
  if (!report.verdict.final) faults.sort((x, y) => came.current.indexOf(x.id) - came.current.indexOf(y.id));
  const notes = report.findings.filter((f) => f !== cause && f.severity === "info");
  return (
    <div class="findings stack">
      {cause || faults.length > 0 ? (
        <ol>
          {cause && <Item key={cause.id} finding={cause} report={report} cause />}
          {faults.map((f) => (
            <Item key={f.id} finding={f} report={report} />
          ))}
        </ol>
      ) : (
        report.run > 0 && <p class="muted">{t(report.verdict.final ? "findings.none" : "findings.notyet")}</p>
      )}
      {notes.length > 0 && <Notes notes={notes} report={report} />}
      <FindingsBack />
    </div>
  );
}

function Item({ finding: f, report, cause }: { finding: Finding; report: Report; cause?: boolean }) {
  const old = f.run !== undefined && f.run > 0 && f.run < report.run;
  return (
    <li
      id={cause ? "cause" : undefined}
      tabIndex={cause ? -1 : undefined}
      class={cause ? "finding finding-cause card" : "finding card"}
      data-tone={severityLook[f.severity].tone}
      data-testid={`finding-${f.code}`}
      data-severity={f.severity}
      data-confidence={f.confidence}
    >
      {cause && <p class="finding-mark">{t("findings.cause")}</p>}
      <div class="finding-head">
        <span class="finding-sign">
          <Sign name={severityLook[f.severity].sign} />
        </span>
        <h3>{f.title}</h3>
        <Badge look={confidenceLook[f.confidence]} text={word("confidence", f.confidence)} title={t("confidence.title")} />
        <p class="finding-where row muted small">
          <span>{word("severity", f.severity)}</span>
          <code>{f.code}</code>
          {f.direction ? (
            <span class="finding-direction">
              <Way from={peerName(report, f.direction.from)} to={peerName(report, f.direction.to)} />
            </span>
          ) : (
            f.peers.length > 0 && <span>{f.peers.map((id) => peerName(report, id)).join(", ")}</span>
          )}
          {f.trial && <span>{word("trial", f.trial)}</span>}
          {old && <span>{t("trials.run", { n: f.run! })}</span>}
        </p>
      </div>
      <FindingBody finding={f} report={report} open={cause ?? false} />
    </li>
  );
}
