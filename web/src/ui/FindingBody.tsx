import { lang, t } from "../i18n";
import type { Finding } from "../protocol.gen";
import { Copy } from "./Copy";
import { EventLinks } from "./EventLinks";
import { findingURL } from "./format";

/** FindingBody is what stands behind a finding's title: the cause in words, what to change, and what it stands on. */
export function FindingBody({ finding: f }: { finding: Finding }) {
  return (
    <div class="finding-body">
      <p>{f.summary}</p>
      {f.remedy && (
        <div class="finding-remedy">
          <h4>{t("findings.remedy")}</h4>
          <p>{f.remedy}</p>
          {f.severity !== "info" && f.settings && f.settings.length > 0 && (
            <dl class="finding-settings">
              {f.settings.map((s) => (
                <div key={s.for + s.text}>
                  <dt>{s.for}</dt>
                  <dd>
                    <pre>{s.text}</pre>
                    <Copy text={s.text} label={t("copy.code")} />
                  </dd>
                </div>
              ))}
            </dl>
          )}
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
      {/* A tab of its own: leaving this page would leave the room. */}
      <p class="finding-doc small">
        <a href={findingURL(f.code, lang())} target="_blank" rel="noopener">
          {t("findings.doc", { code: f.code })}
        </a>
      </p>
    </div>
  );
}
