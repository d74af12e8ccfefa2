import "./Toasts.css";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import type { RoomModel } from "../model/room";
import { Sign } from "./Sign";
import type { Look } from "./tones";

/** Toasts lie over the page, so that nothing moves when the connection drops in the middle of reading. */
export function Toasts({ room }: { room: RoomModel }) {
  const status = room.status.value;
  const error = room.lastError.value;
  const [closed, setClosed] = useState<typeof error>(null);
  // The custom form shows its own error where it belongs.
  const shown = error && error !== closed && error.code !== "bad-ice-servers" && status.kind !== "gone" ? error : null;
  return (
    <div class="toasts stack" role="status">
      {status.kind === "reconnecting" && (
        <Toast look={{ tone: "warn", sign: "spinner" }} testid="reconnecting">
          <p>
            <strong>{t("reconnecting.title")}</strong> {t("reconnecting.text")} <Countdown to={status.retryAt} />
          </p>
        </Toast>
      )}
      {room.capturing.value && (
        <Toast look={{ tone: "info", sign: "eye" }} testid="capturing">
          <p>
            <strong>{t("capturing.title")}</strong> {t("capturing.text")}
          </p>
          <button type="button" class="button" onClick={() => room.release()} data-testid="release">
            {t("capturing.stop")}
          </button>
        </Toast>
      )}
      {shown && (
        <Toast look={{ tone: "bad", sign: "warning" }} testid="error" code={shown.code}>
          <p>
            <strong>{shown.code}</strong> {shown.message} {shown.hint}
          </p>
          <button type="button" class="button quiet" onClick={() => setClosed(error)} aria-label={t("close")}>
            <Sign name="cross" />
          </button>
        </Toast>
      )}
    </div>
  );
}

function Toast({ look, testid, code, children }: { look: Look; testid: string; code?: string; children: ComponentChildren }) {
  return (
    <div class="toast card" data-tone={look.tone} data-testid={testid} data-code={code}>
      <Sign name={look.sign} size={18} />
      {children}
    </div>
  );
}

/** Countdown is not read aloud each second. */
function Countdown({ to }: { to: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const left = Math.max(0, Math.ceil((to - now) / 1000));
  return <span aria-hidden="true">{left > 0 ? t("reconnecting.in", { n: left }) : t("reconnecting.now")}</span>;
}
