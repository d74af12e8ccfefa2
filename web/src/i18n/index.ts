import type { Lang } from "../protocol.gen";
import type { en } from "./en";

export type Key = keyof typeof en;
export type Messages = Record<Key, string>;

/** Only the reader's language is loaded. */
const load: Record<Lang, () => Promise<Messages>> = {
  en: async () => (await import("./en")).en,
  ja: async () => (await import("./ja")).ja,
};
let current: Lang = "en";
let texts = {} as Messages;

export function lang(): Lang {
  return current;
}

/** setLang is called once; what it promises is kept before anything is drawn. lang() knows at once: another language is another page load, because the server's sentences change with it. */
export async function setLang(to: Lang): Promise<void> {
  current = to;
  texts = await load[to]();
}

/** pickLang: what the URL says wins, then the browser's own order of languages. */
export function pickLang(query: string | null, preferred: readonly string[]): Lang {
  for (const tag of query ? [query] : preferred) {
    if (tag.startsWith("ja")) return "ja";
    if (tag.startsWith("en")) return "en";
  }
  return "en";
}

/** t is the text of a key in the reader's language, with its {placeholders} filled in. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** word narrows a word of the wire to a key, so that a word of a newer server is shown as it is instead of as nothing. */
export function word(prefix: string, value: string): string {
  const key = `${prefix}.${value}`;
  return key in texts ? t(key as Key) : value;
}
