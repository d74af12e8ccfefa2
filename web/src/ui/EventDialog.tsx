import "./EventDialog.css";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Brief } from "../model/kept";
import type { Event } from "../protocol.gen";
import { inspected, useRoom } from "./context";
import { fetchEvent } from "./reports/data";
import { useLoaded } from "./reports/States";
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
          {event?.type === "sample" && event.sample instanceof Brief ? <Fetched seq={seq} /> : <Recorded event={event} />}
        </>
      )}
    </dialog>
  );
}

/** Fetched is a sample of which the page keeps a Brief only. */
function Fetched({ seq }: { seq: number }) {
  const room = useRoom().welcome.value?.room ?? "";
  const [loaded, again] = useLoaded(`${seq}`, () => fetchEvent(room, seq));
  if (loaded.state === "ready") return <Recorded event={loaded.value} />;
  return (
    <>
      <p class="muted small">{t("event.brief")}</p>
      {loaded.state === "loading" ? (
        <p role="status">{t("event.loading")}</p>
      ) : (
        <p role="alert">
          {t("reports.failed")}: {loaded.message}{" "}
          <button type="button" class="button" onClick={again}>
            {t("action.reload")}
          </button>
        </p>
      )}
    </>
  );
}

function Recorded({ event }: { event: Event | undefined }) {
  if (!event) return <p class="muted">{t("event.missing")}</p>;
  return (
    <>
      <p class="muted small">
        {event.type} · {event.peer || t("event.session")} · +{event.atMs.toFixed(1)} ms
      </p>
      <pre class="mono">{JSON.stringify((event as unknown as Record<string, unknown>)[event.type] ?? {}, null, 2)}</pre>
    </>
  );
}
