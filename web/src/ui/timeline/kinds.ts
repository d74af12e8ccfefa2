import { t, word } from "../../i18n";
import { kindOf, runOf } from "../../model/steps";
import type { Event } from "../../protocol.gen";
import { ms, shortAddress } from "../format";

/** The kinds of events that are told apart, the most important first: where marks stand on each other, the first is drawn. */
export const kinds = ["error", "room", "trial", "description", "check", "state", "measurement", "candidate", "applied", "sighting", "probe", "sample"] as const;
export type Kind = (typeof kinds)[number];

/** Their shapes, around the origin. Each kind has its own, so that nothing rests on colour. */
export const shapes: Record<Kind, string> = {
  error: "M-5-3-3-5 0-2 3-5 5-3 2 0 5 3 3 5 0 2-3 5-5 3-2 0z",
  room: "M-4-4h8v8h-8z",
  trial: "M-4-5.5V5.5h2V1.5L5-2-2-5.5z",
  description: "M0-5.5 5.5 0 0 5.5-5.5 0z",
  check: "M-4-5 5 0-4 5-1.5 0z",
  state: "M0-5 5 4.5H-5z",
  measurement: "M-1.5-5h3v3.5H5v3H1.5V5h-3V1.5H-5v-3h3.5z",
  candidate: "M4 0a4 4 0 1 1-8 0 4 4 0 1 1 8 0z",
  applied: "M4.5 0a4.5 4.5 0 1 1-9 0 4.5 4.5 0 1 1 9 0zM2.3 0a2.3 2.3 0 1 0-4.6 0 2.3 2.3 0 1 0 4.6 0z",
  sighting: "M0 5-5-4.5H5z",
  probe: "M-4.5-1.2h9v2.4h-9z",
  sample: "M-.8-3.5H.8v7H-.8z",
};

/** Ink names a colour of the page: see the classes in Timeline.css. */
export type Ink = "text" | "muted" | "accent" | "ok" | "warn" | "bad" | "violet";
export const inks: Record<Kind, Ink> = {
  error: "bad",
  room: "text",
  trial: "text",
  description: "violet",
  check: "warn",
  state: "accent",
  measurement: "ok",
  candidate: "accent",
  applied: "accent",
  sighting: "warn",
  probe: "muted",
  sample: "muted",
};

const kindByType: Record<string, Kind> = {
  run: "trial",
  start: "trial",
  stop: "trial",
  description: "description",
  candidate: "candidate",
  applied: "applied",
  state: "state",
  sample: "sample",
  measurement: "measurement",
  check: "check",
  sighting: "sighting",
  probe: "probe",
  ping: "probe",
  candidateError: "error",
  trialError: "error",
  broken: "error",
  full: "error",
};

export function kindOfEvent(e: Event): Kind {
  if (e.type === "applied" && !e.applied.ok) return "error";
  if (e.type === "state" && e.state.value === "failed") return "error";
  return kindByType[e.type] ?? "room"; // a type of a newer server too
}

/** trialOf is the trial that an event belongs to, or "". */
export function trialOf(e: Event): string {
  const body = (e as unknown as Record<string, { trial?: unknown } | undefined>)[e.type];
  return typeof body?.trial === "string" ? body.trial : "";
}

/** trialName is a trial and its run. */
export function trialName(id: string): string {
  return `${word("trial", kindOf(id))} ${runOf(id)}`;
}

/** brief is what an event says, in the words of the wire. */
export function brief(e: Event): string {
  switch (e.type) {
    case "joined":
      return [e.joined.label, e.joined.httpAddress].filter(Boolean).join(" ");
    case "left":
      return e.left?.reason ?? "";
    case "run":
      return `${e.run.number}: ${e.run.trials.join(", ")}`;
    case "stop":
      return `${e.stop.outcome}: ${e.stop.reason}`;
    case "description":
      return e.description.kind;
    case "candidate":
      return candidateText(e.candidate.candidate);
    case "applied":
      return `#${e.applied.ref}${e.applied.error ? ` ${e.applied.error}` : ""}`;
    case "state":
      return `${e.state.what}: ${e.state.value}${e.state.error ? ` ${e.state.error}` : ""}`;
    case "candidateError":
      return [e.candidateError.errorCode, e.candidateError.errorText, e.candidateError.url].filter(Boolean).join(" ");
    case "sample":
      return [`${e.sample.pairs?.length ?? 0} pairs`, e.sample.iceState, e.sample.dtlsState].filter(Boolean).join(", ");
    case "measurement": {
      const { data, video } = e.measurement;
      return [data && `data ${ms(data.rttMs)}`, video && `video ${video.framesDecoded}`].filter(Boolean).join(", ");
    }
    case "trialError":
      return `${e.trialError.step}: ${e.trialError.error}`;
    case "sighting":
      return `${e.sighting.kind} ${e.sighting.source} → ${e.sighting.local}`;
    case "check":
      return `${e.check.purpose} ${e.check.from} → ${e.check.to} ${e.check.result}`;
    case "probe":
      return `${e.probe.what} → ${e.probe.to} ${e.probe.answered ? ms(e.probe.rttMs) : (e.probe.error ?? "unanswered")}`;
    case "ping":
      return ms(e.ping.rttMs);
    case "broken":
      return `${e.broken.code}: ${e.broken.message}`;
    default:
      return "";
  }
}

/** candidateText is the part of a candidate-attribute (RFC 8839 section 5.1) that tells it from others. */
function candidateText(line: string): string {
  if (line === "") return word("signal", "end-of-candidates");
  const [, , transport, , address, port, , type] = line.split(" ");
  return `${type} ${transport?.toLowerCase()} ${shortAddress(address ?? "")}:${port}`;
}

/** sentence is all that is said of an event in one line. */
export function sentence(e: Event): string {
  const trial = trialOf(e);
  return [
    `#${e.seq}`,
    `+${(e.atMs / 1000).toFixed(3)} s`,
    (e.peer ?? "").toUpperCase() || t("timeline.server"),
    trial && trialName(trial),
    `${e.type} ${brief(e)}`,
  ]
    .filter(Boolean)
    .join(" · ");
}
