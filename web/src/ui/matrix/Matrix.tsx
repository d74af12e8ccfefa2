import "./Matrix.css";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { t, word } from "../../i18n";
import { candidateKey, focusOfPair, pairKey, pointed } from "../../model/focus";
import type { DirectionState, PairEnd, PairReport, Report, TrialReport } from "../../protocol.gen";
import { endpointText, peerName } from "../format";
import { Sign } from "../Sign";
import { directionLook } from "../tones";
import { moved, seen } from "./grid";
import { useLights } from "./lights";
import { matrixOf, pairData, waysOf, type Way } from "./matrix";
import { offerPairs } from "./sought";
import { alike, still } from "./still";

// The sizes of Matrix.css in pixels: what is out of sight is not drawn, and so must be known without being measured.
const CELL_WIDTH = 176;
const CELL_HEIGHT = 76;
/** What is drawn before the box is measured: about as much as a large screen shows. */
const FIRST = { rows: { from: 0, to: 10 }, cols: { from: 0, to: 10 } };

interface Props {
  report: Report;
  trial: TrialReport;
  /** the table's name */
  label: string;
  /** the candidates of the report are those of this trial */
  own: boolean;
  /** the pair whose details are shown */
  chosen: string;
  choose(pair: string): void;
}

/** Matrix is a trial's pairs as a grid: a's candidates down, b's across, in each cell both directions. One tab stop; the arrow keys move within. */
export function Matrix({ report, trial: tr, label, own, chosen, choose }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const cells = useMemo(() => matrixOf(report, tr, own), [report, tr, own]);
  const size = { rows: cells.rows.length, cols: cells.cols.length };
  const [view, setView] = useState(FIRST);
  const [active, setActive] = useState({ row: 0, col: 0 });
  const at = { row: Math.min(active.row, size.rows - 1), col: Math.min(active.col, size.cols - 1) };
  useLights(box, "pairs");

  // Which part is in sight: after scrolling, after a change of the box's size, and when candidates came. What the box measures is noted when the browser has laid it out
  // anyway: to ask for it after a change would have the whole page laid out once more.
  const sight = useRef({ top: 0, left: 0, width: 0, height: 0 });
  const look = () => {
    const { top, left, width, height } = sight.current;
    if (!width) return;
    const now = { rows: seen(top, height, CELL_HEIGHT, size.rows), cols: seen(left, width, CELL_WIDTH, size.cols) };
    setView((old) => (alike(old, now) ? old : now));
  };
  const measure = useRef(() => {});
  measure.current = () => {
    const e = box.current;
    if (!e) return;
    sight.current = { top: e.scrollTop, left: e.scrollLeft, width: e.clientWidth, height: e.clientHeight };
    look();
  };
  useLayoutEffect(look, [size.rows, size.cols]);
  useEffect(() => {
    let frame = 0;
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => measure.current());
    });
    observer.observe(box.current!);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
  }, []);

  const bring = ({ row, col }: typeof at) => {
    const e = box.current!;
    const head = e.querySelector<HTMLElement>(".matrix-corner")!;
    const [width, height] = [e.clientWidth - head.offsetWidth, e.clientHeight - head.offsetHeight];
    e.scrollTop = Math.max((row + 1) * CELL_HEIGHT - height, Math.min(row * CELL_HEIGHT, e.scrollTop));
    e.scrollLeft = Math.max((col + 1) * CELL_WIDTH - width, Math.min(col * CELL_WIDTH, e.scrollLeft));
    measure.current();
  };
  const go = (to: typeof at) => {
    setActive(to);
    bring(to);
    const pair = cells.at(to.row, to.col);
    pointed.value = pair ? focusOfPair(tr, pair) : { candidates: [keyOf(tr.a, tr, cells.rows[to.row]), keyOf(tr.b, tr, cells.cols[to.col])] };
  };
  const pick = (to: typeof at) => {
    const pair = cells.at(to.row, to.col);
    if (pair) choose(pairKey(tr.id, pair));
  };
  useLayoutEffect(() =>
    offerPairs((key) => {
      const pair = tr.pairs.find((p) => pairKey(tr.id, p) === key);
      const place = pair && cells.place(pair);
      if (!place) return false;
      for (let outer = box.current!.closest("details"); outer; outer = outer.parentElement?.closest("details") ?? null) outer.open = true;
      box.current!.focus({ preventScroll: true });
      box.current!.scrollIntoView({ block: "nearest" });
      go(place);
      choose(key);
      return true;
    }),
  );

  const keyed = (e: KeyboardEvent) => {
    if (e.key === "Enter" || e.key === " ") pick(at);
    else {
      const to = moved(e.key, at, size, Math.max(1, Math.floor(box.current!.clientHeight / CELL_HEIGHT) - 1), e.ctrlKey);
      if (!to) return;
      go(to);
    }
    e.preventDefault();
  };
  const cellOf = (e: Event) => (e.target as Element).closest<HTMLElement>("[data-row]");
  const over = (e: Event) => {
    const cell = cellOf(e);
    const pair = cell && cells.at(Number(cell.dataset.row), Number(cell.dataset.col));
    pointed.value = pair ? focusOfPair(tr, pair) : null;
  };
  const off = () => (pointed.value = null);
  const click = (e: Event) => {
    const cell = cellOf(e);
    if (!cell) return;
    const to = { row: Number(cell.dataset.row), col: Number(cell.dataset.col) };
    setActive(to);
    pick(to);
  };

  const rows = range(view.rows, size.rows);
  const cols = range(view.cols, size.cols);
  const id = (row: number, col: number) => `cell-${tr.id}-${row}-${col}`;
  return (
    <div
      ref={box}
      class="matrix scroll"
      role="grid"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={size.rows + 1}
      aria-colcount={size.cols + 1}
      aria-activedescendant={rows.includes(at.row) && cols.includes(at.col) ? id(at.row, at.col) : undefined}
      onKeyDown={keyed}
      onFocus={() => go(at)}
      onBlur={off}
      onMouseOver={over}
      onMouseLeave={off}
      onClick={click}
      onScroll={() => measure.current()}
      data-testid="matrix"
      data-trial={tr.kind}
    >
      <div class="matrix-row matrix-head" role="row" aria-rowindex={1}>
        <div class="matrix-corner" role="columnheader" aria-colindex={1}>
          <span>
            {tr.a.toUpperCase()} <span aria-hidden="true">↓</span>
          </span>
          <span>
            {tr.b.toUpperCase()} <span aria-hidden="true">→</span>
          </span>
        </div>
        <Gap of={view.cols.from} across />
        {cols.map((col) => (
          <End key={endName(cells.cols[col]!)} end={cells.cols[col]!} role="columnheader" index={col + 2} />
        ))}
        <Gap of={size.cols - cols.length - view.cols.from} across />
      </div>
      <Gap of={view.rows.from} />
      {rows.map((row) => (
        <div key={endName(cells.rows[row]!)} class="matrix-row" role="row" aria-rowindex={row + 2}>
          <End end={cells.rows[row]!} role="rowheader" index={1} />
          <Gap of={view.cols.from} across />
          {cols.map((col) => (
            <Cell
              key={endName(cells.cols[col]!)}
              pair={cells.at(row, col)}
              trial={tr}
              report={report}
              id={id(row, col)}
              row={row}
              col={col}
              active={at.row === row && at.col === col}
              chosen={chosen}
            />
          ))}
          <Gap of={size.cols - cols.length - view.cols.from} across />
        </div>
      ))}
      <Gap of={size.rows - rows.length - view.rows.from} />
    </div>
  );
}

