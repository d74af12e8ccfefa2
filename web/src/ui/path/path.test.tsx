import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { renderToString } from "preact-render-to-string";
import { setLang } from "../../i18n";
import { lit, pinned } from "../../model/focus";
import type { Drawing, Picture, Report } from "../../protocol.gen";
import { fixtures } from "../fixtures";
import { remember, reserved } from "./drawing";
import { focusOf, Path } from "./Path";

// The models that the server made of the lab's recordings, and two drawings of one of them (report/draw_test.go).
const dir = new URL("../../../../report/testdata/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, dir), "utf8");
const model = (name: string): Picture => JSON.parse(read(`picture/${name}.json`));
const drawing = (form: string): Drawing => JSON.parse(read(`drawing/asymmetric-nat-revealed.${form}.json`));
const report = (): Report => ({ ...fixtures["asymmetric"]!("en"), picture: model("asymmetric-nat-revealed") });

beforeAll(() => setLang("en"));

describe.each(["wide", "tall"])("%s", (form) => {
  test("every element can be reached and says its sentence", () => {
    const r = report();
    const d = drawing(form);
    remember(r.room, d);
    const html = renderToString(<Path report={r} />);
    expect(html.match(/tabindex="0"/gi)).toHaveLength(1);
    expect(html.match(/tabindex="-1"/gi)).toHaveLength(d.order.length - 1);
    for (const i of d.order) expect(html).toContain(`aria-label="${d.marks[i]!.sentence.replace(/"/g, "&quot;")}"`);
    for (const m of d.marks) expect(html).toContain(m.svg);
    expect(html.match(/class="pic-hit"/g)).toHaveLength(d.marks.filter((m) => m.kind === "arrow").length);
    expect(html).not.toMatch(/ style=|undefined|NaN|\[object/);
  });

  test("an arrow lights up with its pair, and points at its events", () => {
    const r = report();
    const d = drawing(form);
    remember(r.room, d);
    const focus = focusOf(r, d.marks.find((m) => m.id === "stun A>B")!);
    expect(focus.lanes).toEqual(["stun|a>b"]);
    expect(focus.pairs?.length).toBeGreaterThan(0);
    pinned.value = { lanes: ["stun|a>b"] };
    expect(lit.value.lanes.has("stun|a>b")).toBe(true);
    expect(renderToString(<Path report={r} />).match(/data-lit/g)).toHaveLength(1);
    pinned.value = null;
  });
});

test("each mark of a drawing is something of the picture", () => {
  const { nodes, legs, ways } = model("asymmetric-nat-revealed");
  const ids = { node: nodes.map((n) => n.id), leg: legs.map((a) => a.id), way: ways.map((w) => w.kind as string), arrow: ways.flatMap((w) => w.arrows.map((a) => a.id)), wire: [undefined] };
  for (const m of drawing("wide").marks) expect(ids[m.kind], m.id).toContain(m.of);
});

test("before the drawing there is as much room as it takes, and the drawing of another room is not shown", () => {
  const r = report();
  remember("another", drawing("wide"));
  expect(renderToString(<Path report={r} />)).not.toContain("pic-node");
  // What the HTML report draws of all models has the widths and heights of the page's own drawings.
  for (const file of readdirSync(new URL("picture/", dir)).filter((f) => f.endsWith(".svg"))) {
    const sizes = [...read(`picture/${file}`).matchAll(/viewBox="0 0 (\d+) (\d+)"/g)].map((m) => [Number(m[1]), Number(m[2])] as const);
    expect(sizes).toHaveLength(2);
    for (const [width, height] of sizes) expect(reserved(model(file.replace(".svg", "")), width), file).toMatchObject({ width, height });
  }
});
