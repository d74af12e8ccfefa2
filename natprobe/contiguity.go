package natprobe

import (
	"context"

	"github.com/icescope/icescope/protocol"
)

// contiguityTries is how often a free pair of neighbouring ports is looked for.
const contiguityTries = 8

// contiguity: do neighbouring ports stay neighbours (RFC 4787 section 4.2.3, for RTP and RTCP)? The upper one asks first: a NAT that merely counts upwards then gives them
// the other way round.
func (p *probe) contiguity(ctx context.Context) {
	if p.found.translated == nil || !*p.found.translated {
		p.record(skipped(protocol.StepContiguity, binding, "untranslated"))
		return
	}
	lower, upper := p.neighbours()
	if lower == nil {
		p.record(skipped(protocol.StepContiguity, binding, "no-ports"))
		return
	}
	high, rtt, err := p.ask(ctx, upper, p.server)
	p.record(upper.stepOf(protocol.StepContiguity, binding, p.server, protocol.CornerPP, high, rtt, err))
	if err != nil || high.code != 0 {
		return
	}
	p.kept(upper, high)
	low, rtt, err := p.ask(ctx, lower, p.server)
	p.record(lower.stepOf(protocol.StepContiguity, binding, p.server, protocol.CornerPP, low, rtt, err))
	if err != nil || low.code != 0 {
		return
	}
	p.kept(lower, low)
	p.result.Contiguity = yes(int(high.mapped.Port())-int(low.mapped.Port()) == 1 && high.mapped.Addr() == low.mapped.Addr())
}

// neighbours are two fresh ports N (even) and N+1.
func (p *probe) neighbours() (lower, upper *socket) {
	for range contiguityTries {
		s, err := p.open(0)
		if err != nil {
			return nil, nil
		}
		port := s.local.Port()
		other, err := p.open(port ^ 1)
		if err != nil {
			continue
		}
		if port%2 == 0 {
			return s, other
		}
		return other, s
	}
	return nil, nil
}
