import "./Timeline.css";
import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { t, word } from "../../i18n";
import { lit, pointed, sought } from "../../model/focus";
import type { Event, TrialKind } from "../../protocol.gen";
import { inspected, useRoom } from "../context";
import { Sign } from "../Sign";
import { TrialFilter, type Filter } from "../TrialFilter";
import { onCanvas, useFrame, useInks, useSize } from "./canvas";
import { AXIS_PX, draw, drawOverview, type Drawn } from "./draw";
import { EventList, Shape } from "./EventList";
import { firstFrom, pointAt, useFold } from "./feed";
import { kindOfEvent, kinds, sentence, trialOf, type Kind } from "./kinds";
import { LaneFold, type Bin } from "./lanes";
import { kindOf } from "../../model/steps";
import { Probes } from "./Probes";
import { bounds, chosen, cursorMs, follow, here, pan, reveal, show, showAll, showEvents, view, whole, zoom } from "./view";

/** How far from a mark it is still meant. */
const REACH_PX = 9;
/** A press that moves less is a click. */
const CLICK_PX = 4;
/** The ends of the brush, in the strip of everything. */
const EDGE_PX = 10;
const STEP = 0.15;
const ZOOM = 1.5;
/** What a screen reader is told after a step to another event. */
const stoodOn = signal("");

/** Timeline is every event of the room on one time axis, by peer and trial; beside it the same events as a list. */
export default function Timeline() {
  const room = useRoom();
  const events = room.events.value;
  const fold = useFold(() => new LaneFold());
  if (events[0]) fold.forget(events[0].seq);
  const [hidden, setHidden] = useState<ReadonlySet<Kind>>(new Set());
  const [trial, setTrial] = useState<Filter>("all");

  useEffect(() => {
    const next = { firstMs: fold.firstMs, lastMs: fold.lastMs, runMs: (fold.runs.findLast((r) => !r.experiment) ?? fold.runs.at(-1))?.atMs ?? 0 };
    const old = bounds.peek();
    if (next.lastMs < old.lastMs) chosen.value = null; // another recording
    if (next.firstMs !== old.firstMs || next.lastMs !== old.lastMs || next.runMs !== old.runMs) bounds.value = next;
  }, [events]);
  const wanted = sought.value;
  useEffect(() => {
    if (wanted && showEvents(wanted, events)) sought.value = null;
  }, [events, wanted]);

  const shows = (e: Event) => !hidden.has(kindOfEvent(e)) && (trial === "all" || ["", trial].includes(kindOf(trialOf(e))));
  const listed = useMemo(() => (hidden.size === 0 && trial === "all" ? events : events.filter(shows)), [events, hidden, trial]);
  const trials = [...new Set(fold.lanes.map((l) => l.trial))].filter((k) => k !== "") as TrialKind[];

  const step = (by: number) => {
    const list = listed;
    if (list.length === 0) return;
    const at = here.peek();
    let i = list.findIndex((e) => (at === null ? e.atMs >= view.peek().fromMs : e.seq >= at));
    if (i < 0) i = list.length - 1;
    else if (at !== null) i += by;
    const e = list[Math.min(list.length - 1, Math.max(0, i))]!;
    here.value = e.seq;
    pointAt(room, [e.seq]);
    reveal(e.atMs);
    stoodOn.value = sentence(e);
  };
  const onKeyDown = (k: KeyboardEvent) => {
    if (k.ctrlKey || k.metaKey || k.altKey) return;
    const length = view.peek().toMs - view.peek().fromMs;
    const acts: Record<string, () => void> = {
      "+": () => zoom(1 / ZOOM, hereMs(events)),
      "=": () => zoom(1 / ZOOM, hereMs(events)),
      "-": () => zoom(ZOOM, hereMs(events)),
      ArrowLeft: () => pan(-length * STEP),
      ArrowRight: () => pan(length * STEP),
      ArrowUp: () => step(-1),
      ArrowDown: () => step(1),
      Home: showAll,
      End: follow,
      Enter: () => here.peek() !== null && (inspected.value = here.peek()),
      Escape: () => (here.value = pointed.value = null),
    };
    const act = acts[k.key];
    if (!act) return;
    act();
    k.preventDefault();
  };

  return (
    <div class="timeline stack card" data-testid="timeline">
      <div class="timeline-tools row between">
        <TrialFilter name="timeline" kinds={trials} value={trial} onChange={setTrial} />
        <div class="timeline-zoom row tight">
          <button type="button" class="button" onClick={() => zoom(1 / ZOOM)} aria-label={t("timeline.in")} title={t("timeline.in")}>
            +
          </button>
          <button type="button" class="button" onClick={() => zoom(ZOOM)} aria-label={t("timeline.out")} title={t("timeline.out")}>
            −
          </button>
          <button type="button" class="button" onClick={showAll}>
            {t("timeline.all")}
          </button>
          <Follow />
          <Evidence events={events} />
        </div>
      </div>
      <fieldset class="timeline-kinds row tight">
        <legend class="hidden-visually">{t("timeline.kinds")}</legend>
        {kinds.map((kind) => (
          <label key={kind}>
            <input
              type="checkbox"
              class="hidden-visually"
              checked={!hidden.has(kind)}
              onChange={(e) => {
                const next = new Set(hidden);
                if (e.currentTarget.checked) next.delete(kind);
                else next.add(kind);
                setHidden(next);
              }}
            />
            <span>
              <Shape kind={kind} />
              {word("kind", kind)}
            </span>
          </label>
        ))}
      </fieldset>
      <div class="timeline-both">
        <Lanes fold={fold} events={events} shows={shows} onKeyDown={onKeyDown} />
        <EventList events={listed} />
      </div>
      <p class="right muted small">{t("timeline.count", { n: listed.length, all: events.length })}</p>
      <Status />
    </div>
  );
}

