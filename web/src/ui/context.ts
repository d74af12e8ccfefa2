import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { signal } from "@preact/signals";
import type { Info } from "../protocol.gen";
import type { RoomModel } from "../model/room";

/** info is what the server says of itself; null until it has answered. */
export const info = signal<Info | null>(null);

export const Room = createContext<RoomModel | null>(null);

export function useRoom(): RoomModel {
  const room = useContext(Room);
  if (!room) throw new Error("this component stands outside of a room");
  return room;
}

/** inspected is the event whose recording the reader asked to see. */
export const inspected = signal<number | null>(null);

/** openAround opens all that an element stands in: a note's evidence is a box in a box. */
export function openAround(e: Element | null): void {
  for (let box = e?.closest("details"); box; box = box.parentElement?.closest("details")) box.open = true;
}

/** showEvent leads to an event: to its line in the signaling log where it has one, else to what was recorded. */
export function showEvent(seq: number): void {
  const line = document.getElementById(`event-${seq}`);
  if (!line) {
    inspected.value = seq;
    return;
  }
  openAround(line);
  line.scrollIntoView({ block: "center" });
  line.focus({ preventScroll: true });
  line.classList.remove("flash");
  void line.offsetWidth; // restarts the animation
  line.classList.add("flash");
}
