/** RevealError says why the camera could not be had. */
export class RevealError extends Error {
  constructor(readonly code: "insecure" | "denied" | "no-device") {
    super(code);
    this.name = "RevealError";
  }
}
