package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
)

// clocks is what the figures are read from. Both pages run on one machine, so their clocks are one: gathered is when a page got a candidate from its
// browser, drawn when its row stood in the page, final when the verdict did.
const clocks = `
window.labClocks = { opened: performance.timeOrigin, final: 0, gathered: {}, drawn: {} };
{
	const now = () => performance.timeOrigin + performance.now();
	const name = (...parts) => parts.join(" ");
	window.RTCPeerConnection = class extends RTCPeerConnection {
		constructor(...a) {
			super(...a);
			this.addEventListener("icecandidate", ({ candidate: c }) => {
				if (c?.candidate && c.tcpType !== "active") labClocks.gathered[name(c.type, c.protocol, c.address, c.port)] ??= now();
			});
		}
	};
	new MutationObserver(() => {
		for (const { dataset: d } of document.querySelectorAll("[data-testid=candidate]"))
			if (d.trial !== "alone") labClocks.drawn[name(d.type, d.protocol, d.address, d.port)] ??= now();
		if (document.querySelector("[data-testid=verdict][data-final=true]")) labClocks.final ||= now();
	}).observe(document, { subtree: true, childList: true, attributes: true });
}`

// pageClocks are milliseconds since 1970.
type pageClocks struct {
	Opened, Final   float64
	Gathered, Drawn map[string]float64
}

// Figures are what a person waits for. Median and slowest are of all runs.
type Figures struct {
	Runs int
	// ToFinal is from opening the second page until both pages have drawn the final verdict.
	ToFinal []time.Duration
	// Candidate is from a candidate's event in one page until both pages have drawn it. Those of the trial "alone" are left out: it may be over before the second page opens.
	Candidate []time.Duration
	// Undrawn are candidates of the trials that never were on both screens.
	Undrawn []string
}

// Measure plays a scenario again and again, each time in a new room with fresh pages.
func Measure(ctx context.Context, s Scenario, binary string, runs int) (f Figures, err error) {
	started, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	p, err := NewPair(started, s, binary, clocks)
	if err != nil {
		return f, err
	}
	defer p.Close()
	for range runs {
		if err := p.measure(ctx, &f); err != nil {
			return f, fmt.Errorf("%s, run %d: %w", s.Name, f.Runs+1, err)
		}
		f.Runs++
	}
	return f, nil
}

func (p *Pair) measure(ctx context.Context, f *Figures) error {
	ctx, cancel := context.WithTimeout(ctx, verdictDeadline+settleDeadline)
	defer cancel()
	if err := p.Meet(ctx, p.PageURL); err != nil {
		return err
	}
	// What is signaled last must have its chance of being drawn: so until nothing is out any more, and the pages know it.
	if _, err := p.wait(ctx, func(r protocol.Report) bool { return r.Verdict.Final && len(r.Verdict.Pending) == 0 }); err != nil {
		return err
	}
	var pages [2]pageClocks
	for i, b := range []Browser{p.A, p.B} {
		if err := WaitFor(ctx, b, "labClocks.final"); err != nil {
			return err
		}
		if err := b.Eval(ctx, "labClocks", &pages[i]); err != nil {
			return err
		}
	}
	f.ToFinal = append(f.ToFinal, milliseconds(max(pages[0].Final, pages[1].Final)-pages[1].Opened))
	alone, err := p.aloneCandidates(ctx)
	if err != nil {
		return err
	}
	for _, page := range pages {
		for name, at := range page.Gathered {
			a, b := pages[0].Drawn[name], pages[1].Drawn[name]
			switch {
			case a > 0 && b > 0:
				f.Candidate = append(f.Candidate, milliseconds(max(a, b)-at))
			case !alone[name]:
				f.Undrawn = append(f.Undrawn, name)
			}
		}
	}
	return nil
}

// aloneCandidates are those that only the report's trial alone has.
func (p *Pair) aloneCandidates(ctx context.Context) (map[string]bool, error) {
	r, err := p.Report(ctx)
	alone := map[string]bool{}
	for _, peer := range r.Peers {
		for _, c := range peer.Candidates {
			if c.Trial == protocol.TrialAlone {
				alone[strings.Join([]string{c.Type, c.Protocol, c.Address, fmt.Sprint(c.Port)}, " ")] = true
			}
		}
	}
	return alone, err
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// Median of the figures; 0 of none.
func Median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	return (d[(len(d)-1)/2] + d[len(d)/2]) / 2
}
