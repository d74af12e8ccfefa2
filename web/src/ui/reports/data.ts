import { signal } from "@preact/signals";
import { lang } from "../../i18n";
import type { Comparison, Diagnosed, Event, KeptReports, Needs, ProtocolError, Report } from "../../protocol.gen";
import { place } from "./place";

/** Loaded is what is on its way, here, or not to be had. */
export type Loaded<T> = { state: "loading" } | { state: "ready"; value: T } | { state: "failed"; code: string; message: string };

/** Refused is an answer of the server that is no result. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

async function answered(answer: Response): Promise<Response> {
  if (answer.ok) return answer;
  const body = (await answer.json().catch(() => null)) as { error?: ProtocolError } | null;
  throw new Refused(body?.error?.code ?? "", [body?.error?.message ?? `HTTP ${answer.status} ${answer.statusText}`, body?.error?.hint].filter(Boolean).join(". "));
}

export function failed(e: unknown): { state: "failed"; code: string; message: string } {
  return { state: "failed", code: e instanceof Refused ? e.code : "", message: e instanceof Error ? e.message : String(e) };
}

/** get asks the server for something in the reader's language. */
export async function get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  const answer = await fetch(`/api/v1/${path}?${new URLSearchParams({ lang: lang(), ...query })}`);
  return (await answered(answer)).json() as Promise<T>;
}

export function fetchList(needs: Needs | "", before = ""): Promise<KeptReports> {
  return get("reports", { ...(needs && { needs }), ...(before && { before }) });
}

export function fetchComparison(a: string, b: string): Promise<Comparison> {
  return get("compare", { a, b });
}

/** Finished is a report with the events that it was made from, as far as they are at hand. */
export interface Finished {
  report: Report;
  events: readonly Event[];
}

export async function fetchFinished(id: string): Promise<Finished> {
  const path = `reports/${encodeURIComponent(id)}`;
  const [report, recording] = await Promise.all([get<Report>(path), fetch(`/api/v1/${path}/recording`).then(answered)]);
  return { report, events: eventsOf(await recording.text()) };
}

/** fetchEvent is one event of a room that is open; undefined: it has none of that number. */
export async function fetchEvent(room: string, seq: number): Promise<Event | undefined> {
  return eventsOf(await (await answered(await fetch(`/api/v1/rooms/${encodeURIComponent(room)}/recording?from=${seq}&to=${seq}`))).text())[0];
}

/** eventsOf reads a recording; what is none has no events. */
export function eventsOf(text: string): Event[] {
  try {
    const events = text.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line) as Event);
    return events.every((e) => typeof e.seq === "number" && typeof e.type === "string") ? events : [];
  } catch {
    return [];
  }
}

/** Brought is what came of the files that a person has dropped on the page. */
export type Brought = { names: string[] } & (Finished | { diagnosed: Diagnosed });

/** brought: null while nothing was dropped. */
export const brought = signal<Loaded<Brought> | null>(null);

/** MAX_FILES are those that can be compared. */
export const MAX_FILES = 2;

/** bring sends files to be diagnosed; the server keeps nothing of them. */
export async function bring(files: readonly File[]): Promise<void> {
  const body = new FormData();
  for (const f of files) body.append("file", f, f.name);
  brought.value = { state: "loading" };
  if (place.value.at !== "brought") {
    history.pushState("brought", "", `/reports?lang=${lang()}`); // back leads to where the reader was
    place.value = { at: "brought" };
  }
  scrollTo(0, 0);
  const names = files.map((f) => f.name);
  try {
    const answer = (await (await answered(await fetch(`/api/v1/diagnose?lang=${lang()}`, { method: "POST", body }))).json()) as Report | Diagnosed;
    brought.value = {
      state: "ready",
      value: "comparison" in answer ? { names, diagnosed: answer } : { names, report: answer, events: files.length === 1 ? eventsOf(await files[0]!.text()) : [] },
    };
  } catch (e) {
    brought.value = failed(e);
  }
}
