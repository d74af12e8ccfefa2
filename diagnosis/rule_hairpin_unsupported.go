package diagnosis

import (
	"net/netip"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// hairpinUnsupported: both ends stand behind one NAT, know each other by its outside address alone, and what they send there does not come back in
// (RFC 4787 section 6, REQ-9). Seen from the ends it is silence, so it is never certain.
func hairpinUnsupported(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		a, b := t.a.peer, t.b.peer
		if t.kind != protocol.TrialSTUN || !t.beaten() || !f.fair(t) {
			continue
		}
		shared, same := f.sharedOutside(a, b)
		if !same {
			continue
		}
		ab, ba := t.lanes()
		counted := ab.dead() && ba.dead()
		if !counted && !t.halfDead(ab, ba) || !t.a.asked(shared) || !t.b.asked(shared) {
			continue
		}
		outside := shared.String()
		x := Finding{Severity: t.severity(), Confidence: protocol.Likely, Peers: []string{a.id, b.id}, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind},
			Summary: catalog.T("", "a", a.name(), "b", b.name(), "address", outside, "trial", "@trial."+string(t.kind))}
		if !counted || f.dependent(a) || f.dependent(b) {
			x.Confidence = protocol.Possible // a mapping that depends on the destination defeats hairpinning as well
		}
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.seen-from-server", "a", a.name(), "b", b.name(), "addressA", outside, "addressB", outside),
			append(f.stunAnswered(a), f.stunAnswered(b)...)...))
		for _, l := range []lane{ab, ba} {
			key := "evidence.none-arrived"
			if l.state == protocol.DirNotObservable {
				key = "evidence.none-answered"
			}
			x.Evidence = append(x.Evidence, note(catalog.T(key, "from", l.from.peer.name(), "to", l.to.peer.name(), "sent", itoa64(l.sent)), l.events...))
		}
		out = append(out, x)
	}
	return out
}

// asked: has this end a pair towards the address outside, which is the other's as well?
func (n *end) asked(outside netip.Addr) bool {
	for _, p := range n.pairs {
		if addrOf(p.remote.Address) == outside && p.remote.Protocol == "udp" {
			return true
		}
	}
	return false
}
