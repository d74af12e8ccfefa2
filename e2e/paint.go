package e2e

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

const (
	// PaintSlowdown is what Lighthouse makes of a desk's processor to have a telephone's.
	PaintSlowdown = 4

	// longTask is from when on a task blocks: what a person touches then is answered late (Long Tasks API).
	longTask = 50 * time.Millisecond

	// quietFor is Lighthouse's: a page is interactive when no long task began for so long. Its other condition, at most two requests under way, is not
	// asked: all that the page loads is loaded by then.
	quietFor = 5 * time.Second

	// paintPatience is for one page to become quiet.
	paintPatience = 45 * time.Second

	// A browser has come to rest when in settleLooks looks, settleLook apart, its processes took no more than settleShare of a processor: the asking itself takes some.
	settleLook  = 250 * time.Millisecond
	settleLooks = 3
	settleShare = 0.1

	// paintLook is how often the page is asked whether it is quiet: rarely, for the asking is its work, too.
	paintLook = 500 * time.Millisecond
)

// paintClock notes the first paint with content, and every long task, from the beginning.
const paintClock = `
window.labPaint = { fcp: 0, tasks: [] };
new PerformanceObserver(list => { for (const e of list.getEntries()) if (e.name === "first-contentful-paint") labPaint.fcp = e.startTime })
	.observe({ type: "paint", buffered: true });
new PerformanceObserver(list => { for (const e of list.getEntries()) labPaint.tasks.push({ start: e.startTime, duration: e.duration }) })
	.observe({ type: "longtask", buffered: true });`

const paintRead = `({ fcp: labPaint.fcp, tasks: labPaint.tasks, now: performance.now(),
	bytes: [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].reduce((n, e) => n + e.transferSize, 0) })`

// paintWork is the shortest of some equal pieces of work, in milliseconds.
const paintWork = `(() => {
	let least = Infinity, x = 0;
	for (let n = 0; n < 9; n++) {
		const began = performance.now();
		for (let i = 0; i < 3e6; i++) x = (x * 31 + i) | 0;
		least = Math.min(least, performance.now() - began + (x & 0));
	}
	return least;
})()`

// task is one long task of the page, in milliseconds since the navigation.
type task struct{ Start, Duration float64 }

// Painted is one opening of a page that the browser has never seen, on a processor that is PaintSlowdown times slower.
type Painted struct {
	// FCP is the first paint with content.
	FCP time.Duration
	// Blocking is Lighthouse's total blocking time: what of each long task is over 50 ms, between FCP and the time when the page became quiet.
	Blocking time.Duration
	// Tasks are those that counted.
	Tasks int
	// Bytes are what was transferred: the document and its files with their headers, as HTTP compressed them.
	Bytes int
	// Slowdown is how much slower the page's processor was indeed: asked for and had are two things, on a busy machine above all.
	Slowdown float64
	// Restless: the page was never quiet for 5 s, so that Blocking goes on beyond what was seen.
	Restless bool
}

// PaintFigures are those of the two pages that people open first.
type PaintFigures struct {
	Start []Painted // the start page
	Room  []Painted // a room in which nobody else is
}

// Paint opens both pages so many times, each time in a Chromium of its own, whose cache is empty.
func Paint(ctx context.Context, binary string, runs int) (f PaintFigures, err error) {
	h, err := newLoopback(binary)
	if err != nil {
		return f, err
	}
	defer h.Close()
	for i := range runs {
		room, err := h.room(ctx)
		if err != nil {
			return f, err
		}
		for _, p := range []struct {
			path string
			to   *[]Painted
		}{{"/?lang=en", &f.Start}, {"/r/" + room + "?lang=en", &f.Room}} {
			one, err := h.paint(ctx, p.path)
			if err != nil {
				return f, fmt.Errorf("%s, run %d: %w", p.path, i+1, err)
			}
			*p.to = append(*p.to, one)
		}
	}
	return f, nil
}

