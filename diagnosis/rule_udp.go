package diagnosis

import (
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// lane is one direction of a trial over all its pairs: the best that any pair of it did.
type lane struct {
	from, to *end
	flow
}

// lanes judges both directions of a trial.
func (t *trial) lanes() (ab, ba lane) {
	ab, ba = lane{from: t.a, to: t.b}, lane{from: t.b, to: t.a}
	for _, r := range t.rows() {
		if r.group.relayed() || r.p != nil && r.p.remote.Protocol != "udp" || r.q != nil && r.q.remote.Protocol != "udp" {
			continue // what goes through a relay says nothing of the way between the two
		}
		ab.take(r.aToB())
		ba.take(r.bToA())
	}
	return ab, ba
}

var laneOrder = map[protocol.DirectionState]int{
	protocol.DirNotObservable: 0, protocol.DirUnanswered: 1, protocol.DirLostOnReturn: 2, protocol.DirNonSymmetric: 3, protocol.DirAnswered: 4, "": -1,
}

func (l *lane) take(f flow) {
	sent, arrived, answered, events := l.sent+f.sent, l.arrived+max(0, f.arrived), max(l.answered, f.answered), addEvents(l.events, f.events...)
	counted, several := l.counted || f.counted, l.several || f.several
	if laneOrder[f.state] > laneOrder[l.state] {
		l.flow = f
	}
	l.sent, l.arrived, l.answered, l.events, l.counted, l.several = sent, arrived, answered, events, counted, several
}

// dead: enough requests were sent this way and not one arrived.
func (l lane) dead() bool {
	return l.state == protocol.DirUnanswered && l.sent >= enoughRequests && l.arrived == 0
}

// alive: requests arrived this way and were answered, though no answer was accepted. Who does not count what it sent has sent at least what arrived.
func (l lane) alive() bool {
	return l.state == protocol.DirLostOnReturn && l.arrived >= fewRequests && l.answered > 0
}

// udpBlocked: both ends sent checks to each other, none arrived, and both reach this server over UDP. NATs on both sides that are strict look the same.
func udpBlocked(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind.Relay() || t.connected() {
			continue
		}
		ab, ba := t.lanes()
		if !t.beaten() || !(ab.dead() && ba.dead()) && !t.halfDead(ab, ba) || f.met(t) || f.placed(t) || f.refuses(t) {
			continue
		}
		x := Finding{Severity: t.severity(), Confidence: protocol.Likely, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run,
			breaks: []protocol.TrialKind{t.kind}, Summary: catalog.T("", "a", t.a.peer.name(), "b", t.b.peer.name(), "trial", "@trial."+string(t.kind))}
		if !(ab.dead() && ba.dead()) {
			x.Confidence = protocol.Possible
		}
		for _, l := range []lane{ab, ba} {
			if l.sent > 0 && l.state == protocol.DirNotObservable {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.none-answered", "from", l.from.peer.name(), "to", l.to.peer.name(), "sent", itoa64(l.sent)), l.events...))
			} else if l.sent > 0 {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.none-arrived", "from", l.from.peer.name(), "to", l.to.peer.name(), "sent", itoa64(l.sent)), l.events...))
			}
		}
		reached := 0
		for _, n := range t.ends() {
			if s := udpSightings(n.peer); len(s) > 0 {
				reached++
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.stun-reached", "peer", n.peer.name(), "address", s[0].Source), s[0].event))
			}
		}
		if reached < 2 || f.excused(t) || f.filtersSTUN(t) { // perhaps a machine can send no UDP at all; or the NATs explain as much
			x.Confidence = protocol.Possible
		}
		out = append(out, x)
	}
	return out
}

// placed: does where the two stand explain the silence, so that a rule of its own says it? Neighbours have no filter between their segments, an address that a machine gave itself is
// answered by nobody beyond the link, and who has an address of one's own network is looked for there.
func (f *Fold) placed(t *trial) bool {
	if same, proven, _ := f.sameSegment(t.a.peer, t.b.peer); same == yes && proven {
		return true
	}
	return f.stranded(t) || t.kind == protocol.TrialHost && len(f.overlaps(t)) > 0
}

// stranded: has exactly one of the two nothing but a link-local address?
func (f *Fold) stranded(t *trial) bool {
	_, a := f.selfGiven(t.a.peer)
	_, b := f.selfGiven(t.b.peer)
	return a != b
}

// excused: do the NATs between explain as much as a filter would? Not where they were measured and let a connection through. Host addresses behind a NAT are none
// that the other end could reach.
func (f *Fold) excused(t *trial) bool {
	if t.kind != protocol.TrialHost {
		switch direct, _, _ := f.expectOf(t.a.peer, t.b.peer); direct {
		case yes:
			return false
		case no:
			return true
		}
	}
	return t.either(func(n *end) bool {
		tr, _, _ := f.translated(n.peer)
		return tr == yes || f.dependent(n.peer)
	})
}

