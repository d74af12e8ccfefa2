// How much room texts take: estimates that hold for every font of the page, so that nothing has to be measured before it is drawn.

/** Where the CJK blocks of Unicode begin: characters that are as wide as they are high. */
const FIRST_WIDE = 0x2e80;

export function textWidth(s: string, size: number): number {
  let w = 0;
  for (const c of s) {
    const code = c.codePointAt(0)!;
    w += code === 0x200b ? 0 : code >= FIRST_WIDE ? 100 : 57;
  }
  return Math.trunc((w * size) / 100);
}

/** clip cuts what has no room; the sentence has it whole. */
export function clip(s: string, room: number, size: number): string {
  if (textWidth(s, size) <= room) return s;
  const chars = [...s];
  while (chars.length > 1 && textWidth(chars.join(""), size) + size > room) chars.pop();
  return `${chars.join("").trimEnd()}…`;
}

/** shortHost keeps a .local name's beginning: it is random, eight digits tell it from the others. */
export function shortHost(s: string): string {
  return s.replace(/^([^.:]{8})[^.:]+\.local/i, "$1….local");
}

/** shortened takes the middle out of an address: both its ends tell more. */
export function shortened(s: string, room: number): string {
  s = shortHost(s);
  const n = Math.max(Math.trunc((room * 10) / 66), 8); // characters of the monospaced font, 6.6 wide
  const chars = [...s];
  if (chars.length <= n) return s;
  const tail = Math.min(Math.trunc(n / 2), n - 2);
  return `${chars.slice(0, n - tail - 1).join("")}…${chars.slice(-tail).join("")}`;
}

/** wrap breaks at spaces, and anywhere in scripts without; what does not fit into the lines is cut. */
export function wrap(s: string, room: number, size: number, lines: number): string[] {
  const out: string[] = [];
  let cur = "";
  const flush = () => {
    if (cur.trim()) out.push(cur.trim());
    cur = "";
  };
  for (const word of pieces(s)) {
    if (cur && textWidth((cur + word).trimEnd(), size) > room) flush();
    cur += word;
  }
  flush();
  const kept = out.length > lines ? [...out.slice(0, lines - 1), out.slice(lines - 1).join(" ")] : out;
  return kept.map((line) => clip(line, room, size));
}

/** pieces are where a line may break: after a space or a zero-width space, else between CJK characters where neither is there. */
function pieces(s: string): string[] {
  const soft = s.includes("\u200b");
  const out: string[] = [];
  let cur = "";
  for (const c of s) {
    if (c !== "\u200b") cur += c;
    if (c === "\u200b" || c === " " || (!soft && c.codePointAt(0)! >= FIRST_WIDE)) {
      out.push(cur);
      cur = "";
    }
  }
  return [...out, cur];
}
