import "./Masked.css";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { info, useRoom } from "./context";
import { Sign } from "./Sign";

/** Masked says plainly that the browser hides its addresses, and the three ways out. */
export function Masked({ own }: { own: boolean }) {
  return (
    <section class="masked" data-tone="warn" data-testid={own ? "masked-own" : "masked-other"}>
      <p class="masked-title">
        <Sign name="hidden" size={16} />
        <strong>{t("masked.title")}</strong>
      </p>
      <p>{t(own ? "masked.text" : "masked.other")}</p>
      {own && (
        <details>
          <summary>{t("masked.ways")}</summary>
          <ol>
            <li>{t("masked.stun")}</li>
            <li>
              {t("masked.camera")} <Reveal />
            </li>
            <li>
              {t("masked.policy")}
              <ul>
                <li>
                  Chrome, Edge: <code>WebRtcLocalIpsAllowedUrls</code>
                </li>
                <li>
                  Firefox: <code>media.peerconnection.ice.obfuscate_host_addresses.blocklist</code>
                </li>
              </ul>
            </li>
          </ol>
        </details>
      )}
    </section>
  );
}

/** Reveal asks for the camera, where the page may; what comes after is the room's (RoomModel.reveal). */
function Reveal() {
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
      setFailed(code === "denied" || code === "no-device" || code === "insecure" ? t(`reveal.${code}`) : code);
    });
  };
  return (
    <>
      <button type="button" class="button" onClick={ask} data-testid="reveal">
        <Sign name="eye" /> {t("reveal.ask")}
      </button>
      {failed && (
        <p role="alert" class="masked-failed">
          {failed}
        </p>
      )}
    </>
  );
}
