package natprobe

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/icescope/icescope/protocol"
)

const (
	// bigPadding makes a datagram that no Ethernet carries in one piece (RFC 5780 section 3.5): 1500 bytes are its MTU.
	bigPadding = 1500
	// smallPadding is the control: a server that answers to it knows PADDING.
	smallPadding = 64
	// overhead is that of the STUN header, the attribute's, UDP and IPv4.
	overhead = 20 + 4 + 8 + 20
)

// fragments: does a datagram pass that IP must cut in pieces? Silence counts only where a short padded request is answered before it and a plain one after it.
func (p *probe) fragments(ctx context.Context) {
	if mtu := p.network.MTU(p.source); mtu >= bigPadding+overhead {
		p.record(skipped(protocol.StepFragments, bindingPad, "large-mtu"))
		return
	}
	if p.result.Dialect != "RFC 5780" {
		p.record(skipped(protocol.StepFragments, bindingPad, "no-padding"))
		return
	}
	s, err := p.open(0)
	if err != nil {
		p.record(protocol.NATTest{Step: protocol.StepFragments, Transport: "udp", Packet: bindingPad, To: p.server.String(), Result: protocol.StepFailed, Error: err.Error()})
		return
	}
	small, _, err := p.ask(ctx, s, p.server, padding(smallPadding))
	switch {
	case err != nil && !errors.Is(err, errSilent):
		p.record(s.stepOf(protocol.StepFragments, bindingPad, p.server, protocol.CornerPP, small, 0, err))
		return
	case err != nil || small.code != 0 || small.padding == 0:
		p.record(skipped(protocol.StepFragments, bindingPad, "no-padding"))
		return
	}
	p.kept(s, small)
	pauses := slices.Repeat([]time.Duration{filterEvery}, filterSends)
	pauses[filterSends-1] = max(minGrace, 3*p.roundTrip())
	a, rtt, err := p.exchange(ctx, s, p.server, pauses, func(a answer) bool { return samePlace(a.from, p.server) }, padding(bigPadding))
	t := s.stepOf(protocol.StepFragments, bindingPad, p.server, protocol.CornerPP, a, rtt, err)
	switch t.Result {
	case protocol.StepAnswered:
		if a.padding+overhead > bigPadding { // the answer had to be cut, too
			p.result.Fragments = yes(true)
		} else {
			t.Result, t.Error = protocol.StepSkipped, "short-padding"
		}
	case protocol.StepUnanswered:
		if again, _, err := p.ask(ctx, s, p.server); err == nil && again.code == 0 {
			p.result.Fragments = yes(false)
		} else {
			t.Result, t.Error = protocol.StepFailed, "control"
		}
	}
	p.record(t)
}
