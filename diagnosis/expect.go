package diagnosis

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// What two NATs let one expect. The two are played against each other by the letter of RFC 4787: each end knows the address that STUN told the other, sends there, answers
// what it hears, and asks back from where it was asked (RFC 8445 section 7.3.1.4), until nothing new happens. Nothing is looked up in a table: the table in the docs is what comes
// out of this, and what the lab measured beside it.

// behavior is one NAT as far as this play needs it.
type behavior struct{ mapping, filtering protocol.Behavior }

// spot is an address in the play: an end's outside, or the STUN server, and a port. The ports of a mapping are named after the destination that they serve.
type spot struct{ ip, port string }

const (
	spotA, spotB, spotSTUN = "a", "b", "stun"
	// playRounds is enough: a new address is learned at most twice by each end before nothing changes, unless both map anew for each port, and then nothing helps.
	playRounds = 6
)

// manner is what NATs of the same two behaviours still do differently.
type manner struct {
	// sessions: answers leave from the mapping that the request came to (what keeps state per session does that), not from the one for their destination.
	sessions bool
	// together: whom the machine has sent to through one mapping may send to all others of the same inside port, too, for the RFC speaks of the internal endpoint
	// (section 5). Linux looks at the mapping alone.
	together bool
}

// manners are those that there are. What keeps state per session also filters by it, so never both.
var manners = [...]manner{{}, {sessions: true}, {together: true}}

// player is one end behind its NAT.
type player struct {
	ip     string
	nat    behavior
	manner                   // where RFC 4787 leaves a choice
	sent   map[spot][]spot   // by mapping: where it has sent to
	known  []spot            // the other end's addresses
	silent bool              // sends only to whom it has heard
	heard  map[spot]struct{} // from where a request came in
}

// mapped is the address that packets to a destination leave with.
func (p *player) mapped(to spot) spot {
	switch p.nat.mapping {
	case protocol.AddressDependent:
		return spot{p.ip, to.ip}
	case protocol.AddressAndPortDependent:
		return spot{p.ip, to.ip + ":" + to.port}
	}
	return spot{p.ip, "always"}
}

func (p *player) send(to spot) spot {
	m := p.mapped(to)
	if !slices.Contains(p.sent[m], to) {
		p.sent[m] = append(p.sent[m], to)
	}
	return m
}

// lets tells whether the NAT lets a packet in, from one address to one of its mappings.
func (p *player) lets(from, to spot) bool {
	peers, open := p.sent[to]
	if !open {
		return false
	}
	if p.together {
		peers = nil
		for _, more := range p.sent {
			peers = append(peers, more...)
		}
	}
	return slices.ContainsFunc(peers, func(s spot) bool {
		switch p.nat.filtering {
		case protocol.EndpointIndependent:
			return true
		case protocol.AddressDependent:
			return s.ip == from.ip
		}
		return s == from
	})
}

// meets plays. silent ends send nothing before they have heard.
func meets(a, b behavior, silentA, silentB bool, m manner) bool {
	end := func(ip string, nat behavior, silent bool) *player {
		return &player{ip: ip, nat: nat, manner: m, sent: map[spot][]spot{}, heard: map[spot]struct{}{}, silent: silent}
	}
	x, y := end(spotA, a, silentA), end(spotB, b, silentB)
	stun := spot{spotSTUN, "3478"}
	x.known, y.known = []spot{y.send(stun)}, []spot{x.send(stun)}
	for range playRounds {
		if x.check(y) || y.check(x) {
			return true
		}
	}
	return false
}

// check asks every address that is known of the other end, and tells whether an answer was accepted.
func (p *player) check(other *player) bool {
	for _, to := range slices.Clone(p.known) {
		if _, heard := p.heard[to]; p.silent && !heard {
			continue
		}
		from := p.send(to)
		if !other.lets(from, to) {
			continue
		}
		other.heard[from] = struct{}{}
		if !slices.Contains(other.known, from) {
			other.known = append(other.known, from) // peer-reflexive (RFC 8445 section 7.3.1.3)
		}
		answer := to
		if !other.sessions {
			answer = other.send(from)
		}
		if answer == to && p.lets(answer, from) { // from elsewhere it is non-symmetric (RFC 8445 section 7.2.5.2.1)
			return true
		}
	}
	return false
}

