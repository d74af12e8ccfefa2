package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
)

// Played is a play and what came of it.
type Played struct {
	Play
	Result
	Wrong []string // Judge's complaints, and the lab's own faults
}

// The outcomes of a play, for the table.
const (
	OutcomeRight  = "right"
	OutcomeWeaker = "weaker" // another verdict than the scenario's, and none that weaklyRight calls wrong
	OutcomeWrong  = "wrong"
)

// Outcome is one of the three.
func (p Played) Outcome() string {
	switch {
	case len(p.Wrong) > 0:
		return OutcomeWrong
	case right(p.Expect, p.Judged().Verdict):
		return OutcomeRight
	}
	return OutcomeWeaker
}

// Judged is the report whose verdict the expectation is of.
func (p Played) Judged() protocol.Report { return p.judged(p.Scenario) }

// Company is how plays are played.
type Company struct {
	Binary    string
	Artefacts string // a directory; each play's is in there by its name
	AtOnce    int    // how many plays at a time
	Picture   string // see RunOptions
	Guide     string // see RunOptions
	Stories   string // a directory to write each play's recording to, as a story of the diagnosis; empty: none
	Dumps     string // a directory; what the browsers of each play have logged is in there by the play's name; empty: they do not
}

// Perform plays them all and hands over each as it ends, one at a time. It ends early with ctx.
func (c Company) Perform(ctx context.Context, plays []Play, seen func(Played)) {
	todo := make(chan Play)
	var wg sync.WaitGroup
	var one sync.Mutex
	for range c.AtOnce {
		wg.Go(func() {
			for p := range todo {
				played := c.perform(ctx, p)
				if ctx.Err() != nil {
					continue // it was interrupted, and says nothing
				}
				one.Lock()
				seen(played)
				one.Unlock()
			}
		})
	}
	for _, p := range plays {
		select {
		case todo <- p:
		case <-ctx.Done():
		}
	}
	close(todo)
	wg.Wait()
}

// maxVoid is how often a play may be void before what came of it is taken as it is.
const maxVoid = 2

// perform plays it, and again where an end could not keep up to the last: such a play says nothing of the network, be it right or wrong.
func (c Company) perform(ctx context.Context, p Play) (played Played) {
	for again := range maxVoid + 1 {
		played = c.once(ctx, p)
		if !played.void() || ctx.Err() != nil {
			return played
		}
		if again < maxVoid {
			fmt.Fprintf(os.Stderr, "%s: played again, for this machine could not keep up: %s\n", p.Name, strings.Join(played.Wrong, "; "))
		}
	}
	return played
}

// void: is something wrong, and did one of the trials fail while an end could not keep up?
func (p Played) void() bool {
	return len(p.Wrong) > 0 && slices.ContainsFunc(p.Settled.Trials, func(t protocol.TrialReport) bool { return t.Hindered != "" })
}

func (c Company) once(ctx context.Context, p Play) Played {
	o := RunOptions{Binary: c.Binary, Artefacts: filepath.Join(c.Artefacts, p.Name), Picture: c.Picture, Guide: c.Guide}
	if c.Dumps != "" {
		o.Dumps = filepath.Join(c.Dumps, p.Name)
	}
	r, err := Run(ctx, p, o)
	played := Played{Play: p, Result: r, Wrong: Judge(p, r)}
	if err == nil && c.Stories != "" {
		err = WriteStory(c.Stories, p, r)
	}
	if err != nil {
		played.Wrong = append(played.Wrong, err.Error())
	}
	return played
}

// WriteTable writes what was played into the table of that file, and leaves there what was not.
func WriteTable(file string, all []Played, versions []string) error {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(file, []byte(Table(string(old), all, versions)), 0o644)
}

