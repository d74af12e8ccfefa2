import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { renderToString } from "preact-render-to-string";
import { setLang } from "../../i18n";
import { lit, pinned } from "../../model/focus";
import type { Picture } from "../../protocol.gen";
import { fixtures } from "../fixtures";
import { draw, TALL_BELOW, type Drawing } from "./layout";
import { focusOf, Path } from "./Path";

// The models that the server made of the lab's recordings, and what the HTML report draws of them.
const dir = new URL("../../../../report/testdata/picture/", import.meta.url);
const names = readdirSync(dir).filter((f) => f.endsWith(".json")).map((f) => f.replace(".json", ""));
const model = (name: string): Picture => JSON.parse(readFileSync(new URL(`${name}.json`, dir), "utf8"));
const shown = (p: Picture) => p.ways.filter((w) => w.shown).map((w) => w.kind);

beforeAll(() => setLang("en"));

/** Every mark of a drawing: what it is, its state, its paths and its words. */
function marks(d: Drawing): string[] {
  return d.marks.map((m) => `${m.kind} ${m.id} ${m.state} ${m.shapes.map((s) => (s.is === "rect" ? `${s.x},${s.y},${s.w},${s.h}` : s.is === "path" ? s.d : `${s.x},${s.y} ${s.text}`)).join(" ")}`).sort();
}

/** The same of the report's SVG. */
function reported(svg: string): string[] {
  const plain = (s: string) => s.replace(/&#(\d+);/g, (_, n: string) => String.fromCodePoint(Number(n))).replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  return [...svg.matchAll(/<g class="pic-(\w+)[^"]*" data-id="([^"]*)" data-state="([^"]*)">(.*?)<\/g>/gs)]
    .map(([, kind, id, state, inner]) => {
      const shapes = [...inner!.matchAll(/<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"|<path d="([^"]*)"|<text x="(\S+)" y="(\S+)"[^>]*>([^<]*)</g)].map((x) =>
        x[1] !== undefined ? x.slice(1, 5).join(",") : x[5] !== undefined ? x[5] : `${x[6]},${x[7]} ${plain(x[8]!)}`,
      );
      return `${kind} ${plain(id!)} ${state} ${shapes.join(" ")}`;
    })
    .sort();
}

describe.each(names)("%s", (name) => {
  test.each([["wide", 920], ["tall", 350]] as const)("%s: page and report draw the same", (form, width) => {
    const file = readFileSync(new URL(`${name}.svg`, dir), "utf8");
    const svg = file.slice(file.indexOf(`pic-${form}"`)).split("</svg>")[0]!;
    const p = model(name);
    expect(width < TALL_BELOW).toBe(form === "tall");
    expect(marks(draw(p, shown(p), width))).toEqual(reported(svg));
  });

  test("everything stays inside, whatever is chosen", () => {
    const p = model(name);
    for (const width of [320, 390, 679, 680, 920, 1240])
      for (const kinds of [shown(p), p.ways.map((w) => w.kind), ...p.ways.map((w) => [w.kind])]) {
        const d = draw(p, kinds, width);
        for (const s of d.marks.flatMap((m) => m.shapes)) {
          if (s.is === "path") continue;
          expect(s.x, JSON.stringify(s)).toBeGreaterThanOrEqual(0);
          expect(s.x + (s.is === "rect" ? s.w : 0), JSON.stringify(s)).toBeLessThanOrEqual(width);
          expect(s.y, JSON.stringify(s)).toBeLessThanOrEqual(d.h);
        }
      }
  });

  test("every element can be reached and says its sentence", () => {
    const p = model(name);
    const html = renderToString(<Path report={{ ...fixtures["flat"]!("en"), picture: p }} />);
    expect(html.match(/tabindex="0"/gi)).toHaveLength(1);
    for (const n of p.nodes) if (n.kind !== "between" || p.nodes.every((x) => x.id !== "nat")) expect(html).toContain(`aria-label="${n.sentence.replace(/"/g, "&quot;")}"`);
    expect(html).not.toMatch(/ style=|undefined|NaN|\[object/);
  });
});

test("the height does not change when other ways turn out to tell more", () => {
  const p = model("relay-works");
  expect(draw(p, ["stun", "relay-udp"], 920).h).toBe(draw(p, ["host", "stun"], 920).h);
});

test("an arrow lights up with its pair, and points at its events", () => {
  const report = fixtures["asymmetric"]!("en");
  const p = model("asymmetric-nat-revealed");
  const stun = draw(p, ["stun"], 920).marks.find((m) => m.id === "stun A>B")!;
  const focus = focusOf({ ...report, picture: p }, stun);
  expect(focus.lanes).toEqual(["stun|a>b"]);
  expect(focus.pairs?.length).toBeGreaterThan(0);
  pinned.value = { lanes: ["stun|a>b"] };
  expect(lit.value.lanes.has("stun|a>b")).toBe(true);
  const html = renderToString(<Path report={{ ...report, picture: p }} />);
  expect(html.match(/data-lit/g)).toHaveLength(1);
  pinned.value = null;
});
