package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// expectationContradicted: the trial with STUN came out otherwise than what was measured of both NATs lets one expect. It is no cause. Where the NATs would let a connection
// through and there is none, it is something else: a filter between, or a NAT that treats a peer otherwise than this server.
func expectationContradicted(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind != protocol.TrialSTUN {
			continue
		}
		a, b := t.a.peer, t.b.peer
		direct, _, _ := f.expectOf(a, b)
		if !f.contradicts(t, direct) {
			continue
		}
		x := Finding{Severity: protocol.SeverityInfo, Confidence: protocol.Certain, Peers: []string{a.id, b.id}, Trial: t.kind, Run: t.run,
			Summary: catalog.T("", "a", a.name(), "b", b.name(), "trial", "@trial."+string(t.kind))}
		ending := catalog.T("evidence.trial-failed", "trial", "@trial."+string(t.kind), "reason", "@reason."+string(t.stop.Reason))
		if direct == no {
			x.Summary.Key = "-connected"
			ending = catalog.T("evidence.trial-connected", "trial", "@trial."+string(t.kind))
		}
		for _, p := range []*peer{a, b} {
			n := f.nat(p)
			var events []int
			for _, test := range n.Tests {
				events = addEvents(events, test.Events...)
			}
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.nat-behavior", "peer", p.name(), "mapping", "@behavior."+string(n.Mapping), "filtering", "@behavior."+string(n.Filtering)), events...))
		}
		x.Evidence = append(x.Evidence, note(ending, t.stopEvent))
		out = append(out, x)
	}
	return out
}