// Table is docs/lab-table.md: what came of the whole programme. What was not played this time stays as it is in old, an earlier table or nothing.
func Table(old string, all []Played, versions []string) string {
	before := readTable(old)
	var ends []Ends
	for _, e := range AllEnds {
		if slices.ContainsFunc(all, func(p Played) bool { return p.Ends() == e }) || before[e] != nil {
			ends = append(ends, e)
		}
	}
	var b strings.Builder
	b.WriteString(`# What came of every scenario

Written by ` + "`make lab`" + `; [lab.md](lab.md) describes the scenarios. For each pair of ends: right, weaker or wrong; what the pair needs, and why; how sure that is; and how long after the
second page was opened the verdict was final. "Weaker" is of ends that see less than two Chromium, or are no browsers: another verdict that agrees with what connected, and
whose cause is left open or only possible. "Wrong" is everything else, a finding among it that is certain, or a likely error, and not true in the scenario.

`)
	for _, v := range versions {
		fmt.Fprintf(&b, "- %s\n", v)
	}
	b.WriteString("\n| scenario | expected |")
	for _, e := range ends {
		fmt.Fprintf(&b, " %s |", e)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(ends)) + "\n")
	total := map[Ends][]string{}
	for _, s := range Scenarios {
		fmt.Fprintf(&b, "| %s | %s |", s.Name, said(s.Expect.Needs, s.Expect.Cause))
		for _, e := range ends {
			var cells []string
			for _, p := range all {
				if p.Scenario.Name == s.Name && p.Ends() == e {
					cells = append(cells, p.cell())
				}
			}
			cell := cmp.Or(strings.Join(cells, runBreak), before[e][s.Name], "not played")
			total[e] = append(total[e], strings.Split(cell, runBreak)...)
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteString("\n")
	}
	b.WriteString("| **all** | |")
	for _, e := range ends {
		fmt.Fprintf(&b, " %s |", count(total[e]))
	}
	b.WriteString("\n")
	return b.String()
}

const (
	runBreak       = "<br>"              // between the runs of one cell
	certainOfWrong = "certain and wrong" // stands in the cell of a play with such a finding
)

// readTable reads the cells of a table by ends and scenario. What is none has none.
func readTable(text string) map[Ends]map[string]string {
	cells := map[Ends]map[string]string{}
	var ends []Ends
	for line := range strings.Lines(text) {
		row := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(row) < 3 || !strings.HasPrefix(line, "|") {
			continue
		}
		name := strings.TrimSpace(row[0])
		if name == "scenario" {
			for _, e := range row[2:] {
				ends = append(ends, Ends(strings.TrimSpace(e)))
				cells[ends[len(ends)-1]] = map[string]string{}
			}
			continue
		}
		for i, cell := range row[2:] {
			if i < len(ends) {
				cells[ends[i]][name] = strings.TrimSpace(cell)
			}
		}
	}
	return cells
}

// Total counts what came of one kind of ends.
func Total(all []Played, e Ends) string {
	var cells []string
	for _, p := range all {
		if p.Ends() == e {
			cells = append(cells, p.cell())
		}
	}
	return count(cells)
}

func count(cells []string) string {
	n := map[string]int{}
	for _, c := range cells {
		outcome, _, _ := strings.Cut(c, ":")
		n[strings.Trim(outcome, "*")]++
		if strings.Contains(c, certainOfWrong) {
			n[certainOfWrong]++
		}
	}
	return fmt.Sprintf("%d right, %d weaker, %d wrong (%d %s)", n[OutcomeRight], n[OutcomeWeaker], n[OutcomeWrong], n[certainOfWrong], certainOfWrong)
}

// surelyWrong: is anything certain that is not true in the scenario?
func (p Played) surelyWrong() bool {
	return slices.ContainsFunc(slices.Concat(p.Final.Findings, p.Settled.Findings), func(f protocol.Finding) bool {
		return f.Confidence == protocol.Certain && (p.unknown(f) || slices.Contains(p.Expect.MustNot, f.Code))
	})
}

func (p Played) cell() string {
	v := p.Judged().Verdict
	took := "never final"
	if p.ToFinal > 0 {
		took = fmt.Sprintf("%.1f s", p.ToFinal.Seconds())
	}
	outcome := p.Outcome()
	if outcome == OutcomeWrong {
		outcome = "**" + outcome + "**"
	}
	if p.surelyWrong() {
		took += ", " + certainOfWrong
	}
	return fmt.Sprintf("%s: %s, %s, %s", outcome, said(v.Needs, v.Cause), cmp.Or(string(v.Confidence), "nothing sure"), took)
}

func said(needs protocol.Needs, cause protocol.Code) string {
	if cause == "" {
		return "`" + string(needs) + "`"
	}
	return "`" + string(needs) + "` because of `" + string(cause) + "`"
}

// versionPatience is for a browser to say its version: Firefox loads itself for that.
const versionPatience = 20 * time.Second

// Versions are what was played with.
func Versions(ctx context.Context, binary string) (out []string) {
	ctx, cancel := context.WithTimeout(ctx, versionPatience)
	defer cancel()
	for _, command := range [][]string{
		{cmp.Or(os.Getenv("CHROMIUM"), "chromium"), "--version"}, {firefoxProgram(), "--version"}, {binary, "version"}, {"uname", "-sr"},
	} {
		text, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
		if line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n"); err == nil && line != "" {
			out = append(out, line)
		}
	}
	return out
}
