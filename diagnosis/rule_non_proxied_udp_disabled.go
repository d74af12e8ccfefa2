package diagnosis

import (
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// udpDisabled: the browser may use no UDP that no proxy carries (RFC 8828 section 5.2, mode 4). Chromium then binds TCP sockets alone, which its statistics show, asks no STUN server,
// reports no error and is done at once. Firefox without a proxy does not even begin to gather.
func udpDisabled(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		if p.joined.Kind != protocol.KindBrowser {
			continue
		}
		x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Certain, Peers: []string{p.id}, Summary: catalog.T("", "peer", p.name())}
		ends, _ := f.bareEnds(p)
		var events []int
		for _, b := range ends {
			if b.tcp && !b.udp && len(b.candidates) == 0 && b.lastSample > b.gatherEv {
				events = addEvents(events, b.gatherEv, b.lastSample)
			}
		}
		var stalled []int
		for _, n := range f.endsOf(p) {
			if isFirefox(p) && f.stalled(n) {
				stalled = addEvents(stalled, f.trial(n.trial).stopEvent)
			}
		}
		switch {
		case len(events) > 0:
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.tcp-sockets-only", "peer", p.name()), events...))
		case len(stalled) > 0:
			x.Confidence, x.Summary.Key = protocol.Likely, "-stalled"
			x.separatedBy = []separation{{kind: protocol.ExperimentHeadless, peer: p.id}}
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.never-gathered", "peer", p.name()), stalled...))
		default:
			continue
		}
		if len(udpSightings(p)) == 0 && !f.imported() {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.stun-request-never-came", "peer", p.name())))
		}
		for _, k := range []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN, protocol.TrialRelayUDP, protocol.TrialRelayTCP} {
			t := f.newestTrial(k)
			if t == nil || t.a.peer != p && t.b.peer != p || !t.failed() || t.connected() {
				continue
			}
			if k == protocol.TrialRelayTCP && len(stalled) == 0 {
				continue // TCP is what is left
			}
			if t.endOf(p).hasUDP() {
				continue // another setting by then
			}
			x.Severity, x.breaks = protocol.SeverityError, append(x.breaks, k)
		}
		if t := f.newestTrial(protocol.TrialRelayTCP); t != nil && t.connected() && (t.a.peer == p || t.b.peer == p) {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.trial-connected", "trial", "@trial."+string(t.kind)), max(t.stopEvent, t.event)))
		}
		out = append(out, x)
	}
	return out
}

// hasUDP: does the end show a socket of UDP, or a candidate?
func (n *end) hasUDP() bool {
	return len(n.hosts("udp")) > 0 || slices.ContainsFunc(n.candidates, func(c *candidate) bool { return c.Protocol == "udp" }) ||
		slices.ContainsFunc(n.local, func(c protocol.SampleCandidate) bool { return c.Protocol == "udp" })
}

// stalled: did the end never begin to gather until the trial was over? Firefox then fails by itself as soon as it has made its description, before it was given any of the other's.
func (f *Fold) stalled(n *end) bool {
	t := f.trial(n.trial)
	if t == nil || !t.failed() || len(n.candidates) > 0 || n.endEvent >= 0 || n.gatherEv >= 0 || n.saw("gathering=gathering") || len(n.local) > 0 {
		return false
	}
	if n.agentFailed() {
		return true
	}
	return t.stop.Reason != protocol.ReasonPeerError && t.stop.Reason != protocol.ReasonPeerLeft && t.stopMs-t.startedMs >= NoPairsMs && n.sampledBefore(t.stopEvent) && n.described != nil
}
