package natprobe

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/stun/v3"
)

// hairpin sends from one port of ours to another by way of their outside addresses (RFC 5780 section 3.4; RFC 4787 section 6). Both ports send: each so opens the filter for
// the other. Silence counts only where the NAT maps endpoint-independently, since elsewhere the packets leave from places that the filters do not know.
func (p *probe) hairpin(ctx context.Context) {
	if !p.Hairpin {
		return
	}
	if p.found.translated == nil || !*p.found.translated {
		p.record(skipped(protocol.StepHairpin, binding, "untranslated"))
		return
	}
	t := protocol.NATTest{Step: protocol.StepHairpin, Transport: "udp", Packet: binding}
	fail := func(err error) {
		t.Result, t.Error = protocol.StepFailed, err.Error()
		p.record(t)
	}
	var ends [2]*socket
	var outside [2]netip.AddrPort
	var packets [2]*stun.Message
	arrived := make(chan netip.AddrPort, 2*filterSends)
	for i := range ends {
		s, err := p.open(0)
		if err != nil {
			fail(err)
			return
		}
		a, _, err := p.ask(ctx, s, p.server)
		if err != nil || a.code != 0 {
			p.record(s.stepOf(protocol.StepHairpin, binding, p.server, protocol.CornerPP, a, 0, err))
			return
		}
		ends[i], outside[i] = s, a.mapped
		if packets[i], err = request(); err != nil {
			fail(err)
			return
		}
	}
	for i, s := range ends {
		s.mu.Lock()
		s.heard[packets[1-i].TransactionID] = arrived
		s.mu.Unlock()
	}
	t.From, t.To, t.Result = ends[0].local.String(), outside[1].String(), protocol.StepRunning
	p.record(t)
	pauses := slices.Repeat([]time.Duration{filterEvery}, filterSends)
	pauses[filterSends-1] = max(minGrace, 3*p.roundTrip())
	began := time.Now()
	for _, d := range pauses {
		for i, s := range ends {
			if err := s.send(packets[i], outside[1-i]); err != nil {
				fail(err)
				return
			}
		}
		timer := time.NewTimer(d)
		select {
		case from := <-arrived:
			timer.Stop()
			t.Result, t.Answerer, t.RTTMs = protocol.StepAnswered, from.String(), float64(time.Since(began).Microseconds())/1000
			p.result.NAT.Hairpin = yes(true)
			p.record(t)
			return
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			p.record(outcome(t, answer{}, 0, ctx.Err()))
			return
		}
	}
	t.Result = protocol.StepUnanswered
	for i, s := range ends { // the control: both are still mapped as they were, and can be heard
		a, _, err := p.ask(ctx, s, p.server)
		if err != nil || a.mapped != outside[i] {
			t.Result, t.Error = protocol.StepFailed, "control"
		}
	}
	switch {
	case t.Result != protocol.StepUnanswered:
	case p.found.mapping == protocol.EndpointIndependent:
		p.result.NAT.Hairpin = yes(false)
	default:
		t.Error = "hairpin-mapping"
	}
	p.record(t)
}
