import "./Export.css";
import { useState } from "preact/hooks";
import { lang, t } from "../i18n";
import { Sign } from "./Sign";

/** Export leads to the report for whoever owns the firewall. */
export function Export({ room }: { room: string }) {
  const [redact, setRedact] = useState(false);
  const api = `/api/v1/rooms/${encodeURIComponent(room)}`;
  const report = (format: string) => `${api}/report?format=${format}&lang=${lang()}&redact=${redact ? "pseudonym" : "none"}`;
  const links = [
    ["html", t("export.html"), report("html")],
    ["md", t("export.md"), report("md")],
    ["json", t("export.json"), report("json")],
    ["jsonl", t("export.jsonl"), `${api}/recording`],
  ] as const;
  return (
    <>
      <button type="button" class="button" popovertarget="export" aria-label={t("export.title")} data-testid="export">
        <Sign name="download" />
        <span class="export-word">{t("export.title")}</span>
      </button>
      <div id="export" popover="auto" class="export card">
        <label>
          <input type="checkbox" checked={redact} onChange={(e) => setRedact(e.currentTarget.checked)} data-testid="export-redact" />
          <div>
            {t("export.redact")}
            <p class="muted small">{t("export.redact.text")}</p>
          </div>
        </label>
        <ul>
          {links.map(([format, name, href]) => (
            <li key={format}>
              <a class="apart" href={href} download={`icescope-${room}.${format}`} data-testid={`export-${format}`}>
                <span>{name}</span>
                <code class="muted">.{format}</code>
              </a>
            </li>
          ))}
        </ul>
        {redact && <p class="muted small">{t("export.recording.plain")}</p>}
      </div>
    </>
  );
}
