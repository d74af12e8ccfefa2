import { signal, type ReadonlySignal } from "@preact/signals";
import type { Event, Lang, ProtocolError, Report, TrialKind, Welcome } from "../protocol.gen";
import type { Status } from "../signaling/connection";
import type { RevealError } from "../rtc/environment";

export type { Status, RevealError };

/** Gathering is how far this page's own candidates are, before anyone else is in the room. */
export interface Gathering {
  state: "idle" | "gathering" | "complete";
  candidates: number;
}

/** RoomModel is all that the page draws from and all that it can do. */
export interface RoomModel {
  readonly status: ReadonlySignal<Status>;
  readonly welcome: ReadonlySignal<Welcome | null>;
  readonly snapshot: ReadonlySignal<Report | null>;
  readonly events: ReadonlySignal<readonly Event[]>;
  readonly lastError: ReadonlySignal<ProtocolError | null>;
  readonly gathering: ReadonlySignal<Gathering>;
  /** run asks for trials again; with none named, all that are possible. */
  run(opts: { trials?: TrialKind[]; swapOfferer?: boolean; iceServers?: unknown }): void;
  /** reveal asks for the camera or microphone, which unmasks the host addresses. It rejects with a RevealError. */
  reveal(): Promise<void>;
  /** watch joins as a watcher, after the error room-full. */
  watch(): void;
  leave(): void;
}

export interface RoomOptions {
  room: string;
  label?: string;
  lang: Lang;
  kind?: "browser" | "watcher";
}

export function openRoom(_opts: RoomOptions): RoomModel {
  return {
    status: signal<Status>({ kind: "connecting" }),
    welcome: signal(null),
    snapshot: signal(null),
    events: signal([]),
    lastError: signal(null),
    gathering: signal<Gathering>({ state: "idle", candidates: 0 }),
    run() {},
    async reveal() {},
    watch() {},
    leave() {},
  };
}
