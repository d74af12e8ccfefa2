package diagnosis

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// A base is the transport address that an agent sends from (RFC 8445 section 5.1.1). Browsers hide its IP but not its port, so within one end
// a base is named by protocol and port. Every candidate of that end, whatever its type, belongs to one base; every address that the other
// end sees packets from leads back to one base, too, even if a translator wrote it (an alias).

const tcpDiscard = 9 // the port of an active TCP candidate (RFC 6544 section 4.5), which is nobody's base

// relayBase begins the name of a base that stands on a relay (RFC 8656): its packets take the way over the relay, and not the one between the ends.
const relayBase = "relay:"

func baseName(proto string, port int) string { return proto + "/" + strconv.Itoa(port) }

// sockets are the ports of an end's host candidates, found anew when a candidate has come.
type sockets struct {
	known    bool
	version  int // counts how often they became others
	udp, tcp []int
}

// hosts are the ports of the end's host candidates of one protocol, from what it signaled and from its statistics.
func (n *end) hosts(proto string) []int {
	n.sockets()
	switch proto {
	case "udp":
		return n.found.udp
	case "tcp":
		return n.found.tcp
	}
	return n.findHosts(proto)
}

// sockets is the version of what hosts gives.
func (n *end) sockets() int {
	if s := &n.found; !s.known {
		udp, tcp := n.findHosts("udp"), n.findHosts("tcp")
		if !slices.Equal(s.udp, udp) || !slices.Equal(s.tcp, tcp) {
			s.version++
		}
		s.known, s.udp, s.tcp = true, udp, tcp
	}
	return n.found.version
}

