import "./NATLesson.css";
import { t, word } from "../i18n";
import type { NATTest, StepResult } from "../protocol.gen";
import { Badge } from "./Badge";
import { Corner } from "./Corner";
import { EventLinks } from "./EventLinks";
import { ms } from "./format";
import { Way } from "./Sign";
import type { Look } from "./tones";

/** A silence is no fault: to some it is the better answer. So it is drawn in no alarming colour. */
const resultLook: Record<StepResult, Look> = {
  answered: { tone: "ok", sign: "check" },
  unanswered: { tone: "idle", sign: "silence" },
  refused: { tone: "warn", sign: "warning" },
  skipped: { tone: "idle", sign: "dash" },
  failed: { tone: "warn", sign: "cross" },
  running: { tone: "info", sign: "spinner" },
};

/** NATLesson walks through the steps in their order: the packet, the corner, the answer, and what that means. */
export function NATLesson({ tests }: { tests: readonly NATTest[] }) {
  return (
    <details class="nat-lesson" data-testid="nat-lesson">
      <summary>{t("nat.lesson")}</summary>
      <p class="muted small">{t("nat.lesson.text")}</p>
      {tests.length === 0 && <p class="muted">{t("nat.notyet")}</p>}
      <ol class="stack">
        {tests.map((test, i) => (
          <Step key={`${test.step} ${test.transport} ${test.corner} ${i}`} test={test} />
        ))}
      </ol>
    </details>
  );
}

function Step({ test }: { test: NATTest }) {
  const look = resultLook[test.result] ?? resultLook.skipped;
  return (
    <li class="well" data-testid="nat-step" data-step={test.step} data-transport={test.transport} data-corner={test.corner ?? ""} data-result={test.result}>
      <header class="apart">
        <h5>{test.title}</h5>
        <Badge look={look} text={word("nat.result", test.result)} />
      </header>
      <dl>
        <div>
          <dt>{t("nat.packet")}</dt>
          <dd>
            {test.packet} <span class="muted">{test.transport.toUpperCase()}</span>
          </dd>
        </div>
        {(test.from || test.to || test.corner) && (
          <div>
            <dt>{t("nat.way")}</dt>
            <dd class="nat-way row mono">
              {test.corner && <Corner name={test.corner} />}
              {test.corner && <span>{test.corner}</span>}
              {test.from && <span>{test.from}</span>}
              {test.to && (
                <span>
                  <Way from="" to={test.to} />
                </span>
              )}
            </dd>
          </div>
        )}
        {test.result === "answered" && (test.answerer || test.mapped || test.rttMs) && (
          <div>
            <dt>{t("nat.answer")}</dt>
            <dd class="nat-way row mono">
              {test.answerer && <span>{t("nat.answerer", { address: test.answerer })}</span>}
              {test.mapped && <span>{t("nat.mapped", { address: test.mapped })}</span>}
              {test.rttMs ? <span class="muted">{ms(test.rttMs)}</span> : null}
            </dd>
          </div>
        )}
      </dl>
      <p>
        {test.text} <EventLinks events={test.events ?? []} />
      </p>
      {test.error && <p class="muted small">{test.error}</p>}
    </li>
  );
}
