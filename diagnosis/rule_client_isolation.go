package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// clientIsolation: two machines of one segment, each of which reaches this server, and not one check between them arrives. Between the segments of a router the same silence is
// udp-blocked. A firewall on each of the two machines that knows no state explains as much; one that knows state does not, because both ends send.
func clientIsolation(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind.Relay() || !t.beaten() || t.connected() || f.met(t) {
			continue
		}
		same, proven, segment := f.sameSegment(t.a.peer, t.b.peer)
		if same != yes {
			continue
		}
		ab, ba := t.lanes()
		both := ab.dead() && ba.dead()
		if !both && !t.halfDead(ab, ba) {
			continue
		}
		x := Finding{Severity: t.severity(), Confidence: protocol.Likely, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind},
			Summary: catalog.T("", "a", t.a.peer.name(), "b", t.b.peer.name(), "trial", "@trial."+string(t.kind), "addressA", f.seenAt(t.a.peer), "addressB", f.seenAt(t.b.peer))}
		if !both || !proven {
			x.Confidence = protocol.Possible
		}
		for _, l := range []lane{ab, ba} {
			x.separatedBy = append(x.separatedBy, separation{kind: protocol.ExperimentHeadless, peer: l.from.peer.id})
			if l.sent > 0 {
				x.Evidence = append(x.Evidence, l.silence())
			}
		}
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.same-segment", "addressA", f.seenAt(t.a.peer), "addressB", f.seenAt(t.b.peer)), segment...))
		out = append(out, f.besideToo(t, x))
	}
	return out
}

// silence words that nothing of what was sent this way arrived, or was answered where the far end does not count.
func (l lane) silence() Evidence {
	key := "evidence.none-arrived"
	if l.state == protocol.DirNotObservable {
		key = "evidence.none-answered"
	}
	return note(catalog.T(key, "from", l.from.peer.name(), "to", l.to.peer.name(), "sent", itoa64(l.sent)), l.events...)
}
