import "./Invite.css";
import { t } from "../i18n";
import { Copy } from "./Copy";
import { info } from "./context";

/** origins are the server's addresses as this page would be opened there: same scheme, same port. */
export function origins(here: Location | URL, addresses: readonly string[]): string[] {
  const port = here.port ? `:${here.port}` : "";
  return addresses.map((a) => `${here.protocol}//${a.includes(":") ? `[${a}]` : a}${port}`);
}

/** inviteLinks: this page's own origin worked, so it is the one to hand on, unless it is a name that means another machine over there. */
export function inviteLinks(code: string, here: Location | URL, addresses: readonly string[]): string[] {
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(here.hostname);
  return (local && addresses.length > 0 ? origins(here, addresses) : [here.origin]).map((o) => `${o}/r/${code}`);
}

/** Invite brings the second machine into the room. */
export function Invite({ code }: { code: string }) {
  const links = inviteLinks(code, location, info.value?.addresses ?? []);
  return (
    <section class="invite card" aria-labelledby="invite-title">
      <div>
        <h2 id="invite-title">{t("invite.title")}</h2>
        <p class="muted">{t("invite.text")}</p>
        <ul class="invite-links">
          {links.map((link, i) => (
            <li key={link}>
              <a class="mono" href={link} data-testid="invite-link">
                {link}
              </a>
              <Copy text={link} label={t("invite.copy")} primary={i === 0} testid="invite-copy" />
            </li>
          ))}
        </ul>
      </div>
      <div class="invite-code">
        <p class="muted small">{t("invite.code")}</p>
        <p class="mono" data-testid="room-code">
          {code}
        </p>
      </div>
    </section>
  );
}
