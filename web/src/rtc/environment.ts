// What the page can say of the place it runs in, and the one way for a person to change it: granting the camera.
import type { Environment } from "../protocol.gen";

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
  try {
    new RTCPeerConnection().close(); // an extension or a policy may take the constructor away, or let it throw
  } catch (e) {
    env.webRTC = false;
    env.error = String(e);
  }
  return env;
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
