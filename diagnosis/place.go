package diagnosis

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// Where a peer stands in the network, as far as the evidence goes. Every answer here is three-valued: yes, no, not known.

type answer int8

const (
	unknown answer = iota
	yes
	no
)

func (a answer) ptr() *bool {
	if a == unknown {
		return nil
	}
	b := a == yes
	return &b
}

// ends of a peer: what it gathered alone and in every trial.
func (f *Fold) endsOf(p *peer) []*end {
	all := slices.Clone(p.alone)
	for t := range f.allTrials() {
		for _, n := range t.ends() {
			if n.peer == p {
				all = append(append(all, n), n.again...)
			}
		}
	}
	return all
}

// hostAddresses are the IPs of its unmasked host candidates.
func (f *Fold) hostAddresses(p *peer) []netip.Addr {
	var ips []netip.Addr
	for _, n := range f.endsOf(p) {
		for _, c := range n.candidates {
			if ip, err := netip.ParseAddr(c.Address); err == nil && c.Type == "host" && !slices.Contains(ips, ip.Unmap()) {
				ips = append(ips, ip.Unmap())
			}
		}
	}
	return ips
}

// masked: are the host addresses hidden behind .local names? Unknown without a host candidate. The newest gathering that has one counts, because
// a permission reveals them.
func (f *Fold) masked(p *peer) answer {
	ends := f.endsOf(p)
	slices.SortStableFunc(ends, func(x, y *end) int { return y.startEvent - x.startEvent })
	for _, n := range ends {
		for _, c := range n.candidates {
			if c.Type == "host" && c.Protocol == "udp" {
				if c.Masked() {
					return yes
				}
				return no
			}
		}
	}
	return unknown
}

func udpSightings(p *peer) []sighting { return p.udp }

// srflx are the server-reflexive candidates of an end.
func (n *end) srflx() []*candidate { return n.ofType("srflx") }

// ofType are the signaled candidates of one type.
func (n *end) ofType(typ string) (out []*candidate) {
	for _, c := range n.candidates {
		if c.Type == typ {
			out = append(out, c)
		}
	}
	return out
}

func addrOf(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap()
	}
	ip, _ := netip.ParseAddr(s)
	return ip.Unmap()
}

// outside is the address that this server sees the peer's UDP come from, else its TCP; IPv4 before IPv6.
func (f *Fold) outside(p *peer) netip.Addr {
	for _, v4 := range []bool{true, false} {
		if all := f.outsides(p, v4); len(all) > 0 {
			return all[0]
		}
	}
	return addrOf(p.joined.HTTPAddress)
}

// outsides are those of one family: of the newest gathering that learned any, for a pool may have given several, else where the first request came from. A peer whose
// UDP was never seen has the address of its TCP.
func (f *Fold) outsides(p *peer, v4 bool) (ips []netip.Addr) {
	for _, n := range slices.Backward(f.endsOf(p)) {
		for _, c := range n.srflx() {
			if ip := addrOf(c.Address); ip.IsValid() && ip.Is4() == v4 && !slices.Contains(ips, ip) {
				ips = append(ips, ip)
			}
		}
		if len(ips) > 0 {
			return ips
		}
	}
	for _, s := range udpSightings(p) {
		if ip := addrOf(s.Source); ip.Is4() == v4 {
			return []netip.Addr{ip}
		}
	}
	if ip := addrOf(p.joined.HTTPAddress); len(udpSightings(p)) == 0 && ip.IsValid() && ip.Is4() == v4 {
		return []netip.Addr{ip}
	}
	return nil
}

// sharedOutside is an address that both come from, translated.
func (f *Fold) sharedOutside(a, b *peer) (netip.Addr, bool) {
	for _, v4 := range []bool{true, false} {
		others := f.outsides(b, v4)
		for _, ip := range f.outsides(a, v4) {
			if !slices.Contains(others, ip) {
				continue
			}
			at := func(x netip.Addr) bool { return x == ip }
			ta, _, _ := f.translatedAt(a, at)
			tb, _, _ := f.translatedAt(b, at)
			if ta != no || tb != no {
				return ip, true
			}
		}
	}
	return netip.Addr{}, false
}

