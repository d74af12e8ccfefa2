import "./Masked.css";
import { t } from "../i18n";
import { Reveal } from "./Reveal";
import { Sign } from "./Sign";

/** Masked says plainly that the browser hides its addresses, and the three ways out. */
export function Masked({ own }: { own: boolean }) {
  return (
    <section class="masked card" data-tone="warn" data-testid={own ? "masked-own" : "masked-other"}>
      <p class="sign-word">
        <Sign name="hidden" size={16} />
        <strong>{t("masked.title")}</strong>
      </p>
      <p>{t(own ? "masked.text" : "masked.other")}</p>
      {own && (
        <details>
          <summary>{t("masked.ways")}</summary>
          <ol class="numbered stack">
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
