package diagnosis

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// families is what a trial's checks did over each of the two.
type families struct {
	sent4, sent6, got4, got6 int64
	// arrived4 and arrived6 are requests that came, answered or not.
	arrived4, arrived6 int64
	sentA6, sentB6     int64
	a6, b6             netip.Addr // an address of each end, where it shows
	events             []int
}

// byFamily adds up both ends' checks. What the family of a pair is, not every candidate tells, and those that do not are left out.
func (t *trial) byFamily() (v families) {
	for _, r := range t.rows() {
		if r.group.relayed() {
			continue
		}
		for _, side := range []struct {
			pair      *endPair
			own, from *end
		}{{r.p, t.a, t.b}, {r.q, t.b, t.a}} {
			p := side.pair
			if p == nil || p.remote.Protocol != "udp" {
				continue
			}
			six, at := side.from.family(p.remote)
			if six == unknown {
				continue
			}
			sent, got, arrived := value(p.RequestsSent), value(p.ResponsesReceived), value(p.RequestsReceived)
			if six == no {
				v.sent4, v.got4, v.arrived4 = v.sent4+sent, v.got4+got, v.arrived4+arrived
				continue
			}
			v.sent6, v.got6, v.arrived6 = v.sent6+sent, v.got6+got, v.arrived6+arrived
			v.events = addEvents(v.events, p.event)
			if side.own == t.a {
				v.sentA6, v.b6 = v.sentA6+sent, at
			} else {
				v.sentB6, v.a6 = v.sentB6+sent, at
			}
		}
	}
	return v
}

// family: is this candidate of the end, as the other end sees it, of IPv6? Chromium writes the precedence of RFC 6724 into the local preference of a host candidate, and so tells the
// family even of one that is masked: 30 is that of IPv4.
func (n *end) family(c protocol.SampleCandidate) (six answer, at netip.Addr) {
	ip := addrOf(c.Address)
	for _, s := range n.candidates {
		if ip.IsValid() || s.Protocol != c.Protocol || s.Port != c.Port || s.Type != c.Type {
			continue
		}
		if ip = addrOf(s.Address); !ip.IsValid() && s.Masked() && strings.Contains(n.peer.joined.UserAgent, "Chrome/") {
			if _, local, _ := protocol.Preferences(s.Priority); local&0xff == precedence4 {
				return no, ip
			}
			return yes, ip
		}
	}
	switch {
	case !ip.IsValid() || ip.IsLinkLocalUnicast():
		return unknown, ip
	case ip.Is4():
		return no, ip
	}
	return yes, ip
}

// hasSix: did the end signal an address of IPv6?
func (n *end) hasSix() bool {
	return slices.ContainsFunc(n.candidates, func(c *candidate) bool {
		six, _ := n.family(protocol.SampleCandidate{Type: c.Type, Protocol: c.Protocol, Address: c.Address, Port: c.Port})
		return six == yes && c.Protocol == "udp"
	})
}

// precedence4 is that of ::ffff:0:0/96 in libwebrtc's table (IPAddressPrecedence), after RFC 6724 section 2.1, which has 35.
const precedence4 = 30

// ipv6Broken: both ends have addresses of both families, and only those of IPv4 carry. It costs time at each connection, and the connection where IPv4 is taken away. Where both families are
// dead it is something else.
func ipv6Broken(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind.Relay() || t.stop == nil || t.broken() || t.start.Family != "" {
			continue
		}
		v := t.byFamily()
		// Chromium sends over IPv6 even where the machine has no address of it.
		if v.got4 == 0 || v.got6 > 0 || v.sent6 < enoughRequests || !t.both((*end).hasSix) {
			continue
		}
		x := Finding{Severity: t.severity(), Confidence: protocol.Likely, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run,
			separatedBy: []separation{{kind: protocol.ExperimentFamily, trials: []protocol.TrialKind{t.kind}}},
			Summary:     catalog.T("", "a", t.a.peer.name(), "b", t.b.peer.name(), "trial", "@trial."+string(t.kind), "addressA", sixth(v.a6, t.a), "addressB", sixth(v.b6, t.b))}
		if !t.connected() {
			x.breaks = []protocol.TrialKind{t.kind}
		}
		for _, l := range []struct {
			from *end
			sent int64
		}{{t.a, v.sentA6}, {t.b, v.sentB6}} {
			if l.sent > 0 {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.ipv6-dead", "peer", l.from.peer.name(), "sent", itoa64(l.sent)), v.events...))
			}
		}
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.ipv4-alive", "a", t.a.peer.name(), "b", t.b.peer.name()), t.stopEvent))
		x, ok := f.familyAlone(x, t.kind)
		if ok {
			out = append(out, x)
		}
	}
	return out
}

// familyAlone adds what the trials with one family say. ok is false where IPv6 alone connected: it was slow, then, and not dead.
func (f *Fold) familyAlone(x Finding, kind protocol.TrialKind) (_ Finding, ok bool) {
	dead, alive := false, false
	for _, e := range f.experiment(protocol.ExperimentFamily) {
		if e.kind != kind {
			continue
		}
		family := map[string]string{"ipv4": "IPv4", "ipv6": "IPv6"}[e.start.Family]
		v := e.byFamily()
		switch {
		case e.start.Family == "ipv6" && v.got4 > 0 || e.start.Family == "ipv4" && v.sent6 > 0:
			// A page cannot tell the family of its masked candidates, so that both were tried after all.
		case e.connected() && e.start.Family == "ipv6":
			return x, false
		case e.connected():
			alive = true
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.family-connected", "family", family, "trial", "@trial."+string(kind)), e.stopEvent))
		case e.beaten() && e.start.Family == "ipv6" && slices.ContainsFunc(e.rows(), func(r row) bool { return r.traffic() >= enoughRequests }):
			dead = true
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.family-failed", "family", family, "trial", "@trial."+string(kind)), e.stopEvent))
		}
	}
	if dead && alive {
		x.Confidence = protocol.Certain
	}
	return x, true
}

// sixth is an address of IPv6, or the peer's name where it is hidden.
func sixth(ip netip.Addr, n *end) string {
	if !ip.IsValid() {
		return n.peer.name()
	}
	return ip.String()
}
