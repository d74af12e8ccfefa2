package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// A NAT whose mapping depends on the destination (RFC 4787 section 4.1) makes the address that STUN told worthless to a peer: towards the peer it is another. That alone
// breaks nothing, for the first check that arrives teaches the other end the right one. It breaks where the other end's NAT lets nothing in from an address
// that it has not sent to, or maps by destination as well.

// dependentBothSides: at both ends.
func dependentBothSides(f *Fold) []Finding { return f.dependentMapping(true) }

// dependentOneSide: at one, and the other's NAT refuses what comes from there.
func dependentOneSide(f *Fold) []Finding { return f.dependentMapping(false) }

func (f *Fold) dependentMapping(both bool) (out []Finding) {
	for _, t := range f.trials {
		if t.kind != protocol.TrialSTUN || !t.beaten() || !f.fair(t) {
			continue
		}
		a, b := t.a.peer, t.b.peer
		dependsA, dependsB := f.dependent(a), f.dependent(b)
		if !dependsA && !dependsB || (dependsA && dependsB) != both {
			continue
		}
		direct, _, _ := f.expectOf(a, b)
		if direct == yes {
			continue
		}
		x := Finding{Severity: t.severity(), Confidence: protocol.Likely, Peers: []string{a.id, b.id}, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind}}
		switch {
		case direct == no:
			x.Confidence = protocol.Certain
		case f.sameOutside(a, b):
			x.Confidence = protocol.Possible // behind one NAT it may be hairpinning as well
		}
		first, second := a, b
		if !dependsA {
			first, second = b, a
		}
		x.Summary = catalog.T("", "a", first.name(), "b", second.name(), "trial", "@trial."+string(t.kind))
		if !both && direct != no {
			x.Summary.Key = "-unmeasured"
		}
		x.Evidence = append(x.Evidence, f.mappingNote(first))
		if both {
			x.Evidence = append(x.Evidence, f.mappingNote(second))
		}
		x.Evidence = append(x.Evidence, f.filteringNotes(second)...)
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.trial-failed", "trial", "@trial."+string(t.kind), "reason", "@reason."+string(t.stop.Reason)), t.stopEvent))
		out = append(out, x)
	}
	return out
}

// mappingNote says under which addresses the corners saw one socket of the peer: two that differ, or one.
func (f *Fold) mappingNote(p *peer) Evidence {
	g, _ := f.views(p)
	var first, second mapped
	for _, c := range allCorners {
		m, ok := g.one(c)
		switch {
		case !ok:
		case !first.source.IsValid():
			first = m
		case !second.source.IsValid() || second.source == first.source:
			second = m
		}
	}
	key := "evidence.mapping-depends"
	if first.source == second.source {
		key = "evidence.mapping-same"
	}
	return note(catalog.T(key, "peer", p.name(), "one", first.source.String(), "first", first.local.String(), "two", second.source.String(), "second", second.local.String()), first.event, second.event)
}

// filteringNotes say what the peer's NAT let in, and what not, of the checks that the corners sent.
func (f *Fold) filteringNotes(p *peer) (out []Evidence) {
	probes := f.filter(p)
	for _, c := range allCorners {
		b := probes[c]
		switch {
		case b.heard():
			out = append(out, note(catalog.T("evidence.filter-open", "peer", p.name(), "corner", b.test.From), b.test.event))
		case b.silent():
			out = append(out, note(catalog.T("evidence.filter-closed", "peer", p.name(), "corner", b.test.From), b.test.event, b.control.event))
		}
	}
	return out
}
