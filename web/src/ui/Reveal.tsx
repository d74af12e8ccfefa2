import { useState } from "preact/hooks";
import { t } from "../i18n";
import { info, useRoom } from "./context";
import { Sign } from "./Sign";

/** Reveal asks for the camera, where the page may; what comes after is the room's (RoomModel.reveal). */
export function Reveal() {
  const room = useRoom();
  const [failed, setFailed] = useState("");
  const https = info.value?.httpsUrl;
  if (!globalThis.isSecureContext) {
    if (!https) return <span class="muted">{t("reveal.nohttps")}</span>;
    const there = new URL(location.pathname + location.search, https).href;
    return (
      // Two pages of one machine would fill the room: this one gives its place up first.
      <a class="button" href={there} onClick={() => room.leave()} data-testid="reveal-https">
        {t("reveal.https")}
      </a>
    );
  }
  const ask = () => {
    setFailed("");
    room.reveal().catch((e: unknown) => {
      const code = e instanceof Error ? ((e as Error & { code?: string }).code ?? e.message) : String(e);
      setFailed(code === "denied" || code === "no-device" || code === "insecure" ? t(`reveal.failed.${code}`) : code);
    });
  };
  return (
    <>
      <button type="button" class="button" onClick={ask} data-testid="reveal">
        <Sign name="eye" /> {t("reveal.ask")}
      </button>
      {failed && (
        <p role="alert" class="bad">
          {failed}
        </p>
      )}
    </>
  );
}
