package diagnosis

import (
	"net/netip"
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// overlap is a pair of private addresses of one prefix on two machines that do not stand in one segment.
type overlap struct{ a, b netip.Addr }

// overlaps of two ends' own addresses. Those of a machine's inner bridges are virtualBridge's.
func (f *Fold) overlaps(t *trial) (out []overlap) {
	if same, _, _ := f.sameSegment(t.a.peer, t.b.peer); same == yes || f.sameOutside(t.a.peer, t.b.peer) {
		return nil
	}
	ta, _, _ := f.translated(t.a.peer)
	tb, _, _ := f.translated(t.b.peer)
	if ta != yes && tb != yes {
		return nil // then both are seen as they are, and have different addresses in one network
	}
	for _, x := range t.a.addresses() {
		for _, y := range t.b.addresses() {
			if x.Is4() && x.IsPrivate() && sameSubnet(x, y) && !bridgeAddress(x) && !bridgeAddress(y) {
				out = append(out, overlap{x, y})
			}
		}
	}
	return out
}

// addresses are the unmasked host addresses of UDP that the end signaled.
func (n *end) addresses() (ips []netip.Addr) {
	for _, c := range n.ofType("host") {
		if ip := addrOf(c.Address); ip.IsValid() && c.Protocol == "udp" && !slices.Contains(ips, ip) {
			ips = append(ips, ip)
		}
	}
	return ips
}

// overlappingSubnets: each end looks for the other's address in its own segment, and finds a stranger there or nobody. It is certain where both have the very same
// address, which two machines of one network cannot.
func overlappingSubnets(f *Fold) (out []Finding) {
	for i, t := range f.trials {
		if t.kind.Relay() || t.stop == nil || t.broken() || t.kind != protocol.TrialHost && !t.beaten() {
			continue
		}
		for _, o := range f.overlaps(t) {
			ab, ba := t.toward(o.b, o.a)
			x := Finding{Severity: t.severity(), Confidence: protocol.Likely, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run,
				Summary: catalog.T("", "a", t.a.peer.name(), "b", t.b.peer.name(), "addressA", o.a.String(), "addressB", o.b.String(),
					"outsideA", f.seenAt(t.a.peer), "outsideB", f.seenAt(t.b.peer))}
			switch {
			case o.a == o.b && t.a.several() && t.b.several(): // it may be the default of a program that both have, as virtualBridge says
				x.Confidence = protocol.Possible
			case o.a == o.b && t.both((*end).settled):
				x.Confidence = protocol.Certain
			case o.a == o.b:
			case ab.sent+ba.sent < enoughRequests || ab.arrived+ba.arrived > 0 || ab.got+ba.got > 0:
				continue
			}
			if t.kind == protocol.TrialHost {
				x.breaks = []protocol.TrialKind{t.kind}
			} else if x.Severity = protocol.SeverityWarning; slices.ContainsFunc(f.trials[:i], func(h *trial) bool { return h.kind == protocol.TrialHost && h.run == t.run }) {
				continue // said of the trial that needs those addresses, as soon as it is known there
			}
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.same-prefix", "a", t.a.peer.name(), "b", t.b.peer.name(), "addressA", o.a.String(), "addressB", o.b.String()),
				append(t.a.signaledAt(o.a), t.b.signaledAt(o.b)...)...),
				note(catalog.T("evidence.seen-from-server", "a", t.a.peer.name(), "b", t.b.peer.name(), "addressA", f.seenAt(t.a.peer), "addressB", f.seenAt(t.b.peer)),
					t.a.peer.joinedAt, t.b.peer.joinedAt))
			for _, l := range []lane{ab, ba} {
				if l.sent > 0 {
					x.Evidence = append(x.Evidence, l.silence())
				}
			}
			out = append(out, x)
			break
		}
	}
	return out
}

// settled: had the end told all its candidates when the trial was over? Another one that comes late may make the shared address a program's default.
func (n *end) settled() bool { return n.endEvent >= 0 || n.gatherEv >= 0 }

// several: has the end more than one address of IPv4, its bridges aside?
func (n *end) several() bool {
	known := 0
	for _, ip := range n.addresses() {
		if ip.Is4() && !bridgeAddress(ip) {
			known++
		}
	}
	return known > 1
}

// signaledAt are the events in which the end signaled this address.
func (n *end) signaledAt(ip netip.Addr) (events []int) {
	for _, c := range n.ofType("host") {
		if addrOf(c.Address) == ip {
			events = addEvents(events, c.event)
		}
	}
	return events
}

// toward are both directions over the pairs with those remote addresses alone: what a asked at, and what b asked at.
func (t *trial) toward(atB, atA netip.Addr) (ab, ba lane) {
	ab, ba = lane{from: t.a, to: t.b}, lane{from: t.b, to: t.a}
	for _, r := range t.rows() {
		if r.p != nil && atB.IsValid() && r.p.remote.Protocol == "udp" && addrOf(r.p.remote.Address) == atB {
			ab.take(r.aToB())
		}
		if r.q != nil && atA.IsValid() && r.q.remote.Protocol == "udp" && addrOf(r.q.remote.Address) == atA {
			ba.take(r.bToA())
		}
	}
	return ab, ba
}