/** Evidence leads to what is lit. It, Follow and Status stand alone, so that pointing and zooming draw nothing else anew. */
function Evidence({ events }: { events: readonly Event[] }) {
  const marked = lit.value.events;
  const n = countIn(marked, events);
  return (
    <button type="button" class="button" disabled={n === 0} onClick={() => showEvents(marked, events)} data-testid="timeline-evidence">
      <Sign name="eye" /> {t("timeline.evidence", { n })}
    </button>
  );
}

function Status() {
  return (
    <p class="hidden-visually" role="status">
      {stoodOn.value}
    </p>
  );
}

function Follow() {
  return (
    <button type="button" class="button" onClick={follow} aria-pressed={chosen.value === null} data-testid="timeline-follow">
      {t("timeline.follow")}
    </button>
  );
}

/** Lanes are the two canvases: everything in a strip, and below it what is zoomed to. */
function Lanes({ fold, events, shows, onKeyDown }: { fold: LaneFold; events: readonly Event[]; shows: (e: Event) => boolean; onKeyDown: (k: KeyboardEvent) => void }) {
  const room = useRoom();
  const box = useRef<HTMLDivElement>(null);
  const main = useRef<HTMLCanvasElement>(null);
  const strip = useRef<HTMLCanvasElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const { inks } = useInks(box);
  const size = useSize(main);
  const stripSize = useSize(strip);
  const [over, setOver] = useState<Bin | null>(null);
  const marked = lit.value.events;
  const span = view.value;
  const at = here.value;
  const cursor = cursorMs.value;
  const all = whole.value;

  useFrame(() => {
    if (!inks || !size || !stripSize || size.width === 0) return;
    const scene = { lanes: fold.lanes, lit: marked, inks, view: span, shows };
    onCanvas(main.current!, size, (g) => {
      drawn.current = draw(g, { ...scene, ...size, runs: fold.runs, here: at ?? over?.top.seq ?? null, cursorMs: cursor, runWord: (n) => t("trials.run", { n }), serverWord: t("timeline.server"), peerWord: t("timeline.peer") });
    });
    onCanvas(strip.current!, stripSize, (g) => drawOverview(g, { ...scene, ...stripSize }, all));
  });

  const msAt = (x: number) => {
    const d = drawn.current;
    if (!d || !size) return span.fromMs;
    return span.fromMs + ((x - d.left) / (size.width - d.left - 8)) * (span.toMs - span.fromMs);
  };
  const binAt = (x: number, y: number): Bin | null => {
    const d = drawn.current;
    const row = d?.rows[Math.floor((y - AXIS_PX) / d.laneHeight)];
    if (!d || !row || y < AXIS_PX) return null;
    let best: Bin | null = null;
    for (const b of row.bins) if (Math.abs(b.x - x) <= REACH_PX && (!best || Math.abs(b.x - x) < Math.abs(best.x - x))) best = b;
    return best;
  };
  const point = (b: Bin | null) => {
    if (b?.top.seq === over?.top.seq && b?.count === over?.count) return;
    setOver(b);
    if (b) pointAt(room, b.seqs);
    else pointed.value = null;
  };
  const open = (b: Bin) => {
    here.value = b.top.seq;
    if (b.count > 1 && b.toMs > b.fromMs) {
      const room = (b.toMs - b.fromMs) * 0.5 + 1;
      show(b.fromMs - room, b.toMs + room);
    } else inspected.value = b.top.seq;
  };

  // Pointers: one moves, two zoom. What is moved is taken by the pointer that took it.
  const held = useRef(new Map<number, { x: number; y: number }>());
  const press = useRef<{ x: number; y: number; span: { fromMs: number; toMs: number }; moved: boolean; apart: number } | null>(null);
  const place = (e: PointerEvent) => {
    const r = main.current!.getBoundingClientRect();
    return { x: e.clientX - r.left, y: e.clientY - r.top };
  };
  const begin = (moved: boolean) => {
    const [p, q] = [...held.current.values()];
    press.current = p ? { ...p, span: view.peek(), moved, apart: q ? Math.max(20, Math.abs(p.x - q.x)) : 0 } : null;
  };
  const onDown = (e: PointerEvent) => {
    if (e.button !== 0) return;
    main.current!.setPointerCapture(e.pointerId);
    held.current.set(e.pointerId, place(e));
    begin(held.current.size > 1);
  };
  const onMove = (e: PointerEvent) => {
    const p = place(e);
    if (!held.current.has(e.pointerId)) {
      point(binAt(p.x, p.y));
      cursorMs.value = drawn.current && p.x >= drawn.current.left ? msAt(p.x) : null;
      return;
    }
    held.current.set(e.pointerId, p);
    const b = press.current;
    const d = drawn.current;
    if (!b || !d || !size) return;
    const perPx = (b.span.toMs - b.span.fromMs) / (size.width - d.left - 8);
    const [one, two] = [...held.current.values()];
    if (two && one) {
      const factor = b.apart / Math.max(20, Math.abs(one.x - two.x));
      const middle = (one.x + two.x) / 2 - d.left;
      const at = b.span.fromMs + middle * perPx;
      show(at - middle * perPx * factor, at + (b.span.toMs - at) * factor);
      return;
    }
    if (!b.moved && Math.abs(p.x - b.x) < CLICK_PX) return;
    b.moved = true;
    show(b.span.fromMs - (p.x - b.x) * perPx, b.span.toMs - (p.x - b.x) * perPx);
  };
  const onUp = (e: PointerEvent) => {
    const b = press.current;
    held.current.delete(e.pointerId);
    if (held.current.size > 0) return begin(true);
    press.current = null;
    if (!b || b.moved || e.type !== "pointerup") return;
    const p = place(e);
    const bin = binAt(p.x, p.y);
    if (bin) open(bin);
  };
  useEffect(() => {
    const el = main.current!;
    const onWheel = (e: WheelEvent) => {
      const x = e.clientX - el.getBoundingClientRect().left;
      const { fromMs, toMs } = view.peek();
      if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) pan((e.deltaX / 600) * (toMs - fromMs));
      // Who scrolls down the page is not to be caught here: the wheel zooms for who has clicked into it, or holds Ctrl, which is also what a touchpad's pinch sends.
      else if (e.ctrlKey || document.activeElement === el) zoom(Math.exp(Math.max(-80, Math.min(80, e.deltaY)) / 240), msRef.current(x));
      else return;
      e.preventDefault();
    };
    el.addEventListener("wheel", onWheel, { passive: false });
    return () => el.removeEventListener("wheel", onWheel);
  }, []);
  const msRef = useRef(msAt);
  msRef.current = msAt;

  const told = over ?? null;
  const event = told ? events[firstFrom(events, told.top.seq)] : at !== null ? events[firstFrom(events, at)] : undefined;
  return (
    <div class="timeline-lanes stack" ref={box}>
      <Probes />
      <Strip canvas={strip} />
      <canvas
        ref={main}
        class="timeline-canvas"
        tabIndex={0}
        role="application"
        aria-label={t("timeline.canvas")}
        aria-describedby="timeline-keys"
        data-testid="timeline-canvas"
        onKeyDown={onKeyDown}
        onPointerDown={onDown}
        onPointerMove={onMove}
        onPointerUp={onUp}
        onPointerCancel={onUp}
        onPointerLeave={() => {
          point(null);
          cursorMs.value = null;
        }}
        onBlur={() => at !== null && inspected.value === null && (pointed.value = null)}
      />
      <p class="timeline-said mono small">
        {event ? sentence(event) : <span class="muted">{t("timeline.keys")}</span>}
        {told && told.count > 1 && <span class="muted"> {t("timeline.bin", { n: told.count - 1 })}</span>}
      </p>
      <p id="timeline-keys" class="hidden-visually">
        {t("timeline.keys")}
      </p>
    </div>
  );
}

