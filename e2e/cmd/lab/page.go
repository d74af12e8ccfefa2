package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/icescope/icescope/e2e"
)

// What the page may cost.
const (
	paintTarget    = 300 * time.Millisecond
	blockingTarget = 50 * time.Millisecond
	frameTarget    = 50 * time.Millisecond
)

// floods are enough to tell a habit from an accident: each takes half a minute.
const floods = 3

// worstShown is how many of the frames that took too long are named.
const worstShown = 5

const mebi = 1 << 20

// heapTarget is what the heap may gain in a minute of streaming, in bytes. A few words of each sample stay, for the timeline; what is seen of it twice a second moves the heap by more, up and down.
const heapTarget = 0.02 * mebi

// measurePage prints what the page costs its reader, and judges nothing: a busy machine is no defect.
func measurePage(ctx context.Context, runs int, minutes float64) error {
	dir, err := os.MkdirTemp("", fmt.Sprintf("ics-%d-binary-", os.Getpid()))
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := e2e.Binary(dir)
	if err != nil {
		return err
	}
	if err := paint(ctx, binary, runs); err != nil {
		return err
	}
	if err := flood(ctx, binary, min(runs, floods)); err != nil {
		return err
	}
	return heap(ctx, binary, time.Duration(minutes*float64(time.Minute)))
}

func paint(ctx context.Context, binary string, runs int) error {
	f, err := e2e.Paint(ctx, binary, runs)
	if err != nil {
		return err
	}
	fmt.Printf(figureRow, fmt.Sprintf("the page, %d runs, CPU %d× slower", runs, e2e.PaintSlowdown), "target", "median", "slowest", "")
	for _, p := range []struct {
		name string
		runs []e2e.Painted
	}{{"start", f.Start}, {"room", f.Room}} {
		var fcp, blocking []time.Duration
		var slowdown []float64
		bytes, tasks, restless := 0, 0, 0
		for _, one := range p.runs {
			fcp, blocking = append(fcp, one.FCP), append(blocking, one.Blocking)
			slowdown = append(slowdown, one.Slowdown)
			bytes, tasks = max(bytes, one.Bytes), max(tasks, one.Tasks)
			if one.Restless {
				restless++
			}
		}
		line("first contentful paint: "+p.name, paintTarget, fcp, fmt.Sprintf("(%d bytes; the CPU was %.1f to %.1f× slower)", bytes, slices.Min(slowdown), slices.Max(slowdown)))
		note := fmt.Sprintf("(%d long tasks at the most)", tasks)
		if restless > 0 {
			note += fmt.Sprintf(" (%d runs were never quiet)", restless)
		}
		line("blocking time: "+p.name, blockingTarget, blocking, note)
	}
	return nil
}

func flood(ctx context.Context, binary string, runs int) error {
	all, err := e2e.Flood(ctx, binary, runs)
	if err != nil {
		return err
	}
	fmt.Printf("\n"+figureRow, fmt.Sprintf("the flood, %d runs", runs), "target", "median", "slowest", "")
	var longest []time.Duration
	var worst []e2e.Frame
	for _, f := range all {
		longest = append(longest, f.Longest)
		worst = append(worst, f.Worst(worstShown)...)
	}
	first := all[0]
	line("longest frame", frameTarget, longest, fmt.Sprintf("(%d candidates, %d pairs)", first.Candidates, first.Pairs))
	for i, f := range all {
		fmt.Printf("  run %d: %d of %d frames over 50 ms, %d long tasks, %d long animation frames; %d snapshots, the largest %d kB\n",
			i+1, len(f.Over), f.Frames, len(f.Tasks), len(f.Long), f.Snapshots, f.LargestSnapshot/1000)
	}
	for _, f := range (e2e.Flooded{Long: worst}).Worst(worstShown) {
		fmt.Printf("  %v\n", f)
	}
	return nil
}

func heap(ctx context.Context, binary string, length time.Duration) error {
	const row = "%9s %10s %10s %9s %10s %10s\n"
	fmt.Printf("\nthe heap, %v of a trial that is held\n", length)
	fmt.Printf(row, "after", "heap", "recording", "nodes", "listeners", "snapshots")
	f, err := e2e.Heap(ctx, binary, length, func(s e2e.HeapSample) {
		fmt.Printf(row, s.At.Round(time.Second), mb(s.Used), mb(s.Events), fmt.Sprint(s.Nodes), fmt.Sprint(s.Listeners), fmt.Sprint(s.Snapshots))
	})
	if err != nil {
		return err
	}
	used, events := f.Slope(func(s e2e.HeapSample) float64 { return s.Used }), f.Slope(func(s e2e.HeapSample) float64 { return s.Events })
	fmt.Printf("in a minute, over the last 80 %%: heap %+.3f MiB (target: %.2f), recording that the page is sent %+.3f MiB, nodes %+.0f, listeners %+.1f (target: flat)\n", used/mebi, heapTarget/mebi, events/mebi,
		f.Slope(func(s e2e.HeapSample) float64 { return s.Nodes }), f.Slope(func(s e2e.HeapSample) float64 { return s.Listeners }))
	return nil
}

func mb(bytes float64) string { return fmt.Sprintf("%.2f MiB", bytes/mebi) }