// expect plays all that is possible: each behaviour that was not measured may be any. The answer is known where all agree.
func expect(a, b behavior) (direct answer, first string) {
	all := func(x protocol.Behavior) []protocol.Behavior {
		if x == protocol.NotMeasurable || x == "" {
			return measurable
		}
		return []protocol.Behavior{x}
	}
	outcomes := map[string]bool{}
	for _, ma := range all(a.mapping) {
		for _, fa := range all(a.filtering) {
			for _, mb := range all(b.mapping) {
				for _, fb := range all(b.filtering) {
					for _, outcome := range turns()[[2]behavior{{ma, fa}, {mb, fb}}] {
						outcomes[outcome] = true
					}
				}
			}
		}
	}
	if outcomes["no"] {
		if len(outcomes) == 1 {
			return no, ""
		}
		return unknown, ""
	}
	if len(outcomes) == 1 {
		for first := range outcomes {
			return yes, first
		}
	}
	return yes, ""
}

var measurable = []protocol.Behavior{protocol.EndpointIndependent, protocol.AddressDependent, protocol.AddressAndPortDependent}

// turns are the outcomes of every play: a room asks 25 times a second. NATs of the same behaviours come in more than one manner.
var turns = sync.OnceValue(func() map[[2]behavior][len(manners)]string {
	var nats []behavior
	for _, m := range measurable {
		for _, f := range measurable {
			nats = append(nats, behavior{m, f})
		}
	}
	out := map[[2]behavior][len(manners)]string{}
	for _, a := range nats {
		for _, b := range nats {
			var outcomes [len(manners)]string
			for i, m := range manners {
				outcomes[i] = turn(a, b, m)
			}
			out[[2]behavior{a, b}] = outcomes
		}
	}
	return out
})

// turn says who has to send first, or "no".
func turn(a, b behavior, m manner) string {
	aCanWait, bCanWait := meets(a, b, true, false, m), meets(a, b, false, true, m)
	switch {
	case aCanWait && bCanWait:
		return "either"
	case bCanWait:
		return "a"
	case aCanWait:
		return "b"
	case meets(a, b, false, false, m):
		return "both"
	}
	return "no"
}

// Expectation is protocol.Expectation before translation.
type Expectation struct {
	protocol.Expectation
	Text catalog.Text
}

// expectation is of the first two peers that can run trials; nil: there are not two.
func (f *Fold) expectation() *Expectation {
	var two []*peer
	for _, p := range f.peers {
		if p.joined.Kind != protocol.KindWatcher && !p.left && len(p.joined.Trials) > 0 {
			two = append(two, p)
		}
	}
	if t := f.newestTrial(protocol.TrialSTUN); t != nil {
		two = []*peer{t.a.peer, t.b.peer}
	}
	if len(two) < 2 {
		return nil
	}
	a, b := two[0], two[1]
	direct, first, key := f.expectOf(a, b)
	e := &Expectation{Expectation: protocol.Expectation{A: a.id, B: b.id, Direct: direct.ptr(), First: first}}
	e.Contradicted = f.contradicts(f.newestTrial(protocol.TrialSTUN), direct)
	if direct == no && !e.Contradicted && f.connectedDirectly(a, b) {
		key = "no-but-hosts"
	}
	e.Text = catalog.T("expect."+key, "a", a.name(), "b", b.name())
	return e
}

