import { expect, test } from "vitest";
import { pickLang, type Key } from ".";
import { en } from "./en";
import { ja } from "./ja";

const keys = Object.keys(en) as Key[];
const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();

test("both languages have the same keys", () => {
  expect(Object.keys(ja).sort()).toEqual([...keys].sort());
});

test.each(keys)("%s says something in both languages, with the same placeholders", (key) => {
  expect(en[key].trim()).not.toBe("");
  expect(ja[key].trim()).not.toBe("");
  expect(placeholders(ja[key])).toEqual(placeholders(en[key]));
});

test("the URL's language wins over the browser's", () => {
  expect(pickLang("ja", ["en-GB"])).toBe("ja");
  expect(pickLang(null, ["fr", "ja-JP", "en"])).toBe("ja");
  expect(pickLang("xx", ["ja"])).toBe("en");
});
