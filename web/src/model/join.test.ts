import { describe, expect, test } from "vitest";
import type { PageLink } from "../protocol.gen";
import { placesFor, roomLink, typedCode } from "./join";

const lan: PageLink = { host: "10.9.0.10", url: "http://10.9.0.10:8080/", secureUrl: "https://10.9.0.10:8443/", device: "eth0", reach: "network" };
const six: PageLink = { host: "fd00::1", url: "http://[fd00::1]:8080/", secureUrl: "https://[fd00::1]:8443/", device: "eth0", reach: "network" };
const docker: PageLink = { host: "172.17.0.1", url: "http://172.17.0.1:8080/", device: "docker0", reach: "virtual" };
const self: PageLink = { host: "127.0.0.1", url: "http://127.0.0.1:8080/", device: "lo", reach: "loopback" };
const origins = (here: string, links: PageLink[]) => placesFor(new URL(here), links).list.map((p) => p.origin);

describe("the address to hand on", () => {
  test.each(["http://localhost:8080/", "http://127.0.0.1:8080/r/x", "http://[::1]:8080/", "http://scope.localhost:8080/", "http://127.0.1.1:8080/", "http://0.0.0.0:8080/"])("%s is nowhere else", (here) => {
    const { own, list } = placesFor(new URL(here), [lan, six]);
    expect(own).toBe("localhost");
    expect(list.map((p) => p.origin)).toEqual(["http://10.9.0.10:8080", "http://[fd00::1]:8080", "https://10.9.0.10:8443", "https://[fd00::1]:8443"]);
  });

  test("what worked here goes first, and stands there once", () => {
    expect(origins("http://10.9.0.10:8080/", [lan])).toEqual(["http://10.9.0.10:8080", "https://10.9.0.10:8443"]);
    expect(origins("https://scope.example/r/x", [lan])).toEqual(["https://scope.example", "https://10.9.0.10:8443", "http://10.9.0.10:8080"]);
    expect(placesFor(new URL("http://10.9.0.10:8080/"), [lan]).own).toBe("fits");
  });

  test("a container's bridge goes last, this page's own among them", () => {
    expect(origins("http://10.9.0.10:8080/", [docker, lan]).at(-1)).toBe("http://172.17.0.1:8080");
    const at = placesFor(new URL("http://172.17.0.1:8080/"), [lan, docker]);
    expect(at.own).toBe("virtual");
    expect(at.list[0]!.origin).toBe("http://10.9.0.10:8080");
    expect(placesFor(new URL("http://172.17.0.1:8080/"), [docker]).own).toBe("fits"); // nothing better is known
  });

  test("a server that listens on the loopback alone has none", () => {
    expect(placesFor(new URL("http://127.0.0.1:8080/"), [self])).toEqual({ own: "alone", list: [{ origin: "http://127.0.0.1:8080", device: "", doubtful: false }] });
    expect(placesFor(new URL("http://10.9.0.10:8080/"), []).list).toHaveLength(1); // the server has not answered yet
  });

  test("the link", () => expect(roomLink("http://[fd00::1]:8080", "bodu-kafi-zomu-rita")).toBe("http://[fd00::1]:8080/r/bodu-kafi-zomu-rita"));
});

test.each([
  "bodu-kafi-zomu-rita",
  " BODU KAFI ZOMU RITA ",
  "bodukafizomurita",
  "Bodu–Kafi—Zomu‐Rita",
  "ｂｏｄｕ－ｋａｆｉ－ｚｏｍｕ－ｒｉｔａ",
  "bodu kafi-zomu_rita.",
  "http://10.9.0.10:8080/r/bodu-kafi-zomu-rita?lang=ja#path",
  "10.9.0.10:8080/r/bodu-kafi-zomu-rita/",
])("%s is the code that was meant", (text) => expect(typedCode(text)).toBe("bodu-kafi-zomu-rita"));

test.each([
  ["e2e-7", "e2e-7"],
  [" Line 3 ", "Line3"],
  ["http://x/r/Line-3", "Line-3"],
  ["/r/%E0%A4%A", "%E0%A4%A"],
  ["", ""],
])("%s is left as %s", (text, want) => expect(typedCode(text)).toBe(want));
