import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

const dist = join(import.meta.dirname, "../dist");

describe.skipIf(!existsSync(join(dist, "index.html")))("the built page (run npm run build first)", () => {
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((f) => /\.(html|js|css|svg)$/.test(f));
  const text = (f: string) => readFileSync(join(dist, f), "utf8");

  // The aim is 90 kB with everything: what dev/slim.ts leaves of uPlot is 13, Preact with its signals 9. Until then it may only shrink.
  test("is at most 108.6 kB gzipped with all its parts, in the language that has more", () => {
    const sizes = files.map((f) => [f, gzipSync(text(f), { level: 9 }).length] as const);
    const total = sizes.reduce((sum, [, size]) => sum + size, 0);
    const language = (l: string) => sizes.find(([f]) => f.startsWith(`assets/${l}-`))?.[1] ?? 0;
    expect(total - Math.min(language("en"), language("ja")), sizes.map(([f, size]) => `${f} ${size}`).join("\n")).toBeLessThanOrEqual(108_600);
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
