import "./Custom.css";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { useRoom } from "./context";
import { Sign } from "./Sign";

const example = '[{"urls": "stun:192.0.2.1:3478"}]';

/** Custom runs the reader's own iceServers. The server checks them (ParseICEServers); here only what is no JSON at all is caught early. */
export function Custom({ disabled }: { disabled: boolean }) {
  const room = useRoom();
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState("");
  const refused = room.lastError.value?.code === "bad-ice-servers" ? room.lastError.value : null;
  const [seen, setSeen] = useState<typeof refused>(null);
  const problem = wrong || (refused && refused !== seen ? [refused.message, refused.hint].filter(Boolean).join(". ") : "");
  const run = (e: Event) => {
    e.preventDefault();
    setSeen(refused);
    const { value, error } = parse(text);
    setWrong(error);
    if (!error) room.run({ trials: ["custom"], iceServers: value });
  };
  return (
    <details class="custom card">
      <summary>{t("custom.title")}</summary>
      <form class="stack" onSubmit={run}>
        <label for="custom-text">{t("custom.label")}</label>
        <textarea
          id="custom-text"
          class="field mono"
          rows={5}
          spellcheck={false}
          placeholder={example}
          value={text}
          onInput={(e) => {
            setText(e.currentTarget.value);
            setWrong("");
            setSeen(refused);
          }}
          aria-invalid={problem !== ""}
          aria-describedby="custom-error"
          data-testid="custom-input"
        />
        <p id="custom-error" class="bad" role="alert" data-testid="custom-error">
          {problem}
        </p>
        <button type="submit" class="button primary" disabled={disabled || text.trim() === ""} data-testid="custom-run">
          <Sign name="again" /> {t("custom.run")}
        </button>
      </form>
    </details>
  );
}

/** parse says where JSON goes wrong, as the browser puts it. */
export function parse(text: string): { value: unknown; error: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return { value, error: t("custom.notlist") };
    return { value, error: "" };
  } catch (e) {
    return { value: null, error: t("custom.notjson", { error: e instanceof Error ? e.message : String(e) }) };
  }
}
