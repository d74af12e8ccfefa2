import { describe, expect, test } from "vitest";
import { createHmac } from "node:crypto";
import { execFileSync } from "node:child_process";
import { parse } from "../Custom";
import { coturnConf, coturnServers, hostOf, line, mintCommand } from "./lines";

const hidden = [{ urls: ["turn:10.9.0.10:3478?transport=udp"], username: "(hidden)", credential: "(hidden)" }];

test("JSON is what the page itself takes", () => {
  const json = line("turn-udp", hidden, "json");
  expect(parse(json).error).toBe("");
  expect(JSON.parse(json)).toEqual([{ urls: ["turn:10.9.0.10:3478?transport=udp"], username: "USERNAME", credential: "CREDENTIAL" }]);
  expect(line("nothing", [], "json")).toBe("[]");
  expect(line("unreachable", [], "json")).toBe("");
});

test("JavaScript is code that runs", () => {
  const make = new Function("RTCPeerConnection", `return ${line("turn-udp", coturnServers("turn-udp", { host: "fd00::1", nat: false }), "javascript")}`) as (c: unknown) => unknown;
  let given: unknown;
  make(function (config: unknown) {
    given = config;
  });
  expect(given).toEqual({ iceServers: [{ urls: "turn:[fd00::1]:3478?transport=udp", username: "USERNAME", credential: "CREDENTIAL" }] });
});

test.each([
  ["turn.example.com", "turn.example.com"],
  [" turn:10.0.0.5:3478?transport=udp ", "10.0.0.5"],
  ["https://turn.example.com/x", "turn.example.com"],
  ["[fd00::1]:3478", "fd00::1"],
  ["fd00::1", "fd00::1"],
  ['a"b\n', "ab"],
  ["", ""],
])("of %j the host is %j", (written, host) => expect(hostOf(written)).toBe(host));

describe("a coturn", () => {
  test("for STUN needs no secret", () => {
    expect(coturnServers("stun", { host: "s.example", nat: false })).toEqual([{ urls: ["stun:s.example:3478"] }]);
    expect(coturnConf("stun", { host: "s.example", nat: true })).toBe("listening-port=3478\nstun-only\n");
  });

  test("for a relay shares a secret, and tells its outside address where it stands behind a NAT", () => {
    const conf = coturnConf("turn-tcp", { host: "t.example", nat: true });
    for (const l of ["listening-port=3478", "realm=t.example", "use-auth-secret", "static-auth-secret=SECRET", "external-ip=OUTSIDE-IP/INSIDE-IP"]) expect(conf.split("\n")).toContain(l);
    expect(coturnConf("turn-tcp", { host: "", nat: false })).not.toContain("external-ip");
    expect(coturnServers("turn-tcp", { host: "", nat: false })[0]!.urls).toEqual(["turn:TURN-HOST:3478?transport=tcp"]);
  });

  test("gets credentials that it accepts", () => {
    let out: string;
    try {
      out = execFileSync("sh", ["-c", mintCommand], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    } catch {
      return; // no openssl here
    }
    const [username, credential] = out.trim().split("\n");
    expect(username).toMatch(/^\d{10}:NAME$/);
    expect(credential).toBe(createHmac("sha1", "SECRET").update(username!).digest("base64"));
  });
});
