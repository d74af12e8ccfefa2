import { t } from "../i18n";
import type { Corner as Name } from "../protocol.gen";

/** The corners as they are drawn: a row for each IP of the server, a column for each port. */
const corners: readonly Name[] = ["PP", "PS", "SP", "SS"];

/** Corner is one of the server's four places, marked in all four. */
export function Corner({ name }: { name: Name }) {
  return (
    <svg class="corner" width="17" height="17" viewBox="0 0 17 17" role="img" aria-label={t(`corner.${name}`)}>
      <title>{t(`corner.${name}`)}</title>
      {corners.map((c, i) => (
        <rect key={c} x={i % 2 ? 9.5 : 1} y={i > 1 ? 9.5 : 1} width="6.5" height="6.5" rx="1.4" class={c === name ? "corner-here" : undefined} />
      ))}
    </svg>
  );
}
