import "./Findings.css";
import { t, word } from "../i18n";
import type { Finding, Report } from "../protocol.gen";
import { Badge } from "./Badge";
import { EventLinks } from "./EventLinks";
import { peerName } from "./format";
import { Sign } from "./Sign";
import { confidenceLook, severityLook } from "./tones";

/** Findings are the causes, in the order in which the server weighs them. */
export function Findings({ report }: { report: Report }) {
  if (report.findings.length === 0) return <p class="muted">{t(report.verdict.final ? "findings.none" : "findings.notyet")}</p>;
  return (
    <ol class="findings">
      {report.findings.map((f) => (
        <Item key={f.id} finding={f} report={report} />
      ))}
    </ol>
  );
}

function Item({ finding: f, report }: { finding: Finding; report: Report }) {
  const body = <Body finding={f} />;
  const head = <Head finding={f} report={report} />;
  return (
    <li class="finding card" data-tone={severityLook[f.severity].tone} data-testid={`finding-${f.code}`} data-severity={f.severity} data-confidence={f.confidence}>
      {/* A note is no fault: its title is enough until somebody asks. */}
      {f.severity === "info" ? (
        <details>
          <summary>{head}</summary>
          {body}
        </details>
      ) : (
        <>
          {head}
          {body}
        </>
      )}
    </li>
  );
}

function Head({ finding: f, report }: { finding: Finding; report: Report }) {
  const old = f.run !== undefined && f.run > 0 && f.run < report.run;
  return (
    <div class="finding-head">
      <span class="finding-sign">
        <Sign name={severityLook[f.severity].sign} />
      </span>
      <h3>{f.title}</h3>
      <Badge look={confidenceLook[f.confidence]} text={word("confidence", f.confidence)} title={t("confidence.title")} />
      <p class="finding-where muted small">
        <span>{word("severity", f.severity)}</span>
        <code>{f.code}</code>
        {f.direction ? (
          <span class="finding-direction">
            {peerName(report, f.direction.from)}
            <Sign name="right" size={13} />
            <span class="hidden-visually">{t("to")}</span>
            {peerName(report, f.direction.to)}
          </span>
        ) : (
          f.peers.length > 0 && <span>{f.peers.map((id) => peerName(report, id)).join(", ")}</span>
        )}
        {f.trial && <span>{word("trial", f.trial)}</span>}
        {old && <span>{t("trial.run", { n: f.run! })}</span>}
      </p>
    </div>
  );
}

function Body({ finding: f }: { finding: Finding }) {
  return (
    <div class="finding-body">
      <p>{f.summary}</p>
      {f.remedy && (
        <div class="finding-remedy">
          <h4>{t("findings.remedy")}</h4>
          <p>{f.remedy}</p>
        </div>
      )}
      {f.separatingExperiment && (
        <div>
          <h4>{t("findings.experiment")}</h4>
          <p>{f.separatingExperiment}</p>
        </div>
      )}
      {f.evidence.length > 0 && (
        <div>
          <h4>{t("findings.evidence")}</h4>
          <ul class="finding-evidence">
            {f.evidence.map((e) => (
              <li key={e.text}>
                {e.text} <EventLinks events={e.events} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
