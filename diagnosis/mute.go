package diagnosis

import (
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// mute is what shows that no answer of this server's STUN reaches a peer. Several causes begin with it: a closed port, a filter that knows STUN, a proxy that is the only way
// out.
type mute struct {
	failures, silent []int // what the browser reported, and where the session gave up waiting
	// whole: were the reports of an end none of whose sockets is known to have been answered? reported: and were they the browser's own?
	whole, reported bool
	// breaks are the trials that failed for want of an answer, severity what follows.
	breaks   []protocol.TrialKind
	severity protocol.Severity
	// closed are the events that show that TCP to the port does not get through either.
	closed []int
}

func (m mute) seen() bool { return len(m.failures)+len(m.silent) > 0 }

// mute looks at the gatherings with this server's STUN and at those over its relay.
func (f *Fold) mute(p *peer) (m mute) {
	m.severity = protocol.SeverityWarning
	if p.joined.Beside != "" {
		return m // what it finds is of the machine of the other
	}
	for _, n := range f.endsOf(p) {
		kind := n.trial.Kind()
		if kind != protocol.TrialAlone && kind != protocol.TrialSTUN || len(n.servers) == 0 {
			continue
		}
		t := f.trial(n.trial)
		if t != nil && !slices.Contains(f.trials, t) {
			continue // of an experiment, which asks otherwise
		}
		failed, quiet := n.stunFailed(), f.stunQuiet(n)
		if len(quiet) > 0 && f.answeredAfter(p, quiet[0]) {
			quiet = nil // it was only late
		}
		m.failures, m.silent = addEvents(m.failures, failed...), addEvents(m.silent, quiet...)
		if len(failed)+len(quiet) > 0 && !n.redundant() {
			m.whole, m.reported = true, m.reported || len(failed) > 0
		}
		if t := f.newestTrial(protocol.TrialSTUN); len(failed)+len(quiet) > 0 && t != nil && t.id == n.trial && t.failed() {
			m.severity, m.breaks = protocol.SeverityError, append(m.breaks, kind)
		}
	}
	// A headless peer ends its gathering without a word of what was not answered; its own questions tell.
	if a := f.probed(p); p.joined.Kind == protocol.KindHeadless && len(a.events) > 0 && (a.answered == 0 || a.lost > 0) {
		m.silent, m.whole = addEvents(m.silent, a.events...), true
		if t := f.newestTrial(protocol.TrialSTUN); t != nil && t.failed() {
			m.severity, m.breaks = protocol.SeverityError, []protocol.TrialKind{protocol.TrialSTUN}
		}
	}
	if !m.seen() {
		m.silent, m.whole = f.relayMute(p), true
	}
	if !m.seen() {
		return m
	}
	for _, kind := range []protocol.TrialKind{protocol.TrialRelayUDP, protocol.TrialRelayTCP} {
		t := f.newestTrial(kind)
		if t == nil || !t.relayless() {
			continue
		}
		for _, n := range t.ends() {
			if n.peer != p || len(n.ofType("relay")) > 0 || n.refusedRelay() || !t.waited(n) {
				continue
			}
			m.severity, m.breaks = protocol.SeverityError, append(m.breaks, kind)
			if kind == protocol.TrialRelayTCP {
				m.closed = addEvents(m.closed, t.stopEvent)
			}
		}
	}
	return m
}

// relayMute: the relay over UDP stands on STUN's own port. Where it gave no answer for as long as one may take, and this server never saw a packet of this peer over UDP, that port is what both have in
// common; the trial with STUN may have connected before it showed, by what the other end knows of itself.
func (f *Fold) relayMute(p *peer) []int {
	t := f.newestTrial(protocol.TrialRelayUDP)
	if t == nil || len(udpSightings(p)) > 0 || !t.relayless() || t.a.peer != p && t.b.peer != p {
		return nil
	}
	// An end that has done with gathering and names no error was not let try.
	n := t.endOf(p)
	if len(n.ofType("relay")) > 0 || n.refusedRelay() || !t.waited(n) || n.gatherEv >= 0 && len(n.errors) == 0 ||
		slices.ContainsFunc(f.endsOf(p), func(x *end) bool { return len(x.srflx()) > 0 && !f.ofExperiment(x) }) {
		return nil
	}
	return []int{t.stopEvent}
}

// ofExperiment: does this end belong to an experiment, which asks other ports, or asks otherwise?
func (f *Fold) ofExperiment(n *end) bool {
	t := f.trial(n.trial)
	return t != nil && t.start.Experiment != ""
}

// relayless: did a relay trial fail for want of a relayed address? Firefox does not wait for one: its agent fails after five seconds without a pair.
func (t *trial) relayless() bool {
	return t.failed() && (t.stop.Reason == protocol.ReasonNoRelay ||
		t.stop.Reason == protocol.ReasonAgentFailed && t.kind.Relay() && t.either(func(n *end) bool { return len(n.ofType("relay")) == 0 }))
}

// redundant: did this server answer one of several sockets at the very address that it was signaled with? The reflexive candidate then equals the host's and is left out (RFC 8445
// section 5.1.3), so that what the browser still waits for, or reports, may be of another interface or family alone.
func (n *end) redundant() bool {
	return len(n.hosts("udp")) > 1 && slices.ContainsFunc(n.ofType("host"), func(c *candidate) bool {
		return c.Protocol == "udp" && slices.ContainsFunc(udpSightings(n.peer), func(s sighting) bool { return s.Source == endpoint(c.Address, c.Port) })
	})
}

// answeredAfter: did an answer of this server's STUN reach the peer after that event?
func (f *Fold) answeredAfter(p *peer, event int) bool {
	for _, n := range slices.Concat(p.alone, p.nats) {
		if n.trial.Kind() != protocol.TrialGather && slices.ContainsFunc(n.srflx(), func(c *candidate) bool { return c.event > event }) {
			return true
		}
	}
	for _, t := range f.trials {
		for _, n := range t.ends() {
			if t.kind == protocol.TrialSTUN && n.peer == p && slices.ContainsFunc(n.srflx(), func(c *candidate) bool { return c.event > event }) {
				return true
			}
		}
	}
	return false
}

// conclusive: does the failed trial over a relay say that there is no way? Not where an end without a relay was stopped before it could have had one.
func (t *trial) conclusive() bool {
	return t.stop == nil || t.stop.Reason != protocol.ReasonNoRelay || t.both(func(n *end) bool { return len(n.ofType("relay")) > 0 || t.waited(n) })
}

// broken: was the trial ended by an end that left or could not run it, and not by what the network did?
func (t *trial) broken() bool {
	return t.stop != nil && (t.stop.Reason == protocol.ReasonPeerLeft || t.stop.Reason == protocol.ReasonPeerError) && !t.connected()
}

// beaten: did the trial fail while both ends stayed and could run it? Only then does the silence between them say something of the network.
func (t *trial) beaten() bool { return t.failed() && !t.broken() }

// waited: had the end gathered for as long as an answer may take, before the trial was stopped? A busy machine may have hardly begun.
func (t *trial) waited(n *end) bool {
	return t.stop != nil && (n.gathered() || n.waited(t.stopMs))
}

func (n *end) waited(until float64) bool {
	at, begun := n.stateAt["gathering=gathering"]
	return begun && until-at >= NoPairsMs
}

// refusedRelay: did a relay answer with an error?
func (n *end) refusedRelay() bool {
	return slices.ContainsFunc(n.errors, func(e candidateError) bool { return e.Code >= 300 && e.Code < 700 })
}

// evidence words what was seen.
func (m mute) evidence(p *peer) (out []Evidence) {
	out = append(out, note(catalog.T("evidence.page-over-tcp", "peer", p.name(), "address", p.joined.HTTPAddress), p.joinedAt))
	if len(m.silent) > 0 {
		out = append(out, note(catalog.T("evidence.no-stun-answer", "peer", p.name()), m.silent...))
	}
	if len(m.failures) > 0 {
		out = append(out, note(catalog.T("evidence.error-701", "peer", p.name()), m.failures...))
	}
	if seen := udpSightings(p); len(seen) > 0 {
		out = append(out, note(catalog.T("evidence.stun-request-came", "address", seen[0].Source), seen[0].event))
	} else {
		out = append(out, note(catalog.T("evidence.stun-request-never-came", "peer", p.name())))
	}
	if len(m.closed) > 0 {
		out = append(out, note(catalog.T("evidence.no-relay-over-tcp", "peer", p.name()), m.closed...))
	}
	return out
}

func (p *peer) firefox() bool { return strings.Contains(p.joined.UserAgent, "Firefox/") }
