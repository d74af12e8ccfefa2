import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { packable } from "../dev/pack.ts";

const dist = join(import.meta.dirname, "../dist");

describe.skipIf(!existsSync(join(dist, "index.html")))("the built page (run npm run build first)", () => {
  const all = readdirSync(dist, { recursive: true, encoding: "utf8" });
  const files = all.filter((f) => packable.test(f));
  const text = (f: string) => readFileSync(join(dist, f), "utf8");

  // What dev/slim.ts leaves of uPlot is 10, of Preact with its signals 8.
  test("is at most 90 kB gzipped with all its parts, as it is handed out, in the language that has more", () => {
    const sizes = files.map((f) => [f, statSync(join(dist, all.includes(`${f}.gz`) ? `${f}.gz` : f)).size] as const);
    const total = sizes.reduce((sum, [, size]) => sum + size, 0);
    const language = (l: string) => sizes.find(([f]) => f.startsWith(`assets/${l}-`))?.[1] ?? 0;
    expect(total - Math.min(language("en"), language("ja")), sizes.map(([f, size]) => `${f} ${size}`).join("\n")).toBeLessThanOrEqual(90_000);
  });

  test("is packed as it is", () => {
    const packed = all.filter((f) => f.endsWith(".gz"));
    for (const f of packed) expect(gunzipSync(readFileSync(join(dist, f))).equals(readFileSync(join(dist, f.slice(0, -3)))), f).toBe(true);
    expect(packed.length).toBeGreaterThan(4);
  });

  test("has a style for what the server draws", () => {
    const drawn = readFileSync(join(import.meta.dirname, "../../report/testdata/drawing/asymmetric-nat-revealed.wide.json"), "utf8");
    const classes = new Set([...drawn.matchAll(/class=\\?"([^"\\]+)/g)].flatMap(([, said]) => said!.split(" ")));
    const styles = files.filter((f) => f.endsWith(".css")).map(text).join("");
    expect(classes).toContain("pic-box");
    for (const c of classes) expect(styles, c).toContain(`.${c}`);
  });

  test("needs nothing that the Content-Security-Policy of server/headers.go forbids", () => {
    expect(text("index.html")).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
    for (const f of files) {
      expect(text(f), f).not.toMatch(/\beval\(|new Function\(/);
      if (f.endsWith(".css")) expect(text(f), f).not.toMatch(/@import|url\((?!\/assets\/)/);
    }
  });

  test("loads nothing from elsewhere", () => {
    for (const f of files) expect(text(f).replaceAll(/http:\/\/www\.w3\.org\/\S+?["'`]/g, ""), f).not.toMatch(/(src|href)=["']https?:|import\(["'`]https?:/);
  });

  test("holds no fixture", () => {
    for (const f of files) expect(text(f).includes("showFixture"), f).toBe(false);
  });
});
