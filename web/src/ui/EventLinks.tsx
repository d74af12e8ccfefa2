import "./EventLinks.css";
import { t } from "../i18n";
import { showEvent } from "./context";

/** Most evidence stands on a few events; samples come in hundreds, and the last ones say it all. */
const shown = 6;

/** EventLinks are the numbers of the recorded events that a sentence stands on. */
export function EventLinks({ events }: { events: readonly number[] }) {
  if (events.length === 0) return null;
  return (
    <span class="event-links">
      {events.slice(0, shown).map((seq) => (
        <button key={seq} type="button" class="event-link mono" onClick={() => showEvent(seq)} aria-label={t("event.show", { seq })}>
          #{seq}
        </button>
      ))}
      {events.length > shown && <span class="muted small">{t("event.more", { n: events.length - shown })}</span>}
    </span>
  );
}
