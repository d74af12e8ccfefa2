import "./NAT.css";
import type { ComponentChildren } from "preact";
import { t, word } from "../i18n";
import type { Behavior, NATReport, PeerReport } from "../protocol.gen";
import { Badge } from "./Badge";
import { useRoom } from "./context";
import { Explain, type Term } from "./Explain";
import { ms } from "./format";
import { NATLesson } from "./NATLesson";
import { NATPicture } from "./NATPicture";
import { Sign } from "./Sign";
import type { Look } from "./tones";

const stateLook: Record<NATReport["state"], Look> = {
  waiting: { tone: "idle", sign: "wait" },
  measuring: { tone: "info", sign: "spinner" },
  done: { tone: "idle", sign: "check" },
  off: { tone: "idle", sign: "dash" },
};

/** NAT is who may call this machine back, and why this server says so. Every part has its place before it is known, so that nothing moves when it comes. */
export function NAT({ peer, own }: { peer: PeerReport; own: boolean }) {
  const room = useRoom();
  const { nat } = peer;
  const under = nat.state === "waiting" || nat.state === "measuring";
  const again = own && nat.state === "done" && room.natTrial.value !== "";
  const state = again ? "measuring" : nat.state;
  const tested = nat.tests.filter((test) => test.result !== "running").length;
  const canMeasure = !under && !again && room.status.value.kind === "online" && room.welcome.value?.kind !== "watcher";
  return (
    <section
      class="nat"
      data-testid="nat-card"
      data-peer={peer.id}
      data-state={nat.state}
      data-rfc3489={nat.rfc3489}
      aria-label={`${t("nat.title")} (${peer.id.toUpperCase()})`}
      aria-busy={again || nat.state === "measuring"}
    >
      <header class="row">
        <h4>{t("nat.title")}</h4>
        <Badge look={stateLook[state] ?? stateLook.waiting} text={word("nat.state", state)} title={nat.measuredMs == null ? undefined : t("nat.measured", { ms: ms(nat.measuredMs) })} />
        {own && nat.state !== "off" && (
          <button type="button" class="button" disabled={!canMeasure} onClick={() => room.run({ trials: ["nat"] })} data-testid="nat-again">
            <Sign name="again" /> {t("nat.again")}
          </button>
        )}
      </header>
      <p class={nat.summary ? "nat-summary" : "nat-summary muted"} aria-live="polite">
        {nat.summary || t(`nat.text.${nat.state}`)}
      </p>
      <div class="nat-progress">
        {state === "measuring" && (
          // Until the first step is known there is nothing to count; nor is there the second time, when the steps shown are those of the time before.
          <progress {...(nat.tests.length > 0 && !again ? { max: nat.tests.length, value: tested } : {})} aria-label={again ? t("nat.state.measuring") : t("nat.progress", { done: tested, total: nat.tests.length })} />
        )}
      </div>
      <div class="nat-body stack">
        <dl class="nat-facts">
          <Measured name="mapping" value={nat.mapping} state={nat.state} />
          <Measured name="filtering" value={nat.filtering} state={nat.state} />
          <div data-testid="nat-callers" data-value={nat.callers}>
            <dt>{t("nat.callers")}</dt>
            {nat.callers ? (
              <dd class="row">
                <strong>{word("callers", nat.callers)}</strong>
                <Badge look={nat.callers === "anyone" ? { tone: "ok", sign: "check" } : { tone: "warn", sign: "right" }} text={t(nat.callers === "anyone" ? "nat.waits" : "nat.calls")} />
              </dd>
            ) : (
              <Unknown state={nat.state} />
            )}
          </div>
          <div>
            <dt>{t("nat.classic")}</dt>
            {nat.rfc3489 ? <dd>{nat.rfc3489}</dd> : <Unknown state={nat.state} />}
          </div>
        </dl>
        <NATPicture nat={nat} own={own} />
      </div>
      <ul class="nat-evidence muted" aria-label={t("findings.evidence")}>
        {nat.evidence.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <NATLesson tests={nat.tests} />
    </section>
  );
}

/** Measured is a behaviour in the words of RFC 4787, and the same in plain ones. */
function Measured({ name, value, state }: { name: Term & ("mapping" | "filtering"); value: Behavior; state: NATReport["state"] }) {
  return (
    <div data-testid={`nat-${name}`} data-value={value}>
      <dt>
        <Explain term={name}>{t(`peer.nat.${name}`)}</Explain>
      </dt>
      {!value || value === "not-measurable" ? (
        <Unknown state={state} />
      ) : (
        <dd class="row">
          <strong>{word("behavior", value)}</strong>
          <span class="muted small">{word(`behavior.${name}`, value)}</span>
        </dd>
      )}
    </div>
  );
}

/** Unknown tells "not yet" from "nobody tried" and from "it cannot be told". */
function Unknown({ state }: { state: NATReport["state"] }): ComponentChildren {
  return (
    <dd class="muted">
      <span>
        <Sign name={state === "done" ? "question" : state === "off" ? "dash" : "wait"} size={12} /> {t(state === "done" ? "nat.notmeasurable" : state === "off" ? "plots.none" : "nat.notyet")}
      </span>
    </dd>
  );
}
