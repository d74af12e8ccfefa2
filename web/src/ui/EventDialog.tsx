import "./EventDialog.css";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { inspected, useRoom } from "./context";
import { Sign } from "./Sign";

/** EventDialog shows one event as it was recorded. */
export function EventDialog() {
  const room = useRoom();
  const box = useRef<HTMLDialogElement>(null);
  const seq = inspected.value;
  useEffect(() => {
    if (seq !== null && !box.current?.open) box.current?.showModal();
    if (seq === null) box.current?.close();
  }, [seq]);
  const event = seq === null ? undefined : room.events.value.find((e) => e.seq === seq);
  const close = () => (inspected.value = null);
  return (
    <dialog ref={box} class="event-dialog card" onClose={close} aria-labelledby="event-title" data-testid="event-dialog">
      {seq !== null && (
        <>
          <header>
            <h3 id="event-title">{t("event.title", { seq })}</h3>
            <button type="button" class="button quiet" onClick={close} aria-label={t("close")}>
              <Sign name="cross" />
            </button>
          </header>
          {event ? (
            <>
              <p class="muted small">
                {event.type} · {event.peer || t("event.session")} · +{event.atMs.toFixed(1)} ms
              </p>
              <pre class="mono">{JSON.stringify((event as unknown as Record<string, unknown>)[event.type] ?? {}, null, 2)}</pre>
            </>
          ) : (
            <p class="muted">{t("event.missing")}</p>
          )}
        </>
      )}
    </dialog>
  );
}
