// Which address of the server the other machine is to open, and what people make of a room's code. Both pure.
import type { PageLink } from "../protocol.gen";

/** Place is one address to hand on. */
export interface Place {
  origin: string;
  /** device is the server's interface that has the address; empty: not known, or this page's own address. */
  device: string;
  /** doubtful: it leads to this machine's own containers only, as far as its name tells. */
  doubtful: boolean;
}

/**
 * Own says what this page's own address is worth over there: it leads to the server ("fits"), to the other machine itself ("localhost"), to a device that only this machine
 * has ("virtual"), or, where the server has no other address either, nowhere ("alone").
 */
export type Own = "fits" | "localhost" | "virtual" | "alone";

export interface Places {
  own: Own;
  /** list is never empty, and its first is the one to hand on. */
  list: Place[];
}

/** isLoopback: RFC 6761 section 6.3 gives all of .localhost to the machine itself; 0.0.0.0 and [::] open as such. */
function isLoopback(host: string): boolean {
  return /^(localhost|.*\.localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\])\.?$/.test(host);
}

/** bare is a URL's host as the server writes it. */
function bare(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/** placesFor: this page's own address worked here, so it is the one to hand on, unless it means something else over there. The server's are in its own order. */
export function placesFor(here: Location | URL, links: readonly PageLink[]): Places {
  const secureFirst = here.protocol === "https:";
  const others: Place[] = [];
  for (const scheme of secureFirst ? (["secureUrl", "url"] as const) : (["url", "secureUrl"] as const)) {
    for (const link of links) {
      const url = link[scheme];
      if (url && link.reach !== "loopback") others.push({ origin: new URL(url).origin, device: link.device ?? "", doubtful: link.reach === "virtual" });
    }
  }
  const own: Place = { origin: here.origin, device: "", doubtful: false };
  const sure = others.some((p) => !p.doubtful);
  let what: Own = "fits";
  if (isLoopback(here.hostname)) what = others.length > 0 ? "localhost" : "alone";
  else if (sure && links.some((l) => l.reach === "virtual" && l.host === bare(here.hostname))) what = "virtual";
  const list = what === "fits" || what === "alone" ? [own, ...others] : others;
  const seen = new Set<string>();
  return { own: what, list: list.filter((p) => !seen.has(p.origin) && seen.add(p.origin)).sort((a, b) => Number(a.doubtful) - Number(b.doubtful)) };
}

export function roomLink(origin: string, code: string): string {
  return `${origin}/r/${encodeURIComponent(code)}`;
}

/** What a code of this server looks like: eight syllables, in fours (signaling/code.go). */
const MADE = /^[a-z]{16}$/;

/**
 * typedCode is what was meant by what was typed or pasted: all of a link, capitals, full-width letters from a Japanese keyboard, spaces, any dashes or none. What is no code
 * of this server's making (serve --open-rooms takes others) only loses its spaces.
 */
export function typedCode(text: string): string {
  const linked = /\/r\/([^/?#]+)/.exec(text)?.[1];
  const typed = (linked ? decoded(linked) : text).normalize("NFKC").replace(/\s+/g, linked ? " " : "");
  const letters = typed.toLowerCase().replace(/[\s\p{Dash}_.,・ー]/gu, "");
  return MADE.test(letters) ? letters.replace(/(.{4})(?=.)/g, "$1-") : typed.trim();
}

/** decoded leaves a malformed escape as it is: the server then says that there is no such room. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