func (h *loopback) paint(ctx context.Context, path string) (p Painted, err error) {
	ctx, cancel := context.WithTimeout(ctx, startDeadline+paintPatience)
	defer cancel()
	c, err := h.page(ctx, paintClock)
	if err != nil {
		return p, err
	}
	defer c.Close()
	if err := c.settled(ctx); err != nil {
		return p, err
	}
	if err := c.call(ctx, "Emulation.setCPUThrottlingRate", map[string]any{"rate": PaintSlowdown}, nil); err != nil {
		return p, err
	}
	if err := c.call(ctx, "Page.navigate", map[string]any{"url": h.base + path}, nil); err != nil {
		return p, err
	}
	var seen struct {
		FCP, Now float64
		Tasks    []task
		Bytes    int
	}
	tick := time.NewTicker(paintLook)
	defer tick.Stop()
	for end := time.Now().Add(paintPatience); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return p, ctx.Err()
		}
		if err := c.Eval(ctx, paintRead, &seen); err != nil && !errors.Is(err, errNavigated) {
			return p, err
		}
		if quiet := seen.FCP > 0 && milliseconds(seen.Now-lastBusy(seen.FCP, seen.Tasks)) >= quietFor; quiet {
			break
		}
		if p.Restless = time.Now().After(end); p.Restless {
			break
		}
	}
	if seen.FCP == 0 {
		return p, fmt.Errorf("nothing was painted within %v; console %q", paintPatience, c.Log())
	}
	if p.Slowdown, err = c.slowdown(ctx); err != nil {
		return p, err
	}
	p.FCP, p.Bytes = milliseconds(seen.FCP), seen.Bytes
	p.Blocking, p.Tasks = blocking(seen.FCP, seen.Tasks)
	return p, nil
}

// settled waits until the browser has done with its own start, which goes on for a second after its first page is there: with it, the figures of a page on two processors are twice as high. It is asked
// before the page is slowed down: what slows it down takes a processor for itself.
func (c *chromium) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	tick := time.NewTicker(settleLook)
	defer tick.Stop()
	for quiet, before := 0, math.Inf(-1); quiet < settleLooks; {
		var used struct {
			ProcessInfo []struct{ CPUTime float64 } // in seconds
		}
		if err := c.callIn(ctx, "", "SystemInfo.getProcessInfo", nil, &used); err != nil {
			return fmt.Errorf("the browser never came to rest: %w", err)
		}
		sum := 0.0
		for _, p := range used.ProcessInfo {
			sum += p.CPUTime
		}
		if quiet++; sum-before > settleShare*settleLook.Seconds() {
			quiet = 0
		}
		before = sum
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the browser never came to rest: %w", ctx.Err())
		}
	}
	return nil
}

// slowdown lets the page do the same work as slowed down as it is, and then not.
func (c *chromium) slowdown(ctx context.Context) (times float64, err error) {
	var slow, fast float64
	if err := c.Eval(ctx, paintWork, &slow); err != nil {
		return 0, err
	}
	if err := c.call(ctx, "Emulation.setCPUThrottlingRate", map[string]any{"rate": 1}, nil); err != nil {
		return 0, err
	}
	if err := c.Eval(ctx, paintWork, &fast); err != nil {
		return 0, err
	}
	return slow / max(fast, 0.1), nil // the page's clock beats in tenths at the finest
}

// lastBusy is the end of the last long task, or the first paint.
func lastBusy(fcp float64, tasks []task) float64 {
	at := fcp
	for _, t := range tasks {
		at = max(at, t.Start+t.Duration)
	}
	return at
}

// blocking is what of the tasks after the first paint is over 50 ms each; of one that was under way then, what came after. The last long task ends when the
// page is interactive, so that none has to be cut there.
func blocking(fcp float64, tasks []task) (sum time.Duration, n int) {
	for _, t := range tasks {
		after := milliseconds(t.Start + t.Duration - math.Max(t.Start, fcp))
		if after > longTask {
			sum += after - longTask
			n++
		}
	}
	return sum, n
}