/** Strip is everything, and the brush on it: its ends and its middle can be drawn, a press beside it makes a new one. The keyboard has the same below. */
function Strip({ canvas }: { canvas: preact.RefObject<HTMLCanvasElement | null> }) {
  const held = useRef<{ how: "from" | "to" | "move" | "new"; ms: number; span: { fromMs: number; toMs: number } } | null>(null);
  const scale = () => {
    const r = canvas.current!.getBoundingClientRect();
    const { fromMs, toMs } = whole.peek();
    return { left: r.left, perPx: (toMs - fromMs) / r.width, fromMs };
  };
  const msAt = (e: PointerEvent) => {
    const { left, perPx, fromMs } = scale();
    return fromMs + (e.clientX - left) * perPx;
  };
  return (
    <canvas
      ref={canvas}
      class="timeline-strip"
      aria-hidden="true"
      onPointerDown={(e) => {
        canvas.current!.setPointerCapture(e.pointerId);
        const ms = msAt(e);
        const edge = EDGE_PX * scale().perPx;
        const span = view.peek();
        const how = Math.abs(ms - span.fromMs) < edge ? "from" : Math.abs(ms - span.toMs) < edge ? "to" : ms > span.fromMs && ms < span.toMs ? "move" : "new";
        held.current = { how, ms, span };
      }}
      onPointerMove={(e) => {
        const h = held.current;
        if (!h) return;
        const ms = msAt(e);
        if (h.how === "move") show(h.span.fromMs + ms - h.ms, h.span.toMs + ms - h.ms);
        else {
          const still = h.how === "from" ? h.span.toMs : h.how === "to" ? h.span.fromMs : h.ms;
          show(Math.min(still, ms), Math.max(still, ms));
        }
      }}
      onPointerUp={() => (held.current = null)}
      onPointerCancel={() => (held.current = null)}
    />
  );
}

function hereMs(events: readonly Event[]): number | undefined {
  const seq = here.peek();
  const e = seq === null ? undefined : events[firstFrom(events, seq)];
  return e && e.atMs >= view.peek().fromMs && e.atMs <= view.peek().toMs ? e.atMs : undefined;
}

function countIn(seqs: ReadonlySet<number>, events: readonly Event[]): number {
  let n = 0;
  for (const seq of seqs) if (events[firstFrom(events, seq)]?.seq === seq) n++;
  return n;
}
