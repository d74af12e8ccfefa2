import "./Path.css";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { t } from "../../i18n";
import { candidateKey, laneKey, lit, pairKey, pointed, type Focus } from "../../model/focus";
import type { Picture, PictureArrow, PictureNode, PictureWay, Report, TrialKind } from "../../protocol.gen";
import { Choice } from "../TrialFilter";
import { draw, type Mark, type Shape } from "./layout";

type Shown = TrialKind | "telling" | "all";

/** Path is the picture that the server has made: both machines, what stands between them, and both directions of each way. */
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
        <ul data-testid="path-words">
          {picture.text.map((s) => (
            <li key={s}>{s}</li>
          ))}
        </ul>
      </details>
    </div>
  );
}

/** The width that is drawn before the page knows its own. */
const FIRST_WIDTH = 1100;
/** Wider than this the arrows grow long and say no more. */
const MAX_WIDTH = 1240;

/** useWidth follows the room that an element has. */
function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(FIRST_WIDTH);
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
  const which = kinds.join();
  const drawing = useMemo(() => draw(picture, kinds, Math.max(width, 280)), [picture, which, width]);
  const order = reading(picture, drawing.marks);
  const active = order.includes(current) ? current : order[0];

  const point = (mark: Mark | null) => {
    setSaid(mark?.of?.sentence ?? "");
    pointed.value = mark?.of ? focusOf(report, mark) : null;
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
        <svg class="pic" viewBox={`0 0 ${drawing.w} ${drawing.h}`} width={drawing.w} height={drawing.h} role="group" aria-label={picture.title} data-tall={drawing.tall} data-testid="picture" onKeyDown={onKeyDown}>
          {drawing.marks.map((m) => (
            <Drawn key={keyOf(m)} mark={m} lit={m.kind === "arrow" && isLit(report, m.of as PictureArrow)} tab={keyOf(m) === active ? 0 : -1} point={point} here={setCurrent} />
          ))}
        </svg>
      </div>
      <p class="path-said muted" aria-hidden="true">
        {said || t("path.hint")}
      </p>
    </>
  );
}

const keyOf = (m: Mark) => `${m.kind === "node" ? "" : `${m.kind} `}${m.id}`;

function Drawn({ mark: m, lit, tab, point, here }: { mark: Mark; lit: boolean; tab: number; point: (m: Mark | null) => void; here: (key: string) => void }) {
  const cls = `pic-${m.kind} ${m.cls}`.trim();
  if (!m.of)
    return (
      <g class={cls} aria-hidden="true">
        {m.shapes.map(drawn)}
      </g>
    );
  return (
    <g
      class={cls}
      data-id={m.id}
      data-key={keyOf(m)}
      data-state={m.state}
      data-lit={lit || undefined}
      tabIndex={tab}
      role="img"
      aria-label={m.of.sentence}
      onFocus={() => (here(keyOf(m)), point(m))}
      onBlur={() => point(null)}
      onMouseEnter={() => point(m)}
      onMouseLeave={() => point(null)}
    >
      {m.kind === "arrow" && <path class="pic-hit" d={firstPath(m.shapes)} />}
      {m.shapes.map(drawn)}
    </g>
  );
}

function firstPath(shapes: readonly Shape[]): string {
  return shapes.flatMap((s) => (s.is === "path" && s.cls !== "pic-head" && s.cls !== "pic-cross" ? [s.d] : [])).join("");
}

function drawn(s: Shape, i: number) {
  if (s.is === "rect") return <rect key={i} x={s.x} y={s.y} width={s.w} height={s.h} class={s.cls} />;
  if (s.is === "path") return <path key={i} d={s.d} class={s.cls} />;
  return (
    <text key={i} x={s.x} y={s.y} text-anchor={s.anchor} class={s.cls}>
      {s.text}
    </text>
  );
}

/** reading is the order of the keyboard: from A to B, then the ways to the server, then each way with its directions. */
function reading(p: Picture, marks: readonly Mark[]): string[] {
  const rank = (m: Mark) => {
    if (m.kind === "node") return p.nodes.indexOf(m.of as PictureNode);
    if (m.kind === "leg") return 100 + p.legs.indexOf(m.of as PictureArrow);
    const way = p.ways.findIndex((w) => w === m.of || w.arrows.includes(m.of as PictureArrow));
    return 200 + 10 * way + (m.kind === "way" ? 0 : 1 + p.ways[way]!.arrows.indexOf(m.of as PictureArrow));
  };
  return marks
    .filter((m) => m.of)
    .sort((x, y) => rank(x) - rank(y))
    .map(keyOf);
}

function arrowFocus(report: Report, a: PictureArrow): { lanes: string[]; pairs: string[]; events: number[] } {
  const kind = a.id.split(" ")[0]!;
  const trial = report.trials.find((tr) => tr.kind === kind);
  return {
    lanes: trial ? [laneKey(kind, a.from, a.to)] : [],
    pairs: trial ? a.pairs.flatMap((i) => (trial.pairs[i] ? [pairKey(trial.id, trial.pairs[i])] : [])) : [],
    events: a.events,
  };
}

/** focusOf is what lights up with a mark. */
export function focusOf(report: Report, m: Mark): Focus {
  if (m.kind === "arrow" || m.kind === "leg") return arrowFocus(report, m.of as PictureArrow);
  if (m.kind === "way") {
    const both = (m.of as PictureWay).arrows.map((a) => arrowFocus(report, a));
    return { lanes: both.flatMap((f) => f.lanes), pairs: both.flatMap((f) => f.pairs), events: both.flatMap((f) => f.events) };
  }
  const node = m.of as PictureNode;
  const peer = report.peers.find((p) => p.id === (node.kind === "machine" ? node.id : node.of));
  const of = peer?.candidates.filter((c) => node.kind === "machine" || c.type === "srflx") ?? [];
  return { candidates: of.map((c) => candidateKey(peer!.id, c)) };
}

function isLit(report: Report, a: PictureArrow): boolean {
  const f = arrowFocus(report, a);
  return f.lanes.some((k) => lit.value.lanes.has(k)) || f.pairs.some((k) => lit.value.pairs.has(k));
}
