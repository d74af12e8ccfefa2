import "./Copy.css";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { Sign } from "./Sign";

/** copyText works on plain http too, where navigator.clipboard is not there: most closed networks have no certificates. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden-visually";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Copy says what came of it twice: on the button, and in a status of its own, because a button whose name changes is not read again everywhere. */
export function Copy({ text, label = t("copy"), primary, testid }: { text: string; label?: string; primary?: boolean; testid?: string }) {
  const [state, setState] = useState<"idle" | "done" | "failed">("idle");
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    const from = document.activeElement as HTMLElement | null;
    setState((await copyText(text)) ? "done" : "failed");
    from?.focus();
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setState("idle"), 2000);
  };
  const said = state === "done" ? t("copy.done") : state === "failed" ? t("copy.failed") : label;
  return (
    <span class="copy">
      <button type="button" class={primary ? "button primary" : "button"} onClick={() => void copy()} data-testid={testid}>
        <Sign name={state === "done" ? "check" : state === "failed" ? "cross" : "copy"} />
        {/* Both words take their place, so that the button keeps its width. */}
        <span class="copy-words">
          <span aria-hidden={said !== label} data-shown={said === label}>
            {label}
          </span>
          <span aria-hidden={said === label} data-shown={said !== label}>
            {said === label ? t("copy.done") : said}
          </span>
        </span>
      </button>
      <span class="hidden-visually" role="status">
        {state === "idle" ? "" : said}
      </span>
    </span>
  );
}
