// uPlot is the heaviest thing on the page, and half of it draws what no plot here asks for: a legend, dates, logarithms, bars, bands, zooming. Its authors leave such parts out by flags of their own build, which the published file no longer has; here they are left out of that file. src/ui/plots/slim.test.ts compares what is left with the whole, call by call.
import type { Plugin } from "vite";

/** What options.ts never asks for: the text in uPlot's file, what stands there instead, and how often it is found. The minifier then drops what nothing calls. */
const cuts: [RegExp, string, number][] = [
  // What hangs on the function itself: other ways to draw, helpers, synchronised plots.
  [/^uPlot\.assign = [^]*?(?=^export \{)/gm, "", 1],
  // Methods that nobody calls.
  [/^\tself\.(addSeries|delSeries|setSeries|setLegend|batch|posToIdx|addBand|setBand|delBand|pub) = .*$/gm, "", 10],
  [/^\tevents\["setSeries"\] = [^]*?^\t};$/gm, "", 1],
  // All scales are linear, x is one for all lines and lies across.
  [/\b(sc\.|wsc\.|scale\.)?distr (== +([234]|100)|>= 3)\b/g, "false", 31],
  [/\bxScaleDistr == \d\b/g, "false", 6],
  [/\bmode == 2\b/g, "false", 16],
  [/\bmode == 1\b/g, "true", 16],
  [/\bscaleX\.ori == 0\b/g, "true", 24],
  [/\bscaleX\.ori == 1\b/g, "false", 9],
  // Seconds since the start are numbers, no dates.
  [/^const \[ timeIncrs(Ms|S), .*$/gm, "", 2],
  [/^\tconst _(tzDate|fmtDate|timeAxisSplits|timeAxisVals|timeSeriesVal) .*$/gm, "", 5],
  // No legend, nothing to select, no line that is brought forward, no areas under or between lines.
  [/^\t+(let isTime|const showLegend|const cursorFocus|const cursorOnePt|let \[ bandFillDir, bandClipDir \]) .*$/gm, "", 9],
  [/\b(isTime|showLegend|cursorFocus|cursorOnePt|legend\.live|select\.show|bandClipDir != 0|series\.fill != null \|\| bandFillDir != 0)\b/g, "false", 46],
  [/\bflags != 0 && bands\b/g, "false && bands", 1],
  // What is handed to it has been thinned (thinned in src/model/series.ts): each point is drawn.
  [/\bdecimate = idx1 - idx0 >= xDim \* 4;/g, "decimate = false;", 1],
  // No titles along the axes; nothing is dragged, or told to other plots, or heard from them.
  [/\baxis\.label\b/g, "null", 6],
  [/^\t+onMouse\(mousedown, .*$/gm, "", 1],
  [/^\t+didDrag && .*$/gm, "", 1],
  [/\bpubSync\((?!type)[^;]*;/g, "0;", 5],
  [/\bsyncKey != null\b|\bsyncOpts\.setSeries\b/g, "false", 8],
  [/^\tconst syncOpts = [^]*?^\tsync\.sub\(self\);$/gm, "", 1],
  [/\bsync\.unsub\(self\);/g, "", 1],
  [/\belse \{(?=\s+if \(_l < 0)/g, "else if (false) {", 1],
  [/\bif \(_?dragging\b/g, "if (false", 3],
  [/^\tevents\.\w+ = \w+;$/gm, "", 4],
];

/** slim is uPlot's file without those parts. Another version of it fails the build instead of drawing something else. */
export function slim(code: string): string {
  for (const [text, instead, times] of cuts) {
    const found = code.match(text)?.length ?? 0;
    if (found !== times) throw new Error(`dev/slim.ts: ${text} stands ${found} times in uPlot, not ${times}: look what has changed there, then adapt the cuts`);
    code = code.replace(text, instead);
  }
  return code;
}

export function slimPlots(): Plugin {
  return { name: "slim-plots", apply: "build", transform: { filter: { id: /\/uplot\/dist\/uPlot\.esm\.js$/ }, handler: (code) => ({ code: slim(code), map: null }) } };
}
