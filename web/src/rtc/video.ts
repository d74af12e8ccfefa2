// What arrives of the other end's drawn canvas. The frames are decoded though nobody looks at them, so the statistics are enough.
import type { VideoResult } from "../protocol.gen";
import { round } from "./sample";
import { after } from "./ticker";

/** How often to look. The first frame's time is as exact as this. */
const POLL_MS = 100;
/** A first frame that has not come so long after the connection does not come: the first key frame is sent at once, the second after 1 s or so. */
const FIRST_FRAME_MS = 4000;

interface Inbound {
  framesDecoded?: number;
  frameWidth?: number;
  frameHeight?: number;
}

/**
 * measureVideo looks at the inbound RTP stream from the moment of connection on. It ends after videoMs if a frame has been decoded by then, else with the
 * first frame, else with none. Null: closed before.
 */
export async function measureVideo(pc: RTCPeerConnection, videoMs: number, atMs: () => number): Promise<VideoResult | null> {
  const began = atMs();
  let first: { atMs: number; frames: number } | null = null;
  for (;;) {
    await after(POLL_MS);
    if (pc.connectionState === "closed") return null;
    const inbound = await inboundVideo(pc);
    const now = atMs();
    const frames = inbound?.framesDecoded ?? 0;
    if (frames > 0) first ??= { atMs: now, frames };
    if (now - began < (first ? videoMs : Math.max(videoMs, FIRST_FRAME_MS))) continue;
    if (!first) return { framesDecoded: 0 };
    const result: VideoResult = { framesDecoded: frames, firstFrameMs: round(first.atMs) };
    if (inbound?.frameWidth) result.width = inbound.frameWidth;
    if (inbound?.frameHeight) result.height = inbound.frameHeight;
    if (now > first.atMs) result.fps = round(((frames - first.frames) * 1000) / (now - first.atMs));
    return result;
  }
}

async function inboundVideo(pc: RTCPeerConnection): Promise<Inbound | undefined> {
  for (const s of (await pc.getStats()).values()) if (s.type === "inbound-rtp" && s.kind === "video") return s as Inbound;
  return undefined;
}
