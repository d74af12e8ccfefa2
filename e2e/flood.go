package e2e

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// flood is what streams in: a hundred candidates at each end, and 50 × 40 pairs in one trial, because one large matrix is harder to draw than several small ones. The protocol
// has no limit to the pairs of a trial but the 4,096 that the diagnosis keeps; the limit of a frame only spreads them over samples, which the pace does anyway.
var flood = crowdShape{hostsA: 50, restA: 50, hostsB: 40, restB: 60, within: 10 * time.Second}

const (
	// floodWalk is how long a reader stays at each part of the page.
	floodWalk = 500 * time.Millisecond

	// floodAfter is for what follows the verdict: what the page draws then is part of the stream.
	floodAfter = 2 * time.Second

	// floodPatience is for one flood with all that comes before.
	floodPatience = 2 * time.Minute
)

// frameClock notes each frame that comes more than 50 ms after the one before: three frames of a screen at 60 Hz are 50 ms, so that half a ms is for rounding. Beside it
// what the browser itself calls a long task, and a long animation frame, with the scripts that took their time in it.
const frameClock = `(() => {
	const f = window.labFrames = { frames: 0, longest: 0, over: [], tasks: [], long: [] };
	const where = () => globalThis.labWalk?.where ?? "";
	let last = 0;
	const tick = now => {
		if (last) {
			f.frames++;
			f.longest = Math.max(f.longest, now - last);
			if (now - last > 50.5) f.over.push({ at: last, ms: now - last, where: where() });
		}
		last = now;
		requestAnimationFrame(tick);
	};
	requestAnimationFrame(tick);
	new PerformanceObserver(list => { for (const e of list.getEntries()) f.tasks.push({ at: e.startTime, ms: e.duration, where: where() }) }).observe({ type: "longtask" });
	new PerformanceObserver(list => { for (const e of list.getEntries()) f.long.push({ at: e.startTime, ms: e.duration, where: where(), blocking: e.blockingDuration,
		layout: e.styleAndLayoutStart ? e.startTime + e.duration - e.styleAndLayoutStart : 0,
		scripts: e.scripts.map(s => ({ name: [s.invoker, s.sourceFunctionName].filter(Boolean).join(" "), ms: s.duration, forced: s.forcedStyleAndLayoutDuration })) }) })
		.observe({ type: "long-animation-frame" });
	labWalk.start(%d);
	return true;
})()`

const verdictFinal = `document.querySelector("[data-testid=verdict]").dataset.final === "true"`

// candidatesShown counts the rows that the tables of both ends say they have.
const candidatesShown = `[...document.querySelectorAll("[data-testid^=candidates-] [aria-rowcount]")].reduce((n, e) => n + Number(e.getAttribute("aria-rowcount")) - 1, 0)`

// Frame is one that took too long, in milliseconds.
type Frame struct {
	At, Ms float64
	Where  string // the part of the page that was in sight
	// Of a long animation frame only:
	Blocking float64
	Layout   float64 // from the beginning of style and layout to its end
	Scripts  []FrameScript
}

// FrameScript is what ran in it.
type FrameScript struct {
	Name   string
	Ms     float64
	Forced float64 // of it: style and layout that the script asked for
}

// String is the frame in a line.
func (f Frame) String() string {
	s := fmt.Sprintf("%.0f ms at #%s", f.Ms, cmp.Or(f.Where, "top"))
	if f.Blocking > 0 || f.Layout > 0 {
		s += fmt.Sprintf(": style and layout %.0f ms", f.Layout)
	}
	for _, x := range f.Scripts {
		s += fmt.Sprintf(", %s %.0f ms", x.Name, x.Ms)
		if x.Forced > 1 {
			s += fmt.Sprintf(" (layout %.0f)", x.Forced)
		}
	}
	return s
}

// Flooded is what one flood did to the page of a watcher.
type Flooded struct {
	Candidates, Pairs int // that the page was shown in the end
	Frames            int
	Longest           time.Duration // between two frames
	Over              []Frame       // more than 50 ms after the one before
	Tasks             []Frame       // what the browser calls long tasks
	Long              []Frame       // what it calls long animation frames
	Snapshots         int
	LargestSnapshot   int // bytes
}

// Worst are the longest of the long animation frames, and of the tasks where there are none.
func (f Flooded) Worst(n int) []Frame {
	all := slices.Clone(f.Long)
	if len(all) == 0 {
		all = slices.Clone(f.Tasks)
	}
	slices.SortFunc(all, func(x, y Frame) int { return cmp.Compare(y.Ms, x.Ms) })
	return all[:min(n, len(all))]
}

// Flood shows a watcher 200 candidates and 2,000 pairs that stream in within ten seconds, four samples a second from each end, while the page is walked through from top to end. What
// cannot be shown at that pace is left out as the protocol has it: a sample has the new pairs and a hundred of the others.
func Flood(ctx context.Context, binary string, runs int) (all []Flooded, err error) {
	h, err := newLoopback(binary)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	for i := range runs {
		f, err := h.flood(ctx)
		if err != nil {
			return all, fmt.Errorf("flood %d: %w", i+1, err)
		}
		all = append(all, f)
	}
	return all, nil
}

func (h *loopback) flood(ctx context.Context) (f Flooded, err error) {
	ctx, cancel := context.WithTimeout(ctx, floodPatience)
	defer cancel()
	code, err := h.room(ctx)
	if err != nil {
		return f, err
	}
	crowd, err := newCrowd(ctx, h.webSocket(code), flood)
	if err != nil {
		return f, err
	}
	defer crowd.Close()
	c, err := h.watch(ctx, code)
	if err != nil {
		return f, err
	}
	defer c.Close()
	id, err := crowd.begin(ctx, 0)
	if err != nil {
		return f, err
	}
	if err := c.Eval(ctx, fmt.Sprintf(frameClock, floodWalk.Milliseconds()), nil); err != nil {
		return f, err
	}
	if err := crowd.stream(ctx, id); err != nil {
		return f, err
	}
	if err := crowd.connect(id); err != nil {
		return f, err
	}
	// On a machine that is slow the server is late with its snapshots, and the page with drawing them.
	if err := WaitFor(ctx, c, fmt.Sprintf("%s && %s >= %d", verdictFinal, candidatesShown, flood.candidates())); err != nil {
		return f, err
	}
	select {
	case <-time.After(floodAfter):
	case <-ctx.Done():
		return f, ctx.Err()
	}
	var page struct {
		Frames struct {
			Frames            int
			Longest           float64
			Over, Tasks, Long []Frame
		}
		Stream     streamed
		Candidates int
	}
	if err := c.Eval(ctx, `({ frames: labFrames, stream: labStream, candidates: `+candidatesShown+` })`, &page); err != nil {
		return f, err
	}
	f = Flooded{Candidates: page.Candidates, Frames: page.Frames.Frames, Longest: milliseconds(page.Frames.Longest), Over: page.Frames.Over, Tasks: page.Frames.Tasks, Long: page.Frames.Long,
		Snapshots: page.Stream.Snapshots, LargestSnapshot: page.Stream.Largest}
	r, err := h.report(ctx, code)
	if err != nil {
		return f, err
	}
	for _, t := range r.Trials {
		f.Pairs += len(t.Pairs)
	}
	if want := flood.pairs(); f.Pairs != want {
		return f, fmt.Errorf("the report has %d pairs in place of %d; console %s", f.Pairs, want, strings.Join(c.Log(), "; "))
	}
	return f, nil
}