function range({ from, to }: { from: number; to: number }, count: number): number[] {
  return Array.from({ length: Math.max(0, Math.min(to, count) - from) }, (_, i) => from + i);
}

function keyOf(peer: string, tr: TrialReport, end: PairEnd | undefined): string {
  return end ? candidateKey(peer, { trial: tr.kind, ...end }) : "";
}

const endName = (e: PairEnd) => `${e.type} ${e.protocol} ${e.address}:${e.port}`;

/** Gap keeps the place of what is out of sight. Its size is set by script: the page's policy allows no style in the markup. */
function Gap({ of, across }: { of: number; across?: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (across) box.current!.style.width = `${Math.max(0, of) * CELL_WIDTH}px`;
    else box.current!.style.height = `${Math.max(0, of) * CELL_HEIGHT}px`;
  }, [of, across]);
  return <div ref={box} class="matrix-gap" role="presentation" />;
}

function End({ end, role, index }: { end: PairEnd; role: "columnheader" | "rowheader"; index: number }) {
  return (
    <div class="matrix-end mono" role={role} aria-colindex={index} title={end.address}>
      <span class="matrix-type">
        {end.type}
        {end.protocol === "tcp" && " tcp"}
      </span>
      <span class="matrix-address">{endpointText(end)}</span>
    </div>
  );
}

