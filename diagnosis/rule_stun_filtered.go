package diagnosis

import (
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// stunFiltered: something on the way knows STUN by its magic cookie (RFC 8489 section 5) and drops it, or all but the first few requests, while other UDP to the same port passes. A browser can ask
// nothing but STUN, so with browsers alone it is one with a closed port; icescope peer asks the plain word whoami beside it.
func stunFiltered(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		if p.joined.Kind == protocol.KindWatcher || p.joined.Beside != "" {
			continue
		}
		m := f.mute(p)
		asked := f.probed(p)
		x := Finding{Severity: m.severity, Peers: []string{p.id}, breaks: m.breaks, Summary: catalog.T("", "peer", p.name())}
		switch {
		case asked.proven():
			x.Confidence = protocol.Certain
		case asked.differs() && asked.wordsLost == 0:
			x.Confidence = protocol.Likely
		case !m.seen() || asked.answered > 0 || asked.wordsLost > 0 && asked.words == 0 || f.otherPort(p, true) >= 0:
			continue // STUN is answered to another program or on another port, or other UDP fares no better
		default:
			x.Confidence = protocol.Possible
			if f.otherPort(p, false) < 0 {
				x.separatedBy = append(x.separatedBy, separation{kind: protocol.ExperimentPort, trials: []protocol.TrialKind{protocol.TrialSTUN}})
			}
			x.separatedBy = append(x.separatedBy, separation{kind: protocol.ExperimentHeadless, peer: p.id})
		}
		if x.Confidence != protocol.Possible {
			x.Evidence = append(x.Evidence,
				note(catalog.T("evidence.words-answered", "peer", asked.by.name(), "to", asked.to), asked.wordEvents...),
				note(catalog.T("evidence.binding-unanswered", "peer", asked.by.name(), "to", asked.to, "sent", itoa(asked.lost)), asked.events...))
		}
		if e := f.otherPort(p, false); e >= 0 {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.other-port-silent", "peer", p.name()), e))
		}
		if m.seen() {
			x.Evidence = append(x.Evidence, m.evidence(p)...)
		}
		out = append(out, x)
	}
	return out
}

// probed is what a headless peer on p's machine (p itself, or one beside it) heard from this server's STUN ports over UDP.
type probed struct {
	by                 *peer
	to                 string
	answered, lost     int // Binding requests
	words, wordsLost   int // plain ones
	events, wordEvents []int
	certain            bool
}

// provenSends is how many Binding requests must have been lost where every plain word was answered: two whole series of four, so that loss does not look like it.
const provenSends = 8

func (a probed) proven() bool { return a.certain }

// differs: was STUN lost where a plain word to the same port was answered?
func (a probed) differs() bool { return a.lost > 0 && a.words > 0 }

// probed counts in the order of the answers, so that what was proved once stays so.
func (f *Fold) probed(p *peer) (a probed) {
	heard := map[string]bool{}
	lost := map[string]int{}
	for _, q := range f.asked {
		if q.peer != p && q.peer.joined.Beside != p.id {
			continue
		}
		switch {
		case q.What == "whoami-udp" && q.Answered:
			a.words++
			heard[q.To] = true
			a.wordEvents = addEvents(a.wordEvents, q.event)
		case q.What == "whoami-udp":
			a.wordsLost += q.Sent
		case q.What == "binding-udp" && q.Answered:
			a.answered++
		case q.What == "binding-udp" && q.Sent > 0:
			lost[q.To] += q.Sent
			a.by, a.to = q.peer, q.To
			a.events = addEvents(a.events, q.event)
		default:
			continue
		}
		a.lost = 0
		for to, n := range lost {
			if heard[to] {
				a.lost += n
			}
		}
		a.certain = a.certain || a.lost >= provenSends && a.wordsLost == 0
	}
	return a
}

// otherPort is the end of a trial of the experiment port in which the peer was answered, or was not; -1: there is none.
func (f *Fold) otherPort(p *peer, answered bool) int {
	for _, t := range f.experiment(protocol.ExperimentPort) {
		for _, n := range t.ends() {
			if n.peer == p && (len(n.srflx()) > 0 || slices.ContainsFunc(p.sightings, func(s sighting) bool { return s.Answered && s.event > t.event && s.event < t.stopEvent })) == answered {
				return t.stopEvent
			}
		}
	}
	return -1
}
