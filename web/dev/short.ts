// Names that people write and nobody reads in the built page: the keys of its texts, its classes, and the variables of its styles. Spelled out they are 5 kB of the 90 that the page may weigh
// gzipped. Only the build shortens them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

const src = join(import.meta.dirname, "../src");
const read = (file: string) => readFileSync(join(src, file), "utf8");
const files = (which: RegExp) => readdirSync(src, { recursive: true, encoding: "utf8" }).filter((f) => which.test(f) && !/\.test\.|\.gen\.|\/fixtures\//.test(f));

/** entry is a text in en.ts and ja.ts: its key, and what it says. */
const entry = /^ {2}(?:"([^"\n]+)"|(\w+)):\s*("(?:[^"\\\n]|\\.)*"),$/gm;

/** firstOf is the first argument of each call of word(). */
function firstOf(code: string): string[] {
  return [...code.matchAll(/\bword\(/g)].map(({ index, 0: call }) => {
    const from = index + call.length;
    let depth = 0;
    let to = from;
    for (; to < code.length && (depth > 0 || code[to] !== ","); to++) depth += "({[".includes(code[to]!) ? 1 : ")}]".includes(code[to]!) ? -1 : 0;
    return code.slice(from, to);
  });
}

/** numbersOf gives each text a number whose key stands whole wherever it is asked for. Keys that are put together, as in t(`mark.${step}`) and word("trial", kind), stay, and so do those that nothing names. */
export function numbersOf(texts: string, code: readonly string[]): Map<string, number> {
  const pattern = (template: string) => template.replaceAll(".", "\\.").replace(/\$\{.*?\}/g, "[^.]*");
  const together = code.flatMap((text) => [
    ...[...text.matchAll(/`((?:[\w-]+\.)+(?:\$\{[^`]*?\}[\w.-]*)+)`/g)].map((m) => pattern(m[1]!)),
    ...firstOf(text).flatMap((first) => [...first.matchAll(/["`]([\w-].*?)["`]/g)].map((m) => `${pattern(m[1]!)}\\..*`)),
  ]);
  const stays = new RegExp(`^(?:${together.join("|")})$`);
  const all = code.join("\n");
  const keys = [...texts.matchAll(entry)].map((m) => m[1] ?? m[2]!);
  return new Map(keys.filter((k) => k.includes(".") && !stays.test(k) && all.includes(`"${k}"`)).map((k, i) => [k, i]));
}

/** numberedTexts is a file of texts in which those that have a number are a list. */
export function numberedTexts(texts: string, numbers: ReadonlyMap<string, number>): string {
  const list: string[] = [];
  const named = texts.replace(entry, (whole, dotted: string | undefined, plain: string | undefined, text: string) => {
    const n = numbers.get(dotted ?? plain!);
    if (n === undefined) return whole;
    list[n] = text;
    return "";
  });
  if (list.filter(Boolean).length !== numbers.size) throw new Error("dev/short.ts: a text is not written as one string on one line, so it cannot be numbered");
  return named.replace(/(export const \w+[^=]*= )(\{[^]*\})(?= as const;|;)/, (_, head: string, rest: string) => `${head}Object.assign([${list.join()}], ${rest})`);
}