interface CellProps {
  pair: PairReport | undefined;
  trial: TrialReport;
  report: Report;
  id: string;
  row: number;
  col: number;
  active: boolean;
  chosen: string;
}

const Cell = still<CellProps>(
  ({ pair: p, trial: tr, report, id, row, col, active, chosen }) => {
    const common = { id, role: "gridcell" as const, "aria-colindex": col + 2, "data-row": row, "data-col": col, "data-active": active || undefined };
    if (!p) {
      return (
        <div {...common} class="matrix-cell matrix-empty">
          <span aria-hidden="true">–</span>
          <span class="hidden-visually">{t("matrix.none")}</span>
        </div>
      );
    }
    const ways = waysOf(p);
    const [a, b] = [tr.a.toUpperCase(), tr.b.toUpperCase()];
    return (
      <div
        {...common}
        class="matrix-cell"
        aria-selected={pairKey(tr.id, p) === chosen}
        {...pairData(tr, p)}
      >
        <span class="hidden-visually">{[p.selected ? t("matrix.selected") : "", said(ways[0], peerName(report, tr.a), peerName(report, tr.b)), said(ways[1], peerName(report, tr.b), peerName(report, tr.a))].filter(Boolean).join(" ")}</span>
        <Direction way={ways[0]} names={`${a}→${b}`} />
        <Direction way={ways[1]} names={`${b}→${a}`} />
        {p.selected && (
          <span class="matrix-star" title={t("matrix.selected")}>
            <Sign name="star" size={12} />
          </span>
        )}
      </div>
    );
  },
  (x, y) => x.id === y.id && x.active === y.active && (x.chosen === y.chosen || !y.pair) && alike(x.pair, y.pair) && x.trial.id === y.trial.id,
);

function Direction({ way, names }: { way: Way; names: string }) {
  const look = directionLook[way.state] ?? directionLook["not-observable"];
  const counted = way.counts.some((n) => n !== null);
  return (
    <div class="matrix-way" data-tone={look.tone} aria-hidden="true">
      <Sign name={look.sign} size={12} />
      <span class="matrix-names mono">{names}</span>
      <span class="matrix-word">{shortWord(way.state)}</span>
      <span class="matrix-counts mono" data-counted={counted}>
        {counted ? way.counts.map((n) => n ?? "–").join(" · ") : t("matrix.uncounted")}
      </span>
    </div>
  );
}

/** shortWord fits into a cell. */
function shortWord(state: DirectionState): string {
  return word(state === "lost-on-return" || state === "non-symmetric" ? "matrix" : "direction", state);
}

/** said is a direction in whole words. */
function said(way: Way, from: string, to: string): string {
  const [sent, arrived, answered, back] = way.counts.map((n) => n ?? t("matrix.uncounted"));
  const state = t("matrix.said", { from, to, state: word("direction", way.state) });
  return way.counts.some((n) => n !== null) ? `${state} ${t("matrix.counts", { sent: sent!, arrived: arrived!, answered: answered!, back: back! })}` : `${state} ${t("matrix.uncounted")}`;
}