// filtersSTUN: was STUN lost before one of the ends where plain words to the same port were not? Checks are STUN, so that they tell nothing of other UDP then.
func (f *Fold) filtersSTUN(t *trial) bool {
	return t.either(func(n *end) bool { return f.probed(n.peer).differs() })
}

// met: did another trial of the same run connect? Then UDP passes between the two machines, only not between these addresses.
func (f *Fold) met(t *trial) bool {
	return slices.ContainsFunc(f.trials, func(x *trial) bool {
		return f.round(x.run) == f.round(t.run) && (x.kind == protocol.TrialHost || x.kind == protocol.TrialSTUN) && x.connected()
	})
}

// halfDead: one direction is dead, and of the other nothing is known, because that end had no address to send to, or because an end does not count (Firefox).
func (t *trial) halfDead(ab, ba lane) bool {
	half := func(seen, hidden lane) bool {
		silent := seen.dead() || seen.state == protocol.DirUnanswered && seen.arrived == 0 && !seen.from.counters
		return silent && (hidden.sent == 0 && hidden.from.counters || hidden.sent >= enoughRequests && hidden.state == protocol.DirNotObservable)
	}
	return half(ab, ba) || half(ba, ab)
}

// oneWayTrial is a trial in which packets go from one end to the other and none comes back.
type oneWayTrial struct {
	*trial
	alive, dead lane
}

func (f *Fold) oneWay() (out []oneWayTrial) {
	for _, t := range f.trials {
		if t.kind.Relay() || t.connected() || !t.beaten() {
			continue
		}
		ab, ba := t.lanes()
		if f.stranded(t) {
			continue // answers to a link-local address end at the first router
		}
		if ba.alive() && ab.dead() {
			ab, ba = ba, ab
		}
		if ab.alive() && ba.dead() {
			out = append(out, oneWayTrial{t, ab, ba})
		}
	}
	return out
}

// elsewhere looks for positive evidence that the dead direction takes another way than the packets that do arrive. This server stands in the segment of the
// end whose packets die, and its own packets do reach the other end: so it is not the other end that refuses them, and not a filter between the two
// segments as such, but the route that this machine takes and the server does not.
func (f *Fold) elsewhere(dead lane) (events []int, ok bool) {
	if same, proven, _ := f.sameSegment(dead.from.peer, dead.to.peer); same == yes && proven {
		return nil, false // neighbours need no route
	}
	if on, _, ev := f.onLink(dead.from.peer); on == yes && len(dead.to.srflx())+len(f.stunAnswered(dead.to.peer)) > 0 {
		return addEvents([]int{ev}, f.stunAnswered(dead.to.peer)...), true
	}
	return nil, false
}

// stunAnswered are the events that prove that this server's UDP reaches the peer: a reflexive candidate is an answer that came.
func (f *Fold) stunAnswered(p *peer) (events []int) {
	for _, n := range f.endsOf(p) {
		for _, c := range n.srflx() {
			events = addEvents(events, c.event)
		}
	}
	for _, c := range f.checks {
		if c.peer == p.id && c.Result == "answered" {
			events = addEvents(events, c.event)
		}
	}
	return events
}

// finding words what both causes rest on.
func (t oneWayTrial) finding() Finding {
	alive, dead := t.alive, t.dead
	from, to := dead.from.peer, dead.to.peer
	return Finding{Severity: t.severity(), Confidence: protocol.Likely, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run,
		Direction: &protocol.Direction{From: from.id, To: to.id}, breaks: []protocol.TrialKind{t.kind},
		Summary: catalog.T("", "from", from.name(), "to", to.name(), "trial", "@trial."+string(t.kind)),
		Evidence: []Evidence{
			note(catalog.T("evidence.arrived-and-answered", "from", to.name(), "to", from.name(), "arrived", itoa64(alive.arrived), "answered", itoa64(alive.answered)), alive.events...),
			note(catalog.T("evidence.none-arrived", "from", from.name(), "to", to.name(), "sent", itoa64(dead.sent)), dead.events...),
		}}
}

// oneWayBlock is the plain reading: packets in one direction are dropped. Routes that differ read alike from the ends, so it is never certain, and gives way to
// asymmetricRouting where something speaks for that.
func oneWayBlock(f *Fold) (out []Finding) {
	for _, t := range f.oneWay() {
		if _, ok := f.elsewhere(t.dead); !ok {
			x := t.finding()
			if f.excused(t.trial) || f.met(t.trial) || f.filtersSTUN(t.trial) {
				x.Confidence = protocol.Possible
			}
			out = append(out, x)
		}
	}
	return out
}

// asymmetricRouting needs evidence beyond the counters that the two directions take different ways.
func asymmetricRouting(f *Fold) (out []Finding) {
	for _, t := range f.oneWay() {
		events, ok := f.elsewhere(t.dead)
		if !ok {
			continue
		}
		x := t.finding()
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.server-beside", "peer", t.dead.from.peer.name(), "other", t.dead.to.peer.name()), events...))
		out = append(out, x)
	}
	return out
}