// sameOutside: do both come from one translated address?
func (f *Fold) sameOutside(a, b *peer) bool {
	_, same := f.sharedOutside(a, b)
	return same
}

// Initial TTLs of the systems in use: Linux, Android, macOS and iOS 64, Windows 128, network gear 255. A packet that still carries one has crossed no router.
func fresh(ttl int) bool { return ttl == 64 || ttl == 128 || ttl == 255 }

// routed: has a packet with this TTL crossed a router? Below 33 it may also come from an exotic system that starts at 32 or lower.
func routed(ttl int) bool { return ttl > 32 && !fresh(ttl) }

// direct: did this request come straight from the peer's own socket, out of one of the server's segments? The TTL alone does not tell: a forwarder in user space
// (Docker's proxy, a virtual machine's NAT) sends anew with a fresh one, but from a port of its own.
func (f *Fold) direct(p *peer, s sighting) bool {
	ap, err := netip.ParseAddrPort(s.Source)
	if err != nil || !fresh(s.SourceTTL) || !f.local(ap.Addr().Unmap()) {
		return false
	}
	for _, n := range f.endsOf(p) {
		if slices.Contains(n.hosts("udp"), int(ap.Port())) || n.bound(int(ap.Port())) {
			return true
		}
	}
	return false
}

// bound: do the statistics show a UDP socket of this port, signaled or not? A browser that connects early never signals its masked host candidate.
func (n *end) bound(port int) bool {
	return slices.ContainsFunc(n.local, func(c protocol.SampleCandidate) bool {
		return c.Type == "host" && c.Protocol == "udp" && c.Port == port
	})
}

// onLink: does the peer stand in one of the server's own segments? The address alone does not tell, a translator may own it; the TTL does.
func (f *Fold) onLink(p *peer) (a answer, at netip.Addr, event int) {
	for _, s := range udpSightings(p) {
		// Whether a forwarder of the peer's own machine stands before it makes no difference here.
		if fresh(s.SourceTTL) && f.local(addrOf(s.Source)) {
			return yes, addrOf(s.Source), s.event
		}
		if routed(s.SourceTTL) {
			return no, addrOf(s.Source), s.event
		}
	}
	return unknown, netip.Addr{}, -1
}

// local: is the address inside a prefix of the server's own interfaces?
func (f *Fold) local(ip netip.Addr) bool {
	for _, s := range f.room.Prefixes {
		if p, err := netip.ParsePrefix(s); err == nil && p.Contains(ip) {
			return true
		}
	}
	return false
}

// because is why an answer was given: a sentence nat.note.KEY of the catalog and its two values.
type because struct{ key, a, b string }

// terse is for a bracket within a sentence.
func (w because) terse() string {
	switch w.key {
	case "address-differs":
		return "srflx " + w.a + " ≠ host " + w.b
	case "port-differs":
		return "srflx port " + w.a + " ≠ host port " + w.b
	case "seen-same":
		return "host = " + w.a
	}
	return w.a + " TTL " + w.b
}

// notes are the reason as it stands in protocol.NATReport.Evidence before it is put into a language.
func (w because) notes() []string {
	if w.key == "" {
		return []string{}
	}
	return []string{strings.TrimSpace("note:" + w.key + " " + w.a + " " + w.b)}
}

// translated: does a NAT stand between the peer and this server? In either family: that IPv6 goes through as it is tells nothing of IPv4.
func (f *Fold) translated(p *peer) (a answer, why because, events []int) {
	for _, v4 := range []bool{true, false} {
		x, w, e := f.translatedAt(p, func(ip netip.Addr) bool { return ip.Is4() == v4 })
		if x == yes || a == unknown {
			a, why, events = x, w, e
		}
		if a == yes {
			break
		}
	}
	return a, why, events
}

