import { signal } from "@preact/signals";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { lang, t } from "../i18n";
import { focusOfEvidence, pinned, pointed, sought, type Focus } from "../model/focus";
import type { Evidence, Finding, Report } from "../protocol.gen";
import { openAround, Room } from "./context";
import { Copy } from "./Copy";
import { EventLinks } from "./EventLinks";
import { FindingExperiments } from "./FindingsExperiments";
import { findingURL } from "./format";
import { back, showPair } from "./matrix/sought";
import { Sign } from "./Sign";

/** FindingBody is what stands behind a finding's title: the cause in words, what to change, and what it stands on. */
export function FindingBody({ finding: f, report, open }: { finding: Finding; report?: Report; open?: boolean }) {
  const room = useContext(Room);
  const from = report ?? room?.snapshot.value ?? null;
  return (
    <div class="finding-body stack">
      <p>{f.summary}</p>
      {f.remedy && (
        <div class="well">
          <h4 class="muted">{t("findings.remedy")}</h4>
          <p>{f.remedy}</p>
          {f.severity !== "info" && f.settings && f.settings.length > 0 && (
            <dl class="finding-settings stack">
              {f.settings.map((s) => (
                <div key={s.for + s.text}>
                  <dt>{s.for}</dt>
                  <dd class="apart">
                    <pre>{s.text}</pre>
                    <Copy text={s.text} />
                  </dd>
                </div>
              ))}
            </dl>
          )}
        </div>
      )}
      {f.separatingExperiment && (
        <div>
          <h4 class="muted">{t("findings.experiment")}</h4>
          <p>{f.separatingExperiment}</p>
        </div>
      )}
      {from && room && <FindingExperiments finding={f} report={from} room={room} />}
      {f.evidence.length > 0 && <Proof finding={f} report={from} open={open ?? false} />}
      {/* A tab of its own: leaving this page would leave the room. */}
      <div class="small">
        <a href={findingURL(f.code, lang())} target="_blank" rel="noopener">
          {t("findings.doc", { code: f.code })}
        </a>
      </div>
    </div>
  );
}

/** shownFinding is the one whose evidence is lit. */
const shownFinding = signal("");

/** anchor is the name of a finding's evidence within the page. */
export function anchor(f: Pick<Finding, "id">): string {
  return `finding-${f.id}`;
}

/**
 * Proof is the evidence, closed until somebody asks. Opening it lights what it is about everywhere on the page, until it is closed or another one is opened, and zooms
 * the timeline to it; the page itself stays where it is read.
 */
function Proof({ finding: f, report, open }: { finding: Finding; report: Report | null; open: boolean }) {
  const box = useRef<HTMLDetailsElement>(null);
  const told = f.evidence.flatMap((e) => e.events);
  const [first] = useState(open);
  const [opened, setOpened] = useState(open);
  const on = shownFinding.value === f.id;
  const light = (show: boolean) => {
    if (show) {
      shownFinding.value = f.id;
      sought.value = told;
    } else if (shownFinding.peek() === f.id) {
      shownFinding.value = "";
      pinned.value = null;
    }
  };
  // A snapshot may bring more of what the evidence is about.
  useEffect(() => {
    if (on && report) pinned.value = focusOfEvidence(report, f);
  }, [on, report, f]);
  useEffect(() => () => light(false), []);
  useEffect(() => {
    const follow = () => {
      if (addressed() !== anchor(f)) return;
      openAround(box.current);
      light(true);
      show(box.current!);
    };
    follow();
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return (
    <details
      ref={box}
      id={anchor(f)}
      class="finding-proof"
      open={first}
      data-testid="finding-proof"
      data-lit={on || undefined}
      onToggle={() => setOpened(box.current!.open)}
    >
      {/* Not in the event toggle: it comes too for what was opened with the page. */}
      <summary onClick={() => light(!box.current!.open)} aria-describedby={`${anchor(f)}-hint`}>
        {t("findings.evidence")} <span class="muted">({f.evidence.length})</span>
      </summary>
      <div class="row">
        {report && (
          <button type="button" class="button" aria-pressed={on} onClick={() => light(!on)} data-testid="finding-light">
            <Sign name="eye" /> {t("findings.light")}
          </button>
        )}
        {report && report.run > 0 && (
          <a class="small" href="#timeline" onClick={() => (light(true), leave(f))}>
            {t("timeline.title")}
          </a>
        )}
        {/* for a message to somebody else */}
        <a class="small" href={`#${encodeURIComponent(anchor(f))}`}>
          {t("findings.link")}
        </a>
      </div>
      <p id={`${anchor(f)}-hint`} class="hidden-visually">
        {t("findings.light.text")}
      </p>
      <ul class="finding-evidence stack">
        {f.evidence.map((e) => (
          <Line key={e.text} evidence={e} finding={f} report={opened ? report : null} />
        ))}
      </ul>
    </details>
  );
}

/** leave keeps the way back to a finding. */
function leave(f: Finding): void {
  back.value = { id: anchor(f), title: f.title };
}

function Line({ evidence: e, finding: f, report }: { evidence: Evidence; finding: Finding; report: Report | null }) {
  const focus = report ? focusOfEvidence(report, f, [e]) : null;
  const on = () => (pointed.value = focus);
  const off = () => (pointed.value = null);
  return (
    <li onMouseEnter={on} onMouseLeave={off} onFocusIn={on} onFocusOut={off} data-testid="evidence">
      {e.text} <EventLinks events={e.events} before={() => leave(f)} />
      {focus && (focus.pairs!.length > 0 || focus.candidates!.length > 0) && (
        <button
          type="button"
          class="event-link"
          onClick={() => {
            leave(f);
            goTo(focus);
          }}
          data-testid="evidence-table"
        >
          {t(focus.pairs!.length > 0 ? "findings.pairs" : "findings.candidates", { n: focus.pairs!.length || focus.candidates!.length })}
        </button>
      )}
    </li>
  );
}

/** goTo leads to what a sentence is about: to the first of its pairs, else of its candidates. */
function goTo({ pairs = [], candidates = [] }: Focus): void {
  const row = [...document.querySelectorAll<HTMLElement>("[data-testid=pair][data-key], [data-testid=candidate][data-key]")].find((e) =>
    (pairs.length > 0 ? pairs : candidates).includes(e.dataset.key!),
  );
  if (pairs[0] && showPair(pairs[0])) return;
  const to = row ?? document.getElementById(pairs.length > 0 ? "pairs" : "candidates");
  if (to) show(to);
}

/** show brings an element into sight and lets the keyboard go on from there. */
export function show(e: HTMLElement): void {
  e.scrollIntoView({ block: "center" });
  const target = e.querySelector<HTMLElement>(":scope > summary") ?? e;
  if (target === e && !e.hasAttribute("tabindex")) e.tabIndex = -1;
  target.focus({ preventScroll: true });
}

/** addressed is what the page's address names, as it was written. */
function addressed(): string {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return location.hash.slice(1);
  }
}
