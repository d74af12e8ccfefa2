/** How many times what drawing took is left to everything else before it is drawn again: the trials run in this very thread, and what they measure must not be the page. */
const REST = 2;
/** A machine that fell asleep over a drawing took hours for it, by its clock: it would rest twice as long, and what comes meanwhile would be kept up. No drawing takes a tenth of that. */
const MAX_REST_MS = 5_000;

/**
 * Pace draws what came as soon as it comes, but no more often than the machine can bear: snapshots come up to 25 times a second, and where one takes 40 ms to draw the page
 * would do nothing else. What comes meanwhile is drawn together.
 */
export class Pace {
  #due = false;
  #drawing = false;
  #free = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** ended calls back when what draw has changed is on the page. Preact draws in a microtask after the signals have changed. */
  constructor(
    private readonly draw: () => void,
    private readonly ended: (then: () => void) => void = setTimeout,
  ) {}

  /** due says that there is something to draw. */
  due(): void {
    this.#due = true;
    this.#plan();
  }

  /** stop forgets what was not drawn yet. */
  stop(): void {
    this.#due = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #plan(): void {
    if (!this.#due || this.#drawing || this.#timer !== undefined) return;
    const wait = this.#free - performance.now();
    if (wait <= 0) this.#now();
    else {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#now();
      }, wait);
    }
  }

  #now(): void {
    this.#due = false;
    this.#drawing = true;
    const began = performance.now();
    this.draw();
    this.ended(() => {
      const now = performance.now();
      this.#free = now + Math.min(MAX_REST_MS, REST * (now - began));
      this.#drawing = false;
      this.#plan();
    });
  }
}
