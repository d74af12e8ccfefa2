package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// iceTCPImpossible is no fault of the network: UDP does not pass between the ends, and ICE over TCP (RFC 6544) cannot take its place, because both only open connections
// (tcptype active) and neither waits for one. Browsers never do.
func iceTCPImpossible(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind.Relay() || !t.beaten() || t.stop.Reason == protocol.ReasonPeerLeft || t.stop.Reason == protocol.ReasonSuperseded {
			continue
		}
		a, okA := t.neverPassive(t.a)
		b, okB := t.neverPassive(t.b)
		ab, ba := t.lanes()
		if !okA || !okB || len(a)+len(b) == 0 || ab.sent+ba.sent < enoughRequests || ab.state == protocol.DirAnswered || ba.state == protocol.DirAnswered {
			continue
		}
		x := Finding{Severity: protocol.SeverityInfo, Confidence: protocol.Certain, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run,
			Summary: catalog.T("", "a", t.a.peer.name(), "b", t.b.peer.name(), "trial", "@trial."+string(t.kind))}
		for i, n := range t.ends() {
			if events := [][]int{a, b}[i]; len(events) > 0 {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.tcp-active-only", "peer", n.peer.name()), events...))
			} else {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.tcp-none", "peer", n.peer.name()), n.endEvent))
			}
		}
		out = append(out, x)
	}
	return out
}

// neverPassive: is no TCP candidate of the end one that waits? Of one that gave none at all this is known when it has told its last.
func (t *trial) neverPassive(n *end) (events []int, ok bool) {
	for _, c := range n.candidates {
		if c.Protocol != "tcp" || c.event > t.stopEvent {
			continue
		}
		if c.TCPType != "active" {
			return nil, false
		}
		events = addEvents(events, c.event)
	}
	return events, len(events) > 0 || n.endEvent >= 0 && n.endEvent < t.stopEvent
}
