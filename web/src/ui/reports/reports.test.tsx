import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { renderToString } from "preact-render-to-string";
import { setLang } from "../../i18n";
import { langValues, type Comparison, type KeptReport } from "../../protocol.gen";
import { App } from "../App";
import { fixtures } from "../fixtures";
import { entered, model } from "../session";
import { bring, brought, eventsOf, fetchEvent } from "./data";
import { Kept } from "./Pages";
import { left, place, placeOf } from "./place";

beforeEach(async () => {
  vi.stubGlobal("location", new URL("http://10.9.0.10:8080/reports"));
  vi.stubGlobal("history", { pushState: vi.fn() });
  vi.stubGlobal("scrollTo", () => {});
  entered.value = false;
  model.value = null;
  brought.value = null;
  await setLang("en");
});
afterEach(() => {
  place.value = { at: "room" };
  vi.unstubAllGlobals();
});

const id = "0123456789abcdef0123456789abcdef";
const kept: KeptReport = {
  id,
  room: "kept-01234567",
  startedAt: "2026-03-04T05:06:07.000Z",
  endedAt: "2026-03-04T05:08:07.000Z",
  needs: "stun",
  cause: "mdns-masked",
  causeTitle: "Host addresses are hidden",
  confidence: "certain",
  runs: 1,
  peers: [
    { id: "a", label: "camera", kind: "browser", browser: "Chromium 156" },
    { id: "b", label: "", kind: "browser", browser: "Firefox 153" },
  ],
};
const side = { room: "r", generatedAt: "2026-03-04T05:08:07.000Z", verdict: { needs: "stun", cause: "mdns-masked", causeTitle: "Hidden", confidence: "certain", final: true }, peers: kept.peers } as const;
const comparison: Comparison = {
  schema: "icescope.comparison/v1",
  lang: "en",
  before: { ...side, peers: [...side.peers] },
  after: { ...side, peers: [] },
  tone: "better",
  summary: "Now connects directly; before, only with STUN.",
  changes: [],
  unchanged: [],
  html: '<h1 data-testid="comparison">Now connects directly</h1><time class="muted" datetime="2026-03-04T05:08:07Z">2026-03-04 05:08 UTC</time><time datetime="a &lt; b">a &lt; b</time>',
};

test.each([
  ["/", "room"],
  ["/r/bodu-kafi", "room"],
  ["/reports", "list"],
  [`/reports/${id}`, "report"],
  ["/reports/../x", "room"],
  [`/compare?a=${id}&b=x`, "compare"],
])("%s is the place %s", (path, at) => expect(placeOf(new URL(path, "http://h")).at).toBe(at));

test.each([
  ["/reports", null, true], // back to the list
  ["/reports#timeline", null, false], // a link within what was dropped
  ["/reports", "brought", false], // back from there
  ["/", null, true],
])("from what was dropped, %s with the state %s leads away: %s", (to, state, away) => expect(left({ at: "brought" }, new URL(to, "http://h"), state)).toBe(away));

test("a link within a kept report leads nowhere else", () => {
  expect(left({ at: "report", id }, new URL(`/reports/${id}#finding-x`, "http://h"), null)).toBe(false);
  expect(left({ at: "report", id }, new URL("/reports", "http://h"), null)).toBe(true);
});

