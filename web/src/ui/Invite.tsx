import "./Invite.css";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { placesFor, roomLink, type Place } from "../model/join";
import { Copy } from "./Copy";
import { info } from "./context";
import { QR } from "./join/QR";
import { Share } from "./join/Share";
import { Sign } from "./Sign";

/** Invite brings the second machine into the room: by link, by code, by camera. */
export function Invite({ code }: { code: string }) {
  const [chosen, choose] = useState("");
  const { own, list } = placesFor(location, info.value?.links ?? []);
  const place = list.find((p) => p.origin === chosen) ?? list[0]!;
  const link = roomLink(place.origin, code);
  return (
    <section class="invite card" aria-labelledby="invite-title">
      <div class="invite-say stack">
        <h2 id="invite-title">{t("invite.title")}</h2>
        <p class="muted">{t("invite.text")}</p>
        {own !== "fits" && (
          <p class="invite-why well" data-tone={own === "alone" ? "bad" : "warn"} data-testid="invite-why" data-why={own}>
            <Sign name="warning" /> {t(`invite.own.${own}`, { host: location.host })}
          </p>
        )}
        <a class="invite-link mono" href={link} data-testid="invite-link">
          {link}
        </a>
        <div class="invite-do row tight">
          <Copy text={link} label={t("invite.copy")} primary testid="invite-copy" />
          <Share link={link} />
        </div>
        {list.length > 1 && (
          <label class="invite-choose stack small">
            <span>{t("invite.choose")}</span>
            <select class="field" value={place.origin} onChange={(e) => choose(e.currentTarget.value)}>
              {list.map((p) => (
                <option key={p.origin} value={p.origin}>
                  {option(p)}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <div class="invite-scan stack">
        {/* A code that opens nothing would only cost the person with the telephone time. */}
        {own !== "alone" && <QR code={code} origin={place.origin} />}
        <p class="invite-code">
          <span class="muted small">{t("invite.code")}</span>
          <strong class="mono" data-testid="room-code">
            {code}
          </strong>
        </p>
      </div>
    </section>
  );
}

function option(p: Place): string {
  const note = [p.device, p.doubtful && t("reach.virtual")].filter(Boolean).join(t("list"));
  return note ? `${p.origin} (${note})` : p.origin;
}
