import { expect, test } from "vitest";
import { endpoint, labelOf, ms, percent, rate, shortAddress, snippet } from "./format";

test("what was not measured is not zero", () => {
  expect(ms(null)).toBe("–");
  expect(ms(0)).toBe("0.0 ms");
  expect(percent(null)).toBe("–");
  expect(percent(0)).toBe("0 %");
  expect(rate(undefined)).toBe("–");
});

test("an IPv6 endpoint has brackets", () => {
  expect(endpoint("fd00::1", 5000)).toBe("[fd00::1]:5000");
  expect(endpoint("10.1.0.2", -1)).toBe("10.1.0.2");
});

test("a masked name is cut, an address never", () => {
  expect(shortAddress("4d1c7a52-0b1e-4f7e-9a53-1f0e6d6a8f10.local")).toBe("4d1c7a52….local");
  expect(shortAddress("4d1c7a52-0b1e-4f7e-9a53-1f0e6d6a8f10.local:40812")).toBe("4d1c7a52….local:40812");
  expect(shortAddress("192.168.100.200")).toBe("192.168.100.200");
});

test("the line to paste is JavaScript that runs", () => {
  const servers = [{ urls: ["stun:10.9.0.10:3478", "stun:10.9.0.10:3479"] }, { urls: ["turn:10.9.0.10"], username: "u", credential: 'p"w' }];
  const made = new Function("RTCPeerConnection", `return ${snippet("stun", servers)}`)(function (this: unknown, config: unknown) {
    return config as object;
  });
  expect(made).toEqual({ iceServers: [{ urls: servers[0]!.urls }, { urls: "turn:10.9.0.10", username: "u", credential: 'p"w' }] });
  expect(snippet("nothing", [])).toContain("iceServers: []");
  expect(snippet("unreachable", [])).toBe("");
});

test("a label that only says the letter again is none", () => {
  expect(labelOf({ id: "a", label: "A" })).toBe("");
  expect(labelOf({ id: "a", label: "B" })).toBe("B");
});
