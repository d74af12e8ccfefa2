import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t, word } from "../../i18n";
import { lit, pointed } from "../../model/focus";
import { search } from "../../model/search";
import type { Event } from "../../protocol.gen";
import { inspected, useRoom } from "../context";
import { brief, inks, kindOfEvent, shapes, trialName, trialOf, type Kind } from "./kinds";
import { pointAt } from "./feed";
import { here, reveal } from "./view";

/** The height of a line, as in Timeline.css: only the lines that are seen are on the page. */
const LINE_PX = 26;
/** Lines beyond the edges, so that scrolling shows no void. */
const BEYOND = 6;

/** Shape is the mark of a kind of events. */
export function Shape({ kind }: { kind: Kind }) {
  return (
    <svg class="shape" data-ink={inks[kind]} width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">
      <path d={shapes[kind]} fill-rule="evenodd" />
    </svg>
  );
}

/** EventList is the timeline to be read: the same events, one a line. It follows the end until the reader scrolls up or stands on an event. */
export function EventList({ events }: { events: readonly Event[] }) {
  const room = useRoom();
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(390);
  const atEnd = useRef(true);
  const before = useRef(0);
  const seq = here.value;
  const index = seq === null ? -1 : find(events, seq);
  const marked = lit.value.events;

  useEffect(() => {
    const el = box.current!;
    const watch = new ResizeObserver(() => setHeight(el.clientHeight));
    watch.observe(el);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (!atEnd.current || here.peek() !== null) return;
    // Not at once: scrolling lays the page out, and more may be drawn in this frame.
    const frame = requestAnimationFrame(() => (box.current!.scrollTop = events.length * LINE_PX));
    return () => cancelAnimationFrame(frame);
  }, [events.length]);
  useEffect(() => {
    const el = box.current!;
    if (index < 0) return;
    const y = index * LINE_PX;
    if (y < el.scrollTop) el.scrollTop = y;
    else if (y + LINE_PX > el.scrollTop + el.clientHeight) el.scrollTop = y + LINE_PX - el.clientHeight;
  }, [seq]);

  const go = (to: number) => {
    const e = events[Math.min(events.length - 1, Math.max(0, to))];
    if (!e) return;
    here.value = e.seq;
    pointAt(room, [e.seq]);
    reveal(e.atMs);
  };
  const onKeyDown = (k: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(height / LINE_PX) - 1);
    const from = index < 0 ? Math.floor(top / LINE_PX) - 1 : index;
    const moves: Record<string, number> = { ArrowDown: from + 1, ArrowUp: index < 0 ? from + 1 : from - 1, PageDown: from + page, PageUp: from - page, Home: 0, End: events.length - 1 };
    if (k.key in moves) go(moves[k.key]!);
    else if (k.key === "Enter" && seq !== null) inspected.value = seq;
    else if (k.key === "Escape") here.value = pointed.value = null;
    else return;
    k.preventDefault();
  };
  const first = Math.max(0, Math.floor(top / LINE_PX) - BEYOND);
  const last = Math.min(events.length, Math.ceil((top + height) / LINE_PX) + BEYOND);
  const shown = events.slice(first, last);
  // What is stood on must be on the page to be told by a screen reader.
  const activeThere = index >= first && index < last;
  return (
    <div
      ref={box}
      class="event-list scroll"
      role="listbox"
      tabIndex={0}
      aria-label={t("timeline.list")}
      aria-activedescendant={activeThere ? `timeline-event-${seq}` : undefined}
      onKeyDown={onKeyDown}
      onScroll={(e) => {
        const el = e.currentTarget;
        setTop(el.scrollTop);
        // The list may have grown since it was scrolled: only who scrolls up leaves the end.
        if (el.scrollTop + el.clientHeight > el.scrollHeight - LINE_PX) atEnd.current = true;
        else if (el.scrollTop < before.current - 1) atEnd.current = false;
        before.current = el.scrollTop;
      }}
      onMouseLeave={() => (pointed.value = null)}
    >
      {/* An empty line stands for all that is not on the page: its height is set by script, which the policy of the page allows. */}
      <Space lines={first} />
      {shown.map((e, i) => (
        <Line key={e.seq} event={e} at={first + i} of={events.length} active={e.seq === seq} lit={marked.has(e.seq)} onClick={() => go(first + i)} onPoint={() => pointAt(room, [e.seq])} />
      ))}
      <Space lines={events.length - last} />
      {events.length === 0 && <p class="muted small event-none">{t("filter.none")}</p>}
    </div>
  );
}

function Space({ lines }: { lines: number }) {
  const el = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    el.current!.style.height = `${lines * LINE_PX}px`;
  }, [lines]);
  return <div ref={el} role="presentation" />;
}

function Line({ event: e, at, of, active, lit, onClick, onPoint }: { event: Event; at: number; of: number; active: boolean; lit: boolean; onClick: () => void; onPoint: () => void }) {
  const kind = kindOfEvent(e);
  const trial = trialOf(e);
  return (
    <div
      id={`timeline-event-${e.seq}`}
      class="event-line"
      role="option"
      aria-selected={active}
      aria-posinset={at + 1}
      aria-setsize={of}
      data-lit={lit || undefined}
      onClick={onClick}
      onDblClick={() => (inspected.value = e.seq)}
      onMouseEnter={onPoint}
    >
      <Shape kind={kind} />
      <span class="right mono">{(e.atMs / 1000).toFixed(3)}</span>
      <span>{(e.peer ?? "").toUpperCase() || <span class="muted">–</span>}</span>
      <span class="cut">
        {lit && <span class="hidden-visually">{t("findings.evidence")}: </span>}
        <span class="hidden-visually">{word("kind", kind)}, </span>
        {trial && <span class="muted">{trialName(trial)} · </span>}
        <strong>{e.type}</strong> {brief(e)}
      </span>
    </div>
  );
}

/** find is the place of an event in a list that rises by number, or -1. */
function find(events: readonly Event[], seq: number): number {
  const at = search(events.length, (i) => events[i]!.seq < seq);
  return events[at]?.seq === seq ? at : -1;
}
