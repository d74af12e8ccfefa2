package diagnosis

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// A page without permission knows one address of its machine only: that of the default route (RFC 8828 section 5.2, mode 2). Where the machine has another interface, towards
// the other end, that address may be the wrong one: a VPN's, or a management network's. The sockets are bound to all interfaces, so packets leave on the right one; what is
// wrong is the address that the other end is given. The mark is that the machine is reached at another address of its own while the offered one is dead.

// chosen is a trial that failed because one end offered the address of the wrong interface.
type chosen struct {
	t        *trial
	n        *end
	host     bool       // checks to its host candidate were sent and died
	offered  netip.Addr // invalid: hidden behind a name
	worked   netip.Addr
	sure     bool
	known    bool // what kind of interface it is
	vpn      bool
	evidence []Evidence
}

// choices looks for both rules.
func (f *Fold) choices() (out []chosen) {
	for _, t := range f.trials {
		if t.kind.Relay() || !t.beaten() || t.connected() {
			continue
		}
		ab, ba := t.lanes()
		for _, n := range t.ends() {
			c, in := chosen{t: t, n: n, host: t.deadTo(n)}, ab
			if n == t.a {
				in = ba
			}
			if !c.host && !in.dead() || len(n.hosts("udp")) != 1 { // more than one socket: it offers more than one address, or both families
				continue
			}
			c.offered = first(n.addresses())
			if !f.reachedElsewhere(&c) {
				continue
			}
			f.tunnel(&c)
			out = append(out, c)
		}
	}
	return out
}

// deadTo: did the other end send checks to the host candidate of this end, and not one arrive?
func (t *trial) deadTo(n *end) bool {
	host := baseName("udp", first0(n.hosts("udp")))
	for _, r := range t.rows() {
		p, base := r.p, r.group.baseB
		f := r.aToB
		if n == t.a {
			p, base, f = r.q, r.group.baseA, r.bToA
		}
		if p == nil || base != host || p.remote.Protocol != "udp" || p.remote.Type != "host" {
			continue
		}
		if w := f(); w.sent >= enoughRequests && w.arrived <= 0 && w.got == 0 && w.state == protocol.DirUnanswered {
			return true
		}
	}
	return false
}

func first0(ports []int) int {
	if len(ports) == 0 {
		return 0
	}
	return ports[0]
}

// reachedElsewhere: a trial that did connect reached the machine at another of its addresses.
func (f *Fold) reachedElsewhere(c *chosen) bool {
	p := c.n.peer
	for x := range f.allTrials() {
		if x == c.t || x.kind.Relay() || x.run < c.t.run || !x.connected() && !(x.beaten() && f.neighbours(x)) {
			continue
		}
		var m *end
		beside := false
		for _, n := range x.ends() {
			switch {
			case n.peer == p && x.other(n).peer == c.t.other(c.n).peer:
				m = n
			case n.peer.joined.Beside == p.id:
				m, beside = n, true
			}
		}
		if m == nil {
			continue
		}
		ip := m.selectedOwn()
		switch {
		case !x.connected():
			// Something else stops these two as well. But this server stands in the segment of both, and not with the address that was offered.
			if c.host && c.offered.IsValid() && f.plainAt(m, &ip) && ip != c.offered {
				c.worked = ip
				c.evidence = append(c.evidence, note(catalog.T("evidence.seen-at-other-address", "peer", p.name(), "offered", c.offered.String(), "address", ip.String()),
					addEvents(c.n.signaledAt(c.offered), x.stopEvent)...))
				return true
			}
		case beside || len(m.hosts("udp")) > 1: // it sees every interface: what it connected over is its own
			if !ip.IsValid() || ip == c.offered || !slices.Contains(m.addresses(), ip) || !c.offered.IsValid() && f.defaultHas(p, ip) && !f.leavesElsewhere(c.n, ip) {
				continue
			}
			if f.answeredAt(m, c.offered) || !c.offered.IsValid() && f.answeredByDefault(p, m) {
				continue // the offered address is as good: something else stops the browser
			}
			c.worked, c.sure = ip, true
			key := "evidence.other-interface-works"
			if beside {
				key = "evidence.other-interface-works-beside"
			}
			c.evidence = append(c.evidence, note(catalog.T(key, "peer", p.name(), "beside", m.peer.name(), "address", ip.String()), addEvents(m.signaledAt(ip), x.stopEvent)...))
			return true
		case !c.host || !f.plainAt(m, &ip):
		case c.offered.IsValid() && ip != c.offered:
			// The server saw the very socket at the other address, and no translator between.
			c.worked, c.sure = ip, true
			c.evidence = append(c.evidence, note(catalog.T("evidence.seen-at-other-address", "peer", p.name(), "offered", c.offered.String(), "address", ip.String()),
				addEvents(c.n.signaledAt(c.offered), x.stopEvent)...))
			return true
		case !c.offered.IsValid() && f.round(x.run) == f.round(c.t.run):
			// Hidden behind a name that was resolved. If it stood for this address, it would have worked as well.
			c.worked = ip
			c.leadsElsewhere(ip, x)
			return true
		}
	}
	return f.connectedEarly(c)
}

