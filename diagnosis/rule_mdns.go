package diagnosis

import (
	"net/netip"
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// Masked host candidates (draft-ietf-mmusic-mdns-ice-candidates): the browser signals a random .local name instead of the address. Only who hears the
// multicast query on the same link (RFC 6762 section 3) can resolve it. Both rules look at one direction: the masked peer, and the other, which was
// given nothing but names. What tells them apart is whether a router lies between the two.

// deaf finds in a trial the ends whose candidates are all masked and could not be resolved by the other end.
func (t *trial) deaf(n *end) (events []int, ok bool) {
	far := t.other(n)
	if far.gatherEv >= 0 && len(far.candidates) == 0 && far.lastSample > far.gatherEv && !slices.ContainsFunc(far.local, func(c protocol.SampleCandidate) bool { return c.Protocol == "udp" }) {
		return nil, false // it has no socket to ask from, whatever it is given
	}
	usable := false
	for _, c := range n.candidates {
		if c.Protocol != "udp" || c.event > t.stopEvent {
			continue
		}
		if !c.Masked() {
			return nil, false
		}
		usable = usable || c.applied != nil && *c.applied && c.appEvent < t.stopEvent
		events = addEvents(events, c.event)
	}
	if !usable || !far.sampledBefore(t.stopEvent) {
		return nil, false
	}
	for _, p := range far.pairs { // a pair towards a resolved name, or one that the other end's checks made
		base, _ := n.resolve(p.remote)
		if p.remote.Protocol == "udp" && base != "" && p.first < t.stopEvent {
			return nil, false
		}
	}
	return addEvents(events, far.lastSample), true
}

func (f *Fold) unresolved(want func(same answer, proven bool) (protocol.Confidence, bool)) (out []Finding) {
	for _, t := range f.trials {
		if !t.failed() || t.stop.Reason == protocol.ReasonPeerLeft || t.stop.Reason == protocol.ReasonSuperseded || t.stop.Reason == protocol.ReasonPeerError {
			continue
		}
		eventsA, deafA := t.deaf(t.a)
		eventsB, deafB := t.deaf(t.b)
		// One unmasked direction is enough to connect, since the first check teaches the other end the way back.
		if !deafA && !deafB || !deafA && hasUsable(t.a) || !deafB && hasUsable(t.b) {
			continue
		}
		same, proven, segEvents := f.sameSegment(t.a.peer, t.b.peer)
		confidence, ok := want(same, proven)
		if !ok {
			continue
		}
		x := Finding{Severity: protocol.SeverityError, Confidence: confidence, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind}}
		for i, n := range t.ends() {
			if []bool{deafA, deafB}[i] {
				x.Peers = append(x.Peers, n.peer.id)
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.only-names", "peer", n.peer.name(), "other", t.other(n).peer.name(), "trial", "@trial."+string(t.kind)),
					[][]int{eventsA, eventsB}[i]...))
			}
		}
		x.Summary = catalog.T("", "a", t.a.peer.name(), "b", t.b.peer.name(), "trial", "@trial."+string(t.kind), "addressA", f.seenAt(t.a.peer), "addressB", f.seenAt(t.b.peer))
		if deafA != deafB {
			hidden, other := t.a, t.b
			if deafB {
				hidden, other = t.b, t.a
			}
			x.Summary.Key = "-one"
			x.Summary.Args["peer"], x.Summary.Args["other"] = hidden.peer.name(), other.peer.name()
		}
		if t.stop.Reason == protocol.ReasonNoCandidates {
			// It ended because an end had nothing to offer, perhaps before anybody had looked up a name: that is the next obstacle, and not what it failed of.
			x.Severity, x.breaks = protocol.SeverityWarning, nil
			if x.Confidence == protocol.Certain {
				x.Confidence = protocol.Likely
			}
		}
		if !f.imported() {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.seen-from-server", "a", t.a.peer.name(), "b", t.b.peer.name(),
				"addressA", f.seenAt(t.a.peer), "addressB", f.seenAt(t.b.peer)), addEvents(segEvents, t.a.peer.joinedAt, t.b.peer.joinedAt)...))
		}
		for _, n := range t.ends() {
			if tr, why, ev := f.translated(n.peer); tr == yes {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.translated", "peer", n.peer.name(), "address", f.seenAt(n.peer), "why", why.terse()), ev...))
				x.Experiment = catalog.T("finding.mdns-masked.experiment-nat", "peer", n.peer.name())
			}
		}
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.no-check-sent", "trial", "@trial."+string(t.kind)), t.stopEvent))
		out = append(out, x)
	}
	return out
}

// hasUsable: did this end give the other something that can be checked without a name?
func hasUsable(n *end) bool {
	for _, c := range n.candidates {
		if c.Protocol == "udp" && !c.Masked() && c.Type != "relay" {
			return true
		}
	}
	return false
}

func mdnsMasked(f *Fold) []Finding {
	return append(f.unresolved(func(same answer, proven bool) (protocol.Confidence, bool) {
		if same == no && proven {
			return protocol.Certain, true // the names stayed names, and no multicast crosses a router
		}
		return protocol.Likely, same != yes
	}), f.unnamed()...)
}

// nameMs is how long a masked host candidate may take; it comes within 0.3 s where it comes.
const nameMs = 2000

// unnamed: a Chromium whose machine has no address of IPv4 registers no .local name, and waits for that with its gathering: neither an address nor a name comes.
func (f *Fold) unnamed() (out []Finding) {
	for _, t := range f.trials {
		if t.kind.Relay() || !t.beaten() || t.connected() {
			continue
		}
		x := Finding{Severity: protocol.SeverityError, Confidence: protocol.Likely, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind}}
		for _, n := range t.ends() {
			p := n.peer
			began, ok := n.stateAt["gathering=gathering"]
			if !ok || n.gathered() || len(n.ofType("host")) > 0 || t.stopMs-began < nameMs || p.granted >= 0 && p.granted < n.startEvent ||
				p.joined.Kind != protocol.KindBrowser || isFirefox(p) || slices.ContainsFunc(f.addresses(p), netip.Addr.Is4) || f.masked(p) != unknown {
				continue
			}
			x.Peers = append(x.Peers, p.id)
			x.Summary = catalog.T("", "peer", p.name(), "trial", "@trial."+string(t.kind))
			x.Summary.Key = "-unnamed"
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.no-name-registered", "peer", p.name(), "address", f.seenAt(p)), n.stateEv["gathering=gathering"], t.stopEvent, p.joinedAt))
		}
		if len(x.Peers) > 0 {
			out = append(out, x)
		}
	}
	return out
}

// mdnsMulticastBlocked is possible at most where a Firefox takes part: it speaks mDNS on one interface only, that of its default route, and on a machine with several the
// other end may stand at another.
func mdnsMulticastBlocked(f *Fold) []Finding {
	out := f.unresolved(func(same answer, _ bool) (protocol.Confidence, bool) { return protocol.Likely, same == yes })
	for i := range out {
		for _, n := range f.trial(protocol.NewTrialID(out[i].Trial, out[i].Run)).ends() {
			if isFirefox(n.peer) {
				out[i].Confidence = protocol.Possible
				out[i].separatedBy = []separation{{kind: protocol.ExperimentReveal, peer: n.peer.id}}
			}
		}
	}
	return out
}
