import { t } from "../../i18n";
import { Sign } from "../Sign";

/** Share hands the link to whatever the device shares with. Browsers have it on secure pages only, and few desktops have it at all: elsewhere nothing is drawn. */
export function Share({ link }: { link: string }) {
  if (typeof navigator === "undefined" || typeof navigator.share !== "function") return null;
  // That the person closed the sheet is no failure.
  const share = () => void navigator.share({ title: "icescope", url: link }).catch(() => undefined);
  return (
    <button type="button" class="button" onClick={share}>
      <Sign name="share" /> {t("invite.share")}
    </button>
  );
}