// expectOf plays two peers, and names the sentence that says it.
func (f *Fold) expectOf(a, b *peer) (direct answer, first, key string) {
	if f.sameOutside(a, b) {
		return unknown, "", "same-nat" // between two mappings of one NAT hairpinning decides, and that was not measured
	}
	if x, y := f.measuredAt(a), f.measuredAt(b); len(x) > 0 && len(y) > 0 && x[0].Is4() != y[0].Is4() {
		return unknown, "", "unknown" // an address of one family sends nothing to one of the other
	}
	na, nb := f.nat(a), f.nat(b)
	direct, first = expect(behavior{na.Mapping, na.Filtering}, behavior{nb.Mapping, nb.Filtering})
	switch {
	case direct == no:
		return direct, first, "no"
	case direct == unknown:
		return direct, first, "unknown"
	case first == "":
		return direct, first, "yes"
	}
	return direct, first, "yes-" + first
}

// connectedDirectly: have the two connected between their own addresses, in the newest trial of its kind?
func (f *Fold) connectedDirectly(a, b *peer) bool {
	for _, kind := range []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN} {
		t := f.newestTrial(kind)
		if t == nil || !t.connected() || (t.a.peer != a || t.b.peer != b) && (t.a.peer != b || t.b.peer != a) {
			continue
		}
		if kind == protocol.TrialHost || t.selectedHosts() {
			return true
		}
	}
	return false
}

// selectedHosts: is the selected pair one of host candidates at both ends, as far as an end's statistics tell?
func (t *trial) selectedHosts() (shown bool) {
	for _, n := range t.ends() {
		for _, p := range n.pairs {
			if n.selected == "" || p.key() != n.selected {
				continue
			}
			if p.remote.Type != "host" {
				return false
			}
			shown = true
		}
	}
	return shown
}

// contradicts: did a trial with STUN come out otherwise than the NATs let one expect? Only a connection to the address that STUN told speaks against an expected
// failure: two hosts that meet in one network, or over joined sites, need no NAT's leave.
func (f *Fold) contradicts(t *trial, direct answer) bool {
	if t == nil || t.kind != protocol.TrialSTUN || t.stop == nil {
		return false
	}
	switch direct {
	case yes:
		return t.stop.Outcome == protocol.OutcomeFailed && f.fair(t)
	case no:
		return t.connected() && f.throughNAT(t)
	}
	return false
}

// fair: has the trial come to an end of its own, with both ends knowing their address outside?
func (f *Fold) fair(t *trial) bool {
	if t.stop == nil || t.hindered() || f.forgetful(t.a.peer) || f.forgetful(t.b.peer) { // a mapping that does not stay is another one by the time it is used
		return false
	}
	switch t.stop.Reason {
	case protocol.ReasonPeerLeft, protocol.ReasonSuperseded, protocol.ReasonPeerError, protocol.ReasonNotOffered:
		return false
	}
	return t.both(func(n *end) bool { return len(n.srflx()) > 0 || f.reachableHost(n) })
}

// reachableHost: did the end signal an address that this server saw it come from? Then that is what STUN told it, too.
func (f *Fold) reachableHost(n *end) bool {
	for _, c := range n.candidates {
		ip, err := netip.ParseAddr(c.Address)
		if err == nil && c.Type == "host" && c.Protocol == "udp" && slices.ContainsFunc(udpSightings(n.peer), func(s sighting) bool { return addrOf(s.Source) == ip.Unmap() }) {
			return true
		}
	}
	return false
}

// throughNAT: does an end send to the other's address outside, which is not the other's own? A peer-reflexive address that the browser hides may be any.
func (f *Fold) throughNAT(t *trial) bool {
	for _, n := range t.ends() {
		other := t.other(n).peer
		for _, p := range n.pairs {
			ip := addrOf(p.remote.Address)
			if n.selected != "" && p.key() == n.selected && p.remote.Type != "host" && ip.IsValid() && slices.Contains(f.outsides(other, ip.Is4()), ip) &&
				!slices.Contains(f.hostAddresses(other), ip) {
				return true
			}
		}
	}
	return false
}