func (n *end) findHosts(proto string) []int {
	var ports []int
	add := func(typ, p string, port int) {
		if typ == "host" && p == proto && port != tcpDiscard && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	for _, c := range n.candidates {
		add(c.Type, c.Protocol, c.Port)
	}
	// Chromium's statistics also show sockets that it never signals: bound to the unspecified address, or hidden.
	for _, c := range n.local {
		if signalable(c.Address) {
			add(c.Type, c.Protocol, c.Port)
		}
	}
	return ports
}

// signalable: is it the address of an interface that could be signaled?
func signalable(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && !ip.IsUnspecified() && !ip.IsLinkLocalUnicast()
}

func (n *end) base(c protocol.SampleCandidate) string {
	return n.baseOf(c.Type, c.Protocol, c.Port, c.RelatedPort)
}

func (n *end) baseOf(typ, proto string, port, relatedPort int) string {
	switch typ {
	case "host":
		return baseName(proto, port)
	case "relay":
		return relayBase + baseName(proto, port)
	}
	hosts := n.hosts(proto)
	for _, p := range []int{relatedPort, port} { // a translator often keeps the port
		if p > 0 && slices.Contains(hosts, p) {
			return baseName(proto, p)
		}
	}
	if len(hosts) == 1 {
		return baseName(proto, hosts[0])
	}
	return baseName(proto, 0) // hidden altogether (no default route), or one of several
}

// resolve leads an address that the other end sees back to a base of this end. alias: this end never signaled it.
func (n *end) resolve(c protocol.SampleCandidate) (base string, alias bool) {
	for _, s := range n.candidates {
		if s.Protocol != c.Protocol || s.Port != c.Port {
			continue
		}
		// A hidden address is that of a resolved name, unless it is peer-reflexive: such a candidate takes on the signaled form as soon as there is one.
		if s.Address == c.Address || s.Masked() && c.Type == "host" || c.Address == "" && c.Type != "prflx" {
			return n.baseOf(s.Type, s.Protocol, s.Port, s.RelatedPort), false
		}
	}
	for _, s := range n.candidates { // a relay whose packets leave from another address than it tells
		if s.Type == "relay" && c.Type == "prflx" && s.Protocol == c.Protocol && s.Port == c.Port {
			return n.baseOf(s.Type, s.Protocol, s.Port, s.RelatedPort), true
		}
	}
	return n.baseOf("prflx", c.Protocol, c.Port, 0), true
}

// row is one line of the pair table: what a sees, what b sees, or both.
type row struct {
	group *group
	p, q  *endPair // a's and b's view
}

// group is all that happens between two bases.
type group struct {
	baseA, baseB string
	a, b         []*seen
	deafA, deafB bool // what arrived at that end is not known
}

// relayed: is one of the two bases on a relay?
func (g *group) relayed() bool {
	return strings.HasPrefix(g.baseA, relayBase) || strings.HasPrefix(g.baseB, relayBase)
}

// selectedPair is the one that the end's statistics call selected; nil: none, or it is not among them.
func (n *end) selectedPair() *endPair {
	if n.selected == "" {
		return nil
	}
	for _, p := range n.pairs {
		if p.key() == n.selected {
			return p
		}
	}
	return nil
}

// seen is one end's pair with the judgement whether its remote address is an alias.
type seen struct {
	*endPair
	alias bool
}

// rows joins both ends' pairs.
func (t *trial) rows() []row {
	var groups []*group
	find := func(a, b string) *group {
		for _, g := range groups {
			if g.baseA == a && g.baseB == b {
				return g
			}
		}
		g := &group{baseA: a, baseB: b, deafA: t.a.unheard(), deafB: t.b.unheard()}
		groups = append(groups, g)
		return g
	}
	for _, p := range t.a.pairs {
		far, alias := t.b.resolve(p.remote)
		g := find(p.base, far)
		g.a = append(g.a, &seen{p, alias})
	}
	for _, q := range t.b.pairs {
		far, alias := t.a.resolve(q.remote)
		g := find(far, q.base)
		g.b = append(g.b, &seen{q, alias})
	}
	var rows []row
	for _, g := range groups {
		rows = append(rows, g.rows()...)
	}
	slices.SortStableFunc(rows, func(x, y row) int { return cmp.Compare(y.traffic(), x.traffic()) })
	return rows
}

// rows lays the two views beside each other: the busiest signaled address of one with the busiest of the other, the rest alone.
func (g *group) rows() []row {
	order := func(x, y *seen) int {
		if x.alias != y.alias {
			if x.alias {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(value(y.ResponsesReceived), value(x.ResponsesReceived)), cmp.Compare(value(y.RequestsSent)+value(y.RequestsReceived), value(x.RequestsSent)+value(x.RequestsReceived)),
			cmp.Compare(x.remote.Address, y.remote.Address))
	}
	slices.SortStableFunc(g.a, order)
	slices.SortStableFunc(g.b, order)
	var rows []row
	for i := range max(len(g.a), len(g.b)) {
		switch {
		case i < len(g.a) && i < len(g.b) && g.a[i].alias == g.b[i].alias:
			rows = append(rows, row{g, g.a[i].endPair, g.b[i].endPair})
		default:
			if i < len(g.a) {
				rows = append(rows, row{g, g.a[i].endPair, nil})
			}
			if i < len(g.b) {
				rows = append(rows, row{g, nil, g.b[i].endPair})
			}
		}
	}
	return rows
}

func (r row) traffic() (n int64) {
	for _, p := range []*endPair{r.p, r.q} {
		if p != nil {
			n += value(p.RequestsSent) + value(p.RequestsReceived) + value(p.ResponsesReceived)
			if p.Nominated {
				n += 1 << 40
			}
		}
	}
	return n
}

// Thresholds of the directional truth table. A check is repeated about every 50 ms and a round trip in a site takes under 100 ms, so two
// checks without an answer may still be in flight; five are not.
const (
	fewRequests    = 3
	enoughRequests = 5
)

// flow is what one direction of a pair shows: from asked, to should have answered.
type flow struct {
	state    protocol.DirectionState
	sent     int64 // by from, on this pair
	arrived  int64 // of those, at to, as far as answered pairs do not explain them
	surely   int64 // of those, at to, at the very least
	answered int64 // by to, all of this group
	got      int64 // answers that from accepted on this pair
	// alias is the pair under whose remote address the far end's packets do come, where none come under the asked one. All that the far end's base sends to this
	// base is one flow and has one source address here; if that is not the address that was asked, every answer is non-symmetric.
	alias   *endPair
	several bool // the far end's packets come from several addresses, so that it is no one flow: nobody knows which requests of this pair arrived
	counted bool // both ends count requests
	events  []int
}

// aToB and bToA apply the truth table to both directions of the row.
func (r row) aToB() flow { return judge(r.p, r.group.a, r.group.b, r.group.deafB) }
func (r row) bToA() flow { return judge(r.q, r.group.b, r.group.a, r.group.deafA) }

// judge applies the directional truth table to the requests of pair p, one of the pairs that its end has in the group. deaf: what arrived at the far end is not known.
func judge(p *endPair, from, to []*seen, deaf bool) (f flow) {
	f.state = protocol.DirNotObservable
	var received, sentFar int64
	farCounts := len(to) == 0 && !deaf
	for _, s := range to {
		received += value(s.RequestsReceived)
		f.answered += value(s.ResponsesSent)
		sentFar += value(s.RequestsSent)
		farCounts = farCounts || s.RequestsReceived != nil
		f.events = append(f.events, s.event)
	}
	if p == nil {
		return f
	}
	f.events = append(f.events, p.event)
	f.sent, f.got = value(p.RequestsSent), value(p.ResponsesReceived)
	if f.got > 0 {
		f.state = protocol.DirAnswered
		return f
	}
	if value(p.NonSymmetric) > 0 {
		f.state = protocol.DirNonSymmetric
		return f
	}
	if p.RequestsSent == nil && p.ResponsesReceived == nil || p.RequestsSent != nil && f.sent < fewRequests {
		return f
	}
	if !farCounts {
		// The far end does not count (Firefox). But its packets arrive here, so its answers would, too: it has none to give.
		if f.sent >= enoughRequests && value(p.RequestsReceived) >= fewRequests {
			f.state = protocol.DirUnanswered
		}
		return f
	}
	if len(to) == 0 && p.RequestsSent == nil {
		return f
	}
	f.counted = p.RequestsSent != nil && len(to) > 0
	// Requests that the far end counts may have come through this end's other addresses for it; what those cannot explain came through this one.
	f.arrived, f.surely = received, received
	aliases, working := 0, false
	for _, s := range from {
		if s.endPair != p {
			working = working || s.RequestsSent == nil && value(s.ResponsesReceived) > 0
			f.surely -= value(s.RequestsSent)
			if value(s.ResponsesReceived) > 0 {
				f.arrived -= value(s.RequestsSent)
			}
		}
		if s.endPair != p && value(s.RequestsReceived)+value(s.ResponsesReceived) > 0 && value(p.RequestsReceived) == 0 {
			f.alias = s.endPair
			aliases++
		}
	}
	switch {
	case f.arrived > 0 && f.arrived < fewRequests: // both ends are not sampled in the same moment
	case f.arrived <= 0 || f.answered == 0:
		f.state = protocol.DirUnanswered
	case aliases > 1 && f.surely < fewRequests:
		f.several = true
	case working && p.RequestsSent == nil: // an end that does not count what it sends (Firefox): all of it may have come through the address that works
	case f.alias != nil:
		f.state = protocol.DirNonSymmetric
	default:
		f.state = protocol.DirLostOnReturn
	}
	return f
}

func endpoint(address string, port int) string {
	if address == "" {
		address = "?"
	}
	return net.JoinHostPort(address, strconv.Itoa(port))
}
