package diagnosis

import (
	"net/netip"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// tier is how the peer's socket looks in one of the server's segments.
type tier struct {
	mapped
	segment netip.Prefix
	ttl     int
}

// tiers: does the server stand in two segments, one before and one behind a second NAT, and see the same socket under an address of each? In the nearer one the packet is
// already translated (it comes from an address of the server's own segment and has crossed a router), in the farther one it has crossed more routers and has an
// address of that segment. A server in one segment sees the last translation only, and can say nothing of those before.
func (f *Fold) tiers(p *peer, g views) (near, far tier, ok bool) {
	at := func(c protocol.Corner) (tier, bool) {
		m, ok := g.one(c)
		if !ok {
			return tier{}, false
		}
		for _, s := range udpSightings(p) {
			if s.event != m.event || !routed(s.SourceTTL) {
				continue
			}
			for _, text := range f.room.Prefixes {
				if segment, err := netip.ParsePrefix(text); err == nil && segment.Contains(m.local.Addr()) && segment.Contains(m.source.Addr()) {
					return tier{m, segment, s.SourceTTL}, true
				}
			}
		}
		return tier{}, false
	}
	near, ok1 := at(protocol.CornerPP)
	far, ok2 := at(protocol.CornerSP)
	if near.ttl < far.ttl {
		near, far = far, near
	}
	return near, far, ok1 && ok2 && near.segment != far.segment && near.ttl > far.ttl && initialTTL(near.ttl) == initialTTL(far.ttl)
}

// initialTTL is what the sender most likely began with.
func initialTTL(ttl int) int {
	for _, initial := range []int{64, 128, 255} {
		if ttl <= initial {
			return initial
		}
	}
	return 0
}

// doubleNAT: two translations on the way. It is no fault by itself, but each is one more to configure, and a mapping of the inner one is worth nothing outside of the outer.
func doubleNAT(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		g, _ := f.views(p)
		near, far, ok := f.tiers(p, g)
		if !ok {
			continue
		}
		say := func(t tier) Evidence {
			return note(catalog.T("evidence.tier", "peer", p.name(), "corner", t.local.String(), "address", t.source.String(), "ttl", itoa(t.ttl)), t.event)
		}
		out = append(out, Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Likely, Peers: []string{p.id}, Evidence: []Evidence{say(near), say(far)},
			Summary: catalog.T("", "peer", p.name(), "near", near.source.Addr().String(), "far", far.source.Addr().String())})
	}
	return out
}