// leadsElsewhere: the name stands for another address than the one that worked.
func (c *chosen) leadsElsewhere(ip netip.Addr, x *trial) {
	c.worked = ip
	c.evidence = append(c.evidence, note(catalog.T("evidence.name-leads-elsewhere", "peer", c.n.peer.name(), "other", c.t.other(c.n).peer.name(), "address", ip.String()), x.stopEvent))
}

// connectedEarly: the same of a trial that was over before its host candidate had come, so that its own socket cannot be told. The reflexive address is the machine's own all the same where
// another socket of the machine was seen at that IP with no translator between.
func (f *Fold) connectedEarly(c *chosen) bool {
	if !c.host || c.offered.IsValid() {
		return false
	}
	for _, x := range f.trials {
		if x.kind.Relay() || !x.connected() || f.round(x.run) != f.round(c.t.run) {
			continue
		}
		m := x.endOf(c.n.peer)
		if m == nil || len(m.hosts("udp")) > 0 {
			continue
		}
		for _, r := range m.srflx() {
			ip := addrOf(r.Address)
			if slices.ContainsFunc(udpSightings(c.n.peer), func(s sighting) bool {
				seen, err := netip.ParseAddrPort(s.Source)
				return err == nil && seen.Addr().Unmap() == ip && f.direct(c.n.peer, s)
			}) {
				c.leadsElsewhere(ip, x)
				return true
			}
		}
	}
	return false
}

// neighbours: do the two stand in one segment, as the TTLs prove?
func (f *Fold) neighbours(t *trial) bool {
	same, proven, _ := f.sameSegment(t.a.peer, t.b.peer)
	return same == yes && proven
}

// leavesElsewhere: did the packets of this end leave by another interface than that of the address? What STUN told it then is told, in a gathering that sees all interfaces, to the socket
// of that other one.
func (f *Fold) leavesElsewhere(n *end, ip netip.Addr) (other bool) {
	for _, e := range f.endsOf(n.peer) {
		for _, s := range e.srflx() {
			base := addrOf(s.RelatedAddress)
			if e == n || len(e.hosts("udp")) < 2 || !slices.Contains(e.addresses(), base) ||
				!slices.ContainsFunc(n.srflx(), func(c *candidate) bool { return addrOf(c.Address) == addrOf(s.Address) }) {
				continue
			}
			if base == ip {
				return false
			}
			other = true
		}
	}
	return other
}

// answeredAt: were checks answered that the end sent from this address of its own?
func (f *Fold) answeredAt(n *end, ip netip.Addr) bool {
	if !ip.IsValid() {
		return false
	}
	return slices.ContainsFunc(n.pairs, func(p *endPair) bool {
		return value(p.ResponsesReceived) > 0 && p.remote.Protocol == "udp" && p.local.Type == "host" && addrOf(p.local.Address) == ip
	})
}

// answeredByDefault: were checks answered that the end sent from an address of an interface which a default route leaves by? The page's hidden address is one of those.
func (f *Fold) answeredByDefault(p *peer, n *end) bool {
	list, _ := f.interfaces(p)
	return slices.ContainsFunc(list, func(i protocol.Interface) bool {
		return i.Default && slices.ContainsFunc(n.pairs, func(q *endPair) bool {
			return holds(i, addrOf(q.local.Address)) && f.answeredAt(n, addrOf(q.local.Address))
		})
	})
}

// selectedOwn is the end's own address of the selected pair, as it signaled it.
func (n *end) selectedOwn() netip.Addr {
	for _, p := range n.pairs {
		if n.selected == "" || p.key() != n.selected {
			continue
		}
		for _, c := range n.ofType("host") {
			if ip := addrOf(c.Address); ip.IsValid() && n.baseOf(c.Type, c.Protocol, c.Port, c.RelatedPort) == p.base {
				return ip
			}
		}
		if ip := addrOf(p.local.Address); p.local.Type == "host" && ip.IsValid() {
			return ip
		}
	}
	return netip.Addr{}
}

