package natprobe

import (
	"net/netip"

	"github.com/icescope/icescope/protocol"
)

// reply is what came of asking one corner to answer unasked.
type reply uint8

const (
	unknown  reply = iota // silence that no control stands behind, or not asked
	answered              // it came through
	filtered              // it did not, and a control proved that it could have
)

// findings are all that the two behaviours follow from.
type findings struct {
	translated          *bool
	pp, ps, sp, ss      netip.AddrPort // how each corner sees the port of the mapping series; invalid: it never said
	unstable            bool           // the primary corner saw another address at the end of the series than at its beginning
	port, address, both reply
	mapping, filtering  protocol.Behavior
}

func (f *findings) classify() { f.mapping, f.filtering = f.mappingBehavior(), f.filteringBehavior() }

// mappingBehavior is RFC 5780 section 4.3. Without a second IP that answers, one thing can still be proven: a NAT that maps anew for another port of the same
// IP maps by address and port.
//
// Another port under one outside IP proves that a mapping is another. Another outside IP does not: a NAT may have a pool of them, and the corners may lie behind different NATs, or
// one behind none. Where both ports of both IPs each see us elsewhere, no pool of an independent NAT does that, whatever the IPs.
func (f *findings) mappingBehavior() protocol.Behavior {
	switch {
	case f.unstable || !f.pp.IsValid():
		return protocol.NotMeasurable
	case remapped(f.pp, f.ps) || f.pp.Addr() == f.sp.Addr() && remapped(f.sp, f.ss):
		return protocol.AddressAndPortDependent
	case f.ps.IsValid() && f.ps != f.pp && f.sp.IsValid() && f.ss.IsValid() && f.sp != f.ss:
		return protocol.AddressAndPortDependent
	case !f.sp.IsValid() || !f.ss.IsValid() || f.scattered():
		return protocol.NotMeasurable
	case f.pp == f.sp:
		return protocol.EndpointIndependent
	}
	return protocol.AddressDependent
}

// remapped tells whether two corners see different ports under one outside IP.
func remapped(a, b netip.AddrPort) bool {
	return a.IsValid() && b.IsValid() && a.Addr() == b.Addr() && a.Port() != b.Port()
}

// scattered tells whether the corners see different outside IPs.
func (f *findings) scattered() bool { return f.elsewhere().IsValid() }

// elsewhere is how the first corner sees us that sees another outside IP than the primary one; invalid: none does.
func (f *findings) elsewhere() netip.AddrPort {
	for _, seen := range []netip.AddrPort{f.sp, f.ss, f.ps} {
		if seen.IsValid() && seen.Addr() != f.pp.Addr() {
			return seen
		}
	}
	return netip.AddrPort{}
}

// filteringBehavior is RFC 5780 section 4.4 with the fourth test of erratum 7971. Every silence in it has its control. A filter that looks at the port alone
// has no name in RFC 4787 section 5, nor has one that passes a stranger and stops an acquaintance.
func (f *findings) filteringBehavior() protocol.Behavior {
	switch [3]reply{f.port, f.address, f.both} {
	case [3]reply{answered, answered, answered}:
		return protocol.EndpointIndependent
	case [3]reply{answered, filtered, filtered}:
		return protocol.AddressDependent
	case [3]reply{filtered, filtered, filtered}:
		return protocol.AddressAndPortDependent
	}
	if f.both == answered && f.port != filtered && f.address != filtered { // it passes the least known; the others were not heard for a reason of their own
		return protocol.EndpointIndependent
	}
	return protocol.NotMeasurable
}
