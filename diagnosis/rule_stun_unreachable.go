package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// stunUnreachable: the page is served, so TCP reaches this server, and yet no answer of its STUN reaches the peer. A request that came and whose answer
// did not is told apart from one that never came.
func stunUnreachable(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		x := Finding{Confidence: protocol.Likely, Severity: protocol.SeverityWarning, Peers: []string{p.id}}
		answered, asked := false, false
		var failures, silent []int
		var breaks []protocol.TrialKind
		for _, n := range f.endsOf(p) {
			kind, run, _ := n.trial.Split()
			if kind != protocol.TrialAlone && kind != protocol.TrialSTUN || len(n.servers) == 0 {
				continue
			}
			asked = true
			answered = answered || len(n.srflx()) > 0
			for _, e := range n.errors {
				if e.Code == 701 && ours(n.servers, e.URL) {
					failures = addEvents(failures, e.event)
				}
			}
			if t := f.trial(n.trial); t != nil && t.stop != nil {
				if t.stop.Reason == protocol.ReasonNoSTUNAnswer {
					silent = addEvents(silent, t.stopEvent)
				}
				if t.failed() {
					breaks = []protocol.TrialKind{kind}
					x.Trial, x.Run = kind, run
				}
			} else if n.stopped {
				silent = addEvents(silent, n.startEvent)
			}
		}
		seen := udpSightings(p)
		// Where there is no NAT and nothing is masked, a browser leaves out the reflexive candidate: it equals the host candidate. Then the server has seen the request.
		if !asked || answered || len(failures) == 0 && len(silent) == 0 || len(seen) > 0 && len(failures) == 0 && f.masked(p) == no {
			continue
		}
		args := []string{"peer", p.name(), "address", p.joined.HTTPAddress}
		x.Summary = catalog.T("", args...)
		if breaks != nil {
			x.Severity, x.breaks = protocol.SeverityError, breaks
		}
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.page-over-tcp", args...), p.joinedAt))
		if len(silent) > 0 {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.no-stun-answer", args...), silent...))
		}
		if len(failures) > 0 {
			x.Confidence = protocol.Certain
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.error-701", args...), failures...))
		}
		if len(seen) > 0 {
			x.Summary.Key = "-answer-lost"
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.stun-request-came", "address", seen[0].Source), seen[0].event))
		} else {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.stun-request-never-came", args...)))
		}
		out = append(out, x)
	}
	return out
}

// ours: is the URL one of the servers? A browser that does not say which server failed can only mean one of those that it was given.
func ours(servers []protocol.ICEServer, url string) bool {
	if url == "" {
		return true
	}
	for _, s := range servers {
		for _, u := range s.URLs {
			if sameURL(u, url) {
				return true
			}
		}
	}
	return false
}
