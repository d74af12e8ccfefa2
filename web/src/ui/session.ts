import { signal } from "@preact/signals";
import { lang } from "../i18n";
import { openRoom, type RoomModel } from "../model/room";
import type { RoomCreated } from "../protocol.gen";
import { serverInfo } from "../signaling/info";
import { info } from "./context";
import { place, placeOf } from "./reports/place";

/** The page's own state: which room it stands in, and whether the reader has entered it. Alone on the start page, it stands in a room that nobody knows yet. */
export const code = signal("");
export const model = signal<RoomModel | null>(null);
export const entered = signal(false);
/** failure is why no room could be made; empty: nothing is wrong. */
export const failure = signal("");

/** begin reads the address and opens what it names. */
export async function begin(at: URL): Promise<void> {
  void serverInfo().then((answer) => (info.value = answer), () => undefined);
  place.value = placeOf(at);
  if (place.value.at !== "room") return; // no room is needed to read what is finished
  const named = /^\/r\/([^/]+)\/?$/.exec(at.pathname)?.[1];
  if (named) {
    entered.value = true;
    open(decoded(named), [...(at.searchParams.get("name") ?? "").trim()].slice(0, 64).join("")); // as many characters as the server keeps
    return;
  }
  try {
    open(await makeRoom(), "");
  } catch (e) {
    failure.value = e instanceof Error ? e.message : String(e);
  }
}

/** decoded leaves a malformed escape as it is: the server then says that there is no such room. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function open(room: string, label: string): void {
  code.value = room;
  model.value = openRoom({ room, lang: lang(), ...(label ? { label } : {}) });
}

export async function makeRoom(): Promise<string> {
  return (await ask<RoomCreated>("/api/v1/rooms", { method: "POST" })).room;
}

async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  const answer = await fetch(path, init);
  if (!answer.ok) {
    const body = (await answer.json().catch(() => null)) as { message?: string; hint?: string } | null;
    throw new Error([body?.message ?? `HTTP ${answer.status} ${answer.statusText}`, body?.hint].filter(Boolean).join(" "));
  }
  return (await answer.json()) as T;
}

/** roomURL keeps the language in the address, so that a link sent on is read in the language it was sent in. */
export function roomURL(room: string, label = ""): string {
  const query = new URLSearchParams(location.search);
  query.delete("name");
  if (label) query.set("name", label);
  const rest = query.toString();
  return `/r/${encodeURIComponent(room)}${rest && `?${rest}`}`;
}

/** enter turns the private room of the start page into the one that others are invited to. What was gathered alone is kept, unless a name is to be told. */
export async function enter(label: string): Promise<void> {
  try {
    if (!code.value || model.value?.status.value.kind === "gone") open(await makeRoom(), label);
    else if (label) {
      model.value?.leave();
      open(await makeRoom(), label);
    }
  } catch (e) {
    failure.value = e instanceof Error ? e.message : String(e);
    return;
  }
  history.pushState(null, "", roomURL(code.value, label));
  entered.value = true;
  scrollTo(0, 0);
}

/** replaceRoom leads away from a room that cannot be had. */
export async function replaceRoom(): Promise<void> {
  try {
    location.assign(roomURL(await makeRoom()));
  } catch (e) {
    failure.value = e instanceof Error ? e.message : String(e);
  }
}

/** switchLang loads the page anew: the sentences of the findings come from the server, in the language of the hello. */
export function switchLang(): void {
  const there = new URL(location.href);
  there.searchParams.set("lang", lang() === "ja" ? "en" : "ja");
  model.value?.leave();
  location.assign(there.href);
}
