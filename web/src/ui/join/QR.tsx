import "./QR.css";
import { t } from "../../i18n";
import { roomLink } from "../../model/join";

/** QR is drawn by the server, dark on light in both themes, with its quiet zone. Its place is kept while it loads. */
export function QR({ code, origin }: { code: string; origin: string }) {
  const src = `/api/v1/rooms/${encodeURIComponent(code)}/qr.svg?at=${encodeURIComponent(origin)}`;
  return <img class="qr" src={src} width={248} height={248} alt={t("invite.qr", { link: roomLink(origin, code) })} data-testid="invite-qr" />;
}
