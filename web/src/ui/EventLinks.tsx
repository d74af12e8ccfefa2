import "./EventLinks.css";
import { t } from "../i18n";
import { pointed } from "../model/focus";
import { showEvent } from "./context";

/** Most evidence stands on a few events; samples come in hundreds, and the last ones say it all. */
const shown = 6;

/** EventLinks are the numbers of the recorded events that a sentence stands on. */
export function EventLinks({ events, before }: { events: readonly number[]; before?: () => void }) {
  if (events.length === 0) return null;
  const go = (seq: number) => {
    before?.();
    showEvent(seq);
  };
  const light = (seq: number) => (e: Event) => {
    e.stopPropagation(); // this event alone, not all of the sentence around it
    pointed.value = { events: [seq] };
  };
  return (
    <span class="event-links">
      {events.slice(0, shown).map((seq) => (
        <button key={seq} type="button" class="event-link mono" onClick={() => go(seq)} onMouseOver={light(seq)} onFocusIn={light(seq)} aria-label={t("event.show", { seq })}>
          #{seq}
        </button>
      ))}
      {events.length > shown && <span class="muted small">{t("event.more", { n: events.length - shown })}</span>}
    </span>
  );
}
