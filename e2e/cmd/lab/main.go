// Command lab holds one of the lab's networks open for a person to click through, or plays all scenarios and prints a matrix.
//
//	go run ./e2e/cmd/lab -list
//	go run ./e2e/cmd/lab -scenario asymmetric-nat
//	go run ./e2e/cmd/lab -bench
//	go run ./e2e/cmd/lab -all
//	go run ./e2e/cmd/lab -all -stories diagnosis/testdata
//	go run ./e2e/cmd/lab -nat -runs 1 -nats none,eim-apdf -clients cli,chromium
//	go run ./e2e/cmd/lab -grid -rows eim-apdf,apdm-apdf
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/icescope/icescope/e2e"
	"github.com/icescope/icescope/protocol"
)

func main() {
	name := flag.String("scenario", "", "hold this network open until Ctrl-C; with -all: play those whose names contain it")
	list := flag.Bool("list", false, "list the scenarios")
	all := flag.Bool("all", false, "play all scenarios and print a matrix")
	kinds := flag.String("kinds", "", "with -all: only plays with these ends, as in chromium,firefox (chromium, firefox or headless)")
	artefacts := flag.String("artefacts", "artefacts", "with -all: where to put screenshots, reports and recordings")
	picture := flag.String("picture", "", "with -all and one play's name: a file for the picture that the documents show")
	bench := flag.Bool("bench", false, "print how long people wait, against the targets")
	runs := flag.Int("runs", 10, "with -bench: how often each scenario is played; with -nat: how often each client is asked")
	nat := flag.Bool("nat", false, "let each client classify each of the lab's NATs, and print the table")
	nats := flag.String("nats", "", "with -nat: only these NATs, as in none,eim-apdf")
	clients := flag.String("clients", "", "with -nat: only these, as in cli,chromium,firefox,coturn,stun,pion")
	grid := flag.Bool("grid", false, "let two Chromium meet behind every pair of NATs, and print what was expected and what came")
	rows := flag.String("rows", "", "with -grid: only these NATs, as in none,eim-apdf; user-eim-apdf and the like are in userspace")
	out := flag.String("o", "", "with -nat or -grid: write the table between its marks in this Markdown file, too, which is made where it is missing")
	stories := flag.String("stories", "", "with -all: a directory to write each play's recording to, as a story for the diagnosis' tests (no pictures then)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case *nat:
		err = classify(ctx, *nats, *clients, *runs, *out)
	case *grid:
		err = meet(ctx, *rows, *out)
	case *bench:
		err = measure(ctx, *runs)
	case *list:
		for _, s := range e2e.Scenarios {
			fmt.Printf("%-24s %s\n", s.Name, s.Title)
		}
	case *all:
		err = play(ctx, *name, *kinds, *artefacts, *stories, *picture)
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
	for _, side := range []struct {
		node, url string
	}{{e2e.NodeA, b.PageURL("A", protocol.English)}, {e2e.NodeB, b.PageURL("B", protocol.Japanese)}} {
		fmt.Printf("  ip netns exec %s chromium --no-sandbox --user-data-dir=$(mktemp -d) '%s'\n", b.Lab.NS(side.node), side.url)
	}
	fmt.Println("\nCtrl-C removes it all")
	<-ctx.Done()
	return b.Close()
}

// play plays the programme, prints a line for each play as it ends, and says whether all is as expected.
func play(ctx context.Context, name, kinds, artefacts, stories, picture string) error {
	plays := e2e.Plays()
	if kinds != "" {
		a, b, ok := strings.Cut(kinds, ",")
		if !ok {
			return errors.New("-kinds wants two, with a comma between")
		}
		ends := [2]e2e.Kind{e2e.Kind(a), e2e.Kind(b)}
		plays = slices.DeleteFunc(plays, func(p e2e.Play) bool { return p.Kinds != ends })
	}
	binary, done, err := prepare()
	if err != nil {
		return err
	}
	defer done()
	const row = "%-32s %-13s %-24s %-9s %s\n"
	fmt.Printf(row, "play", "needs", "cause", "to final", "as expected")
	bad := 0
	for _, p := range plays {
		if !strings.Contains(p.Name, name) {
			continue
		}
		if p.Name != name { // the picture is of one play
			picture = ""
		}
		r, err := e2e.Run(ctx, p, e2e.RunOptions{Binary: binary, Artefacts: filepath.Join(artefacts, p.Name), Gallery: stories == "", Picture: picture})
		wrong := e2e.Judge(p, r)
		if err == nil && stories != "" {
			err = e2e.WriteStory(stories, p, r)
		}
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		verdict := "yes"
		if len(wrong) > 0 {
			bad++
			verdict = strings.Join(wrong, "; ")
		}
		fmt.Printf(row, p.Name, r.Final.Verdict.Needs, r.Final.Verdict.Cause, fmt.Sprintf("%.1f s", r.ToFinal.Seconds()), verdict)
		if ctx.Err() != nil {
			break
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d plays are not as expected", bad)
	}
	return nil
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
	const row = "%-34s %8s %8s %8s %s\n"
	fmt.Printf(row, fmt.Sprintf("the lab, %d runs each", runs), "target", "median", "slowest", "")
	var candidates []time.Duration
	undrawn := 0
	for _, t := range targets {
		s, _ := e2e.Find(t.scenario)
		f, err := e2e.Measure(ctx, s, binary, runs)
		if err != nil {
			return err
		}
		line("verdict: "+s.Name, t.within, f.ToFinal, row, "")
		candidates = append(candidates, f.Candidate...)
		undrawn += len(f.Undrawn)
	}
	line("candidate to both screens", candidateTarget, candidates, row, fmt.Sprintf("(%d candidates, %d never drawn)", len(candidates), undrawn))
	return nil
}

func line(name string, target time.Duration, d []time.Duration, row, note string) {
	show := func(d time.Duration) string {
		if target < time.Second {
			return fmt.Sprintf("%d ms", d.Milliseconds())
		}
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	fmt.Printf(row, name, show(target), show(e2e.Median(d)), show(slices.Max(append(d, 0))), note)
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
