import type { Confidence, DirectionState, Needs, Outcome, Severity } from "../protocol.gen";
import type { SignName } from "./Sign";

export type Tone = "ok" | "warn" | "bad" | "idle" | "info";

/** Look is how a state is drawn; its word is in the language catalogs. */
export interface Look {
  tone: Tone;
  sign: SignName;
}

export const needsLook: Record<Needs, Look> = {
  nothing: { tone: "ok", sign: "check" },
  stun: { tone: "ok", sign: "antenna" },
  "turn-udp": { tone: "warn", sign: "relay" },
  "turn-tcp": { tone: "warn", sign: "relay" },
  unreachable: { tone: "bad", sign: "cross" },
  undetermined: { tone: "warn", sign: "question" },
};

export const outcomeLook: Record<Outcome | "", Look> = {
  connected: { tone: "ok", sign: "check" },
  failed: { tone: "bad", sign: "cross" },
  stuck: { tone: "warn", sign: "warning" },
  skipped: { tone: "idle", sign: "dash" },
  "": { tone: "info", sign: "spinner" },
};

export const severityLook: Record<Severity, Look> = {
  error: { tone: "bad", sign: "cross" },
  warning: { tone: "warn", sign: "warning" },
  info: { tone: "info", sign: "info" },
};

export const confidenceLook: Record<Confidence, Look> = {
  certain: { tone: "idle", sign: "check" },
  likely: { tone: "idle", sign: "info" },
  possible: { tone: "idle", sign: "question" },
};

export const directionLook: Record<DirectionState, Look> = {
  answered: { tone: "ok", sign: "check" },
  unanswered: { tone: "bad", sign: "cross" },
  "lost-on-return": { tone: "bad", sign: "lost" },
  "non-symmetric": { tone: "warn", sign: "bent" },
  "not-observable": { tone: "idle", sign: "question" },
};
