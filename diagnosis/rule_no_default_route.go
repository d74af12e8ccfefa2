package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// Without permission to see the interfaces, Chromium uses only the address that its default route would use; without a default route there is none, and
// no host candidate either (facts L2, L3). Firefox is not affected. What else leaves no host candidate shows in the statistics, see hostSuppressed.
func noDefaultRoute(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		if p.joined.Kind != protocol.KindBrowser || isFirefox(p) {
			continue
		}
		ends, ok := f.bareEnds(p)
		if !ok {
			continue
		}
		route, beside := f.defaultRoute(p)
		x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Likely, Peers: []string{p.id}, Summary: catalog.T("", "peer", p.name())}
		var gathered, reflexive []int
		shown, excluded := false, route == yes
		for _, b := range ends {
			excluded = excluded || b.granted || b.own || b.tcp && !b.udp && b.lastSample > b.gatherEv
			shown = shown || b.shown && !b.hidden
			reflexive = addEvents(reflexive, b.reflexive...)
			if len(b.candidates) == 0 {
				gathered = addEvents(gathered, b.gatherEv)
				if k, r, _ := b.trial.Split(); k == protocol.TrialHost {
					x.breaks, x.Trial, x.Run, x.Severity = []protocol.TrialKind{k}, k, r, protocol.SeverityError
				}
			}
		}
		if excluded || len(reflexive)+len(gathered) == 0 || len(reflexive) == 0 && !f.boundUDP(ends) && !f.spoken(p) {
			continue
		}
		if route == no {
			x.Confidence = protocol.Certain
		} else {
			x.separatedBy = []separation{{kind: protocol.ExperimentHeadless, peer: p.id}}
			if shown || len(reflexive) == 0 && !f.boundUDP(ends) {
				x.Confidence = protocol.Possible // a policy explains as much
				x.separatedBy = append(x.separatedBy, separation{kind: protocol.ExperimentReveal, peer: p.id})
			}
		}
		if len(gathered) > 0 {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.gathered-nothing", "peer", p.name()), gathered...))
		}
		if len(reflexive) > 0 {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.srflx-without-host", "peer", p.name()), reflexive...))
		}
		if route == no {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.has-no-default-route", "peer", p.name(), "beside", beside.name()), beside.envEvent))
		}
		out = append(out, x)
	}
	return out
}

// boundUDP: do the statistics show UDP sockets? Then UDP as such is not forbidden.
func (f *Fold) boundUDP(ends []bare) bool {
	for _, b := range ends {
		if b.udp {
			return true
		}
	}
	return false
}

// spoken: has the peer shown its statistics after the end of a trial? Nothing more comes of it then.
func (f *Fold) spoken(p *peer) bool {
	for _, t := range f.trials {
		if t.stop != nil && (t.a.peer == p || t.b.peer == p) && t.endOf(p).lastSample > t.stopEvent {
			return true
		}
	}
	return false
}
