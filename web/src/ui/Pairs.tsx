import "./Pairs.css";
import { signal } from "@preact/signals";
import { options } from "preact";
import { useRef, useState } from "preact/hooks";
import { t, word } from "../i18n";
import { focusOfPair, pairKey, pointed } from "../model/focus";
import type { DirectionState, PairCounters, PairEnd, PairReport, Report, TrialReport } from "../protocol.gen";
import { Badge } from "./Badge";
import { EventLinks } from "./EventLinks";
import { Explain } from "./Explain";
import { endpointText, peerName } from "./format";
import { useLights } from "./matrix/lights";
import { Matrix } from "./matrix/Matrix";
import { pairData, uncounted } from "./matrix/matrix";
import { alike, still } from "./matrix/still";
import { Sign, Way } from "./Sign";
import { Choice, type Filter } from "./TrialFilter";
import { directionLook } from "./tones";

/** view is how the reader wants all pairs shown. */
const view = signal<"matrix" | "list">("matrix");

/** On paper, where nothing scrolls, all pairs are a list: of a matrix only what is in sight is drawn. */
const onPaper = signal(false);

/** paper draws before it returns: the browser that makes the paper waits for nothing. */
function paper(on: boolean): void {
  options.debounceRendering = (draw) => draw();
  onPaper.value = on;
  delete options.debounceRendering;
}
Object.assign(globalThis, { onbeforeprint: () => paper(true), onafterprint: () => paper(false) });

/** A list of more pairs is drawn as far as it is asked for: the matrix is made for so many. */
const LISTED = 60;

/** Pairs shows each pair as its two directions, and each direction as the way of a check: sent, arrived, answered, answer back. */
export function Pairs({ report, filter }: { report: Report; filter: Filter }) {
  const fits = (tr: TrialReport) => filter === "all" || tr.kind === filter;
  const side = sideTrials(report).filter((s) => fits(s.trial) && s.trial.pairs.length > 0);
  return (
    <div class="pairs">
      <div class="pairs-tools row">
        <Choice name="pairs-view" legend={t("pairs.view")} values={["matrix", "list"]} value={view.value} text={(v) => t(`pairs.view.${v}`)} onChange={(v) => (view.value = v)} />
        {view.value === "matrix" && <Legend />}
      </div>
      {report.trials.filter(fits).map((tr) => (
        <Trial key={tr.kind} trial={tr} report={report} own />
      ))}
      {side.length > 0 && (
        <details>
          <summary>{t("pairs.side", { n: side.length })}</summary>
          {side.map((s) => (
            <Trial key={s.trial.id + s.of} trial={s.trial} report={report} of={s.of} />
          ))}
        </details>
      )}
    </div>
  );
}

/** sideTrials are those of the experiments and of headless peers beside others, each with what it belongs to. */
export function sideTrials(report: Report): { trial: TrialReport; of: string }[] {
  return [
    ...report.experiments.flatMap((x) => (x.trials ?? []).map((trial) => ({ trial, of: word("experiment.kind", x.kind) }))),
    ...report.beside.flatMap((b) => b.trials.map((trial) => ({ trial, of: peerName(report, b.peer) }))),
  ];
}

/** Legend says once what in a cell has no word beside it: the star, the dash and the four numbers. */
function Legend() {
  return (
    <p class="row muted small">
      <span class="sign-word" data-tone="ok">
        <Sign name="star" size={12} /> {t("matrix.selected")}
      </span>
      <span>– {t("matrix.none")}</span>
      <span>{t("matrix.numbers")}</span>
    </p>
  );
}

function Trial({ trial: tr, report, of, own }: { trial: TrialReport; report: Report; of?: string; own?: boolean }) {
  const [chosen, setChosen] = useState("");
  const pair = tr.pairs.find((p) => pairKey(tr.id, p) === chosen);
  const name = t("pairs.of", { trial: word("trial", tr.kind) });
  const silent = uncounted(tr);
  return (
    <section class="pairs-trial card" data-trial={tr.kind}>
      <h3>
        {word("trial", tr.kind)}
        {of && <span class="muted"> · {of}</span>}
        {tr.pairs.length > 0 && <span class="muted small"> · {t("pairs.count", { n: tr.pairs.length })}</span>}
      </h3>
      {silent.length > 0 && (
        <p class="muted small" data-testid="uncounted">
          <Sign name="question" size={13} /> {t("pairs.silent", { peers: silent.map((id) => browserOf(report, id)).join(t("list")) })}
        </p>
      )}
      {tr.pairs.length === 0 ? (
        <p class="muted">{t(tr.outcome === "" ? "pairs.notyet" : "pairs.none")}</p>
      ) : view.value === "matrix" && !onPaper.value ? (
        <>
          <Matrix report={report} trial={tr} label={name} own={own ?? false} chosen={pair ? chosen : ""} choose={setChosen} />
          <div class="pairs-chosen" aria-live="polite">
            {pair ? (
              <>
                <Table pairs={[pair]} trial={tr} report={report} label={t("pairs.chosen")} />
                <p class="small muted">
                  {t("pairs.samples")} <EventLinks events={pair.events} />
                </p>
              </>
            ) : (
              <p class="muted small">{t("pairs.choose")}</p>
            )}
          </div>
        </>
      ) : (
        <List trial={tr} report={report} label={name} />
      )}
    </section>
  );
}

