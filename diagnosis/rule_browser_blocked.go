package diagnosis

import (
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// browserBlocked: icescope peer on the same machine connects over the very addresses between which the browser's checks die. So it is neither the path nor the machine as
// such, but what is done to this program or to its ports: a rule of the host firewall for one executable, a policy, a port range. It is certain where the browser
// failed again afterwards, because a path may have come alive in between.
func browserBlocked(f *Fold) (out []Finding) {
	for _, c := range f.peers {
		near := f.peer(c.joined.Beside)
		if near == nil {
			continue
		}
		for _, t := range f.trials {
			if t.kind.Relay() || t.connected() || !t.beaten() || t.stuck() || t.a.peer != near && t.b.peer != near {
				continue
			}
			i := slices.IndexFunc(f.side, func(s *trial) bool { return s.startedMs > t.stopMs && f.sameWay(s, c, t, near) })
			if i < 0 {
				continue
			}
			s := f.side[i]
			far := t.other(t.endOf(near)).peer
			x := Finding{Severity: protocol.SeverityError, Confidence: protocol.Likely, Peers: []string{near.id}, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind},
				Summary: catalog.T("", "peer", near.name(), "other", far.name(), "beside", c.name(), "trial", "@trial."+string(t.kind)),
				Evidence: []Evidence{
					note(catalog.T("evidence.browser-failed", "peer", near.name(), "other", far.name(), "trial", "@trial."+string(t.kind)), t.stopEvent),
					note(catalog.T("evidence.beside-connected", "beside", c.name(), "peer", near.name(), "other", far.name(), "trial", "@trial."+string(s.kind)), s.stopEvent),
				}}
			if again := f.failedAfter(t, s, c, near); again != nil {
				x.Confidence = protocol.Certain
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.browser-failed-again", "peer", near.name()), again.stopEvent))
			}
			out = append(out, x)
		}
	}
	return out
}

// endOf is a peer's end of a trial.
func (t *trial) endOf(p *peer) *end {
	if t.a.peer == p {
		return t.a
	}
	return t.b
}

// failedAfter is a trial like t, of the same two and over the same addresses, that began after s had ended and did not connect, though checks were sent.
func (f *Fold) failedAfter(t, s *trial, c, near *peer) *trial {
	for _, x := range f.trials {
		if x.kind == t.kind && x.a.peer == t.a.peer && x.b.peer == t.b.peer && s.stop != nil && x.startedMs > s.stopMs && x.beaten() && !x.connected() && f.sameWay(s, c, x, near) {
			return x
		}
	}
	return nil
}

// sameWay: did the headless peer c connect in s directly, and did the browser beside it send checks in t between the same two IP addresses?
func (f *Fold) sameWay(s *trial, c *peer, t *trial, near *peer) bool {
	if !s.connected() || s.kind.Relay() || s.a.peer != c && s.b.peer != c || s.other(s.endOf(c)).peer != t.other(t.endOf(near)).peer {
		return false
	}
	ends := func(x *trial, p *peer, r row) (own, other protocol.PairEnd) {
		v := x.pairReport(r)
		if x.b.peer == p {
			return v.Remote, v.Local
		}
		return v.Local, v.Remote
	}
	for _, r := range s.rows() {
		if v := s.pairReport(r); !v.Selected {
			continue
		}
		own, other := ends(s, c, r)
		if own.Protocol != "udp" || own.Type == "relay" || other.Type == "relay" || addrOf(own.Address).IsValid() && !addrOf(other.Address).IsValid() {
			continue
		}
		for _, q := range t.rows() {
			browserOwn, browserOther := ends(t, near, q)
			ab, ba := q.aToB(), q.bToA()
			if browserOwn.Address == own.Address && browserOther.Address == other.Address && own.Address != "" && ab.sent+ba.sent >= enoughRequests {
				return true
			}
		}
	}
	return false
}

// besideToo adds that icescope peer on one of the machines failed in the same trial, too: it is not the browser then.
func (f *Fold) besideToo(t *trial, x Finding) Finding {
	for _, c := range f.peers {
		near := f.peer(c.joined.Beside)
		if near == nil || t.a.peer != near && t.b.peer != near {
			continue
		}
		if s := f.besideTrial(c, t.kind); s != nil && s.beaten() && !s.connected() {
			if ab, ba := s.lanes(); ab.sent+ba.sent >= enoughRequests {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.beside-failed", "beside", c.name(), "peer", near.name()), s.stopEvent))
			}
		}
	}
	return x
}
