package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
)

// cellDeadline is for one pair of NATs, from opening the first page. Two that map anew for every destination and let everybody in learn new addresses of each
// other until Chromium gives up, after 15 s.
const cellDeadline = 40 * time.Second

// GridNATs are the rows and columns of the whole grid: one of each behaviour, as Linux does it.
func GridNATs() []NAT {
	return append([]NAT{NATs[0], NATs[2]}, kernelNATs()...)
}

// GridCell is one pair of NATs: what icescope let one expect, and what came.
type GridCell struct {
	A, B NAT
	// Expected is protocol.Expectation.Direct, First who has to send first.
	Expected *bool
	First    string
	Outcome  protocol.Outcome // of the trial "stun"
	// Told: the report itself says that its expectation was contradicted.
	Told  bool
	Took  time.Duration
	Error error
}

// Contradicts tells whether the outcome is another than expected, or there is none.
func (c GridCell) Contradicts() bool {
	return c.Error != nil || c.Told || c.Expected != nil && *c.Expected != (c.Outcome == protocol.OutcomeConnected)
}

func (c GridCell) String() string {
	if c.Error != nil {
		return "**error**"
	}
	expected := "either"
	if c.Expected != nil {
		expected = map[bool]string{true: "yes", false: "no"}[*c.Expected]
	}
	outcome := "no"
	if c.Outcome == protocol.OutcomeConnected {
		outcome = "yes"
	}
	switch {
	case c.Contradicts():
		return "**" + expected + " / " + outcome + "**"
	case expected == outcome:
		return outcome
	}
	return expected + " / " + outcome
}

// Grid lets two Chromium meet behind every pair of the NATs. The browsers and the server are started once: only the NATs are changed between two cells.
func Grid(ctx context.Context, rows, columns []NAT, binary string, done func(GridCell)) (err error) {
	start, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	p, err := NewPair(start, Scenario{Name: "grid", Network: NATNetwork(NAT{}, NAT{}), Serve: []string{openRooms}}, binary, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	lab := natsOf(p.Lab)
	defer func() { err = errors.Join(err, lab.stop()) }()
	for _, a := range rows {
		for _, b := range columns {
			if a.Outer != nil || b.Outer != nil {
				return fmt.Errorf("%s, %s: a NAT behind a NAT needs a network of its own, and is in no grid", a.Name, b.Name)
			}
			if err := errors.Join(lab.SetNAT(0, a), lab.SetNAT(1, b)); err != nil {
				return err
			}
			done(p.cell(ctx, a, b))
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

func (p *Pair) cell(ctx context.Context, a, b NAT) GridCell {
	ctx, cancel := context.WithTimeout(ctx, cellDeadline)
	defer cancel()
	c := GridCell{A: a, B: b}
	began := time.Now()
	if c.Error = p.Meet(ctx, p.PageURL); c.Error != nil {
		return c
	}
	r, err := p.wait(ctx, func(r protocol.Report) bool {
		for _, peer := range r.Peers {
			if peer.NAT.State != protocol.NATDone {
				return false
			}
		}
		return r.Expectation != nil && len(r.Peers) == 2 && outcomeOf(r, protocol.TrialSTUN) != ""
	})
	c.Took = time.Since(began)
	if c.Outcome = outcomeOf(r, protocol.TrialSTUN); r.Expectation != nil {
		c.Expected, c.First, c.Told = r.Expectation.Direct, r.Expectation.First, r.Expectation.Contradicted
	}
	if err != nil {
		var nats []string
		for _, peer := range r.Peers {
			nats = append(nats, fmt.Sprintf("%s %s %s-%s", peer.Label, peer.NAT.State, peer.NAT.Mapping, peer.NAT.Filtering))
		}
		c.Error = fmt.Errorf("%w: the trial stun is %q, the peers are %q, expected of them is %+v", err, c.Outcome, nats, r.Expectation)
	}
	return c
}

// outcomeOf is the newest trial's of that kind; empty: none, or it runs.
func outcomeOf(r protocol.Report, kind protocol.TrialKind) (out protocol.Outcome) {
	for _, t := range r.Trials {
		if t.Kind == kind {
			out = t.Outcome
		}
	}
	return out
}

// GridTable is the matrix in Markdown: rows are A's NAT, columns B's.
func GridTable(cells []GridCell) string {
	var rows, columns []string
	at := map[[2]string]GridCell{}
	add := func(list *[]string, name string) {
		if !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	var took []time.Duration
	for _, c := range cells {
		add(&rows, c.A.Name)
		add(&columns, c.B.Name)
		at[[2]string{c.A.Name, c.B.Name}] = c
		took = append(took, c.Took)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| A \\ B | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	wrong := 0
	for _, row := range rows {
		fmt.Fprintf(&b, "| **%s** |", row)
		for _, column := range columns {
			c, ok := at[[2]string{row, column}]
			switch {
			case !ok:
				b.WriteString(" – |")
				continue
			case c.Contradicts():
				wrong++
			}
			fmt.Fprintf(&b, " %s |", c)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\n%d pairs, %d contradictions; %.1f s each (median).\n", len(cells), wrong, Median(took).Seconds())
	for _, c := range cells {
		if c.Error != nil {
			fmt.Fprintf(&b, "\n- `%s` and `%s`: %s", c.A.Name, c.B.Name, oneLine(c.Error.Error()))
		}
	}
	return b.String()
}
