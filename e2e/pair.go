package e2e

import (
	"context"
	"errors"
	"fmt"

	"github.com/icescope/icescope/protocol"
)

// Pair is a bench with a Chromium at both ends, for as many rooms as are wanted: only the first costs the start of two browsers.
type Pair struct {
	*Bench
	A, B Browser
}

// NewPair sets the scenario and starts both browsers. script runs in every page before its own.
func NewPair(ctx context.Context, s Scenario, binary, script string, flags ...string) (_ *Pair, err error) {
	p := &Pair{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.Bench, err = Set(ctx, s, binary, ""); err != nil {
		return p, err
	}
	ends := [2]*end{{name: "A", node: NodeA, side: s.A}, {name: "B", node: NodeB, side: s.B}}
	errs := make([]error, 2)
	inParallel(2, func(i int) {
		ends[i].kind = Chromium
		ends[i].side.InitScript += script
		errs[i] = ends[i].start(ctx, p.Bench, flags...)
	})
	p.A, p.B = ends[0].browser, ends[1].browser
	return p, errors.Join(errs...)
}

// Meet makes a new room and opens A's page and, when A stands in it, B's.
func (p *Pair) Meet(ctx context.Context, pageURL func(name string, lang protocol.Lang) string) (err error) {
	if p.Room, err = p.NewRoom(ctx); err != nil {
		return err
	}
	if err := p.A.Open(ctx, pageURL("A", protocol.English)); err != nil {
		return err
	}
	if _, err := p.wait(ctx, func(r protocol.Report) bool { return len(r.Peers) == 1 }); err != nil {
		return fmt.Errorf("A never joined: %w", err)
	}
	return p.B.Open(ctx, pageURL("B", protocol.English))
}

// Close ends the browsers and the bench.
func (p *Pair) Close() error {
	for _, b := range []Browser{p.A, p.B} {
		if b != nil {
			b.Close()
		}
	}
	if p.Bench == nil {
		return nil
	}
	return p.Bench.Close()
}
