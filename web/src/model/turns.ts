// The parts of the page are drawn one after another, each in a task of its own: drawn in one, a slow machine would answer neither its reader nor the trials for the time of all.

/** A part that took longer is shown before the next is drawn: laid out together, the parts of a page would hold up a slow machine as they would drawn together. */
const SHOW_MS = 8;
/** A window that is covered has no frames, and may not say that it is hidden. */
const FRAME_MS = 100;

let waiting = new Set<() => void>();
const inner = new Set<() => void>(); // what the part brought with it that was drawn last: it stands above those that wait
const drawn: (() => void)[] = [];
let tasks: MessageChannel | undefined; // a timer would wait for seconds in a hidden tab
let asked = false;
let drawing = false;
let began = 0; // when what is drawn last was begun; 0: it has been shown

/** takeTurn draws when those are done that came before. Whoever waits already keeps his place. */
export function takeTurn(draw: () => void): void {
  if (!waiting.has(draw)) (drawing ? inner : waiting).add(draw);
  ask();
}

/** giveUp takes back what was not drawn yet. */
export function giveUp(draw: () => void): void {
  waiting.delete(draw);
  inner.delete(draw);
}

/** whenDrawn calls once when nobody waits any more. */
export function whenDrawn(then: () => void): void {
  drawn.push(then);
  ask();
}

function ask(): void {
  if (asked) return;
  asked = true;
  if (!tasks) {
    tasks = new MessageChannel();
    tasks.port1.onmessage = next;
  }
  tasks.port2.postMessage(0);
}

/** shown calls in a task after the next frame. */
function shown(then: () => void): void {
  const late = setTimeout(then, FRAME_MS);
  requestAnimationFrame(() => (clearTimeout(late), then()));
}

function next(): void {
  if (began > 0 && performance.now() - began > SHOW_MS && typeof document !== "undefined" && !document.hidden) {
    began = 0;
    shown(() => tasks!.port2.postMessage(0));
    return;
  }
  asked = drawing = false;
  waiting = new Set([...inner, ...waiting]);
  inner.clear();
  const [draw] = waiting;
  if (!draw) {
    began = 0;
    for (const then of drawn.splice(0)) then();
    return;
  }
  waiting.delete(draw);
  if (waiting.size > 0 || drawn.length > 0) ask(); // before it: what draws may throw
  began = performance.now();
  drawing = true; // and until the next turn, since Preact draws in a microtask
  draw();
}
