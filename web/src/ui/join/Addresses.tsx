import "./Addresses.css";
import { t } from "../../i18n";
import type { PageLink } from "../../protocol.gen";

/** Addresses are where other machines open the page: a line for each address, with both ways. Those of the loopback are nobody else's. */
export function Addresses({ links }: { links: readonly PageLink[] }) {
  const shown = links.filter((l) => l.reach !== "loopback");
  if (shown.length === 0) return <p class="muted small">{t("start.addresses.none")}</p>;
  return (
    <>
      <p class="muted small">{t("start.addresses")}</p>
      <ul class="addresses">
        {shown.map((l) => (
          <li key={l.host}>
            {[l.url, l.secureUrl].map((url) => url && <a key={url} class="mono" href={url}>{new URL(url).origin}</a>)}
            <span class="muted small">
              {l.device && <code>{l.device}</code>} {l.reach === "virtual" && t("reach.virtual")}
              {l.reach === "visited" && t("reach.visited")}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
