package e2e

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/icescope/icescope/protocol"
)

// steady is the crowd of a trial that is held: as many addresses as two laptops have.
var steady = crowdShape{hostsA: 5, restA: 5, hostsB: 4, restB: 4, within: 2 * time.Second}

const (
	// heldSample is what the session asks for while a trial is held (session.heldMs).
	heldSample = 500 * time.Millisecond

	// heldFor is as long as a trial can be held.
	heldFor = protocol.MaxHoldMs * time.Millisecond

	// heapEvery and heapLeast: ten minutes give a figure every 30 s, a short run at the least one every 10 s.
	heapEvery = 30 * time.Second
	heapLeast = 10 * time.Second
	heapSteps = 20

	// heapWalk is how long a reader stays at each part of the page.
	heapWalk = 2 * time.Second

	// interpreted lets Chromium compile nothing: V8 goes on for minutes to make machine code of what the page runs often, some 0.7 MiB in five of them, which the page neither
	// asks for nor can let go of, and in which a leak would not be seen.
	interpreted = "--js-flags=--jitless"

	// heapLooks and heapLook: a page that is drawing a snapshot holds the one before, too, and parts of both pictures. The least of some looks is what it keeps.
	heapLooks = 5
	heapLook  = 200 * time.Millisecond

	// heapSettled is the part of the series that the slope is of: before it, the page makes what it makes once.
	heapSettled = 0.8
)

// MaxHeapMinutes is for how long the heap can be followed: as long as a trial can be held, counted from its verdict.
const MaxHeapMinutes = 10

// HeapSample is what the page holds at one moment, after its garbage was collected.
type HeapSample struct {
	At        time.Duration // since the first
	Used      float64       // bytes of JavaScript
	Nodes     float64       // of all documents; detached ones that something holds are among them
	Listeners float64
	// Events is how many bytes of the recording were sent to the page: as much as it would grow by if it kept what it is sent.
	Events float64
	// Snapshots is how many were drawn.
	Snapshots int
}

// HeapFigures are those of one page.
type HeapFigures struct{ Series []HeapSample }

// Slope is by how much one of the figures grows in a minute: the straight line through the last 80 % of the series that is nearest to it (least squares).
func (f HeapFigures) Slope(of func(HeapSample) float64) float64 {
	if len(f.Series) == 0 {
		return 0
	}
	from := time.Duration(float64(f.Series[len(f.Series)-1].At) * (1 - heapSettled))
	var n, x, y, xx, xy float64
	for _, s := range f.Series {
		if s.At < from {
			continue
		}
		at, v := s.At.Minutes(), of(s)
		n, x, y, xx, xy = n+1, x+at, y+v, xx+at*at, xy+at*v
	}
	if d := n*xx - x*x; d > 0 {
		return (n*xy - x*y) / d
	}
	return 0
}

// Heap shows a watcher a trial that is held, with two samples a second from each end, for so long, while the page is walked through, and asks every now and then what the page holds. each is
// called with each figure.
func Heap(ctx context.Context, binary string, length time.Duration, each func(HeapSample)) (f HeapFigures, err error) {
	if length > MaxHeapMinutes*time.Minute {
		return f, fmt.Errorf("a trial is held for %d minutes at the most", MaxHeapMinutes)
	}
	h, err := newLoopback(binary)
	if err != nil {
		return f, err
	}
	defer h.Close()
	ctx, cancel := context.WithTimeout(ctx, length+floodPatience)
	defer cancel()
	code, err := h.room(ctx)
	if err != nil {
		return f, err
	}
	crowd, err := newCrowd(ctx, h.webSocket(code), steady)
	if err != nil {
		return f, err
	}
	defer crowd.Close()
	c, err := h.watch(ctx, code, interpreted)
	if err != nil {
		return f, err
	}
	defer c.Close()
	id, err := crowd.begin(ctx, heldFor)
	if err != nil {
		return f, err
	}
	if err := crowd.stream(ctx, id); err != nil {
		return f, err
	}
	if err := crowd.connect(id); err != nil {
		return f, err
	}
	if err := WaitFor(ctx, c, verdictFinal); err != nil {
		return f, err
	}
	if err := c.call(ctx, "Performance.enable", nil, nil); err != nil {
		return f, err
	}
	streaming, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- crowd.paced(streaming, heldSample, int(2*heldFor/heldSample), func(int) error { return crowd.sample(id, true) })
	}()
	err = f.follow(ctx, c, length, ended, each)
	stop()
	if err == nil {
		if err = <-ended; errors.Is(err, context.Canceled) {
			err = nil
		}
	}
	return f, err
}

// follow takes the series, and ends early where the stream does.
func (f *HeapFigures) follow(ctx context.Context, c *chromium, length time.Duration, ended <-chan error, each func(HeapSample)) error {
	tick := time.NewTicker(min(heapEvery, max(heapLeast, length/heapSteps)))
	defer tick.Stop()
	began := time.Now()
	for {
		at := time.Since(began)
		s, err := c.holds(ctx)
		if err != nil {
			return err
		}
		s.At = at
		f.Series = append(f.Series, s)
		each(s)
		if at >= length {
			return nil
		}
		select {
		case <-tick.C:
		case err := <-ended:
			return fmt.Errorf("the stream ended: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// holds is what the page holds when its garbage is collected. It stands at its top meanwhile: what is in sight is part of the figure.
func (c *chromium) holds(ctx context.Context) (s HeapSample, err error) {
	var stream streamed
	if err := c.Eval(ctx, `(async () => { labWalk.stop(); for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame); return labStream })()`, &stream); err != nil {
		return s, err
	}
	s.Events, s.Snapshots = float64(stream.EventBytes), stream.Snapshots
	s.Used, s.Nodes, s.Listeners = math.Inf(1), math.Inf(1), math.Inf(1)
	for range heapLooks {
		if err := c.look(ctx, &s); err != nil {
			return s, err
		}
		select {
		case <-time.After(heapLook):
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
	return s, c.Eval(ctx, fmt.Sprintf("labWalk.start(%d)", heapWalk.Milliseconds()), nil)
}

// look collects the garbage, and lowers the figures to what is left.
func (c *chromium) look(ctx context.Context, s *HeapSample) error {
	if err := c.call(ctx, "HeapProfiler.collectGarbage", nil, nil); err != nil {
		return err
	}
	var heap struct{ UsedSize float64 }
	if err := c.call(ctx, "Runtime.getHeapUsage", nil, &heap); err != nil {
		return err
	}
	s.Used = min(s.Used, heap.UsedSize)
	var metrics struct {
		Metrics []struct {
			Name  string
			Value float64
		}
	}
	if err := c.call(ctx, "Performance.getMetrics", nil, &metrics); err != nil {
		return err
	}
	for _, m := range metrics.Metrics {
		switch m.Name {
		case "Nodes":
			s.Nodes = min(s.Nodes, m.Value)
		case "JSEventListeners":
			s.Listeners = min(s.Listeners, m.Value)
		}
	}
	return nil
}
