package diagnosis

import (
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// dnsFailure: a pasted server is named by a name that cannot be looked up here. Chromium says so in words (facts section 5), once for each family: that no IPv6 address is found is
// harmless. Firefox says nothing but 701, which a server that is silent gives as well.
func dnsFailure(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		for _, u := range f.pasted(p) {
			x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Possible, Peers: []string{p.id}, Trial: protocol.TrialCustom, Run: u.run, breaks: []protocol.TrialKind{protocol.TrialCustom}}
			if u.t != nil && u.t.failed() {
				x.Severity = protocol.SeverityError
			}
			var names []string
			for _, n := range u.ends {
				for _, name := range n.names() {
					c, e, ok := f.unresolvable(p, u, n, name)
					if !ok {
						continue
					}
					if confidenceOrder(c) < confidenceOrder(x.Confidence) {
						x.Confidence = c
					}
					if !slices.Contains(names, name) {
						names = append(names, name)
						x.Evidence = append(x.Evidence, e)
					}
				}
			}
			if len(names) == 0 {
				continue
			}
			if x.Confidence != protocol.Certain {
				x.separatedBy = []separation{{kind: protocol.ExperimentHeadless, peer: p.id}}
			}
			x.Summary = catalog.T("", "peer", p.name(), "names", strings.Join(names, ", "))
			out = append(out, x)
		}
	}
	return out
}

// pasted are the uses of pasted servers by a peer, with or without a relay among them.
func (f *Fold) pasted(p *peer) (out []*relayUse) {
	for _, n := range p.alone {
		if kind, run, _ := n.trial.Split(); kind == protocol.TrialGather {
			out = append(out, &relayUse{peer: p, kind: protocol.TrialCustom, run: run, ends: []*end{n}})
		}
	}
	for _, t := range f.trials {
		for _, n := range t.ends() {
			if t.kind != protocol.TrialCustom || n.peer != p {
				continue
			}
			i := slices.IndexFunc(out, func(u *relayUse) bool { return u.run == t.run })
			if i < 0 {
				i, out = len(out), append(out, &relayUse{peer: p, kind: t.kind, run: t.run})
			}
			out[i].t, out[i].n, out[i].ends = t, n, append(out[i].ends, n)
		}
	}
	return out
}

// names are the hosts of the end's servers that are not literal addresses.
func (n *end) names() (out []string) {
	for _, u := range n.urls() {
		if h := hostOf(u); isName(h) && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// lookups are the browser's own words that a name was not found.
func (n *end) lookups(host string) (events []int) {
	for _, e := range n.errors {
		if e.Code == 701 && strings.Contains(e.Text, "lookup") && e.URL != "" && hostOf(e.URL) == host {
			events = addEvents(events, e.event)
		}
	}
	return events
}

// stunTransactionMs is the shortest time after which a browser gives up a STUN server that does not answer: Firefox, after 11 s (facts L14), with room for its timers.
const stunTransactionMs = 9000

// unresolvable: could the name not be looked up, as far as this end shows?
func (f *Fold) unresolvable(p *peer, u *relayUse, n *end, name string) (c protocol.Confidence, evidence Evidence, ok bool) {
	ended := n.gatherEv
	if n.stopped && (ended < 0 || n.stopEvent < ended) {
		ended = n.stopEvent
	}
	if n == u.n && u.t.stop != nil && (ended < 0 || u.t.stopEvent < ended) {
		ended = u.t.stopEvent
	}
	for _, x := range n.candidates {
		if x.Type != "host" && x.url != "" && hostOf(x.url) == name && (ended < 0 || x.event < ended) {
			return c, evidence, false
		}
	}
	v4, other := false, false
	var silent []int
	for _, e := range n.errors {
		if e.URL == "" || hostOf(e.URL) != name {
			continue
		}
		lookup := strings.Contains(e.Text, "lookup")
		v4 = v4 || lookup && !strings.Contains(e.Address, ":")
		other = other || e.Code != 701 || !lookup && e.Text != ""
		if e.Code == 701 && e.Text == "" {
			silent = addEvents(silent, e.event)
		}
	}
	lookups := n.lookups(name)
	switch {
	case other: // someone answered, or was waited for: the name was found
		return c, evidence, false
	case len(lookups) > 0:
		c = protocol.Likely
		switch {
		case v4 && ended >= 0:
			c = protocol.Certain
		case !v4 && !n.lookedUp4() && !n.timedOut(lookups):
			c = protocol.Possible // that there is no IPv6 address was told at once, and the other family may be on its way
		}
		return c, note(catalog.T("evidence.lookup-failed", "peer", p.name(), "name", name), lookups...), true
	case len(silent) > 0:
		c = protocol.Possible
		if f.lookedUpElsewhere(p, u.run, name) || f.early(n, silent) {
			c = protocol.Likely
		}
		return c, note(catalog.T("evidence.name-silent", "peer", p.name(), "name", name), silent...), true
	}
	return c, evidence, false
}

// resolverMs is when a resolver begins to give up: a server that knows of no address says so at once.
const resolverMs = 2000

// timedOut: did the lookups fail for want of any answer?
func (n *end) timedOut(lookups []int) bool {
	began, ok := n.stateMs["gathering=gathering"]
	return ok && slices.ContainsFunc(n.errors, func(e candidateError) bool { return slices.Contains(lookups, e.event) && e.AtMs-began >= resolverMs })
}

// lookedUp4: did the lookup of an IPv4 address fail for any name?
func (n *end) lookedUp4() bool {
	return slices.ContainsFunc(n.errors, func(e candidateError) bool {
		return strings.Contains(e.Text, "lookup") && !strings.Contains(e.Address, ":")
	})
}

// unfound: does a browser of this run say that it cannot look the name up? Then what is silent is DNS, and not the server.
func (f *Fold) unfound(n *end, run int, name string) bool {
	return isName(name) && (len(n.lookups(name)) > 0 || f.lookedUpElsewhere(n.peer, run, name))
}

// lookedUpElsewhere: does the browser at the other end say that this name cannot be looked up?
func (f *Fold) lookedUpElsewhere(p *peer, run int, name string) bool {
	for _, q := range f.peers {
		if q == p {
			continue
		}
		for _, u := range f.pasted(q) {
			if u.run == run && slices.ContainsFunc(u.ends, func(n *end) bool { return len(n.lookups(name)) > 0 }) {
				return true
			}
		}
	}
	return false
}

// early: did the error come before a server could have been found silent?
func (f *Fold) early(n *end, events []int) bool {
	for _, e := range n.errors {
		if slices.Contains(events, e.event) && e.AtMs > 0 && e.AtMs < stunTransactionMs && !strings.Contains(e.URL, "transport=tcp") {
			return true
		}
	}
	return false
}
