import "./Toasts.css";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import type { RoomModel } from "../model/room";
import { Sign } from "./Sign";

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
        <div class="toast card" data-tone="warn" data-testid="reconnecting">
          <Sign name="spinner" size={18} />
          <p>
            <strong>{t("reconnecting.title")}</strong> {t("reconnecting.text")} <Countdown to={status.retryAt} />
          </p>
        </div>
      )}
      {room.capturing.value && (
        <div class="toast card" data-tone="info" data-testid="capturing">
          <Sign name="eye" size={18} />
          <p>
            <strong>{t("capturing.title")}</strong> {t("capturing.text")}
          </p>
          <button type="button" class="button" onClick={() => room.release()} data-testid="release">
            {t("capturing.stop")}
          </button>
        </div>
      )}
      {shown && (
        <div class="toast card" data-tone="bad" data-testid="error" data-code={shown.code}>
          <Sign name="warning" size={18} />
          <p>
            <strong>{shown.code}</strong> {shown.message} {shown.hint}
          </p>
          <button type="button" class="button quiet" onClick={() => setClosed(error)} aria-label={t("close")}>
            <Sign name="cross" />
          </button>
        </div>
      )}
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
