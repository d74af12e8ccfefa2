import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { numberedTexts, numbersOf, shortClasses, shortVariables } from "../dev/short.ts";
import { en } from "./i18n/en";
import { ja } from "./i18n/ja";

const file = (lang: string) => readFileSync(join(import.meta.dirname, `i18n/${lang}.ts`), "utf8");

/** built is what the page gets of a language. */
function built(lang: string, numbers: ReadonlyMap<string, number>): Record<string | number, string> {
  const code = numberedTexts(file(lang), numbers).replace(/^import .*$/gm, "");
  return new Function(code.replace(/export const \w+[^=]*=/, "return")) () as Record<string, string>;
}

test.each([["en", en], ["ja", ja]] as const)("%s: each text is there, under its number or its key", (lang, texts: Record<string, string>) => {
  const keys = Object.keys(texts);
  const named = keys.map((k) => `"${k}"`).join();
  const numbers = numbersOf(file("en"), [named]); // nothing is put together: all that can be numbered are
  for (const some of [numbers, numbersOf(file("en"), [named, 'word("trial", kind) + t(`mark.${step}.text`)'])]) {
    const page = built(lang, some);
    for (const key of keys) expect(page[some.get(key) ?? key], key).toBe(texts[key]);
    expect(Object.keys(page)).toHaveLength(keys.length);
  }
  expect(numbers.size).toBeGreaterThan(keys.length / 2);
});

test("a key that is put together keeps its name", () => {
  const keys = ["a.b", "a.b.text", "trial.host", "gone.full.text", "mark.is.yes", "mark.sent", "mark.", "plain"];
  const texts = keys.map((k) => `  "${k}": "x",`).join("\n");
  const all = keys.map((k) => `t("${k}")`).join();
  const numbers = (code: string) => [...numbersOf(texts, [all, code]).keys()];
  expect(numbers("")).toEqual(keys.slice(0, -1));
  expect([...numbersOf(texts, ['t("a.b")']).keys()]).toEqual(["a.b"]);
  expect(numbers('word("trial", kind); word("gone", `${why}.text`)')).toEqual(["a.b", "a.b.text", "mark.is.yes", "mark.sent", "mark."]);
  expect(numbers('word(of(a, b) ? "mark" : `a.${b}`, x)')).toEqual(["trial.host", "gone.full.text"]);
  expect(numbers("t(`mark.is.${m}`)")).not.toContain("mark.is.yes");
  expect(numbers("t(`mark.${m}`)")).not.toContain("mark.sent");
  expect(numbers("t(`mark.${m}`)")).not.toContain("mark."); // a word of the wire may be empty
  expect(numbers("t(`mark.${m}`)")).toContain("mark.is.yes");
  expect(numbers("t(`a.${m}.text`)")).not.toContain("a.b.text");
});

test("a class that is not only said in class= keeps its name", () => {
  const styles = [".row-head,.row-foot>.is-lit{}.tone-bad{}.card .flash-once{}.pic-node{}"];
  const short = (...code: string[]) => [...shortClasses(styles, code).keys()];
  const all = '<i class="row-head row-foot is-lit tone-bad flash-once" />';
  expect(short(all, '<i data-testid="row-foot" />')).toEqual(["flash-once", "is-lit", "row-foot", "row-head", "tone-bad"]);
  expect(short(all, "<i class={`tone-${tone}`} />")).not.toContain("tone-bad");
  expect(short(all, 'e.classList.add("flash-once")')).not.toContain("flash-once");
  expect(short(all, 'const cls = "is-lit";')).not.toContain("is-lit");
  expect(short("<i class={a ? `row-head ${b}` : \"row-foot\"} />")).toEqual(["row-foot", "row-head"]);
  expect(new Set(shortClasses(styles, [all]).values()).size).toBe(5);
  expect(short()).toEqual([]); // said by nothing here: by the server, or a library
});

test("a class that the server says keeps its name", () => {
  const fragment = readFileSync(join(import.meta.dirname, "../../compare/compare.gohtml"), "utf8");
  const said = [...fragment.matchAll(/class="([^"{]*)"/g)].flatMap(([, names]) => names!.split(" "));
  expect(said).toContain("compared-head");
  expect([...shortClasses([said.map((c) => `.${c}{}`).join("")], [`<i class="${said.join(" ")}" />`]).keys()]).toEqual([]);
});

test("a variable that a script speaks of keeps its name", () => {
  const styles = [":root{--line: 1px;--line-strong:2px;--depth:3}", ".a{width:var(--line)}"];
  expect([...shortVariables(styles, ["--depth;"])]).toEqual([["--line", "--a"], ["--line-strong", "--b"]]);
});
