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
