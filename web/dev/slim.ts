// The libraries are a quarter of the page, and half of uPlot draws what no plot here asks for: a legend, dates, logarithms, bars, bands, zooming. Its authors leave such parts out by flags of their own build, which the
// published file no longer has; here they are left out of that file. src/ui/plots/slim.test.ts compares what is left with the whole, call by call. Of Preact and its signals less is left out; the tests of the lab run with it.
import type { Plugin } from "vite";

/** What options.ts never asks for: the text in uPlot's file, what stands there instead, and how often it is found. The minifier then drops what nothing calls. */
type Cut = [RegExp, string | ((...found: string[]) => string), number];
const cuts: Cut[] = [
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
  // No titles along the axes; nothing is dragged, or heard from other plots.
  [/\baxis\.label\b/g, "null", 6],
  [/^\t+onMouse\(mousedown, .*$/gm, "", 1],
  [/^\t+didDrag && .*$/gm, "", 1],
  [/^\tevents\.\w+ = \w+;$/gm, "", 4],
  // No plot tells another where the mouse is: it comes from the mouse, or from setCursor.
  [/^\tconst seriesIdxMatcher = [^]*?(?=^\tfunction destroy)/gm, "", 1],
  [/\bpubSync\(/g, "void (", 5],
  [/\bsync\.unsub\(self\);/g, "", 1],
  [/\b(src|e) (==|!=) null\b/g, (_, what, is) => String((what === "src") === (is === "==")), 12],
  [/\bsyncKey != null\b/g, "false", 2],
  [/\bdragging( &&|\))/g, "false$1", 3],
  // Scales have a range of their own, by a function, and none follows another.
  [/\brangeIsArr\b(?! =)|\bisObj\(rn\)/g, "false", 4],
  [/\b(scaleOpts|wsc|sc)\.from != null\b/g, "false", 3],
  [/\brn \|\| \(false \?[^]*?^\t+\)\)/gm, "rn)", 1],
  // Axes lie below and at the left, with neither ticks nor a line, and their words lie across.
  [/\b(ticks|border)\.show\b/g, "false", 3],
  [/\baxis\._rotate \* -PI\/180/g, "0", 1],
  [/\bif \(angle\)/g, "if (false)", 1],
  [/\b(sx)\.ori == 0\b/g, "true", 1],
  [/\bendRad == 0 && baseRad == 0\b/g, "true", 1],
  // The padding is given; nothing is seen through; a line has one colour, and nothing is filled between two.
  [/\bopts\.padding \|\| \[.*?\]/g, "opts.padding", 1],
  [/\bifNull\(p, autoPadSide\)/g, "p", 1],
  [/\bif \(ctxAlpha != (s\.alpha|_ctxAlpha)\)$\s+ctx\.globalAlpha = ctxAlpha = \1;/gm, "", 4],
  [/\blet shouldAlpha = .*/g, "const shouldAlpha = false;", 1],
  [/\b(strokePath|fillPath) instanceof Map\b/g, "false", 2],
  [/\bif \(bandClip\)/g, "if (false)", 1],
  [/\bif \(getBBox != null\)/g, "if (false)", 1],
  [/^\tfunction setLegend\(opts, _fire\) \{$/gm, "$&\n\t\treturn;", 1],
  [/\bassign\(\{\}, legendOpts, opts\.legend\)/g, "{}", 1],
  [/^\t+markers\.\w+ += fnOrSelf\(.*$/gm, "", 4],
  [/^\t+(s\.(value|label|fillTo)|sc\.clamp) = .*$/gm, "", 4],
  [/^\tfacets: \[[^]*?^\t\],$/gm, "", 1],
  [/\blog \? (positiveIdxs|isPositive) : /g, "", 2],
  [/\[_min, _max\] = rangeNum\(.*$/gm, "_max = _min + 1;", 1],
  // The names of days, zones and fonts.
  [/\b(days|months)\.map\(slice3\)|\bnew Intl\.DateTimeFormat\(\)\.resolvedOptions\(\)\.timeZone|\bnew Intl\.NumberFormat\(.*?\)|\boneIncrs\.filter\(onlyWhole\)|\bgenIncrs\(2, .*?\)/g, "0", 6],
  [/^const (font|labelFont) += .*$/gm, 'const $1 = "";', 2],
  [/^\t+axis\.(labelFont|rotate|_rotate|ticks\.stroke|border\.stroke) += .*$/gm, "", 5],
  [/\[axis\.font, axis\.labelFont\]/g, "[axis.font]", 1],
  // Options that are not given.
  [/^\t\(opts\.plugins \|\| \[\]\)\.forEach[^]*?^\t\}\);$/gm, "", 2],
  [/^\tbands\.forEach[^]*?^\t\}\);$/gm, "", 1],
  [/\bopts\.(id != null|title\b)/g, "false", 3],
  [/\bopts\.drawOrder \|\| /g, "", 1],
  [/^\tself\.(valToIdx|setSelect) = .*$/gm, "", 2],
  [/^\tself\.redraw = [^]*?^\t\};$/gm, "", 1],
];

