import { t } from "../i18n";
import type { Finding, ICEServer, Lang, Needs, PeerReport, Report, TrialKind } from "../protocol.gen";

/** none stands wherever nothing was measured: an absent number is not a zero. */
export const none = "–";

export function ms(value: number | null | undefined): string {
  if (value == null) return none;
  if (value < 10) return `${value.toFixed(1)} ms`;
  if (value < 10_000) return `${Math.round(value)} ms`;
  return `${(value / 1000).toFixed(1)} s`;
}

/** seconds is for what lasts: a time-out, an outage. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 100_000 ? 1 : 0)} s`;
}

export function percent(value: number | null | undefined): string {
  return value == null ? none : `${value < 10 && value > 0 ? value.toFixed(1) : Math.round(value)} %`;
}

export function rate(kbps: number | null | undefined): string {
  if (kbps == null) return none;
  return kbps < 1000 ? `${Math.round(kbps)} kbit/s` : `${(kbps / 1000).toFixed(1)} Mbit/s`;
}

/** endpoint joins address and port; an IPv6 address needs brackets (RFC 3986 section 3.2.2). */
export function endpoint(address: string, port: number | undefined): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return port == null || port < 0 ? host : `${host}:${port}`;
}

/** shortAddress keeps a .local name's beginning: it is random, eight digits tell it from the others on the page. */
export function shortAddress(address: string): string {
  return address.replace(/^([0-9a-f]{8})-[0-9a-f-]{27}\.local/i, "$1….local");
}

/** endpointText is an endpoint for the reader, who may be told no address. */
export function endpointText({ address, port }: { address: string; port: number }): string {
  return address ? endpoint(shortAddress(address), port) : `${t("candidates.hidden")}:${port}`;
}

/** labelOf is what a person called the machine, or "" where that says no more than its letter. */
export function labelOf({ id, label }: Pick<PeerReport, "id" | "label">): string {
  return label.trim().toLowerCase() === id.toLowerCase() ? "" : label;
}

export function peerName(report: Report | null, id: string): string {
  const peer = report?.peers.find((p) => p.id === id);
  const label = peer && labelOf(peer);
  return label ? `${id.toUpperCase()} ${label}` : id.toUpperCase();
}

/** causeOf is the finding that the verdict names as its cause: the server's first of that code, since those of an earlier run stand last. */
export function causeOf(report: Report): Finding | undefined {
  return report.findings.find((f) => f.code === report.verdict.cause);
}

/**
 * columns are the two peers that the page shows side by side. More than two stand in a report after one has left and another came. A headless peer beside one of
 * them takes no place: it is shown with the peer on whose machine it stands.
 */
export function columns(report: Report): PeerReport[] {
  const peers = report.peers.filter((p) => p.kind !== "watcher" && !report.beside.some((b) => b.peer === p.id));
  if (peers.length <= 2) return peers;
  const newest = report.trials.reduce<Report["trials"][number] | null>((best, tr) => (!best || tr.startedAtMs > best.startedAtMs ? tr : best), null);
  const shown = peers.filter((p) => p.id === newest?.a || p.id === newest?.b);
  return shown.length === 2 ? shown : peers.filter((p) => p.online).slice(0, 2);
}

/** cheapest is the first trial that connects: they stand in the order of what they cost. */
export function cheapest(report: Report): TrialKind | undefined {
  return report.trials.find((tr) => tr.outcome === "connected")?.kind;
}

/** trialKinds are those that something on the page is about, in the order of the protocol; with more, those of a table that knows of others. */
export function trialKinds(report: Report, more: readonly TrialKind[] = []): TrialKind[] {
  const order: TrialKind[] = ["alone", "nat", "host", "stun", "relay-udp", "relay-tcp", "custom"];
  const there = new Set<TrialKind>([...report.trials.map((tr) => tr.kind), ...more]);
  for (const p of report.peers) for (const c of p.candidates) there.add(c.trial);
  return order.filter((k) => there.has(k));
}

/** hiddenCredential is what the server writes in the place of a secret. */
const hiddenCredential = "(hidden)";

/** pasted is a server as it stands in a line to copy: with words in the place of what is hidden. */
export function pasted(s: ICEServer): ICEServer {
  return s.credential === hiddenCredential ? { ...s, username: "USERNAME", credential: "CREDENTIAL" } : s;
}

/** needsSecret tells whether the line to paste has placeholders in it: this server's credentials are hidden, and hold for one room only. */
export function needsSecret(servers: readonly ICEServer[]): boolean {
  return servers.some((s) => s.credential === hiddenCredential);
}

/** snippet is the line to paste, or "" where no configuration is known to help. */
export function snippet(needs: Needs, servers: readonly ICEServer[]): string {
  if (needs === "nothing") return "new RTCPeerConnection({ iceServers: [] })";
  if (servers.length === 0) return "";
  const one = (s: ICEServer) => {
    const urls = s.urls.map((u) => JSON.stringify(u));
    const members = [`urls: ${urls.length === 1 ? urls[0] : `[${urls.join(", ")}]`}`];
    if (s.username) members.push(`username: ${JSON.stringify(s.username)}`);
    if (s.credential) members.push(`credential: ${JSON.stringify(s.credential)}`);
    return members.length === 1 ? `{ ${members[0]} }` : `{\n      ${members.join(",\n      ")},\n    }`;
  };
  return `new RTCPeerConnection({\n  iceServers: [\n${servers.map((s) => `    ${one(pasted(s))},`).join("\n")}\n  ],\n})`;
}

/** findingURL is where this server says everything about a cause. */
export function findingURL(code: string, lang: Lang): string {
  return `/findings?lang=${lang}#${code}`;
}
