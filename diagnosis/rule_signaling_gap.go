package diagnosis

import (
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// signalingGap: a candidate that one end gathered is missing at the other. Either it was never signaled, or it was and the other end never had it.
func signalingGap(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		for _, n := range t.ends() {
			far := t.other(n)
			x := Finding{Severity: t.severity(), Confidence: protocol.Certain, Peers: []string{n.peer.id, far.peer.id}, Trial: t.kind, Run: t.run,
				Direction: &protocol.Direction{From: n.peer.id, To: far.peer.id}, breaks: []protocol.TrialKind{t.kind},
				Summary: catalog.T("", "from", n.peer.name(), "to", far.peer.name(), "trial", "@trial."+string(t.kind))}
			// Before the end of candidates, one that the statistics show may still be on its way.
			if n.endEvent >= 0 {
				for _, c := range n.local {
					if t.kind.Relay() && c.Type != "relay" {
						continue // gathered on the way to the relay, and not to be signaled
					}
					if c.Type != "prflx" && c.TCPType != "active" && signalable(c.Address) && !n.signaled(c) && !n.withheld(c) {
						x.Evidence = append(x.Evidence, note(catalog.T("evidence.gathered-not-signaled", "peer", n.peer.name(), "type", c.Type, "address", endpoint(c.Address, c.Port)), n.lastSample))
					}
				}
			}
			if len(x.Evidence) == 0 {
				x.Confidence = protocol.Likely
			}
			lost := len(x.Evidence)
			if t.stop != nil && t.stop.Reason != protocol.ReasonPeerLeft && t.stop.Reason != protocol.ReasonSuperseded {
				for _, c := range n.candidates {
					switch {
					case c.applied == nil && !(f.imported() && isFirefox(far.peer)) && far.peer.online && far.appliedAny(n) && t.stopMs-c.sig.AtMs > lateMs:
						lost++
						x.Evidence = append(x.Evidence, note(catalog.T("evidence.signaled-not-received", "peer", n.peer.name(), "other", far.peer.name(), "type", c.Type, "address", endpoint(c.Address, c.Port)), c.event))
					case c.applied != nil && !*c.applied:
						x.Evidence = append(x.Evidence, note(catalog.T("evidence.not-applied", "other", far.peer.name(), "type", c.Type, "address", endpoint(c.Address, c.Port), "error", c.appErr), c.event))
					}
				}
			}
			// One that the other end would not have breaks nothing where it has others of this one.
			if lost == 0 && slices.ContainsFunc(n.candidates, func(c *candidate) bool { return c.applied != nil && *c.applied }) {
				x.Severity, x.breaks = protocol.SeverityWarning, nil
			}
			if len(x.Evidence) > 0 {
				out = append(out, x)
			}
		}
	}
	return out
}

// lateMs is how long a candidate may be on its way, two relays over a slow TCP connection with a retransmission each.
const lateMs = 2000

func (n *end) signaled(c protocol.SampleCandidate) bool {
	for _, s := range n.candidates {
		if s.Type == c.Type && s.Protocol == c.Protocol && s.Port == c.Port && (n.endEvent < 0 || s.event < n.endEvent) {
			return true
		}
	}
	return false
}

// appliedAny: has this end acknowledged any candidate of the other? If none, it may be an end that does not acknowledge.
func (n *end) appliedAny(from *end) bool {
	for _, c := range from.candidates {
		if c.applied != nil {
			return true
		}
	}
	return false
}
