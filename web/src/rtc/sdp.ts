// The few words of a session description that trials read or change. Pure.

/** The characters of a username fragment (RFC 8839 section 5.4, ice-char). There are 64, so that a random byte picks each equally often. */
const ICE_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const MIN_UFRAG = 4;
/**
 * A fragment may be 256 characters long, but a connectivity check carries both ends' and a colon in USERNAME, which must stay under 509 bytes (RFC 8489
 * section 14.3). Chromium 156 obeys: two fragments of 253 connect, two of 254 never do. Firefox 153 cuts its own to 255.
 */
export const MAX_UFRAG = 253;

/** newUfrag is a random fragment of about the wanted length: as much of it as a connectivity check has room for. */
export function newUfrag(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.min(Math.max(length, MIN_UFRAG), MAX_UFRAG)));
  return Array.from(bytes, (b) => ICE_CHARS[b % ICE_CHARS.length]).join("");
}

/** withUfrag gives a description another fragment, in all its sections: with one transport they have the same. */
export function withUfrag(sdp: string, ufrag: string): string {
  return sdp.replace(/^a=ice-ufrag:[^\r\n]*/gm, `a=ice-ufrag:${ufrag}`);
}

export type Family = "ipv4" | "ipv6";

export function isFamily(s: string | undefined): s is Family {
  return s === "ipv4" || s === "ipv6";
}

/** ofFamily tells whether a candidate-attribute (RFC 8839 section 5.1) is of that IP family. A name hides its family, so it is of both. */
export function ofFamily(candidate: string, family: Family): boolean {
  const address = candidate.split(" ")[4] ?? "";
  if (address.includes(":")) return family === "ipv6";
  return family === "ipv4" || !/^[\d.]+$/.test(address);
}

/** onlyFamily leaves the other family's candidates out of a description. */
export function onlyFamily(sdp: string, family: Family): string {
  return sdp.replace(/^a=(candidate:[^\r\n]*)\r?\n/gm, (line, candidate: string) => (ofFamily(candidate, family) ? line : ""));
}

/** fingerprintOf is that of the certificate in a description (RFC 8122 section 5), in the form of Sample.localFingerprint. */
export function fingerprintOf(sdp: string): string {
  const found = /^a=fingerprint:(\S+) ([0-9a-f:]+)/im.exec(sdp);
  return found ? fingerprint(found[1]!, found[2]!) : "";
}

export function fingerprint(algorithm: string, value: string): string {
  return algorithm && value ? `${algorithm.toLowerCase()} ${value.toUpperCase()}` : "";
}
