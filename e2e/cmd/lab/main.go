// Command lab holds one of the lab's networks open for a person to click through, or plays all scenarios and prints a matrix.
//
//	go run ./e2e/cmd/lab -list
//	go run ./e2e/cmd/lab -scenario asymmetric-nat
//	go run ./e2e/cmd/lab -bench
//	go run ./e2e/cmd/lab -page -minutes 2
//	go run ./e2e/cmd/lab -all
//	go run ./e2e/cmd/lab -all -ends chromium,firefox-one,firefox-both,headless-one -o docs/lab-table.md
//	go run ./e2e/cmd/lab -all -stories diagnosis/testdata
//	go run ./e2e/cmd/lab -all -scenario flat,udp-blocked -at-once 1 -dumps /tmp/dumps
//	go run ./e2e/cmd/lab -paper /tmp/paper -stories diagnosis/testdata
//	go run ./e2e/cmd/lab -nat -runs 1 -nats none,eim-apdf -clients cli,chromium
//	go run ./e2e/cmd/lab -grid -rows eim-apdf,apdm-apdf
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/icescope/icescope/e2e"
	"github.com/icescope/icescope/protocol"
)

func main() {
	name := flag.String("scenario", "", "hold this network open until Ctrl-C; with -all: play only these, as in flat,nat-* (a play's whole name, or a pattern)")
	list := flag.Bool("list", false, "list the scenarios")
	all := flag.Bool("all", false, "play all scenarios and print a matrix")
	ends := flag.String("ends", string(e2e.Listed), "with -all: what stands at the ends, as in chromium,firefox-one,firefox-both,headless-one; listed: two Chromium, and what each scenario lists")
	atOnce := flag.Int("at-once", 2, "with -all: how many plays at a time")
	gallery := flag.String("gallery", "", "a directory for pictures of every scenario's page, in both languages, light and dark, wide and narrow, made of the recordings in -stories; needs no root")
	paper := flag.String("paper", "", "a directory for every scenario's report on A4, in both languages, made of the recordings in -stories; needs no root")
	artefacts := flag.String("artefacts", "artefacts", "with -all: where to put screenshots, reports and recordings")
	picture := flag.String("picture", "", "with -all and one play's name: a file for the picture that the documents show")
	guide := flag.String("guide", "", "with -all and one play's name: a directory for the pictures of the guide")
	bench := flag.Bool("bench", false, "print how long people wait, against the targets")
	page := flag.Bool("page", false, "print what the page costs its reader, against the targets: its first paint, a flood of pairs, its heap; needs no root")
	minutes := flag.Float64("minutes", 10, fmt.Sprintf("with -page: for how long the page's heap is followed; %d at the most", e2e.MaxHeapMinutes))
	runs := flag.Int("runs", 0, "with -all and -bench: how often each scenario is played (1, 10); with -page: how often each page is opened (10); with -nat: how often each client is asked (10)")
	nat := flag.Bool("nat", false, "let each client classify each of the lab's NATs, and print the table")
	nats := flag.String("nats", "", "with -nat: only these NATs, as in none,eim-apdf")
	clients := flag.String("clients", "", "with -nat: only these, as in cli,chromium,firefox,coturn,stun,pion")
	grid := flag.Bool("grid", false, "let two Chromium meet behind every pair of NATs, and print what was expected and what came")
	rows := flag.String("rows", "", "with -grid: only these NATs, as in none,eim-apdf; user-eim-apdf and the like are in userspace")
	out := flag.String("o", "", "a file for the table; with -nat or -grid: between its marks in this Markdown file, which is made where it is missing")
	stories := flag.String("stories", "", "with -all: a directory to write each play's recording to, as a story for the diagnosis' tests; with -gallery and -paper: where they are")
	dumps := flag.String("dumps", "", "with -all: a directory for what the browsers themselves have logged of each play, as chrome://webrtc-internals and about:webrtc save it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case *nat:
		err = classify(ctx, *nats, *clients, cmp.Or(*runs, 10), *out)
	case *grid:
		err = meet(ctx, *rows, *out)
	case *bench:
		err = measure(ctx, cmp.Or(*runs, 10))
	case *page:
		err = measurePage(ctx, cmp.Or(*runs, 10), *minutes)
	case *gallery != "":
		err = hang(ctx, *name, *stories, *gallery)
	case *paper != "":
		err = printAll(ctx, *name, *stories, *paper)
	case *list:
		for _, s := range e2e.Scenarios {
			fmt.Printf("%-24s %s\n", s.Name, s.Title)
		}
	case *all:
		err = play(ctx, *name, *ends, cmp.Or(*runs, 1), *out, e2e.Company{Artefacts: *artefacts, AtOnce: *atOnce, Picture: *picture, Guide: *guide, Stories: *stories, Dumps: *dumps})
	default:
		err = hold(ctx, *name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func hold(ctx context.Context, name string) error {
	s, ok := e2e.Find(name)
	if !ok {
		return fmt.Errorf("there is no scenario %q; -list lists them", name)
	}
	binary, done, err := prepare()
	if err != nil {
		return err
	}
	defer done()
	b, err := e2e.Set(ctx, s, binary, "/dev/stderr")
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s\n%s\n", s.Name, s.Title, s.Picture)
	for _, n := range s.Network.Nodes {
		fmt.Printf("  %-8s ip netns exec %s bash\n", n.Name, b.Lab.NS(n.Name))
	}
	fmt.Println("\nrun a browser in a and one in b, from a terminal that has a display:")
	for _, end := range []struct {
		node, url string
		side      e2e.Side
	}{{e2e.NodeA, b.PageURL("A", protocol.English), s.A}, {e2e.NodeB, b.PageURL("B", protocol.Japanese), s.B}} {
		flags := ""
		for _, f := range end.side.ChromiumFlags() {
			flags += " '" + f + "'"
		}
		fmt.Printf("  ip netns exec %s chromium --no-sandbox --user-data-dir=$(mktemp -d)%s '%s'\n", b.Lab.NS(end.node), flags, end.url)
		if text, err := json.Marshal(end.side.Policies); err == nil && len(end.side.Policies) > 0 {
			fmt.Printf("    with the managed policies %s (docs/lab.md says how)\n", text)
		}
	}
	for _, step := range s.Steps {
		fmt.Printf("\n%v after %q, on %s (%s):\n%s%s\n", step.After, step.When, step.Node, b.Lab.NS(step.Node), step.Nft, strings.Join(step.IP, "\n"))
	}
	fmt.Println("\nCtrl-C removes it all")
	<-ctx.Done()
	return b.Close()
}

// hang makes the gallery.
func hang(ctx context.Context, names, stories, dir string) error {
	binary, done, err := prepare()
	if err != nil {
		return err
	}
	defer done()
	return e2e.Gallery(ctx, binary, stories, dir, func(scenario string) bool {
		return wanted(e2e.Play{Name: scenario, Scenario: e2e.Scenario{Name: scenario}}, names)
	})
}

// printAll prints every report, says how many sheets each takes, and fails of one that takes too many.
func printAll(ctx context.Context, names, stories, dir string) error {
	var thick []string
	err := e2e.Paper(ctx, stories, dir, func(scenario string) bool {
		return wanted(e2e.Play{Name: scenario, Scenario: e2e.Scenario{Name: scenario}}, names)
	}, func(p e2e.Printed) {
		fmt.Printf("%d  %s %s\n", p.Pages, p.Scenario, p.Lang)
		if p.Pages > e2e.MostSheets {
			thick = append(thick, p.File)
		}
	})
	if err == nil && len(thick) > 0 {
		err = fmt.Errorf("more than %d sheets: %s", e2e.MostSheets, strings.Join(thick, ", "))
	}
	return err
}

// play plays the programme, prints a line for each play as it ends, writes the table, and says whether all is as expected.
func play(ctx context.Context, names, ends string, runs int, out string, c e2e.Company) error {
	var kinds []e2e.Ends
	for e := range strings.SplitSeq(ends, ",") {
		kinds = append(kinds, e2e.Ends(e))
	}
	plays, err := e2e.Programme(kinds)
	if err != nil {
		return err
	}
	plays = slices.DeleteFunc(plays, func(p e2e.Play) bool { return !wanted(p, names) })
	switch {
	case len(plays) == 0:
		return fmt.Errorf("no play is called %q; -list lists the scenarios", names)
	case (c.Picture != "" || c.Guide != "") && len(plays) > 1:
		return fmt.Errorf("-picture and -guide are of one play, and these are %d", len(plays))
	}
	binary, done, err := prepare()
	if err != nil {
		return err
	}
	defer done()
	c.Binary = binary
	if c.Stories != "" {
		if err := os.MkdirAll(c.Stories, 0o755); err != nil {
			return err
		}
	}
	const row = "%-32s %-13s %-28s %-9s %-7s %s\n"
	fmt.Printf(row, "play", "needs", "cause", "to final", "", "")
	bad := 0
	var all []e2e.Played
	versions := e2e.Versions(ctx, binary)
	c.Perform(ctx, slices.Repeat(plays, runs), func(p e2e.Played) {
		all = append(all, p)
		if len(p.Wrong) > 0 {
			bad++
		}
		if out != "" { // after each, so that an interrupted programme is not lost
			if err := e2e.WriteTable(out, all, versions); err != nil {
				p.Wrong = append(p.Wrong, err.Error())
			}
		}
		v := p.Judged().Verdict
		fmt.Printf(row, p.Name, v.Needs, v.Cause, fmt.Sprintf("%.1f s", p.ToFinal.Seconds()), p.Outcome(), strings.Join(p.Wrong, "; "))
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, e := range e2e.AllEnds {
		if slices.ContainsFunc(all, func(p e2e.Played) bool { return p.Ends() == e }) {
			fmt.Printf("%-14s %s\n", e, e2e.Total(all, e))
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d plays are not as expected", bad, len(all))
	}
	return nil
}

// wanted tells whether one of the names is the play's, or its scenario's, or a pattern of one.
func wanted(p e2e.Play, names string) bool {
	for pattern := range strings.SplitSeq(names, ",") {
		for _, name := range []string{p.Name, p.Scenario.Name} {
			if ok, err := path.Match(pattern, name); pattern == "" || ok && err == nil {
				return true
			}
		}
	}
	return false
}

// targets are what a person may have to wait until the final verdict.
var targets = []struct {
	scenario string
	within   time.Duration
}{
	{"flat", 2 * time.Second},
	{"routed-revealed", 2 * time.Second},
	{"asymmetric-nat", 8 * time.Second},
	{"udp-blocked", 8 * time.Second},
}

// candidateTarget is from a candidate's event until it is on both screens.
const candidateTarget = 100 * time.Millisecond

// measure prints figures and judges nothing: a busy machine is no defect.
func measure(ctx context.Context, runs int) error {
	binary, done, err := prepare()
	if err != nil {
		return err
	}
	defer done()
	fmt.Printf(figureRow, fmt.Sprintf("the lab, %d runs each", runs), "target", "median", "slowest", "")
	var candidates []time.Duration
	undrawn := 0
	for _, t := range targets {
		s, _ := e2e.Find(t.scenario)
		f, err := e2e.Measure(ctx, s, binary, runs)
		if err != nil {
			return err
		}
		line("verdict: "+s.Name, t.within, f.ToFinal, "")
		candidates = append(candidates, f.Candidate...)
		undrawn += len(f.Undrawn)
	}
	line("candidate to both screens", candidateTarget, candidates, fmt.Sprintf("(%d candidates, %d never drawn)", len(candidates), undrawn))
	return nil
}

// figureRow has the name of a figure, its target, median and slowest, and what else there is to say.
const figureRow = "%-34s %8s %8s %8s %s\n"

func line(name string, target time.Duration, d []time.Duration, note string) {
	show := func(d time.Duration) string {
		if target < time.Second {
			return fmt.Sprintf("%d ms", d.Milliseconds())
		}
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	fmt.Printf(figureRow, name, show(target), show(e2e.Median(d)), show(slices.Max(append(d, 0))), note)
}

// prepare removes leftovers and finds or builds the binary. done removes what it built.
func prepare() (binary string, done func(), err error) {
	if os.Getuid() != 0 {
		return "", nil, errors.New("network namespaces need root")
	}
	if err := e2e.CleanLeftovers(); err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", fmt.Sprintf("ics-%d-binary-", os.Getpid()))
	if err != nil {
		return "", nil, err
	}
	binary, err = e2e.Binary(dir)
	return binary, func() { os.RemoveAll(dir) }, err
}
