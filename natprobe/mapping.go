package natprobe

import (
	"context"
	"net/netip"

	"github.com/icescope/icescope/protocol"
)

// mapping is RFC 5780 section 4.3: one port of ours asks the corners in turn, and each tells how it sees it. The primary corner is asked again at the end: a NAT whose
// mapping changes by itself would otherwise pass for a dependent one.
func (p *probe) mapping(ctx context.Context, s *socket, first answer, c corners) {
	p.found.pp = first.mapped
	ask := func(step protocol.NATStep, to netip.AddrPort, corner protocol.Corner) (netip.AddrPort, protocol.NATTest) {
		a, rtt, err := p.ask(ctx, s, to)
		if err != nil || a.code != 0 {
			a.mapped = netip.AddrPort{}
		}
		return a.mapped, s.stepOf(step, binding, to, corner, a, rtt, err)
	}
	asked := false
	if c.sp.IsValid() {
		var t protocol.NATTest
		p.found.sp, t = ask(protocol.StepMappingAddress, c.sp, protocol.CornerSP)
		p.record(t)
		asked = true
	} else {
		p.record(skipped(protocol.StepMappingAddress, binding, "one-address"))
	}
	if c.ss.IsValid() && p.found.sp.IsValid() {
		var t protocol.NATTest
		p.found.ss, t = ask(protocol.StepMappingPort, c.ss, protocol.CornerSS)
		p.record(t)
	}
	// Without the other address, the other port of this one can still prove the most dependent mapping; and where the two addresses see different outside IPs, each has to be
	// judged by itself.
	switch {
	case p.found.ss.IsValid() && !p.found.scattered():
	case c.ps.IsValid():
		ps, t := ask(protocol.StepMappingPort, c.ps, protocol.CornerPS)
		if c.guessed && !ps.IsValid() { // it was our own guess that there is such a port
			t = skipped(protocol.StepMappingPort, binding, "one-place")
		}
		p.found.ps = ps
		p.record(t)
		asked = true
	default:
		p.record(skipped(protocol.StepMappingPort, binding, "one-place"))
	}
	if !asked {
		return
	}
	again, _, err := p.ask(ctx, s, p.server)
	if err == nil && again.code == 0 && again.mapped != first.mapped {
		p.found.unstable = true
		p.note("mapping-changed " + first.mapped.String() + " " + again.mapped.String())
		return
	}
	if elsewhere := p.found.elsewhere(); elsewhere.IsValid() && p.found.mappingBehavior() == protocol.NotMeasurable {
		p.note("mapping-elsewhere " + first.mapped.String() + " " + elsewhere.String())
	}
}
