// What the page can say of the place it runs in, and the one way for a person to change it: granting the camera.
import type { Environment } from "../protocol.gen";
import { serverInfo } from "../signaling/info";

/** How long to wait for the server to say whether a proxy was between: its answer is usually there already, and the rest is worth telling without it. */
const PROXY_MS = 2000;

/** RevealError says why the camera could not be had. */
export class RevealError extends Error {
  constructor(readonly code: "insecure" | "denied" | "no-device") {
    super(code);
    this.name = "RevealError";
  }
}

export async function environment(): Promise<Environment> {
  const env: Environment = {
    pageURL: location.origin + location.pathname,
    secureContext: isSecureContext,
    mediaDevices: !!navigator.mediaDevices,
    mediaPermission: await mediaPermission(),
    webRTC: true,
  };
  const error = webRTCError();
  if (error) {
    env.webRTC = false;
    env.error = error;
  }
  const proxy = await seenProxy();
  if (proxy) env.proxy = proxy;
  return env;
}

/** webRTCError is why this browser makes no RTCPeerConnection: an extension or a policy may take the constructor away, or let it throw. Empty: it makes one. */
export function webRTCError(): string {
  try {
    new RTCPeerConnection().close();
    return "";
  } catch (e) {
    return String(e);
  }
}

/** seenProxy is what a proxy wrote into the page's own request (Via, RFC 9110 section 7.6.3; Forwarded, RFC 7239), as the server saw it. */
async function seenProxy(): Promise<string> {
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), PROXY_MS));
  return (await Promise.race([serverInfo().catch(() => null), late]))?.proxy ?? "";
}

/** mediaPermission is "granted" where either device is: one is enough to unmask (facts.md section 3). "" is not known. */
async function mediaPermission(): Promise<string> {
  const states = await Promise.all(
    ["camera", "microphone"].map(async (name) => {
      try {
        return (await navigator.permissions.query({ name: name as PermissionName })).state;
      } catch {
        return ""; // a browser without this name, or without navigator.permissions
      }
    }),
  );
  for (const state of ["granted", "prompt", "denied"]) if (states.includes(state as PermissionState)) return state;
  return "";
}

/** askForDevice shows the browser's own question. Whoever called it must stop the tracks (see Hold). */
export async function askForDevice(): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new RevealError("insecure"); // only a secure context has them (Media Capture and Streams section 9.1)
  try {
    return await navigator.mediaDevices.getUserMedia({ video: true }).catch((e: unknown) => {
      if (name(e) === "NotAllowedError") throw e; // do not ask twice
      return navigator.mediaDevices.getUserMedia({ audio: true });
    });
  } catch (e) {
    throw new RevealError(name(e) === "NotAllowedError" || name(e) === "SecurityError" ? "denied" : "no-device");
  }
}

function name(e: unknown): string {
  return e instanceof Error || e instanceof DOMException ? e.name : "";
}