// translatedAt is of the outside addresses in question alone: of one family, or of one socket.
func (f *Fold) translatedAt(p *peer, at func(netip.Addr) bool) (a answer, why because, events []int) {
	hosts := f.hostAddresses(p)
	for _, s := range udpSightings(p) {
		src := addrOf(s.Source)
		if !at(src) {
			continue
		}
		if slices.Contains(hosts, src) {
			return no, because{"seen-same", s.Source, ""}, []int{s.event}
		}
		if f.direct(p, s) {
			return no, because{"ttl-untouched", s.Source, itoa(s.SourceTTL)}, []int{s.event}
		}
		if f.local(src) && routed(s.SourceTTL) {
			return yes, because{"ttl-routed", s.Source, itoa(s.SourceTTL)}, []int{s.event}
		}
	}
	for _, n := range f.endsOf(p) {
		hostPorts := n.hosts("udp")
		for _, c := range n.srflx() {
			ip := addrOf(c.Address)
			if !ip.IsValid() || !at(ip) {
				continue
			}
			if slices.Contains(hosts, ip) {
				return no, because{"seen-same", c.Address, ""}, []int{c.event}
			}
			if own, ok := f.baseOf(p, c, ip); ok {
				return yes, because{"address-differs", c.Address, own.String()}, []int{c.event}
			}
			if len(hostPorts) == 1 && c.Protocol == "udp" && c.Port != hostPorts[0] {
				return yes, because{"port-differs", itoa(c.Port), itoa(hostPorts[0])}, []int{c.event}
			}
		}
	}
	return unknown, because{}, nil
}

// baseOf is the peer's own address behind a server-reflexive one, or any of its own of that family, where it shows them.
func (f *Fold) baseOf(p *peer, c *candidate, ip netip.Addr) (netip.Addr, bool) {
	if f.masked(p) != no {
		return netip.Addr{}, false
	}
	hosts := f.hostAddresses(p)
	if related := addrOf(c.RelatedAddress); slices.Contains(hosts, related) {
		return related, true
	}
	i := slices.IndexFunc(hosts, func(h netip.Addr) bool { return h.Is4() == ip.Is4() })
	if i < 0 {
		return netip.Addr{}, false
	}
	return hosts[i], true
}

// sameSegment compares where two peers stand: yes where they share a segment (and multicast should pass), no where a router lies between. proven is true
// where TTLs say so; that two addresses look like different subnets is only a good guess.
func (f *Fold) sameSegment(p, q *peer) (a answer, proven bool, events []int) {
	onP, atP, evP := f.onLink(p)
	onQ, atQ, evQ := f.onLink(q)
	switch {
	case onP == yes && onQ == yes:
		for _, s := range f.room.Prefixes {
			if pre, err := netip.ParsePrefix(s); err == nil && pre.Contains(atP) && pre.Contains(atQ) {
				return yes, true, []int{evP, evQ}
			}
		}
		return no, true, []int{evP, evQ}
	case onP == yes && onQ == no || onP == no && onQ == yes:
		return no, true, []int{evP, evQ}
	}
	x, y := f.outside(p), f.outside(q)
	if x.Is4() != y.Is4() {
		x, y = first(f.outsides(p, false)), first(f.outsides(q, false)) // one has both families
	}
	if !x.IsValid() || !y.IsValid() {
		return unknown, false, nil
	}
	if x.IsLinkLocalUnicast() != y.IsLinkLocalUnicast() {
		return unknown, false, nil // one that has given itself an address may share the other's segment, whatever the addresses say (RFC 3927 section 2.6)
	}
	if !sameSubnet(x, y) {
		return no, false, nil
	}
	tp, _, _ := f.translated(p)
	tq, _, _ := f.translated(q)
	if tp == no && tq == no {
		return yes, false, nil
	}
	return unknown, false, nil
}

func first(ips []netip.Addr) netip.Addr {
	if len(ips) == 0 {
		return netip.Addr{}
	}
	return ips[0]
}

// sameSubnet guesses at the usual prefix length: a /24, or a /64 of IPv6.
func sameSubnet(x, y netip.Addr) bool {
	bits := 24
	if x.Is6() {
		bits = 64
	}
	px, errX := x.Prefix(bits)
	return errX == nil && px.Contains(y)
}
