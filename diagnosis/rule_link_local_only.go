package diagnosis

import (
	"net/netip"
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// addresses are all that are known of a machine: what it signaled unmasked, where its packets came from, what icescope peer on it sees.
func (f *Fold) addresses(p *peer) (ips []netip.Addr) {
	add := func(ip netip.Addr) {
		if ip.IsValid() && !ip.IsLoopback() && !slices.Contains(ips, ip) {
			ips = append(ips, ip)
		}
	}
	for _, ip := range f.hostAddresses(p) {
		add(ip)
	}
	for _, s := range udpSightings(p) {
		add(addrOf(s.Source))
	}
	add(addrOf(p.joined.HTTPAddress))
	for _, q := range f.peers {
		if (q == p || q.joined.Beside == p.id) && q.env != nil {
			for _, i := range q.env.Interfaces {
				for _, a := range i.Addresses {
					if pre, err := netip.ParsePrefix(a); err == nil {
						add(pre.Addr().WithZone("").Unmap())
					}
				}
			}
		}
	}
	return ips
}

// selfGiven: has the machine no address but those that it gave itself (RFC 3927, RFC 4291 section 2.5.6)? Every machine with IPv6 has one of those, so what counts is
// that there is no other.
func (f *Fold) selfGiven(p *peer) (netip.Addr, bool) {
	ips := f.addresses(p)
	if len(ips) == 0 || slices.ContainsFunc(ips, func(ip netip.Addr) bool { return !ip.IsLinkLocalUnicast() }) {
		return netip.Addr{}, false
	}
	return ips[0], true
}

// linkLocalOnly: nobody beyond the link can answer such an address, because no router forwards it. Two machines with such addresses on one link do meet.
func linkLocalOnly(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		own, ok := f.selfGiven(p)
		if !ok || p.joined.Kind == protocol.KindWatcher || p.joined.Beside != "" {
			continue
		}
		x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Likely, Peers: []string{p.id}, Summary: catalog.T("", "peer", p.name(), "address", own.String()),
			separatedBy: []separation{{kind: protocol.ExperimentHeadless, peer: p.id}}}
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.only-link-local", "peer", p.name(), "address", own.String()), append(f.stunAnswered(p), p.joinedAt)...))
		for _, t := range f.trials {
			if t.a.peer != p && t.b.peer != p || t.kind.Relay() || !t.beaten() || t.connected() {
				continue
			}
			if _, both := f.selfGiven(t.other(t.endOf(p)).peer); both {
				continue
			}
			if t.run == f.newest(t.kind) {
				x.breaks = append(x.breaks, t.kind)
			}
			x.Severity = protocol.SeverityError
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.trial-failed", "trial", "@trial."+string(t.kind), "reason", "@reason."+string(t.stop.Reason)), t.stopEvent))
		}
		out = append(out, x)
	}
	return out
}