function browserOf(report: Report, id: string): string {
  const browser = report.peers.find((p) => p.id === id)?.browser;
  return browser ? `${peerName(report, id)} (${browser})` : peerName(report, id);
}

function List({ trial: tr, report, label }: { trial: TrialReport; report: Report; label: string }) {
  const [shown, setShown] = useState(LISTED);
  return (
    <>
      <Table pairs={onPaper.value ? tr.pairs : tr.pairs.slice(0, shown)} trial={tr} report={report} label={label} />
      {tr.pairs.length > shown && (
        <p>
          <button type="button" class="button" onClick={() => setShown(shown + 4 * LISTED)}>
            {t("pairs.more", { n: Math.min(4 * LISTED, tr.pairs.length - shown), all: tr.pairs.length })}
          </button>
        </p>
      )}
    </>
  );
}

function Table({ pairs, trial: tr, report, label }: { pairs: readonly PairReport[]; trial: TrialReport; report: Report; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  useLights(box, "pairs");
  const over = (e: Event) => {
    const key = (e.target as Element).closest<HTMLElement>("[data-key]")?.dataset.key;
    const pair = tr.pairs.find((p) => pairKey(tr.id, p) === key);
    pointed.value = pair ? focusOfPair(tr, pair) : null;
  };
  return (
    <div ref={box} class="pairs-scroll scroll" tabIndex={0} role="region" aria-label={label} onMouseOver={over} onMouseLeave={() => (pointed.value = null)}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("pairs.pair")}</th>
            <th scope="col">
              <Explain term="direction">{t("pairs.direction")}</Explain>
            </th>
            {(["sent", "arrived", "answered", "back"] as const).map((count) => (
              <th key={count} scope="col" class="right">
                {t(`pairs.counted.${count}`)}
              </th>
            ))}
            <th scope="col">{t("pairs.judged")}</th>
          </tr>
        </thead>
        {pairs.map((p) => (
          <Pair key={pairKey(tr.id, p)} pair={p} trial={tr} names={[peerName(report, tr.a), peerName(report, tr.b)]} />
        ))}
      </table>
    </div>
  );
}

const Pair = still<{ pair: PairReport; trial: TrialReport; names: readonly [string, string] }>(
  ({ pair: p, trial, names: [nameA, nameB] }) => {
    const [a, b] = [trial.a, trial.b];
    const state = p.stateB && p.stateB !== p.state ? `${p.state} / ${p.stateB}` : p.state;
    return (
      <tbody
        {...pairData(trial, p)}
        class={p.selected ? "pair-selected" : undefined}
      >
        <tr>
          <td rowSpan={2} class="pair-ends">
            <End end={p.local} />
            <End end={p.remote} />
            {p.aliases?.map((alias) => (
              <div key={alias} class="muted small">
                {t("nat.mapped", { address: alias })}
              </div>
            ))}
            <div class="pair-state muted small">
              {state}
              {p.selected && (
                <span class="pair-mark sign-word">
                  <Sign name="star" size={12} /> {t("mark.selected")}
                </span>
              )}
            </div>
          </td>
          <Direction from={a} to={b} names={`${nameA} → ${nameB}`} asks={p.a} answers={p.b} state={p.directions.aToB} />
        </tr>
        <tr>
          <Direction from={b} to={a} names={`${nameB} → ${nameA}`} asks={p.b} answers={p.a} state={p.directions.bToA} />
        </tr>
      </tbody>
    );
  },
  (x, y) => x.trial.id === y.trial.id && alike(x.names, y.names) && alike(x.pair, y.pair),
);

function End({ end }: { end: PairEnd }) {
  return (
    <div class="pair-end mono">
      <span title={end.address}>{endpointText(end)}</span>
      <span class="muted small">
        {end.type} {end.protocol}
      </span>
    </div>
  );
}

function Direction({ from, to, names, asks, answers, state }: { from: string; to: string; names: string; asks: PairCounters | null; answers: PairCounters | null; state: DirectionState }) {
  const way = [asks?.requestsSent, answers?.requestsReceived, answers?.responsesSent, asks?.responsesReceived];
  return (
    <>
      {/* Letters: names may be long, and this column is read down. */}
      <td title={names}>
        <Way from={from.toUpperCase()} to={to.toUpperCase()} />
      </td>
      {way.map((n, i) => (
        // A zero after something is where the packets were lost: it is what the eye should find.
        <td key={i} class={n === 0 && (way[i - 1] ?? 0) > 0 ? "pair-count pair-lost bad" : "pair-count"} title={n == null ? t("pairs.notcounted") : undefined}>
          {n ?? <span class="muted">–</span>}
        </td>
      ))}
      <td>
        <Badge look={directionLook[state] ?? directionLook["not-observable"]} text={word("direction", state)} />
      </td>
    </>
  );
}
