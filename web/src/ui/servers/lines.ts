// The lines of a configuration, as text: what goes into the application, and what a coturn needs so that they hold.
import type { ICEServer, Needs } from "../../protocol.gen";
import { pasted, snippet } from "../format";

export type Form = "javascript" | "json";
export const forms: readonly Form[] = ["javascript", "json"];

/** line is the configuration as code, or as JSON as the field "own iceServers" takes it; empty: none is known to help. */
export function line(needs: Needs, servers: readonly ICEServer[], form: Form): string {
  if (form === "javascript") return snippet(needs, servers);
  if (needs === "nothing") return "[]";
  return servers.length === 0 ? "" : JSON.stringify(servers.map(pasted), null, 2);
}

/** The port of STUN and TURN (RFC 8489 section 18.6); coturn's own default. */
const PORT = 3478;

/** Coturn is what the reader tells of a coturn. */
export interface Coturn {
  /** its name or address; empty: not told yet */
  host: string;
  /** it stands behind a NAT and must tell the outside address */
  nat: boolean;
}

/** The word in the place of a host that was not told yet. */
export const HOST = "TURN-HOST";

/** hostOf takes what a person writes into such a field: a name or an address, of a pasted URL only the host. */
export function hostOf(written: string): string {
  const bare = written.trim().replace(/^[a-z][a-z0-9+.-]*:(\/\/)?/i, (scheme) => (/^(stuns?|turns?|https?):/i.test(scheme) ? "" : scheme));
  const bracketed = /^\[([0-9a-f:.%]+)\]/i.exec(bare);
  if (bracketed) return bracketed[1]!;
  const cut = bare.replace(/[/?#].*$/, "");
  if ((cut.match(/:/g) ?? []).length > 1) return cut.replace(/[^0-9a-f:.%]/gi, ""); // an IPv6 address
  return cut.replace(/:\d*$/, "").replace(/[^a-z0-9._-]/gi, "");
}

function inURL(host: string): string {
  return host.includes(":") ? `[${host}]` : host || HOST;
}

/** relays tells whether what the pair needs is a relay, and so credentials. */
export function relays(needs: Needs): boolean {
  return needs === "turn-udp" || needs === "turn-tcp";
}

/** coturnServers is the same configuration with a coturn in this server's place. */
export function coturnServers(needs: Needs, { host }: Coturn): ICEServer[] {
  const at = `${inURL(host)}:${PORT}`;
  if (!relays(needs)) return [{ urls: [`stun:${at}`] }];
  return [{ urls: [`turn:${at}?transport=${needs === "turn-tcp" ? "tcp" : "udp"}`], username: "USERNAME", credential: "CREDENTIAL" }];
}

/** coturnConf is what /etc/turnserver.conf must say so that the line holds. */
export function coturnConf(needs: Needs, { host, nat }: Coturn): string {
  const lines = [`listening-port=${PORT}`];
  if (!relays(needs)) return [...lines, "stun-only", ""].join("\n");
  lines.push(`realm=${host && !host.includes(":") ? host : "turn.example.com"}`, "use-auth-secret", "static-auth-secret=SECRET", "fingerprint", "min-port=49152", "max-port=65535");
  if (nat) lines.push("external-ip=OUTSIDE-IP/INSIDE-IP");
  return [...lines, ""].join("\n");
}

/** secretCommand makes a secret that nobody guesses. */
export const secretCommand = "openssl rand -hex 32";

/** mintCommand makes a user name and its credential, good for a day (draft-uberti-behave-turn-rest-00): the server keeps no list, it only checks both against its secret. */
export const mintCommand = [
  "USERNAME=\"$(( $(date +%s) + 86400 )):NAME\"",
  "CREDENTIAL=\"$(printf %s \"$USERNAME\" | openssl dgst -sha1 -hmac 'SECRET' -binary | openssl base64)\"",
  "printf '%s\\n' \"$USERNAME\" \"$CREDENTIAL\"",
].join("\n");
