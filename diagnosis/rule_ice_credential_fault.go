package diagnosis

import (
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// iceCredentialFault: an end signaled other ICE credentials than its agent uses, as after a restart whose description was lost, or kept from an older call. Its agent then
// refuses the other end's checks (RFC 8445 section 7.3, RFC 8489 section 9.1.3) and the network is blameless. The fragment is known to the letter; the password is not, but
// its agent answers "401", or answers reach it from where, by its counters, no request ever came.
func iceCredentialFault(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		for _, n := range t.ends() {
			far := t.other(n)
			x := Finding{Severity: t.severity(), Peers: []string{n.peer.id, far.peer.id}, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind},
				Summary: catalog.T("", "peer", n.peer.name(), "other", far.peer.name(), "trial", "@trial."+string(t.kind))}
			x.Evidence = append(n.otherFragment(), f.refusedChecks(n)...)
			if len(x.Evidence) > 0 {
				x.Confidence = protocol.Certain
				out = append(out, x)
				continue
			}
			if t.stop == nil || t.connected() {
				continue
			}
			x.Evidence = slices.Concat(t.deafTo(far, n), far.refusals(n), f.refusedElsewhere(n))
			if len(x.Evidence) > 0 {
				x.Confidence = protocol.Likely
				x.Summary.Key = "-password"
				out = append(out, x)
			}
		}
	}
	return out
}

// otherFragment is the evidence that the agent's own candidates have another username fragment than the description that was signaled for it. A trial that is held restarts
// ICE, and is then seen between two fragments.
func (n *end) otherFragment() []Evidence {
	if len(n.said) == 0 || n.again != nil || n.lastSample < n.said[0].event {
		return nil
	}
	said := n.said[0]
	used := ""
	for _, c := range n.local {
		switch c.UsernameFragment {
		case "":
		case said.fragment:
			return nil
		default:
			used = c.UsernameFragment
		}
	}
	if used == "" || said.fragment == "" {
		return nil
	}
	return []Evidence{note(catalog.T("evidence.fragment-differs", "peer", n.peer.name(), "signaled", said.fragment, "used", used), said.event, n.lastSample)}
}

// refusedChecks are checks that this server signed with what the end signaled, and that the end's agent answered "401".
func (f *Fold) refusedChecks(n *end) (out []Evidence) {
	for _, c := range f.checks {
		if c.peer == n.peer.id && c.Trial == n.trial && c.Result == "answered" && strings.HasPrefix(c.Error, "401") {
			out = append(out, note(catalog.T("evidence.check-refused", "peer", n.peer.name(), "address", c.To, "error", c.Error), c.event))
			break
		}
	}
	return out
}

// refusedElsewhere are such checks to the same peer in another trial, where this one heard no request either: what its application does to one description it does to all.
func (f *Fold) refusedElsewhere(n *end) []Evidence {
	if !n.counters || slices.ContainsFunc(n.pairs, func(p *endPair) bool { return value(p.RequestsReceived) > 0 }) {
		return nil
	}
	for _, c := range f.checks {
		if f.inRun(c, n) && c.peer == n.peer.id && c.Result == "answered" && strings.HasPrefix(c.Error, "401") {
			return []Evidence{note(catalog.T("evidence.check-refused-elsewhere", "peer", n.peer.name(), "address", c.To, "error", c.Error), c.event)}
		}
	}
	return nil
}

// refuses: did the agent of one of the two refuse what its own application signaled? Then silence between them says nothing of the network.
func (f *Fold) refuses(t *trial) bool {
	return t.either(func(n *end) bool {
		return len(n.otherFragment()) > 0 || slices.ContainsFunc(f.checks, func(c check) bool {
			return c.peer == n.peer.id && c.Trial == n.trial && c.Result == "answered" && strings.HasPrefix(c.Error, "401")
		}) || len(f.refusedElsewhere(n)) > 0
	})
}

// inRun: was the check made for a trial of the same run as this end's?
func (f *Fold) inRun(c check, n *end) bool {
	_, x, _ := c.Trial.Split()
	_, y, _ := n.trial.Split()
	return x == y
}

// deafTo is the evidence that an end hears the answers of the other one and none of its requests, though both come the same way. It counts requests only once their
// password is right.
func (t *trial) deafTo(from, to *end) []Evidence {
	for _, r := range t.rows() {
		p, q := r.p, r.q // from's view, and to's
		if from == t.b {
			p, q = q, p
		}
		if p == nil || q == nil || q.RequestsReceived == nil {
			continue
		}
		mine := r.group.a
		if to == t.b {
			mine = r.group.b
		}
		heard := slices.ContainsFunc(mine, func(s *seen) bool { return value(s.RequestsReceived) > 0 })
		if !heard && value(p.RequestsSent) >= enoughRequests && value(p.ResponsesReceived) == 0 && value(q.ResponsesReceived) >= fewAnswers {
			return []Evidence{note(catalog.T("evidence.deaf", "from", from.peer.name(), "to", to.peer.name(), "sent", itoa64(value(p.RequestsSent)), "answers", itoa64(value(q.ResponsesReceived))), p.event, q.event)}
		}
	}
	return nil
}

// fewAnswers have come the way that requests take: one may have been let through by chance.
const fewAnswers = 2

// refusals is the evidence that the other end answers each request with an error: Chromium counts Firefox's short error responses among the packets that are no STUN, at a
// time when the other end has not sent a byte of anything else.
func (n *end) refusals(far *end) []Evidence {
	l := loadOf(far, n)
	if l.sent > 0 || !l.countsIn || l.gotPackets < enoughRequests || l.got > errorAnswer*l.gotPackets || slices.ContainsFunc(n.pairs, func(p *endPair) bool { return value(p.ResponsesReceived) > 0 }) {
		return nil
	}
	return []Evidence{note(catalog.T("evidence.error-answers", "from", n.peer.name(), "to", far.peer.name(), "count", itoa64(l.gotPackets), "size", itoa64(l.got/l.gotPackets)), l.events...)}
}
