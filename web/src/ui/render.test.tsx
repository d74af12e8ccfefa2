import { signal } from "@preact/signals";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { renderToString } from "preact-render-to-string";
import { setLang } from "../i18n";
import { langValues } from "../protocol.gen";
import { App } from "./App";
import { fixtures } from "./fixtures";
import { still } from "./fixtures/show";
import { inviteLinks } from "./Invite";
import { parse } from "./Custom";
import { code, entered, model } from "./session";

beforeEach(() => {
  vi.stubGlobal("location", new URL("http://10.9.0.10:8080/r/k7m-3xq"));
  code.value = "k7m-3xq";
  entered.value = true;
});

describe.each(langValues)("in %s", (lang) => {
  test.each(Object.keys(fixtures))("%s is drawn whole", async (name) => {
    await setLang(lang);
    const report = fixtures[name]!(lang);
    model.value = still(report);
    const html = renderToString(<App />);
    expect(html).toContain(`data-testid="verdict" data-needs="${report.verdict.needs}"`);
    expect(html).toContain(`data-final="${report.verdict.final}"`);
    for (const tr of report.trials) expect(html).toContain(`data-testid="trial-${tr.kind}" data-outcome${tr.outcome && `="${tr.outcome}"`}`);
    for (const f of report.findings) expect(html).toContain(`data-testid="finding-${f.code}"`);
    const candidates = report.peers.flatMap((p) => p.candidates);
    expect(html.match(/data-testid="candidate"/g)).toHaveLength(candidates.length);
    // The policy of the page allows no style attribute, and a missing value must not be drawn as one.
    expect(html).not.toMatch(/ style=|undefined|NaN|\[object/);
  });
});

test("the verdict's cause stands first, and a note once for both peers", async () => {
  await setLang("en");
  model.value = still(fixtures["many"]!("en"));
  const html = renderToString(<App />);
  expect(html.indexOf('id="cause"')).toBeLessThan(html.indexOf('data-testid="finding-mdns-masked"'));
  expect(html).toMatch(/id="cause"[^>]*data-testid="finding-asymmetric-nat"/);
  expect(html.match(/data-testid="finding-insecure-context"/g)).toHaveLength(1);
});

test("the camera is not used in silence", async () => {
  await setLang("en");
  model.value = { ...still(fixtures["alone"]!("en")), capturing: signal(true) };
  expect(renderToString(<App />)).toContain('data-testid="release"');
});

test("an uncounted counter is a dash with its reason, not a zero", async () => {
  await setLang("en");
  model.value = still(fixtures["flat"]!("en"));
  expect(renderToString(<App />)).toContain('title="not counted by this browser"><span class="muted">–</span>');
});

test("a full room offers to watch, an unknown one a new room", async () => {
  await setLang("en");
  model.value = still(null, { kind: "gone", reason: "room-full" });
  expect(renderToString(<App />)).toContain('data-testid="watch"');
  model.value = still(null, { kind: "gone", reason: "unknown-room" });
  expect(renderToString(<App />)).toContain('data-testid="new-room"');
});

test("what was measured stays when the server goes", () => {
  model.value = still(fixtures["flat"]!("en"), { kind: "gone", reason: "shutdown" });
  const html = renderToString(<App />);
  expect(html).toContain('data-reason="shutdown"');
  expect(html).toContain('data-testid="verdict"');
});

test("iceServers that were refused are shown with what to try", () => {
  model.value = still(fixtures["flat"]!("en"), { kind: "online" }, { code: "bad-ice-servers", message: 'iceServers[0]: "sip:x" is no ICE URL', hint: "Try stun:192.0.2.1:3478" });
  expect(renderToString(<App />)).toContain("is no ICE URL. Try stun:192.0.2.1:3478");
});

test("pasted text that is no JSON is caught before it is sent", () => {
  expect(parse("[{urls: 'stun:x'}]").error).toContain("Not JSON");
  expect(parse('"stun:x"').error).toContain("no iceServers");
  expect(parse('[{"urls": "stun:x"}]').error).toBe("");
});

test("a link that leads elsewhere over there is not offered", () => {
  expect(inviteLinks("c", new URL("http://localhost:8080/"), ["10.9.0.10"])).toEqual(["http://10.9.0.10:8080/r/c"]);
  expect(inviteLinks("c", new URL("http://localhost:8080/"), ["10.9.0.10", "fd00::1"])).toEqual(["http://10.9.0.10:8080/r/c", "http://[fd00::1]:8080/r/c"]);
  expect(inviteLinks("c", new URL("https://10.9.0.10:8443/r/c"), ["10.1.0.10"])).toEqual(["https://10.9.0.10:8443/r/c"]);
});

test("nothing is drawn before the first snapshot but that it is on its way", () => {
  model.value = { ...still(null), status: signal({ kind: "connecting" }) };
  expect(renderToString(<App />)).toContain('data-needs="undetermined"');
});
