// every() is setInterval that keeps its pace in a hidden tab: two tabs of one window are how most people try this page first.

/** The pace of the one worker; all intervals are multiples of it. It is also how finely a frame rate of 15 can be drawn. */
const TICK_MS = 50;

interface Job {
  ms: number;
  due: number;
  run: () => void;
}

const jobs = new Set<Job>();
let stopClock: (() => void) | null = null;

/** every calls run about every ms milliseconds until the function that it returns is called. */
export function every(ms: number, run: () => void): () => void {
  const job: Job = { ms, due: performance.now() + ms, run };
  jobs.add(job);
  stopClock ??= startClock();
  return () => {
    if (!jobs.delete(job) || jobs.size > 0) return;
    stopClock?.();
    stopClock = null;
  };
}

/** after resolves after ms milliseconds, at the pace of every. */
export function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const stop = every(ms, () => {
      stop();
      resolve();
    });
  });
}

function tick(): void {
  const now = performance.now();
  for (const job of jobs) {
    if (now + TICK_MS / 2 < job.due) continue;
    job.due = Math.max(job.due + job.ms, now); // a page that slept does not catch up
    job.run();
  }
}

function startClock(): () => void {
  try {
    const worker = new Worker(new URL("./ticker.worker.ts", import.meta.url), { type: "module" });
    let fallback = 0;
    worker.onerror = () => (fallback ||= window.setInterval(tick, TICK_MS));
    worker.onmessage = tick;
    worker.postMessage(TICK_MS);
    return () => {
      worker.terminate();
      clearInterval(fallback);
    };
  } catch {
    const timer = window.setInterval(tick, TICK_MS);
    return () => clearInterval(timer);
  }
}
