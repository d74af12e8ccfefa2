// The camera or microphone, held for as long as the addresses need it and no longer. Firefox shows its host addresses only while it captures, or with a
// permission that the person chose to have remembered (facts.md section 3); to Chromium the permission is enough.
import { signal, type ReadonlySignal } from "@preact/signals";

/** How long a device is held at most: longer than a run takes, short enough that nobody wonders about the lamp. */
const HOLD_MS = 40_000;

export class Hold {
  readonly #on = signal(false);
  #stream: MediaStream | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #trials: Set<string> | null = null; // of the run that the device is held for; null: it has not begun

  /** on is whether a device is in use now. */
  get on(): ReadonlySignal<boolean> {
    return this.#on;
  }

  take(stream: MediaStream): void {
    this.release();
    this.#stream = stream;
    this.#on.value = true;
    this.#limit();
    // A device that is unplugged, or taken back beside the address bar, is held no more.
    for (const track of stream.getTracks()) track.addEventListener("ended", () => stream === this.#stream && this.release());
  }

  /** started and stopped follow the trials: the device goes when all those that started meanwhile have stopped. */
  started(trial: string): void {
    if (!this.#stream) return;
    if (!this.#trials) this.#limit(); // a run that begins late gets the whole time
    (this.#trials ??= new Set()).add(trial);
  }

  stopped(trial: string): void {
    if (this.#trials?.delete(trial) && this.#trials.size === 0) this.release();
  }

  release(): void {
    clearTimeout(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#trials = null;
    this.#on.value = false;
  }

  #limit(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.release(), HOLD_MS);
  }
}
