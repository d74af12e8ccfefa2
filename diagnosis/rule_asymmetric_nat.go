package diagnosis

import (
	"net/netip"
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// asymmetricNAT: a request arrives under the address that was asked, and its answer comes back from another one, because a NAT translates only that direction.
// RFC 8445 section 7.2.5.2.1 makes the asking agent discard such an answer. Caught by the counters of both ends, by the headless peer's own count, or by the
// server's direct check.
func asymmetricNAT(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		for _, r := range t.rows() {
			if r.group.relayed() {
				continue
			}
			for i, fl := range []flow{r.aToB(), r.bToA()} {
				from, to, pair := t.a, t.b, r.p
				if i == 1 {
					from, to, pair = t.b, t.a, r.q
				}
				var proven *proof
				if pair != nil {
					proven = t.proven[pair]
				}
				if proven != nil {
					fl = proven.flow
				} else if fl.state != protocol.DirNonSymmetric || t.stop == nil {
					continue // before the end, requests may merely be on their way
				}
				// What was asked may be translated itself, only not to where the answer comes from: a mapping that differs or changes. Whether it is may come to light later.
				reflexive := pair.remote.Type == "srflx"
				if tr, _, _ := f.translated(to.peer); tr == yes && reflexive {
					continue
				}
				x := Finding{Severity: t.severity(), Confidence: protocol.Likely, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run,
					Direction: &protocol.Direction{From: from.peer.id, To: to.peer.id}, breaks: []protocol.TrialKind{t.kind}}
				asked := endpoint(pair.remote.Address, pair.remote.Port)
				seen := "?"
				var alias netip.Addr
				if fl.alias != nil {
					outside := to.outsideOf(fl.alias.remote)
					seen, alias = endpoint(outside, fl.alias.remote.Port), addrOf(outside)
				}
				if f.answersElsewhere(to.peer, addrOf(pair.remote.Address), alias) {
					continue
				}
				x.Summary = catalog.T("", "from", from.peer.name(), "to", to.peer.name(), "asked", asked, "answerer", seen)
				if n := value(pair.NonSymmetric); n > 0 {
					if !reflexive {
						x.Confidence = protocol.Certain
					}
					x.Evidence = append(x.Evidence, note(catalog.T("evidence.non-symmetric-counted", "from", from.peer.name(), "asked", asked, "count", itoa64(n)), pair.event))
				} else {
					if proven != nil && proven.held && !reflexive {
						x.Confidence = protocol.Certain
					}
					x.Evidence = append(x.Evidence,
						note(catalog.T("evidence.non-symmetric", "from", from.peer.name(), "to", to.peer.name(), "asked", asked, "sent", itoa64(fl.sent), "arrived", itoa64(fl.arrived), "answered", itoa64(fl.answered)), fl.events...),
						note(catalog.T("evidence.alias", "from", from.peer.name(), "to", to.peer.name(), "asked", asked, "seen", seen), fl.alias.event))
				}
				out = merge(out, x)
			}
		}
	}
	all := slices.Clone(out)
	out = slices.DeleteFunc(out, func(x Finding) bool { // one proof is enough for a direction
		return x.Confidence != protocol.Certain && slices.ContainsFunc(all, func(y Finding) bool {
			return y.Confidence == protocol.Certain && *y.Direction == *x.Direction && f.round(y.Run) == f.round(x.Run) && x.Severity != protocol.SeverityError
		})
	})
	for _, c := range f.checks {
		if c.Purpose != "direct" || c.Result != "non-symmetric" {
			continue
		}
		p := f.peer(c.peer)
		if p == nil || f.answersElsewhere(p, addrOf(c.To), addrOf(c.Answerer)) {
			continue
		}
		x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Certain, Peers: []string{p.id}, breaks: []protocol.TrialKind{protocol.TrialHost},
			Summary:  catalog.Text{Key: "-direct", Args: map[string]string{"to": p.name(), "asked": c.To, "answerer": c.Answerer}},
			Evidence: []Evidence{note(catalog.T("evidence.direct-non-symmetric", "asked", c.To, "answerer", c.Answerer), c.event)}}
		if t := f.newestTrial(protocol.TrialHost); t != nil && t.failed() {
			x.Severity = protocol.SeverityError
		}
		out = merge(out, x)
	}
	return out
}

