import { signal } from "@preact/signals";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { renderToString } from "preact-render-to-string";
import { setLang } from "../i18n";
import { langValues, type Event, type Lang, type Sample } from "../protocol.gen";
import { Brief } from "../model/kept";
import { App } from "./App";
import { fixtures } from "./fixtures";
import { still } from "./fixtures/show";
import { inspected } from "./context";
import { columns, findingURL, snippet } from "./format";
import { parse } from "./Custom";
import { code, entered, model } from "./session";
import { Turn } from "./Turn";

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
    const candidates = columns(report).flatMap((p) => p.candidates);
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

test("each finding's evidence has an address, and only that of the cause is open", async () => {
  await setLang("en");
  const report = fixtures["asymmetric"]!("en");
  model.value = still(report);
  const html = renderToString(<App />);
  for (const f of report.findings.filter((f) => f.evidence.length > 0 && f.severity !== "info")) expect(html).toContain(`id="finding-${f.id}" class="finding-proof"`);
  expect(html.match(/class="finding-proof" open/g)).toHaveLength(1);
});

test("two thousand pairs are a grid of which only what is in sight is drawn", async () => {
  await setLang("en");
  model.value = still(fixtures["large"]!("en"));
  const html = renderToString(<App />);
  expect(html).toMatch(/role="grid"[^>]*aria-rowcount="101" aria-colcount="101"/); // the other end signaled more than it has pairs of
  expect(html.match(/data-testid="pair"/g)!.length).toBeLessThan(160);
  expect(html).toContain("no pair formed");
  expect(html).toContain('data-selected="true"');
});

test("the configuration comes as code and as JSON, and with a coturn", async () => {
  await setLang("en");
  model.value = still(fixtures["relay"]!("en"));
  const html = renderToString(<App />);
  for (const form of ["javascript", "json"]) expect(html).toContain(`data-testid="ice-${form}"`);
  expect(html).toContain('data-testid="filter-servers-coturn"');
  expect(html).toContain("held for this room only");
});

test("the camera is not used in silence", async () => {
  await setLang("en");
  model.value = { ...still(fixtures["alone"]!("en")), capturing: signal(true) };
  expect(renderToString(<App />)).toContain('data-testid="release"');
});

test("an uncounted counter is said to be none, not a zero", async () => {
  await setLang("en");
  model.value = still(fixtures["flat"]!("en"));
  const html = renderToString(<App />);
  expect(html).toContain('data-counted="true">9 · – · – · 9');
  expect(html).toMatch(/data-testid="uncounted".*mean not measured, not zero/);
});

describe("the NAT card", () => {
  const card = async (name: string, lang: Lang = "en") => {
    await setLang(lang);
    model.value = still(fixtures[name]!(lang));
    return renderToString(<App />);
  };

  test.each(["waiting", "measuring", "off"] as const)("is there while it is %s, and the button is not for that", async (state) => {
    const html = await card(`nat-${state}`);
    expect(html).toContain(`data-testid="nat-card" data-peer="a" data-state="${state}"`);
    expect(html).not.toMatch(/<button type="button" class="button" data-testid="nat-again"/); // only disabled or absent
  });

  test("tells what may call, in both vocabularies, and how that was found", async () => {
    const html = await card("nat-port-restricted");
    expect(html).toContain('data-testid="nat-mapping" data-value="endpoint-independent"');
    expect(html).toContain('data-testid="nat-filtering" data-value="address-and-port-dependent"');
    expect(html).toContain('data-testid="nat-callers" data-value="known-ports"');
    expect(html).toContain("Port Restricted Cone");
    expect(html).toContain("must call");
    expect(html).toMatch(/<button type="button" class="button" data-testid="nat-again"/);
    expect(html.match(/data-testid="nat-step"/g)).toHaveLength(9);
    expect(html).toContain('data-step="control" data-transport="udp" data-corner="SS" data-result="answered"');
    expect(html).toMatch(/role="img" aria-label="[^"]*PS, the primary IP, the secondary port 10\.9\.0\.10:3479: blocked/);
  });

  test("a silence without its control is not called blocked", async () => {
    const html = await card("nat-not-measurable");
    expect(html).toContain('data-corner="PS" data-state="unknown"');
    expect(html).not.toContain('data-state="blocked"');
    expect(html).toContain("not measurable");
  });

  test("an answered check comes in, also while the others are under way", async () => {
    const html = await card("nat-measuring");
    expect(html).toContain('data-corner="PS" data-state="passes"');
    expect(html).toContain('data-corner="SS" data-state="unknown"');
  });

  test("a second measurement is shown while the result of the first stays", async () => {
    await setLang("en");
    model.value = { ...still(fixtures["nat-open"]!("en")), natTrial: signal("nat-2") };
    const html = renderToString(<App />);
    expect(html).toMatch(/data-testid="nat-card"[^>]*data-state="done"[^>]*aria-busy="true"/);
    expect(html).toContain("Open Internet");
    expect(html).toMatch(/disabled data-testid="nat-again"/);
  });

  test("only one's own can be measured again from here", async () => {
    expect((await card("nat-pair")).match(/data-testid="nat-again"/g)).toHaveLength(1);
  });

  test("stands on the start page too", async () => {
    entered.value = false;
    expect(await card("nat-open", "ja")).toContain('data-testid="nat-card"');
  });
});

