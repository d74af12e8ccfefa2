// Command lab holds one of the lab's networks open for a person to click through, or plays all scenarios and prints a matrix.
//
//	go run ./e2e/cmd/lab -list
//	go run ./e2e/cmd/lab -scenario asymmetric-nat
//	go run ./e2e/cmd/lab -all
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/icescope/icescope/e2e"
	"github.com/icescope/icescope/protocol"
)

func main() {
	name := flag.String("scenario", "", "hold this network open until Ctrl-C; with -all: play those whose names contain it")
	list := flag.Bool("list", false, "list the scenarios")
	all := flag.Bool("all", false, "play all scenarios and print a matrix")
	kinds := flag.String("kinds", "chromium,chromium", "with -all: what stands at A and at B: chromium, firefox or headless")
	artefacts := flag.String("artefacts", "artefacts", "with -all: where to put screenshots, reports and recordings")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case *list:
		for _, s := range e2e.Scenarios {
			fmt.Printf("%-24s %s\n", s.Name, s.Title)
		}
	case *all:
		err = playAll(ctx, *name, *kinds, *artefacts)
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
	fmt.Printf("\nrun a browser in a and one in b, each with a --user-data-dir of its own, and open\n  A  %s\n  B  %s\n\nCtrl-C removes it all\n",
		b.PageURL("A", protocol.English), b.PageURL("B", protocol.Japanese))
	<-ctx.Done()
	return b.Close()
}

func playAll(ctx context.Context, name, kinds, artefacts string) error {
	a, b, ok := strings.Cut(kinds, ",")
	if !ok {
		return errors.New("-kinds wants two, with a comma between")
	}
	binary, done, err := prepare()
	if err != nil {
		return err
	}
	defer done()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\tneeds\tcause\tto final\tas expected")
	bad := 0
	for _, s := range e2e.Scenarios {
		if !strings.Contains(s.Name, name) {
			continue
		}
		r, err := e2e.Run(ctx, s, e2e.RunOptions{Kinds: [2]e2e.Kind{e2e.Kind(a), e2e.Kind(b)}, Binary: binary, Artefacts: filepath.Join(artefacts, s.Name)})
		wrong := e2e.Judge(s, r)
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		verdict := "yes"
		if len(wrong) > 0 {
			bad++
			verdict = strings.Join(wrong, "; ")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1f s\t%s\n", s.Name, r.Final.Verdict.Needs, r.Final.Verdict.Cause, r.ToFinal.Seconds(), verdict)
		if ctx.Err() != nil {
			break
		}
	}
	w.Flush()
	if bad > 0 {
		return fmt.Errorf("%d scenarios are not as expected", bad)
	}
	return nil
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
