// What the page keeps of the recording: every event of the room is on its timeline, but samples are nearly all of a trial that is held, and most of what a sample
// holds is asked for by nobody. The server's recording is whole.
import type { Event, Sample, SamplePair, TrialID } from "../protocol.gen";

/** More than a server records of one room, but for a few: beyond that, the oldest go. */
const MAX_EVENTS = 20_000;
/** The newest samples are kept whole: those of a run of all trials, or of somewhat more than the last minute of one that is held. */
export const WHOLE_SAMPLES = 300;

/** Brief is as much of a sample as the timeline says of it. Those that say the same are one. */
export class Brief implements Sample {
  readonly atMs = 0;
  readonly counters = false;
  readonly pairs: SamplePair[];

  constructor(
    readonly trial: TrialID,
    readonly iceState: string,
    readonly dtlsState: string,
    pairs: number,
  ) {
    this.pairs = new Array<SamplePair>(pairs);
  }
}

/** Kept takes the events in their order, each once, as they come: a page that is slow to draw them keeps no more. */
export class Kept {
  #events: Event[] = [];
  readonly #whole: (Event & { type: "sample" })[] = [];
  /** by what they say: a trial needs a few, for its pairs form one after the other */
  readonly #briefs = new Map<string, Brief>();

  /** An event stays the same object when its sample is made brief: whatever else holds it holds no more of it, either. */
  add(e: Event): void {
    this.#events.push(e);
    if (e.type === "sample") this.#whole.push(e);
    for (const e of this.#whole.splice(0, this.#whole.length - WHOLE_SAMPLES)) e.sample = this.#brief(e.sample);
  }

  /** all that are kept, as of now */
  all(): readonly Event[] {
    this.#events.splice(0, this.#events.length - MAX_EVENTS);
    return [...this.#events];
  }

  #brief({ trial, iceState = "", dtlsState = "", pairs = [] }: Sample): Brief {
    const says = [trial, iceState, dtlsState, pairs.length].join();
    let brief = this.#briefs.get(says);
    if (!brief) {
      this.#briefs.set(says, (brief = new Brief(trial, iceState, dtlsState, pairs.length)));
    }
    return brief;
  }
}