describe("relays, experiments and a peer beside", () => {
  const html = async (lang: Lang = "en") => {
    await setLang(lang);
    model.value = still(fixtures["relay"]!(lang));
    return renderToString(<App />);
  };

  test("the strip shows the relay trials", async () => {
    for (const kind of ["relay-udp", "relay-tcp"]) expect(await html()).toContain(`data-testid="trial-${kind}"`);
  });

  test("a hidden credential is a placeholder with a hint, in both languages", async () => {
    expect(await html()).toContain("credential: &quot;CREDENTIAL&quot;");
    expect(await html()).not.toContain("(hidden)");
    expect(await html()).toMatch(/data-testid="verdict-secret"[^>]*>[^<]*TURN server/);
    expect(await html("ja")).toMatch(/data-testid="verdict-secret"[^>]*>[^<]*TURNサーバー/);
    expect(snippet("turn-udp", [{ urls: ["turn:192.0.2.1"], username: "u", credential: "c" }])).toContain('    {\n      urls: "turn:192.0.2.1",\n      username: "u",\n      credential: "c",\n    },');
  });

  test("a person's experiment has its button, or the way there", async () => {
    const page = await html();
    expect(page).toMatch(/data-testid="experiment-hold" data-state="done" data-by="person"/);
    expect(page).toContain('data-testid="experiment-run-hold"');
    expect(page).toContain('data-testid="experiment-run-port"');
    expect(page).toMatch(/disabled data-testid="experiment-run-family"/); // it is running
    expect(page).toContain("icescope peer --beside b http://10.20.0.10:8080/r/bodu-kafi-zomu-rita");
    expect(page).toContain("This is done on the page of B control room.");
    expect(page).toContain("Separates: One direction is blocked by a firewall, udp-blocked");
  });

  test("a held connection tells each loss", async () => {
    const page = await html();
    expect(page).toContain('data-testid="hold" data-outages="2"');
    expect(page).toContain("Lost 20.4 s after the start, back after 11.4 s; ICE restarts: 2. The last answer came 6.5 s before that.");
    expect(page).toContain("never back; ICE restarts: 1.");
  });

  test("a headless peer stands with the one on whose machine it is, and takes no place of its own", async () => {
    const page = await html();
    expect(page).not.toContain('data-testid="peer-c"');
    expect(page).toMatch(/data-testid="peer-b".*data-testid="beside-c".*data-trial="host" data-outcome="connected"/s);
    expect(page).toContain('data-testid="trial-relay-tcp" data-outcome="connected"');
  });

  test("each finding leads to what this server says of its cause", async () => {
    expect(await html("ja")).toContain(`href="${findingURL("one-way-block", "ja").replace("&", "&amp;")}" target="_blank"`);
  });
});

test("a browser without RTCPeerConnection says so and stays", async () => {
  await setLang("en");
  model.value = { ...still(fixtures["alone"]!("en")), webRTCError: "ReferenceError: RTCPeerConnection is not defined" };
  for (const inside of [true, false]) {
    entered.value = inside;
    expect(renderToString(<App />)).toMatch(/data-testid="no-webrtc".*RTCPeerConnection is not defined/s);
  }
});

test("the expectation is told beside the trials, and marked where a trial contradicts it", async () => {
  await setLang("en");
  model.value = still(fixtures["nat-pair"]!("en"));
  expect(renderToString(<App />)).toContain('data-testid="expectation" data-direct="true" data-first="a" data-contradicted="false"');
  model.value = still(fixtures["nat-contradicted"]!("en"));
  expect(renderToString(<App />)).toContain('data-testid="expectation" data-direct="false" data-first data-contradicted="true"');
  model.value = still(fixtures["flat"]!("en"));
  expect(renderToString(<App />)).toContain("as soon as both NATs are measured");
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

test("nothing is drawn before the first snapshot but that it is on its way", () => {
  model.value = { ...still(null), status: signal({ kind: "connecting" }) };
  expect(renderToString(<App />)).toContain('data-needs="undetermined"');
});

test("an event that is opened is shown as it was recorded; a sample that is brief is fetched first", async () => {
  await setLang("en");
  const event = (seq: number, sample: Sample): Event => ({ seq, atMs: 1234.5, peer: "a", type: "sample", sample });
  const whole = event(7, { trial: "host-1", atMs: 1200, counters: true, selectedPair: "P1" });
  model.value = { ...still(fixtures["flat"]!("en")), events: signal([whole, event(8, new Brief("host-1", "connected", "connected", 20))]) };
  const opened = (seq: number) => {
    inspected.value = seq;
    return /<dialog[^]*<\/dialog>/.exec(renderToString(<App />))![0];
  };
  expect(opened(7)).toContain("P1");
  expect(opened(8)).toMatch(/role="status">Fetching it/);
  expect(opened(8)).not.toContain("<pre");
  expect(opened(9)).toContain("has not reached this page");
  inspected.value = null;
});

test("what brought a picture that another has followed holds it no more", () => {
  const [first, second] = [{ children: "first" }, { children: "second" }];
  const turn = new Turn(first);
  expect([turn.render(), turn.render()]).toEqual(["first", "first"]);
  turn.props = second;
  expect(first.children).toBe("first"); // on the page until the other is drawn
  expect([turn.render(), turn.render()]).toEqual(["second", "second"]);
  expect([first.children, second.children]).toEqual([null, "second"]);
});
