// The drawing comes from the server (report/draw.go), which lays it out for the reports as well.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Drawing, Picture, TrialKind } from "../../protocol.gen";

/** The narrowest that is drawn: a page that is narrower scrolls. */
const MIN_WIDTH = 280;
/** Below this width the server draws from top to bottom. */
const TALL_BELOW = 860;
/** The heights of both forms with the ways that tell most, and what the second NAT of a machine adds to the tall one. */
const WIDE_HEIGHT = 478;
const TALL_HEIGHT = 564;
const TIER_HEIGHT = 36;

/** reserved is an empty drawing: nothing may move when the first one comes. */
export function reserved(p: Picture, width: number): Drawing {
  const tall = width < TALL_BELOW;
  const tiers = ["a", "b"] as const;
  const second = tiers.filter((end) => p.nodes.filter((n) => n.kind === "nat" && n.of === p[end]).length > 1).length;
  return { width, height: tall ? TALL_HEIGHT + second * TIER_HEIGHT : WIDE_HEIGHT, tall, marks: [], order: [] };
}

/** The drawing that was shown last, and of which room: another part of the page may take its place. */
let last: { room: string; drawing: Drawing } | undefined;

/** remember makes a drawing the one that is shown until there is a newer one. */
export function remember(room: string, drawing: Drawing): void {
  last = { room, drawing };
}

/**
 * useDrawing asks for the drawing of what is wanted now: one request at a time, and where the server cannot be reached the last drawing stays. late says that this
 * is not the drawing of what is wanted.
 */
export function useDrawing(room: string, picture: Picture, kinds: readonly TrialKind[], width: number): { drawing: Drawing; late: boolean } {
  const [drawing, show] = useState(last?.room === room ? last.drawing : undefined);
  const asked = useRef({ want: "", have: "", busy: false }).current;
  // The width stands before the first space; none: not laid out yet. The sentences are in the nodes and arrows as well.
  asked.want = width === 0 ? "" : `${Math.max(width, MIN_WIDTH)} ${JSON.stringify({ picture: { ...picture, text: [] }, kinds })}`;
  // At once: an ordinary effect waits for a frame in which the picture would be missing.
  useLayoutEffect(() => {
    if (!asked.busy) void ask();
  });
  async function ask(): Promise<void> {
    asked.busy = true;
    let tried = "";
    while (asked.want !== asked.have && asked.want !== tried) {
      tried = asked.want;
      const at = tried.indexOf(" ");
      try {
        const answer = await fetch(`/api/v1/picture?width=${tried.slice(0, at)}`, { method: "POST", body: tried.slice(at) });
        if (!answer.ok) continue;
        const drawn = (await answer.json()) as Drawing;
        asked.have = tried;
        remember(room, drawn);
        show(drawn);
      } catch {
        // The next snapshot asks again.
      }
    }
    asked.busy = false;
  }
  return { drawing: drawing ?? reserved(picture, width), late: asked.want !== asked.have };
}
