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

/** showEvent leads to an event: to its line in the signaling log where it has one, else to what was recorded. */
export function showEvent(seq: number): void {
  const line = document.getElementById(`event-${seq}`);
  if (!line) {
    inspected.value = seq;
    return;
  }
  for (let box = line.closest("details"); box; box = box.parentElement?.closest("details") ?? null) box.open = true;
  line.scrollIntoView({ block: "center" });
  line.focus({ preventScroll: true });
  line.classList.remove("flash");
  void line.offsetWidth; // restarts the animation
  line.classList.add("flash");
}
