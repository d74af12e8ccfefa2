// The parts of the page are drawn one after another, each in a task of its own: drawn in one, a slow machine would answer neither its reader nor the trials for the time of all.

let waiting = new Set<() => void>();
const inner = new Set<() => void>(); // what the part brought with it that was drawn last: it stands above those that wait
const drawn: (() => void)[] = [];
let tasks: MessageChannel | undefined; // a timer would wait for seconds in a hidden tab
let asked = false;
let drawing = false;

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

function next(): void {
  asked = drawing = false;
  waiting = new Set([...inner, ...waiting]);
  inner.clear();
  const [draw] = waiting;
  if (!draw) {
    for (const then of drawn.splice(0)) then();
    return;
  }
  waiting.delete(draw);
  if (waiting.size > 0 || drawn.length > 0) ask(); // before it: what draws may throw
  drawing = true; // and until the next turn, since Preact draws in a microtask
  draw();
}
