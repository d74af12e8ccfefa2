import { expect, test } from "vitest";
import { fingerprintOf, MAX_UFRAG, newUfrag, ofFamily, onlyFamily, withUfrag } from "./sdp";

const sdp = [
  "v=0",
  "o=- 1 2 IN IP4 127.0.0.1",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:0123456789012345678901",
  "a=fingerprint:sha-256 0a:1B:ff",
  "a=candidate:1 1 udp 2113937151 192.0.2.7 50000 typ host",
  "a=candidate:2 1 udp 2113937151 2001:db8::7 50001 typ host",
  "a=candidate:3 1 udp 2113937151 0a1b2c3d-0000-4000-8000-000000000000.local 50002 typ host",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
  "a=ice-ufrag:abcd",
  "",
].join("\r\n");

test("a long fragment in all sections, and nothing else changed", () => {
  const ufrag = newUfrag(200);
  expect(ufrag).toMatch(/^[A-Za-z0-9+/]{200}$/);
  const munged = withUfrag(sdp, ufrag);
  expect(munged.match(/^a=ice-ufrag:.*\r$/gm)).toEqual([`a=ice-ufrag:${ufrag}\r`, `a=ice-ufrag:${ufrag}\r`]);
  expect(munged.replaceAll(ufrag, "abcd")).toBe(sdp);
});

test("no fragment is longer than both ends' fit into one connectivity check", () => {
  expect(newUfrag(256)).toHaveLength(MAX_UFRAG);
  expect(2 * MAX_UFRAG + 1).toBeLessThan(509); // RFC 8489 section 14.3
  expect(newUfrag(1)).toHaveLength(4);
  expect(newUfrag(8)).not.toBe(newUfrag(8));
});

test("candidates of the other family stay here, names pass", () => {
  const line = (address: string) => `candidate:1 1 udp 2113937151 ${address} 50000 typ srflx raddr 2001:db8::1 rport 0`;
  expect(ofFamily(line("192.0.2.7"), "ipv4")).toBe(true);
  expect(ofFamily(line("192.0.2.7"), "ipv6")).toBe(false);
  expect(ofFamily(line("fe80::1"), "ipv6")).toBe(true);
  expect(ofFamily(line("fe80::1"), "ipv4")).toBe(false);
  for (const family of ["ipv4", "ipv6"] as const) {
    expect(ofFamily(line("0a1b2c3d-0000-4000-8000-000000000000.local"), family)).toBe(true);
    expect(ofFamily("", family)).toBe(true);
  }
  expect(onlyFamily(sdp, "ipv6").match(/candidate:\d/g)).toEqual(["candidate:2", "candidate:3"]);
  expect(onlyFamily(sdp, "ipv4").match(/candidate:\d/g)).toEqual(["candidate:1", "candidate:3"]);
});

test("the fingerprint as samples tell it", () => {
  expect(fingerprintOf(sdp)).toBe("sha-256 0A:1B:FF");
  expect(fingerprintOf("v=0\r\n")).toBe("");
});
