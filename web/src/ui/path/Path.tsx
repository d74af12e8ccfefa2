import "./Path.css";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n";
import { candidateKey, laneKey, lit, pairKey, pointed, type Focus } from "../../model/focus";
import type { DrawingMark, Picture, PictureArrow, Report, TrialKind } from "../../protocol.gen";
import { Choice } from "../TrialFilter";
import { useDrawing } from "./drawing";

type Shown = TrialKind | "telling" | "all";

/** Path is the picture that the server has made and drawn: both machines, what stands between them, and both directions of each way. */
export function Path({ report }: { report: Report }) {
  const [shown, setShown] = useState<Shown>("telling");
  if (!report.picture) return null;
  const picture = report.picture;
  const kinds = picture.ways.filter((w) => (shown === "telling" ? w.shown : shown === "all" || w.kind === shown)).map((w) => w.kind);
  const name = (v: Shown) => (v === "telling" ? t("path.telling") : v === "all" ? t("filter.all") : (picture.ways.find((w) => w.kind === v)?.name ?? v));
  return (
    <div class="path card">
      <Choice name="path" legend={t("path.choice")} values={["telling", "all", ...picture.ways.map((w) => w.kind)] as Shown[]} value={shown} text={name} onChange={setShown} />
      <Canvas report={report} picture={picture} kinds={kinds} />
      <details class="path-words">
        <summary>{t("path.words")}</summary>
        <ul>
          {picture.text.map((s) => (
            <li key={s}>{s}</li>
          ))}
        </ul>
      </details>
    </div>
  );
}

/** Wider than this the arrows grow long and say no more. */
const MAX_WIDTH = 1240;

/** useWidth follows the room that an element has. */
function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  // Before the first frame: the picture would jump from one width to the other.
  useLayoutEffect(() => {
    const box = ref.current;
    if (!box) return;
    const measure = () => setWidth(Math.min(Math.floor(box.clientWidth), MAX_WIDTH));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  return { ref, width };
}

function Canvas({ report, picture, kinds }: { report: Report; picture: Picture; kinds: readonly TrialKind[] }) {
  const { ref, width } = useWidth();
  const [current, setCurrent] = useState("A");
  const [said, setSaid] = useState("");
  const { drawing, late } = useDrawing(report.room, picture, kinds, width);
  const order = drawing.order.map((i) => keyOf(drawing.marks[i]!));
  const active = order.includes(current) ? current : order[0];

  const point = (mark: DrawingMark | null) => {
    setSaid(mark?.sentence ?? "");
    pointed.value = mark && focusOf(report, mark);
  };
  const onKeyDown = (e: KeyboardEvent) => {
    const at = order.indexOf(active ?? "");
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: order.length - 1 }[e.key];
    if (to === undefined || e.altKey || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    const next = order[Math.min(Math.max(to, 0), order.length - 1)]!;
    setCurrent(next);
    ref.current?.querySelector<SVGElement>(`[data-key="${next}"]`)?.focus();
  };

  return (
    <>
      <div class="path-canvas" ref={ref}>
        <svg class="pic" viewBox={`0 0 ${drawing.width} ${drawing.height}`} width={drawing.width} height={drawing.height} role="group" aria-label={picture.title} aria-busy={late} data-tall={drawing.tall} data-testid="picture" onKeyDown={onKeyDown}>
          {drawing.marks.map((m) => (
            <Drawn key={keyOf(m)} mark={m} lit={m.kind === "arrow" && isLit(report, m)} tab={keyOf(m) === active ? 0 : -1} point={point} here={setCurrent} />
          ))}
        </svg>
      </div>
      <p class="path-said muted" aria-hidden="true">
        {said || t("path.hint")}
      </p>
    </>
  );
}

const keyOf = (m: DrawingMark) => `${m.kind === "node" ? "" : `${m.kind} `}${m.id}`;

function Drawn({ mark: m, lit, tab, point, here }: { mark: DrawingMark; lit: boolean; tab: number; point: (m: DrawingMark | null) => void; here: (key: string) => void }) {
  const cls = `pic-${m.kind} ${m.class}`.trim();
  const shapes = { __html: (m.hit ? `<path class="pic-hit" d="${m.hit}"/>` : "") + m.svg }; // the server has escaped all text
  if (!m.of) return <g class={cls} data-state={m.state || undefined} aria-hidden="true" dangerouslySetInnerHTML={shapes} />;
  return (
    <g
      class={cls}
      data-id={m.id}
      data-key={keyOf(m)}
      data-state={m.state}
      data-lit={lit || undefined}
      tabIndex={tab}
      role="img"
      aria-label={m.sentence}
      onFocus={() => (here(keyOf(m)), point(m))}
      onBlur={() => point(null)}
      onMouseEnter={() => point(m)}
      onMouseLeave={() => point(null)}
      dangerouslySetInnerHTML={shapes}
    />
  );
}

type Lights = { lanes: string[]; pairs: string[]; events: number[] };

function arrowFocus(report: Report, a: PictureArrow | undefined): Lights {
  if (!a) return { lanes: [], pairs: [], events: [] }; // the drawing may be older than the report
  const kind = a.id.split(" ")[0]!;
  const trial = report.trials.find((tr) => tr.kind === kind);
  return {
    lanes: trial ? [laneKey(kind, a.from, a.to)] : [],
    pairs: trial ? a.pairs.flatMap((i) => (trial.pairs[i] ? [pairKey(trial.id, trial.pairs[i])] : [])) : [],
    events: a.events,
  };
}

function arrowOf(report: Report, m: DrawingMark): Lights {
  const { legs, ways } = report.picture!;
  return arrowFocus(report, [...legs, ...ways.flatMap((w) => w.arrows)].find((a) => a.id === m.of));
}

/** focusOf is what lights up with a mark. */
export function focusOf(report: Report, m: DrawingMark): Focus {
  if (m.kind === "arrow" || m.kind === "leg") return arrowOf(report, m);
  const { nodes, ways } = report.picture!;
  if (m.kind === "way") {
    const both = ways.find((w) => w.kind === m.of)?.arrows.map((a) => arrowFocus(report, a)) ?? [];
    return { lanes: both.flatMap((f) => f.lanes), pairs: both.flatMap((f) => f.pairs), events: both.flatMap((f) => f.events) };
  }
  const node = nodes.find((n) => n.id === m.of);
  const peer = report.peers.find((p) => p.id === (node?.kind === "machine" ? node.id : node?.of));
  const of = peer?.candidates.filter((c) => node?.kind === "machine" || (c.type === "srflx" && node?.kind !== "proxy")) ?? [];
  return { candidates: of.map((c) => candidateKey(peer!.id, c)) };
}

function isLit(report: Report, m: DrawingMark): boolean {
  const f = arrowOf(report, m);
  return f.lanes.some((k) => lit.value.lanes.has(k)) || f.pairs.some((k) => lit.value.pairs.has(k));
}
