package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// asymmetricNAT: a request arrives under the address that was asked, and its answer comes back from another one, because a NAT translates only that direction.
// RFC 8445 section 7.2.5.2.1 makes the asking agent discard such an answer. Caught by the counters of both ends, by the headless peer's own count, or by the
// server's direct check.
func asymmetricNAT(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		for _, r := range t.rows() {
			for i, fl := range []flow{r.aToB(), r.bToA()} {
				from, to, pair := t.a, t.b, r.p
				if i == 1 {
					from, to, pair = t.b, t.a, r.q
				}
				if fl.state != protocol.DirNonSymmetric {
					continue
				}
				x := Finding{Severity: t.severity(), Confidence: protocol.Likely, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run,
					Direction: &protocol.Direction{From: from.peer.id, To: to.peer.id}, breaks: []protocol.TrialKind{t.kind}}
				asked := endpoint(pair.remote.Address, pair.remote.Port)
				seen := "?"
				if fl.alias != nil {
					seen = endpoint(fl.alias.remote.Address, fl.alias.remote.Port)
				}
				x.Summary = catalog.T("", "from", from.peer.name(), "to", to.peer.name(), "asked", asked, "answerer", seen)
				if n := value(pair.NonSymmetric); n > 0 {
					x.Confidence = protocol.Certain
					x.Evidence = append(x.Evidence, note(catalog.T("evidence.non-symmetric-counted", "from", from.peer.name(), "asked", asked, "count", itoa64(n)), pair.event))
				} else {
					if fl.sent >= enoughRequests && fl.arrived >= fewRequests && fl.counted {
						x.Confidence = protocol.Certain
					}
					x.Evidence = append(x.Evidence,
						note(catalog.T("evidence.non-symmetric", "from", from.peer.name(), "to", to.peer.name(), "asked", asked, "sent", itoa64(fl.sent), "arrived", itoa64(fl.arrived), "answered", itoa64(fl.answered)), fl.events...),
						note(catalog.T("evidence.alias", "from", from.peer.name(), "to", to.peer.name(), "asked", asked, "seen", seen), fl.alias.event))
				}
				out = merge(out, x)
			}
		}
	}
	for _, c := range f.checks {
		if c.Result != "non-symmetric" {
			continue
		}
		p := f.peer(c.peer)
		if p == nil {
			continue
		}
		x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Certain, Peers: []string{p.id}, breaks: []protocol.TrialKind{protocol.TrialHost},
			Summary:  catalog.Text{Key: "-direct", Args: map[string]string{"to": p.name(), "asked": c.To, "answerer": c.Answerer}},
			Evidence: []Evidence{note(catalog.T("evidence.direct-non-symmetric", "asked", c.To, "answerer", c.Answerer), c.event)}}
		if t := f.newestTrial(protocol.TrialHost); t != nil && t.failed() {
			x.Severity = protocol.SeverityError
		}
		out = merge(out, x)
	}
	return out
}

// merge adds a finding, or its evidence to the one that says the same.
func merge(list []Finding, x Finding) []Finding {
	for i := range list {
		if y := &list[i]; y.ID() == x.ID() {
			y.Evidence = append(y.Evidence, x.Evidence...)
			if confidenceOrder(x.Confidence) < confidenceOrder(y.Confidence) {
				y.Confidence, y.Summary = x.Confidence, x.Summary
			}
			return list
		}
	}
	return append(list, x)
}
