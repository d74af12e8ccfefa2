package e2e

import (
	"math"
	"testing"
	"time"
)

func TestBlocking(t *testing.T) {
	for _, c := range []struct {
		name  string
		fcp   float64
		tasks []task
		want  time.Duration
		n     int
	}{
		{"none", 100, nil, 0, 0},
		{"before the first paint", 300, []task{{10, 200}}, 0, 0},
		{"across it", 100, []task{{50, 120}}, 20 * time.Millisecond, 1},
		{"across it, and short after", 100, []task{{50, 90}}, 0, 0},
		{"after it", 100, []task{{150, 80}, {400, 51}, {600, 50}}, 31 * time.Millisecond, 2},
	} {
		if got, n := blocking(c.fcp, c.tasks); got != c.want || n != c.n {
			t.Errorf("%s: %v of %d tasks, want %v of %d", c.name, got, n, c.want, c.n)
		}
	}
	if got := lastBusy(100, []task{{150, 80}, {120, 10}}); got != 230 {
		t.Errorf("busy until %v", got)
	}
}

// The first fifth is what the page makes once: it is no growth.
func TestSlope(t *testing.T) {
	var f HeapFigures
	used := func(s HeapSample) float64 { return s.Used }
	if got := f.Slope(used); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for i := range 21 {
		s := HeapSample{At: time.Duration(i) * 30 * time.Second, Used: 5e6 + 1000*float64(i)}
		if i < 4 {
			s.Used = float64(i) * 1e6
		}
		f.Series = append(f.Series, s)
	}
	if got := f.Slope(used); math.Abs(got-2000) > 1e-3 {
		t.Errorf("%v bytes in a minute, want 2000", got)
	}
	if got := f.Slope(func(s HeapSample) float64 { return s.Nodes }); got != 0 {
		t.Errorf("what stays grows by %v", got)
	}
}

// The flood is what it is said to be.
func TestFloodShape(t *testing.T) {
	if flood.candidates() != 200 || flood.pairs() != 2000 {
		t.Errorf("%d candidates, %d pairs", flood.candidates(), flood.pairs())
	}
	var a, b crowdEnd
	a.gather(1, flood.hostsA, flood.restA)
	b.gather(2, flood.hostsB, flood.restB)
	if len(a.lines)+len(b.lines) != flood.candidates() || len(a.hosts)*len(b.hosts) != flood.pairs() {
		t.Errorf("%d and %d lines, %d and %d hosts", len(a.lines), len(b.lines), len(a.hosts), len(b.hosts))
	}
}
