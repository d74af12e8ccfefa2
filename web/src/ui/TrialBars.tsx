import "./TrialBars.css";
import { t, word } from "../i18n";
import { bars, type Bar, type TrialSteps } from "../model/steps";
import { seconds } from "./format";

/** The height of a lane, in pixels: the way above, what goes on beside it below. */
const WAY = { y: 3, height: 18 };
const BESIDE = { y: 24, height: 9 };
const HEIGHT = 36;

/** Patterns are the hatchings of the steps, so that they are told apart without their colours. They stand on the page once. */
export function Patterns() {
  return (
    <svg class="bar-patterns" width="0" height="0" aria-hidden="true" focusable="false">
      <defs>
        <pattern id="step-gather" class="ink-gather" width="6" height="6" patternUnits="userSpaceOnUse">
          <rect width="6" height="6" class="bar-ground" />
          <circle cx="3" cy="3" r="1.3" />
        </pattern>
        <pattern id="step-check" class="ink-check" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="7" height="7" class="bar-ground" />
          <rect width="3" height="7" />
        </pattern>
        <pattern id="step-dtls" class="ink-dtls" width="5" height="5" patternUnits="userSpaceOnUse">
          <rect width="5" height="5" class="bar-ground" />
          <path d="M0 2.5h5M2.5 0v5" />
        </pattern>
        <pattern id="step-data" class="ink-data" width="4" height="6" patternUnits="userSpaceOnUse">
          <rect width="4" height="6" />
        </pattern>
        <pattern id="step-video" class="ink-video" width="6" height="5" patternUnits="userSpaceOnUse">
          <rect width="6" height="5" class="bar-ground" />
          <rect width="6" height="2.4" />
        </pattern>
      </defs>
    </svg>
  );
}

/** Swatch is a piece of a step's pattern, beside its word. */
export function Swatch({ step }: { step: string }) {
  return (
    <svg class={`swatch ink-${step}`} width="14" height="10" aria-hidden="true">
      <rect x="0.5" y="0.5" width="13" height="9" rx="2" fill={`url(#step-${step})`} />
    </svg>
  );
}

/** ticks divide an axis into four to six parts. */
export function ticks(lengthMs: number): number[] {
  const part = [500, 1000, 2000, 2500, 5000, 10_000, 15_000, 20_000, 30_000, 60_000].find((p) => lengthMs / p <= 6) ?? lengthMs / 5;
  return Array.from({ length: Math.floor(lengthMs / part) + 1 }, (_, i) => i * part);
}

const share = (ms: number, length: number) => `${((100 * ms) / length).toFixed(3)}%`;

/** Axis is the common time axis of all lanes: seconds since the run began. */
export function Axis({ lengthMs }: { lengthMs: number }) {
  return (
    <svg class="bars-axis" width="100%" height="18" aria-hidden="true">
      {ticks(lengthMs).map((ms) => (
        <text key={ms} x={share(ms, lengthMs)} y="13" text-anchor={ms === 0 ? "start" : ms === lengthMs ? "end" : "middle"}>
          {ms % 1000 ? (ms / 1000).toFixed(1) : ms / 1000} s
        </text>
      ))}
    </svg>
  );
}

/** The word for where a trial ended. */
export function endWord(tr: Pick<TrialSteps, "outcome" | "reason" | "last">): string {
  if (tr.outcome === "" || tr.outcome === "connected") return "";
  const said = word("end", tr.reason);
  return said === tr.reason ? t("end.in", { step: word("step", tr.last) }) : said;
}

/** Lane is one trial on the axis. zeroMs is when its run began. */
export function Lane({ trial: tr, zeroMs, lengthMs, nowMs }: { trial: TrialSteps; zeroMs: number; lengthMs: number; nowMs: number }) {
  const { way, beside } = bars(tr, nowMs);
  const x = (ms: number) => share(Math.min(Math.max(0, ms - zeroMs), lengthMs), lengthMs);
  const width = (b: Bar) => share(Math.max(0, Math.min(b.toMs - zeroMs, lengthMs) - Math.max(0, b.fromMs - zeroMs)), lengthMs);
  const endMs = tr.outcome === "connected" ? (beside.at(-1)?.toMs ?? way.at(-1)?.toMs ?? null) : tr.endMs;
  const end = endMs === null || tr.outcome === "skipped" ? null : Math.max(endMs, way.at(-1)?.toMs ?? 0);
  const said = endWord(tr);
  const right = end !== null && (end - zeroMs) / lengthMs > 0.6;
  return (
    <svg class="lane" width="100%" height={HEIGHT} data-outcome={tr.outcome} aria-hidden="true">
      {ticks(lengthMs).map((ms) => (
        <line key={ms} class="lane-grid" x1={share(ms, lengthMs)} x2={share(ms, lengthMs)} y1="0" y2={HEIGHT} />
      ))}
      {way.map((b) => (
        <Piece key={b.step} bar={b} x={x(b.fromMs)} width={width(b)} {...WAY} wide={(b.toMs - b.fromMs) / lengthMs > 0.14} />
      ))}
      {beside.map((b) => (
        <Piece key={b.step} bar={b} x={x(b.fromMs)} width={width(b)} {...BESIDE} wide={false} />
      ))}
      {end !== null && (
        <svg x={x(end)} y="0" overflow="visible">
          <g class="lane-end sign">
            {tr.outcome === "connected" ? (
              <path transform="translate(3 4)" d="M3 8.5l3.2 3.2L13 4.8" />
            ) : (
              <>
                <path d="M0 1v22" />
                <path transform="translate(3 4)" d={tr.outcome === "stuck" ? "M8 2.2 14.3 13H1.7zM8 6.4v3M8 11.2v.1" : "M4 4l8 8M12 4l-8 8"} />
              </>
            )}
          </g>
          {said && (
            <text class="lane-said" x={right ? 0 : 22} y={right ? 34 : 16} text-anchor={right ? "end" : "start"}>
              {said}
            </text>
          )}
        </svg>
      )}
    </svg>
  );
}

function Piece({ bar: b, x, width, y, height, wide }: { bar: Bar; x: string; width: string; y: number; height: number; wide: boolean }) {
  return (
    <g class={`ink-${b.step}`} data-open={b.open || undefined} data-cut={b.cut || undefined}>
      <rect class="piece" x={x} y={y} width={width} height={height} rx="2" fill={`url(#step-${b.step})`}>
        <title>{`${word("step", b.step)} ${seconds(b.toMs - b.fromMs)}`}</title>
      </rect>
      {wide && (
        <svg x={x} y={y} overflow="visible">
          <text class="piece-word" x="7" y="13">
            {word("step", b.step)}
          </text>
        </svg>
      )}
    </g>
  );
}