describe.each(langValues)("in %s", (lang) => {
  beforeEach(() => setLang(lang));

  test("a comparison is what the server has written, with its moments as the reader writes them", () => {
    place.value = { at: "brought" };
    brought.value = { state: "ready", value: { names: ["a.jsonl", "b.jsonl"], diagnosed: { reports: [], comparison } } };
    const html = renderToString(<App />);
    expect(html).toContain('<h1 data-testid="comparison">Now connects directly</h1>');
    const local = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" }).format(new Date("2026-03-04T05:08:07Z"));
    expect(html).toContain(`<time class="muted" datetime="2026-03-04T05:08:07Z">${local}</time><time datetime="a &lt; b">a &lt; b</time>`);
    expect(html).not.toMatch(/ style=|undefined|NaN|\[object|UTC/);
  });

  test("the list names each report once and never a room", () => {
    const html = renderToString(<Kept first={[kept]} next="1-x" needs="" durable={false} days={30} />);
    expect(html).toContain(`href="/reports/${id}?lang=${lang}"`);
    expect(html).toContain("camera ↔ Firefox 153");
    expect(html).toContain('data-testid="reports-more"');
    expect(html).not.toMatch(/ style=|undefined|NaN|\[object/);
  });

  test("nothing kept, loading and failing are told", () => {
    expect(renderToString(<Kept first={[]} next="" needs="stun" durable days={0} />)).toContain('data-testid="reports-empty"');
    place.value = { at: "list" };
    expect(renderToString(<App />)).toMatch(/data-testid="reports-loading".*data-testid="drop"/s);
    place.value = { at: "brought" };
    brought.value = { state: "failed", code: "bad-message", message: "x.txt:1: not an event" };
    expect(renderToString(<App />)).toMatch(/role="alert"[^>]*data-code="bad-message".*x\.txt:1: not an event/s);
  });

  test("a finished report is drawn by the parts of a room, with nothing to run", () => {
    place.value = { at: "brought" };
    brought.value = { state: "ready", value: { names: ["x.jsonl"], report: fixtures["asymmetric"]!(lang), events: [] } };
    const html = renderToString(<App />);
    expect(html).toContain('data-testid="verdict"');
    expect(html).toContain('data-testid="finding-asymmetric-nat"');
    expect(html).not.toContain('data-testid="button-run-again"');
    expect(html).not.toContain('data-testid="status"');
    expect(html).not.toContain('class="invite');
  });
});

test("files are sent once, and what came of them is shown", async () => {
  const report = fixtures["flat"]!("en");
  const sent = vi.fn(async (_path: string, _init: RequestInit) => new Response(JSON.stringify(report)));
  vi.stubGlobal("fetch", sent);
  await bring([new File(['{"seq":0,"atMs":0,"type":"room"}\n'], "x.jsonl")]);
  expect(place.value.at).toBe("brought");
  expect(brought.value).toMatchObject({ state: "ready", value: { names: ["x.jsonl"], events: [{ seq: 0 }] } });
  expect((sent.mock.calls[0]![1].body as FormData).getAll("file")).toHaveLength(1);
  sent.mockResolvedValueOnce(new Response('{"error":{"code":"too-large","message":"x is too large","hint":"try less"}}', { status: 413 }));
  await bring([new File(["x"], "x")]);
  expect(brought.value).toEqual({ state: "failed", code: "too-large", message: "x is too large. try less" });
});

test("what is no recording has no events", () => {
  expect(eventsOf("hello")).toEqual([]);
  expect(eventsOf('{"schema":"icescope.report/v1"}')).toEqual([]);
});

test("one event of a room is asked for by its number, and a refusal says why", async () => {
  const sent = vi.fn(async (path: string) =>
    path.includes("none") ? new Response(JSON.stringify({ error: { code: "unknown-room", message: "there is no room with this code", hint: "it may have expired" } }), { status: 404 }) : new Response(path.endsWith("=7") ? '{"seq":7,"atMs":1,"type":"full"}\n' : ""),
  );
  vi.stubGlobal("fetch", sent);
  expect(await fetchEvent("k7m-3xq", 7)).toEqual({ seq: 7, atMs: 1, type: "full" });
  expect(sent).toHaveBeenCalledWith("/api/v1/rooms/k7m-3xq/recording?from=7&to=7");
  expect(await fetchEvent("k7m-3xq", 8)).toBeUndefined();
  await expect(fetchEvent("none", 7)).rejects.toThrow("there is no room with this code. it may have expired");
});
