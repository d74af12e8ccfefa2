import { signal } from "@preact/signals";

/** Place is what the page shows: a room (the start page is one, too), or something about reports that are finished. */
export type Place = { at: "room" } | { at: "list" } | { at: "report"; id: string } | { at: "compare"; a: string; b: string } | { at: "brought" };

export const place = signal<Place>({ at: "room" });

/** placeOf reads an address. What was dropped on the page has none. */
export function placeOf(url: URL): Place {
  if (/^\/reports\/?$/.test(url.pathname)) return { at: "list" };
  const id = /^\/reports\/([0-9a-f]+)\/?$/.exec(url.pathname)?.[1];
  if (id) return { at: "report", id };
  if (/^\/compare\/?$/.test(url.pathname)) return { at: "compare", a: url.searchParams.get("a") ?? "", b: url.searchParams.get("b") ?? "" };
  return { at: "room" };
}

/**
 * left tells whether the reader has gone from where the page stands, by the address and the state of the entry in the history. What was dropped on the page has no
 * address of its own: its entry is marked, and those of the links within it have a fragment.
 */
export function left(from: Place, to: URL, state: unknown): boolean {
  return placeOf(to).at !== from.at && !(from.at === "brought" && (state === "brought" || to.hash));
}
