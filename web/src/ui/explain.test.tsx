import { afterEach, expect, test, vi } from "vitest";
import { renderToString } from "preact-render-to-string";
import { setLang } from "../i18n";
import { ask, Explain, Explanations, meanings } from "./Explain";

const opened = { newState: "open" };
const texts = () => [...renderToString(<Explanations />).matchAll(/<p id="explain-([a-z]+)" popover="auto"[^>]* role="note"[^>]*>([^<]*)<\/p>/g)].map(([, term, text]) => [term!, text!] as const);

afterEach(() => {
  meanings.value = undefined;
  vi.unstubAllGlobals();
});

test("a word opens the popover of its term, which is there and never empty", async () => {
  await setLang("en");
  expect(renderToString(<Explain term="relay">TURN</Explain>)).toContain('popovertarget="explain-relay"');
  expect(texts()).toHaveLength(11);
  expect(new Set(texts().map(([, text]) => text))).toEqual(new Set(["Loading …"]));
});

test("what the words mean is fetched once, in the reader's language, when the first is opened", async () => {
  await setLang("ja");
  const sent = vi.fn(async (_path: string) => new Response('{"relay":"<TURN>","host":"ホスト"}'));
  vi.stubGlobal("fetch", sent);
  await ask({ newState: "closed" });
  expect(sent).not.toHaveBeenCalled();
  await Promise.all([ask(opened), ask(opened)]);
  await ask(opened);
  expect(sent.mock.calls).toEqual([["/api/v1/terms?lang=ja"]]);
  const all = new Map(texts());
  expect(all.get("relay")).toBe("&lt;TURN>");
  expect(all.get("host")).toBe("ホスト");
  expect(all.get("trial")).toBe("–"); // a server of another version
});

test("a server that does not answer is told, and asked again at the next opening", async () => {
  await setLang("en");
  const sent = vi.fn(async () => new Response("", { status: 502 }));
  vi.stubGlobal("fetch", sent);
  await ask(opened);
  expect(texts()[0]![1]).toContain("The server did not answer");
  sent.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  await ask(opened);
  expect(texts()[0]![1]).toContain("The server did not answer");
  sent.mockResolvedValueOnce(new Response('{"host":"An address"}'));
  await ask(opened);
  expect(texts()[0]).toEqual(["host", "An address"]);
});