// answersElsewhere: has the machine another address of its own than the asked one, which its answers come from, or may? A socket bound to all interfaces answers from
// that of the interface which the route back takes, and no NAT is to blame.
func (f *Fold) answersElsewhere(p *peer, asked, alias netip.Addr) bool {
	for _, n := range f.endsOf(p) {
		var own netip.Addr
		if f.plainAt(n, &own) && own != asked && (own == alias || !alias.IsValid()) {
			return true
		}
	}
	return false
}

// outsideOf is the address that the other end sees for one of this end's bases: its own, or, where the browser hides a peer-reflexive address, what this end learned of
// itself from the answers (RFC 8445 section 7.2.5.3.1).
func (n *end) outsideOf(c protocol.SampleCandidate) string {
	if c.Address != "" {
		return c.Address
	}
	for _, l := range n.local {
		if l.Type != "host" && l.Port == c.Port && l.Protocol == c.Protocol {
			return l.Address
		}
	}
	return ""
}

// merge adds a finding, or its evidence to the one that says the same.
func merge(list []Finding, x Finding) []Finding {
	for i := range list {
		if y := &list[i]; y.ID() == x.ID() {
			y.Evidence = append(y.Evidence, x.Evidence...)
			if confidenceOrder(x.Confidence) < confidenceOrder(y.Confidence) {
				y.Confidence, y.Summary = x.Confidence, x.Summary
			}
			return list
		}
	}
	return append(list, x)
}

// proof is a non-symmetric direction as the counters showed it at one moment. Counters go on, and may hide later what they proved: the fold remembers it.
type proof struct {
	flow
	sinceMs float64
	held    bool
}

// proofMs is how long the counters must show it: several round trips of any site, so that no answer is merely on its way.
const proofMs = 450

// suspicion is what is cheap to see of a trial.
type suspicion struct {
	// pairs that were asked, and nothing came under their address, but something did under another to the same base. And that is not proved yet.
	pairs int
	came  int64 // requests and answers, at both ends
	// unsettled: a proof has not stood for long enough.
	unsettled bool
}

func (t *trial) suspicion() (s suspicion) {
	for _, n := range t.ends() {
		for _, p := range n.pairs {
			s.came += value(p.RequestsReceived) + value(p.ResponsesReceived) + value(p.ResponsesSent)
			have := t.proven[p]
			s.unsettled = s.unsettled || have != nil && !have.held
			if have != nil || value(p.RequestsSent) < enoughRequests || value(p.RequestsReceived)+value(p.ResponsesReceived) > 0 {
				continue
			}
			for _, q := range n.pairs {
				if value(q.RequestsReceived)+value(q.ResponsesReceived) > 0 && q.base == p.base {
					s.pairs++
					break
				}
			}
		}
	}
	return s
}

// prove looks at the directions after each sample. It counts only requests that must have arrived under the asked address, because everything that the end sent to
// other addresses cannot explain them.
func (t *trial) prove(e *protocol.Event) {
	if !t.a.counters || !t.b.counters {
		return
	}
	switch s := t.suspicion(); {
	case s.unsettled:
	case s.pairs == 0 || s == t.suspected: // and requests that were sent since then prove less, not more
		return
	default:
		t.suspected = s
	}
	for _, r := range t.rows() {
		if r.group.relayed() {
			continue // a relay may tell another address than it sends from; that is no NAT between the ends
		}
		for i, fl := range []flow{r.aToB(), r.bToA()} {
			pair := []*endPair{r.p, r.q}[i]
			if pair == nil {
				continue
			}
			have := t.proven[pair]
			switch shows := fl.state == protocol.DirNonSymmetric && fl.alias != nil && fl.counted && fl.sent >= enoughRequests && fl.surely >= fewRequests; {
			case have != nil && have.held:
			case !shows:
				delete(t.proven, pair)
			case have == nil:
				if t.proven == nil {
					t.proven = map[*endPair]*proof{}
				}
				fl.arrived = fl.surely
				t.proven[pair] = &proof{flow: fl, sinceMs: e.AtMs}
			default:
				fl.arrived = fl.surely
				have.flow, have.held = fl, e.AtMs-have.sinceMs >= proofMs
			}
		}
	}
}
