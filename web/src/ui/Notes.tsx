import "./Notes.css";
import { t } from "../i18n";
import type { Finding, Report } from "../protocol.gen";
import { FindingBody } from "./FindingBody";
import { peerName } from "./format";
import { Sign } from "./Sign";

/** Notes are findings that are no faults. One line for both peers, and closed: the title is enough until somebody asks. */
export function Notes({ notes, report }: { notes: readonly Finding[]; report: Report }) {
  const groups = new Map<string, Finding[]>();
  for (const f of notes) {
    const same = `${f.code} ${f.title} ${f.confidence} ${f.run ?? 0}`;
    groups.set(same, [...(groups.get(same) ?? []), f]);
  }
  return (
    <ul class="notes row" aria-label={t("findings.notes")}>
      {[...groups].map(([same, group]) => (
        <Note key={same} finding={merge(group)} report={report} />
      ))}
    </ul>
  );
}

function Note({ finding: f, report }: { finding: Finding; report: Report }) {
  return (
    <li data-testid={`finding-${f.code}`} data-severity={f.severity} data-confidence={f.confidence}>
      <details>
        <summary class="row tight">
          <Sign name="info" size={14} />
          <span>{f.title}</span>
          <span class="muted small">{f.peers.map((id) => peerName(report, id)).join(" · ")}</span>
        </summary>
        <FindingBody finding={f} />
      </details>
    </li>
  );
}

/** merge says of several peers what was found at each of them, and once what is the same. */
function merge(group: readonly Finding[]): Finding {
  const each = (of: (f: Finding) => string) => [...new Set(group.map(of))].join(" ");
  return {
    ...group[0]!,
    peers: [...new Set(group.flatMap((f) => f.peers))],
    summary: each((f) => f.summary),
    remedy: each((f) => f.remedy),
    evidence: group.flatMap((f) => f.evidence),
  };
}