/** What no part of the page asks of Preact: markup made by a server that a page takes over, with components that are still on their way; portals; MathML; style as an object; what was once called before an update. */
const preactCuts: Cut[] = [
  [/128&u\.__u&&\(c=32&u\.__u,s=u\.__c\.__z\)&&\(.*?l=o\[0\]\|\|l\),/g, "", 1],
  [/c\|\|o\)if\(t&&t\.then\)\{[^]*?\}else o&&o\.some\(g\);else/g, "o)o.some(g);else", 1],
  [/t&&t\.then\|\|D\(r\),/g, "D(r),", 1],
  [/!u&&\(i=t\.__c\)&&\(i=i\.__z\)&&\(.*?g\(i\)\),/g, "", 1],
  [/,M\.__P&&\(s=l,.*?:null\)/g, "", 1],
  [/M\.__P&&\(r\.__e=null,l=s\),/g, "", 1],
  [/if\(n\.props\.__P\)return t;/g, "", 1],
  [/\|\|[nt]\.props\.__P\?null:/g, "?null:", 1],
  [/&&!(n|t)\.props\.__P\b/g, "", 2],
  [/"math"==C\?f="[^"]*":/g, "", 1],
  [/\("foreignObject"==C\|\|"[^"]*"==f&&v\.test\(C\)\)&&/g, '"foreignObject"==C&&', 1],
  [/if\("style"==t\)if\(.*?else if\("o"==/g, 'if("o"==', 1],
  [/!V\.getDerivedStateFromProps&&d\.componentWillReceiveProps&&d\.componentWillReceiveProps\(M,L\),/g, "0,", 1],
  [/,V\.getDerivedStateFromProps&&\(.*?L?\)\)\)\)/g, ")", 1],
  [/!V\.getDerivedStateFromProps&&/g, "", 1],
  [/d\.componentWillUpdate&&.*?,(?=C&&)/g, "", 1],
  [/,C&&u\.__c&&d\.getSnapshotBeforeUpdate&&\(.*?\)\)/g, "", 1],
];

/** Signals are read by components, as signal.value; none is itself a child or an attribute, which would be drawn without the component. */
const signalsCuts: Cut[] = [
  [/function w\(i\)\{var n=this,[^]*?(?=b\("__b")/g, "", 1],
  [/if\("string"==typeof n\.type\)\{var r,t=n\.props;[^]*?\}\}\}(?=i\(n\)\}\);b\("__r")/g, "", 1],
  [/var r;if\("string"==typeof n\.type&&\(r=n\.__e\)\)\{[^]*?\}\}\}(?=i\(n\)\}\);function k)/g, "", 1],
  [/if\("string"==typeof n\.type\)\{var r=n\.__e;[^]*?n\.__np=void 0\}else\{/g, 'if("string"!=typeof n.type){', 1],
];

/** slim is uPlot's file without those parts. Another version of it fails the build instead of drawing something else. */
export const slim = (code: string): string => without(code, cuts, "uPlot");
export const slimPreact = (code: string): string => without(code, preactCuts, "Preact");
export const slimSignals = (code: string): string => without(code, signalsCuts, "@preact/signals");

function without(code: string, list: readonly Cut[], name: string): string {
  for (const [text, instead, times] of list) {
    const found = code.match(text)?.length ?? 0;
    if (found !== times) throw new Error(`dev/slim.ts: ${text} stands ${found} times in ${name}, not ${times}: look what has changed there, then adapt the cuts`);
    code = code.replace(text, instead as string);
  }
  return code;
}

const slimmed: [RegExp, (code: string) => string][] = [
  [/\/uplot\/dist\/uPlot\.esm\.js$/, slim],
  [/\/preact\/dist\/preact\.mjs$/, slimPreact],
  [/\/@preact\/signals\/dist\/signals\.module\.js$/, slimSignals],
];

export function slimLibraries(): Plugin {
  const left = new Set(slimmed);
  return {
    name: "slim-libraries",
    apply: "build",
    transform(code, id) {
      const one = slimmed.find(([file]) => file.test(id));
      if (!one) return undefined;
      left.delete(one);
      return { code: one[1](code), map: null };
    },
    buildEnd(error) {
      if (!error && left.size > 0) throw new Error(`dev/slim.ts: the page no longer loads ${[...left].map(([file]) => file)}`);
    },
  };
}
