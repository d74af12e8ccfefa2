// The one object that the page draws from. It folds nothing: the snapshot is the server's, the events are the recording as it streams.
import { batch, signal, type ReadonlySignal } from "@preact/signals";
import type { Event, Experiment, Lang, ProtocolError, Report, ServerMessage, TrialKind, Welcome } from "../protocol.gen";
import { GATHER_MS, gatherAlone, type AloneState } from "../rtc/alone";
import type { Outbox } from "../rtc/agent";
import { askForDevice, environment, RevealError, webRTCError } from "../rtc/environment";
import { Hold } from "../rtc/hold";
import { NATTrial } from "../rtc/nat";
import { Trial } from "../rtc/trial";
import { Kept } from "./kept";
import { Pace } from "./pace";
import { SeriesFold } from "./series";
import { giveUp, takeTurn, whenDrawn } from "./turns";
import { Connection, type GoneReason, type Status } from "../signaling/connection";

export { RevealError };
export type { GoneReason, Status };

/** Gathering is how far this page's own candidates are, before anyone else is in the room. */
export type Gathering = AloneState;

/** RoomModel is all that the page draws from and all that it can do. */
export interface RoomModel {
  readonly status: ReadonlySignal<Status>;
  readonly welcome: ReadonlySignal<Welcome | null>;
  readonly snapshot: ReadonlySignal<Report | null>;
  /** events is the recording so far; older samples are a Brief each. */
  readonly events: ReadonlySignal<readonly Event[]>;
  /** series is what was measured over time; it changes with the events. */
  readonly series: SeriesFold;
  readonly lastError: ReadonlySignal<ProtocolError | null>;
  readonly gathering: ReadonlySignal<Gathering>;
  /** capturing: the camera or microphone is on, so that the browser shows its addresses. */
  readonly capturing: ReadonlySignal<boolean>;
  /** natTrial is the measurement of this page's own NAT that is under way; empty: none. Until it has ended, the snapshot shows the one before. */
  readonly natTrial: ReadonlySignal<string>;
  /** webRTCError is why this browser makes no RTCPeerConnection; empty: it does. */
  readonly webRTCError: string;
  /** run asks for trials again; with none named, all that are possible. */
  run(opts: { trials?: TrialKind[]; swapOfferer?: boolean; iceServers?: unknown; experiment?: Experiment; holdMs?: number }): void;
  /**
   * reveal asks for the camera or microphone, which unmasks the host addresses, gathers again, and runs the trials again where another peer is there.
   * The device is let go of after that run. It rejects with a RevealError.
   */
  reveal(): Promise<void>;
  /** release lets go of the device before its time. */
  release(): void;
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

/** How long the gathering alone goes on beside the first trials: a browser names its addresses within a second, on a machine that is short of time within several. */
const ALONE_BESIDE_MS = 6_000;
const TRIALS: TrialKind[] = ["host", "stun", "relay-udp", "relay-tcp", "custom", "nat"];
/** How long a run waits for the gathering alone, after reveal: a STUN server that does not answer would keep it waiting for 40 s. */
const REVEALED_MS = 3_000;

/** openRoom joins at once and stays until leave, or until the page goes away. */
export function openRoom(o: RoomOptions): RoomModel {
  const welcome = signal<Welcome | null>(null);
  const snapshot = signal<Report | null>(null);
  const events = signal<readonly Event[]>([]);
  let kept = new Kept();
  let series = new SeriesFold();
  const lastError = signal<ProtocolError | null>(null);
  const gathering = signal<Gathering>({ state: "idle", candidates: 0 });
  const natTrial = signal("");
  const hold = new Hold();
  const trials = new Map<string, Pick<Trial, "stop"> & Partial<Pick<Trial, "description" | "candidate">>>();
  let kind = o.kind ?? "browser";
  let eventsSeen = 0;
  let newest: Report | null = null;
  let alone = 0;
  let endAlone = () => {};
  let broken: string | undefined;

  const pace = new Pace(
    () =>
      batch(() => {
        snapshot.value = newest;
        if (events.value.at(-1)?.seq !== eventsSeen - 1) events.value = kept.all();
      }),
    (then) => setTimeout(() => whenDrawn(then)), // the parts take their turns while Preact draws what they stand in
  );

  const connection = new Connection({
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws?room=${encodeURIComponent(o.room)}`,
    hello: () => ({
      kind,
      lang: o.lang,
      live: true,
      userAgent: navigator.userAgent,
      ...(o.label ? { label: o.label } : {}),
      ...(kind === "browser" ? { trials: TRIALS } : {}),
    }),
    eventsSeen: () => eventsSeen,
    onWelcome(w) {
      welcome.value = w;
      lastError.value = null;
      if (w.resumed) return;
      reset();
      if (w.kind !== "browser") return;
      takeTurn(gather); // what the welcome changes is drawn before
      void tellEnvironment();
    },
    onFrame: frame,
  });
  const out: Outbox = { send: (m) => connection.send(m), post: (m) => connection.post(m) };

  function frame(m: ServerMessage): void {
    switch (m.type) {
      case "start":
        if (m.start.trial.startsWith("nat-")) {
          // Beside everything else: it neither ends the gathering alone nor counts for the camera.
          void trials.get(m.start.trial)?.stop();
          trials.set(m.start.trial, new NATTrial(m.start, out));
          natTrial.value = m.start.trial;
          if (m.start.trial !== "nat-1") gather(); // measured anew: the mapping shows in a gathering of its own
          break;
        }
        if (alone === 0) gather();
        hold.started(m.start.trial);
        if (m.start.trial.startsWith("gather-")) {
          const end = gatherAlone(m.start.trial, m.start.iceServers, out, () => {}, GATHER_MS);
          trials.set(m.start.trial, { stop: async () => end() });
          break;
        }
        laterAlone();
        void trials.get(m.start.trial)?.stop();
        trials.set(m.start.trial, new Trial(m.start, out));
        break;
      case "stop":
        void trials.get(m.stop.trial)?.stop();
        trials.delete(m.stop.trial);
        hold.stopped(m.stop.trial);
        if (m.stop.trial === natTrial.value) natTrial.value = ""; // the stop of one that was given up may come after the start of the next
        break;
      case "description": // the server's frames are in order: start has come before, or the trial has ended
        trials.get(m.description.trial)?.description?.(m.description, m.ref ?? 0);
        break;
      case "candidate":
        trials.get(m.candidate.trial)?.candidate?.(m.candidate, m.ref ?? 0);
        break;
      case "snapshot":
        newest = m.snapshot;
        pace.due();
        break;
      case "events":
        remember(m.events ?? []); // a frame that only carries an ack has none
        break;
      case "error":
        lastError.value = m.error;
    }
  }

  function remember(more: Event[]): void {
    for (const e of more) {
      if (e.seq < eventsSeen) continue; // a resume may bring some twice
      eventsSeen = e.seq + 1;
      series.add(e); // while its sample is whole
      kept.add(e);
    }
    if (more.length > 0) pace.due();
  }

  function gather(): void {
    giveUp(gather);
    endAlone();
    endAlone = gatherAlone(`alone-${++alone}`, welcome.value?.iceServers ?? [], out, (g) => (gathering.value = g));
  }

  /** laterAlone gives the gathering alone the time to end by itself: what it brings tells a NAT from none, and a connected trial cuts its own gathering short. */
  function laterAlone(): void {
    setTimeout(endAlone, ALONE_BESIDE_MS);
    endAlone = () => {};
  }

  async function tellEnvironment(): Promise<void> {
    out.send({ type: "environment", environment: await environment() });
  }

  function run({ trials, swapOfferer, iceServers, experiment, holdMs }: Parameters<RoomModel["run"]>[0]): void {
    out.send({
      type: "run",
      run: {
        ...(trials?.length ? { trials } : {}),
        ...(swapOfferer ? { swapOfferer } : {}),
        ...(iceServers !== undefined ? { iceServers } : {}),
        ...(experiment ? { experiment } : {}),
        ...(holdMs ? { holdMs } : {}),
      },
    });
  }

  function othersAreThere(): boolean {
    const { peers = [], beside = [] } = newest ?? {};
    return peers.some((p) => p.online && p.kind !== "watcher" && p.id !== welcome.value?.peer && !beside.some((b) => b.peer === p.id));
  }

  /** gathered waits until the gathering alone is complete, or for as long as that is worth it. */
  function gathered(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, REVEALED_MS);
      const end = gathering.subscribe(({ state }) => {
        if (state !== "complete") return;
        clearTimeout(timer);
        resolve();
        queueMicrotask(() => end()); // subscribe calls at once, before it has returned what ends it
      });
    });
  }

  /** reset forgets what belonged to a peer that is no more. */
  function reset(): void {
    giveUp(gather);
    endAlone();
    hold.release();
    for (const trial of trials.values()) void trial.stop();
    trials.clear();
    natTrial.value = "";
    alone = 0;
    eventsSeen = 0;
    pace.stop();
    newest = null;
    events.value = [];
    kept = new Kept();
    series = new SeriesFold();
    snapshot.value = null;
  }

  function leave(): void {
    connection.leave();
    giveUp(gather);
    endAlone();
    hold.release();
    for (const trial of trials.values()) void trial.stop();
    trials.clear();
  }

  addEventListener("pagehide", leave); // and not "dropped": the other end need not wait 30 s for a reloaded page
  addEventListener("pageshow", (e) => e.persisted && location.reload()); // out of the back/forward cache, after leaving
  addEventListener("online", () => connection.retryNow());
  connection.open();

  return {
    status: connection.status,
    welcome,
    snapshot,
    events,
    get series() {
      return series;
    },
    lastError,
    gathering,
    capturing: hold.on,
    natTrial,
    get webRTCError() {
      return (broken ??= webRTCError()); // a connection costs time: not before it is asked for
    },
    run,
    async reveal() {
      hold.take(await askForDevice());
      await tellEnvironment();
      gather();
      await gathered();
      if (othersAreThere()) run({}); // else the server starts the run when the other peer comes
    },
    release: () => hold.release(),
    watch() {
      kind = "watcher";
      connection.reopen();
    },
    leave,
  };
}
