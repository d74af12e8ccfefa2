package diagnosis

import (
	"net/netip"
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// stunInOtherRealm: towards the other end a peer has another IP than towards this server. What STUN told it is no address where the other end stands: only the checks
// that it sends itself can make the connection (RFC 8445 section 7.3.1.3). Another port alone is a dependent mapping.
func stunInOtherRealm(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind != protocol.TrialSTUN {
			continue
		}
		for _, n := range t.ends() {
			far := t.other(n)
			told, events, ok := n.told()
			one := f.nat(n.peer).Mapping == protocol.EndpointIndependent && f.measured(n.peer)
			if !ok || !one && f.manyOutside(n.peer) {
				continue
			}
			seen, event, ok := n.seenAs(far)
			if !ok || seen == told || f.sameOutside(n.peer, far.peer) { // within one NAT they meet without it
				continue
			}
			x := Finding{Severity: t.severity(), Confidence: protocol.Likely, Peers: []string{n.peer.id, far.peer.id}, Trial: t.kind, Run: t.run,
				Direction: &protocol.Direction{From: n.peer.id, To: far.peer.id},
				Summary:   catalog.T("", "from", n.peer.name(), "to", far.peer.name(), "told", told.String(), "seen", seen.String()),
				Evidence:  []Evidence{note(catalog.T("evidence.stun-told", "peer", n.peer.name(), "address", told.String()), events...)}}
			if seen.IsValid() {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.peer-sees", "from", n.peer.name(), "to", far.peer.name(), "address", seen.String()), event))
			} else {
				x.Summary.Key = "-hidden"
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.peer-sees-hidden", "from", n.peer.name(), "to", far.peer.name(), "told", told.String()), event))
			}
			if one && seen.IsValid() && len(n.hosts("udp")) == 1 { // no pool of addresses explains it, and no other interface
				x.Confidence = protocol.Certain
			}
			if t.failed() {
				x.breaks = []protocol.TrialKind{t.kind}
			}
			out = append(out, x)
		}
	}
	return out
}

// told is the one IP that STUN answered to this end. Only once all candidates are out: the one that is missing may be what the other end sees.
func (n *end) told() (ip netip.Addr, events []int, ok bool) {
	if !n.gathered() {
		return ip, nil, false
	}
	for _, c := range n.srflx() {
		at := addrOf(c.Address)
		if !at.IsValid() || c.Protocol != "udp" || ip.IsValid() && at != ip {
			return ip, nil, false
		}
		ip, events = at, addEvents(events, c.event)
	}
	return ip, events, ip.IsValid()
}

// measured: does the peer's mapping rest on several of this server's corners?
func (f *Fold) measured(p *peer) bool {
	g, ok := f.views(p)
	return ok && g.mapping() != protocol.NotMeasurable
}

// manyOutside: do this server's corners see the peer under several IPs? Then its NAT has a pool of them, and which it takes tells nothing.
func (f *Fold) manyOutside(p *peer) bool {
	var first netip.Addr
	for _, s := range udpSightings(p) {
		at := addrOf(s.Source)
		if first.IsValid() && at.Is4() == first.Is4() && at != first {
			return true
		}
		if !first.IsValid() {
			first = at
		}
	}
	return false
}

// seenAs is the IP under which the other end sees this end's checks, where that is none that was signaled. Browsers hide the address of a peer-reflexive candidate: the
// other end's always, its own as long as host addresses are masked (the answers tell it, RFC 8445 section 7.2.5.3.1). Invalid: hidden, and yet another one. A
// peer-reflexive candidate becomes the signaled one as soon as they are the same, so that two of one port that stand side by side differ in the IP.
func (n *end) seenAs(far *end) (ip netip.Addr, event int, ok bool) {
	signaled := func(at netip.Addr) bool {
		return slices.ContainsFunc(n.candidates, func(c *candidate) bool { return addrOf(c.Address) == at })
	}
	hidden := -1
	for _, p := range far.pairs {
		if p.remote.Type != "prflx" || p.remote.Protocol != "udp" {
			continue
		}
		if at := addrOf(p.remote.Address); at.IsValid() && !signaled(at) {
			return at, p.event, true
		}
		beside := func(r shown) bool {
			return r.Type == "srflx" && r.Protocol == "udp" && r.Port == p.remote.Port && r.ID != p.remote.ID && r.event < p.event
		}
		if p.remote.Address == "" && value(p.RequestsReceived)+value(p.ResponsesReceived) > 0 && slices.ContainsFunc(far.remote, beside) {
			hidden = p.event
		}
	}
	for _, c := range n.local {
		if at := addrOf(c.Address); c.Type == "prflx" && c.Protocol == "udp" && at.IsValid() && !at.IsUnspecified() && !signaled(at) {
			return at, n.lastSample, true
		}
	}
	return ip, hidden, hidden >= 0
}
