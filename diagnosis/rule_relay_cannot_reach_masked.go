package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// relayCannotReach: one end has a relay and the other gave nothing but .local names. A relay cannot resolve them, and browsers make no pair of the two
// (draft-ietf-mmusic-mdns-ice-candidates section 3.3.2); nor can the other end's checks come in, because without a pair the relay is given no permission for them
// (RFC 8656 section 9).
func relayCannotReach(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind.Relay() || !t.failed() || t.stop.Reason == protocol.ReasonPeerLeft || t.stop.Reason == protocol.ReasonSuperseded {
			continue
		}
		for _, n := range t.ends() {
			far := t.other(n)
			names, ok := t.namesOnly(far)
			if !ok || !n.sampledBefore(t.stopEvent) {
				continue
			}
			var relay *candidate
			for _, c := range n.ofType("relay") {
				if c.event < t.stopEvent && c.applied != nil && *c.applied && c.appEvent < t.stopEvent {
					relay = c
				}
			}
			if relay == nil || n.relayPaired(t.stopEvent) {
				continue
			}
			x := Finding{Severity: protocol.SeverityError, Confidence: protocol.Likely, Peers: []string{n.peer.id, far.peer.id}, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind},
				Direction: &protocol.Direction{From: n.peer.id, To: far.peer.id},
				Summary:   catalog.T("", "peer", n.peer.name(), "other", far.peer.name(), "trial", "@trial."+string(t.kind), "relay", endpoint(relay.Address, relay.Port)),
				Evidence: []Evidence{
					note(catalog.T("evidence.one-relay", "peer", n.peer.name(), "relay", endpoint(relay.Address, relay.Port)), relay.event),
					note(catalog.T("evidence.no-relay-pair", "peer", n.peer.name(), "other", far.peer.name()), append(names, n.lastSample)...),
				}}
			if n.counters {
				x.Confidence = protocol.Certain // it shows all its pairs
			}
			var sent int64
			var events []int
			for _, p := range far.pairs {
				if p.remote.Port == relay.Port && sameHost(p.remote.Address, relay.Address) {
					sent, events = sent+value(p.RequestsSent), addEvents(events, p.event)
				}
			}
			if sent > 0 {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.relay-none-entered", "from", far.peer.name(), "to", n.peer.name(), "relay", endpoint(relay.Address, relay.Port), "sent", itoa64(sent)), events...))
			}
			out = append(out, x)
		}
	}
	return out
}

// namesOnly: are the end's UDP candidates, before the trial's stop, .local names and nothing else?
func (t *trial) namesOnly(n *end) (events []int, ok bool) {
	for _, c := range n.candidates {
		if c.event > t.stopEvent || c.Protocol != "udp" {
			continue
		}
		if !c.Masked() {
			return nil, false
		}
		ok = ok || c.applied != nil && *c.applied && c.appEvent < t.stopEvent
		events = addEvents(events, c.event)
	}
	return events, ok
}

// relayPaired: has the end shown a pair of its relay's?
func (n *end) relayPaired(before int) bool {
	for _, p := range n.pairs {
		if p.first < before && p.base == n.base(p.local) && p.local.Type == "relay" {
			return true
		}
	}
	return false
}
