/** Status is where the connection to the server stands. retryAt is a Date.now() value. */
export type Status =
  | { kind: "connecting" }
  | { kind: "online" }
  | { kind: "reconnecting"; retryAt: number }
  | { kind: "gone"; reason: GoneReason };

/** GoneReason says why nothing will reconnect by itself. Those of the server are its error codes and the reasons of bye. */
export type GoneReason =
  | "left"
  | "unknown-room"
  | "room-full"
  | "too-many-rooms"
  | "too-many-watchers"
  | "forbidden-origin"
  | "unreachable"
  | "shutdown"
  | "expired"
  | "replaced"
  | "too-slow"
  | "internal";
