package diagnosis

import (
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// stunUnreachable: the page is served, so TCP reaches this server, and yet no answer of its STUN reaches the peer. A request that came and whose answer
// did not is told apart from one that never came.
func stunUnreachable(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		m := f.mute(p)
		if !m.seen() {
			continue
		}
		x := Finding{Confidence: protocol.Likely, Severity: m.severity, Peers: []string{p.id}, breaks: m.breaks,
			Summary: catalog.T("", "peer", p.name(), "address", p.joined.HTTPAddress), Evidence: m.evidence(p)}
		switch {
		case !m.whole:
			x.Confidence = protocol.Possible // one way of several may be dead, and another one serve
		case m.reported:
			x.Confidence = protocol.Certain
		}
		switch {
		case len(udpSightings(p)) > 0:
			x.Summary.Key = "-answer-lost"
		case len(m.closed) > 0:
			x.Summary.Key = "-closed"
		}
		if e := f.otherPort(p, true); e >= 0 {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.other-port-answers", "peer", p.name()), e))
		}
		out = append(out, x)
	}
	return out
}

// stunFailed are the browser's own reports that this server's STUN did not answer, once gathering is over without a reflexive candidate.
func (n *end) stunFailed() (events []int) {
	if n.gatherEv < 0 {
		return nil
	}
	for _, c := range n.srflx() {
		if c.event < n.gatherEv {
			return nil
		}
	}
	// Every one of its URLs must have failed: where a single port is blocked, or the answer came and equals the host candidate, STUN works.
	for _, s := range n.servers {
		for _, u := range s.URLs {
			at := -1
			for _, e := range n.errors {
				if e.Code == 701 && !e.lookup() && (e.URL == "" || sameURL(u, e.URL)) && e.event < n.gatherEv {
					at = e.event
				}
			}
			if at < 0 {
				return nil
			}
			events = addEvents(events, at)
		}
	}
	return events
}

// lookup: is it about the server's name, so that nothing was asked of the server itself?
func (e candidateError) lookup() bool { return strings.Contains(e.Text, "lookup") }

// stunQuiet is where the session gave up waiting for the server's answer.
func (f *Fold) stunQuiet(n *end) []int {
	if len(n.srflx()) > 0 {
		return nil
	}
	if t := f.trial(n.trial); t != nil {
		// Without NAT and mask a browser leaves out the reflexive candidate, so that only an end that still gathers is waiting for an answer.
		if t.stop != nil && t.stop.Reason == protocol.ReasonNoSTUNAnswer && !n.gathered() && t.waited(n) {
			return []int{t.stopEvent}
		}
		return nil
	}
	if n.stopped && n.waited(n.stopMs) {
		return []int{n.stopEvent}
	}
	return nil
}