// plainAt gives the address at which this server saw the end's own socket, with no translator between.
func (f *Fold) plainAt(n *end, at *netip.Addr) bool {
	for _, c := range n.srflx() {
		ip := addrOf(c.Address)
		for _, s := range udpSightings(n.peer) {
			if s.Source == endpoint(c.Address, c.Port) && f.direct(n.peer, s) {
				*at = ip
				return true
			}
		}
	}
	return false
}

// interfaces are those of a machine, as icescope peer on it sees them.
func (f *Fold) interfaces(p *peer) (list []protocol.Interface, seen *peer) {
	for _, q := range f.peers {
		if (q == p || q.joined.Beside == p.id) && q.env != nil && len(q.env.Interfaces) > 0 {
			return q.env.Interfaces, q
		}
	}
	return nil, nil
}

func holds(i protocol.Interface, ip netip.Addr) bool {
	return slices.ContainsFunc(i.Addresses, func(a string) bool {
		p, err := netip.ParsePrefix(a)
		return err == nil && p.Addr().Unmap() == ip
	})
}

// defaultHas: is it an address of an interface that a default route leaves by, or is that not known?
func (f *Fold) defaultHas(p *peer, ip netip.Addr) bool {
	list, seen := f.interfaces(p)
	return len(list) == 0 || !seen.readsRoutes() && !slices.ContainsFunc(list, func(i protocol.Interface) bool { return i.Default }) || slices.ContainsFunc(list, func(i protocol.Interface) bool { return i.Default && holds(i, ip) })
}

// tunnelNames begin the names of the interfaces of VPNs: OpenVPN, WireGuard, macOS, PPTP and SSTP, IPsec, Tailscale, ZeroTier, GlobalProtect, AnyConnect, NordLynx.
var tunnelNames = []string{"tun", "tap", "wg", "utun", "ppp", "ipsec", "vti", "xfrm", "tailscale", "zt", "gpd", "cscotun", "nordlynx", "vpn"}

// tunnel tells whether the interface that was chosen is a VPN's: by what icescope peer on the machine sees, or by the network type of the browser's own statistics.
func (f *Fold) tunnel(c *chosen) {
	list, seen := f.interfaces(c.n.peer)
	c.known = len(list) > 0
	for _, i := range list {
		name := strings.ToLower(i.Name)
		if !(i.PointToPoint || slices.ContainsFunc(tunnelNames, func(s string) bool { return strings.HasPrefix(name, s) })) {
			continue
		}
		if c.offered.IsValid() && holds(i, c.offered) || !c.offered.IsValid() && i.Default {
			c.vpn = true
			c.evidence = append(c.evidence, note(catalog.T("evidence.tunnel-interface", "peer", c.n.peer.name(), "beside", seen.name(), "name", i.Name, "address", strings.Join(i.Addresses, ", ")), seen.envEvent))
			return
		}
	}
	for _, n := range f.endsOf(c.n.peer) {
		for _, l := range n.local {
			if l.NetworkType == "vpn" && (c.offered.IsValid() && addrOf(l.Address) == c.offered || n == c.n) {
				c.vpn, c.known = true, true
				c.evidence = append(c.evidence, note(catalog.T("evidence.network-type-vpn", "peer", c.n.peer.name(), "address", c.offered.String()), n.lastSample))
				return
			}
		}
	}
}

func (f *Fold) interfaceFindings(vpn bool) (out []Finding) {
	for _, c := range f.choices() {
		if c.vpn != vpn {
			continue
		}
		p, far := c.n.peer, c.t.other(c.n).peer
		offered := "@place.hidden-address"
		if c.offered.IsValid() {
			offered = c.offered.String()
		}
		x := Finding{Severity: protocol.SeverityError, Confidence: protocol.Likely, Peers: []string{p.id}, Trial: c.t.kind, Run: c.t.run, breaks: []protocol.TrialKind{c.t.kind},
			separatedBy: []separation{{kind: protocol.ExperimentHeadless, peer: p.id}, {kind: protocol.ExperimentReveal, peer: p.id}},
			Summary:     catalog.T("", "peer", p.name(), "other", far.name(), "offered", offered, "address", c.worked.String(), "trial", "@trial."+string(c.t.kind))}
		if c.sure && c.known { // otherwise it may yet turn out to be a tunnel
			x.Confidence = protocol.Certain
		}
		ab, ba := c.t.lanes()
		if c.n == c.t.a {
			ab = ba
		}
		x.Evidence = append([]Evidence{ab.silence()}, c.evidence...)
		out = append(out, x)
	}
	return out
}

func wrongInterface(f *Fold) []Finding { return f.interfaceFindings(false) }