/** classesIn are the places where a source says which classes an element has: class="…", and class={…} up to its closing brace. */
function classesIn(code: string): [from: number, to: number][] {
  return [...code.matchAll(/\sclass=(?="|\{)/g)].map((m) => {
    const from = m.index + m[0].length;
    if (code[from] === '"') return [from, code.indexOf('"', from + 1) + 1];
    let depth = 0;
    let to = from;
    do depth += code[to] === "{" ? 1 : code[to] === "}" ? -1 : 0;
    while (to++ < code.length && depth > 0);
    return [from, to];
  });
}

/** Classes that the tests look for. */
const kept = ["verdict-sign", "topbar-tools"];
/** Classes that the server says, in what the page puts into itself as it comes (compare/compare.gohtml): these, and what begins like them. The build knows no file outside of web; short.test.ts does. */
const served = /^(?:compared|changes|sign-word)/;
const className = /(?<=\.)[a-z]\w*(?:-\w+)*/g;
const wordsOf = (text: string) => text.match(/[a-z]\w*(?:-\w+)+-?/g) ?? [];

/** shortClasses gives the classes short names that are said in class=, only there, and never put together. What no source here says comes from the server's drawing or from a library. */
export function shortClasses(styles: readonly string[], code: readonly string[]): Map<string, string> {
  const all = new Set(styles.flatMap((s) => s.match(className) ?? []));
  const stays = new Set(kept);
  const here = new Set<string>();
  for (const text of code) {
    let at = 0;
    let rest = "";
    for (const [from, to] of classesIn(text)) {
      rest += text.slice(at, from);
      at = to;
      for (const w of wordsOf(text.slice(from, to))) here.add(w);
      for (const [, begin] of text.slice(from, to).matchAll(/([a-z]\w*(?:-\w+)*-)\$\{/g)) for (const c of all) if (c.startsWith(begin!)) stays.add(c);
    }
    rest += text.slice(at);
    rest = rest.replace(/\s[\w-]+=("[^"\n]*"|\{`[^`\n]*`\})/g, ""); // other attributes name no classes
    for (const [, said] of rest.matchAll(/(["`][^"`\n]*["`])/g)) for (const w of wordsOf(said!)) stays.add(w);
  }
  const short = names(all);
  return new Map([...all].filter((c) => here.has(c) && !stays.has(c) && !served.test(c)).sort().map((c) => [c, short.next().value!]));
}

/** shortVariables gives short names to the variables that the styles declare and no script speaks of. */
export function shortVariables(styles: readonly string[], code: readonly string[]): Map<string, string> {
  const all = new Set(styles.flatMap((s) => s.match(/--[a-z][\w-]*(?=:)/g) ?? []));
  const short = names(new Set());
  return new Map([...all].filter((v) => !code.some((text) => text.includes(v))).sort().map((v) => [v, `--${short.next().value}`]));
}

function* names(taken: ReadonlySet<string>): Generator<string, never> {
  const letters = "abcdefghijklmnopqrstuvwxyz";
  for (let n = 0; ; n++) {
    const name = (n < 26 ? "" : letters[Math.floor(n / 26) - 1]!) + letters[n % 26]!;
    if (!taken.has(name)) yield name;
  }
}

export function short(): Plugin {
  let numbers = new Map<string, number>();
  let classes = new Map<string, string>();
  let variables = new Map<string, string>();
  return {
    name: "short",
    apply: "build",
    enforce: "pre",
    buildStart() {
      const code = files(/(?<!i18n\/(?:en|ja))\.tsx?$/).map(read);
      const page = readFileSync(join(src, "../index.html"), "utf8");
      numbers = numbersOf(read("i18n/en.ts"), code);
      const styles = files(/\.css$/).map(read);
      variables = shortVariables(styles, code);
      classes = shortClasses(styles, [...code, `"${[...page.matchAll(/class="([^"]*)"/g)].map((m) => m[1]).join(" ")}"`]);
    },
    transform(code, id) {
      if (!id.startsWith(src)) return undefined;
      if (id.endsWith(".css")) return { code: code.replace(className, (c) => classes.get(c) ?? c).replace(/--[a-z][\w-]*/g, (v) => variables.get(v) ?? v), map: null };
      if (/\/i18n\/(en|ja)\.ts$/.test(id)) return { code: numberedTexts(code, numbers), map: null };
      if (!/\.tsx?$/.test(id)) return undefined;
      for (const [from, to] of classesIn(code).reverse()) code = code.slice(0, from) + code.slice(from, to).replace(/[a-z]\w*(?:-\w+)+(?!-?\$\{|[\w-])/g, (c) => classes.get(c) ?? c) + code.slice(to);
      code = code.replace(/(?<!=)"([\w.-]+)"(?!:)/g, (whole, key: string) => String(numbers.get(key) ?? whole));
      // Children as arguments instead of a property: the word "children" stands 500 times in what is built.
      if (id.endsWith("x")) code = `/** @jsxRuntime classic @jsx jsx @jsxFrag Fragment */import { h as jsx, Fragment } from "preact";${code}`;
      return { code, map: null };
    },
  };
}
