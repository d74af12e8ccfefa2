import { useRef } from "preact/hooks";
import { focusOfEvents, pointed } from "../../model/focus";
import type { RoomModel } from "../../model/room";
import type { Event } from "../../protocol.gen";
import { useRoom } from "../context";

/** Fold is what takes events in their order, each once. */
export interface Fold {
  add(e: Event): void;
}

/** firstFrom is the place of the first event with at least that number: they rise without gaps, but the oldest may have been let go. */
export function firstFrom(events: readonly Event[], seq: number): number {
  const first = events[0];
  return first ? Math.min(events.length, Math.max(0, seq - first.seq)) : 0;
}

/** Feed hands each event of a growing list to a fold once, and begins a new fold where the list began anew. */
export class Feed<F extends Fold> {
  fold: F;
  #next = 0;
  readonly #make: () => F;

  constructor(make: () => F) {
    this.#make = make;
    this.fold = make();
  }

  take(events: readonly Event[]): F {
    const end = (events.at(-1)?.seq ?? -1) + 1;
    if (end < this.#next) {
      this.fold = this.#make();
      this.#next = 0;
    }
    for (let i = firstFrom(events, this.#next); i < events.length; i++) this.fold.add(events[i]!);
    this.#next = end;
    return this.fold;
  }
}

/** useFold is a fold of all events of the room, up to now. */
export function useFold<F extends Fold>(make: () => F): F {
  const room = useRoom();
  const feed = useRef<{ feed: Feed<F>; room: unknown } | null>(null);
  if (feed.current?.room !== room) feed.current = { feed: new Feed(make), room };
  return feed.current.feed.take(room.events.value);
}

/** pointAt lights events, and what they are about everywhere on the page. */
export function pointAt(room: RoomModel, seqs: readonly number[]): void {
  const events = room.events.peek();
  pointed.value = focusOfEvents(
    room.snapshot.peek(),
    seqs.flatMap((seq) => events[firstFrom(events, seq)] ?? []),
  );
}
