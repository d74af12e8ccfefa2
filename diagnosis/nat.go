package diagnosis

import (
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// The NAT between a peer and this server, in the words of RFC 4787, read off a recording: mapping from the addresses that the server's corners saw one and the
// same socket of the browser come from, filtering from the signed checks that the corners sent back (room session tells how). Each answer rests on something
// that was seen; a silence counts where a control from the same corner was answered afterwards.

// quad are the server's four corners as one peer meets them: home is the address that it asked first. Zero where there is none.
type quad struct{ pp, ps, sp, ss netip.AddrPort }

func (q quad) at(c protocol.Corner) netip.AddrPort {
	switch c {
	case protocol.CornerPP:
		return q.pp
	case protocol.CornerPS:
		return q.ps
	case protocol.CornerSP:
		return q.sp
	}
	return q.ss
}

var allCorners = []protocol.Corner{protocol.CornerPP, protocol.CornerPS, protocol.CornerSP, protocol.CornerSS}

// corner names the place of an address of the server's; "" for one that is none of the four.
func (q quad) corner(at netip.AddrPort) protocol.Corner {
	for _, c := range allCorners {
		if q.at(c).IsValid() && q.at(c) == at {
			return c
		}
	}
	return ""
}

// corners are those that there were at a measurement: partners come and go.
func (f *Fold) corners(run *end) []protocol.CornerSet {
	if run != nil && len(run.corners) > 0 {
		return run.corners
	}
	return f.room.Corners
}

// quad finds the corners for a peer: home is the address of the server that the peer's requests came to.
func (f *Fold) quad(run *end, home netip.Addr) quad {
	ports := f.own // the primary first
	if len(ports) == 0 || !home.IsValid() {
		return quad{}
	}
	var other netip.Addr
	first, second := uint16(ports[0]), uint16(0)
	if len(ports) > 1 {
		second = uint16(ports[1])
	}
	for _, s := range f.corners(run) {
		primary, err := netip.ParseAddr(s.Primary)
		if err != nil || primary.Is4() != home.Is4() {
			continue
		}
		first, second = uint16(s.PrimaryPort), uint16(s.SecondaryPort)
		if other, err = netip.ParseAddr(s.Secondary); err == nil && other == home {
			other = primary
		}
	}
	var q quad
	q.pp = netip.AddrPortFrom(home, first)
	if second != 0 {
		q.ps = netip.AddrPortFrom(home, second)
	}
	if other.IsValid() {
		q.sp = netip.AddrPortFrom(other, first)
		if second != 0 {
			q.ss = netip.AddrPortFrom(other, second)
		}
	}
	return q
}

// home is the server's address of a family that the peer asks first: the one that its page was opened with, else the server's primary, else the one that it was seen at.
func (f *Fold) home(p *peer, run *end, v4 bool) netip.Addr {
	var seen, primary netip.Addr
	for _, s := range udpSightings(p) {
		if at := addrOf(s.Local); at.Is4() == v4 {
			if at == addrOf(p.joined.Host) {
				return at
			}
			if !seen.IsValid() {
				seen = at
			}
		}
	}
	for _, s := range f.corners(run) {
		if at := addrOf(s.Primary); at.IsValid() && at.Is4() == v4 {
			primary = at
		}
	}
	for _, s := range udpSightings(p) {
		if addrOf(s.Local) == primary {
			return primary
		}
	}
	return seen
}

// mapped is what one corner saw one socket of the browser come from.
type mapped struct {
	source, local netip.AddrPort
	event         int
	ms            float64
}

// views are the addresses that one socket of the peer was seen under, by corner.
type views struct {
	quad
	seen map[protocol.Corner][]mapped
	host netip.AddrPort // the socket's own address, where it is known
}

// measurement is the one that stands for the peer: the newest that measured, for one that was given up takes nothing back; else the newest.
func (p *peer) measurement() (run *end) {
	for _, n := range slices.Backward(p.nats) {
		if n.outcome == protocol.OutcomeConnected {
			return n
		}
		if run == nil {
			run = n
		}
	}
	return run
}

// gatherings are those without a peer that belong to a measurement, because only there no check of another peer opens anything. The page gathers when it joins, which may
// be heard of before or after the start of its first measurement, and anew at the start of each further one: what it gathered before may be of another network.
func (p *peer) gatherings(run *end) (out []*end) {
	from, to, past := -1, math.MaxInt, false
	for _, n := range p.nats {
		_, number, _ := n.trial.Split()
		switch {
		case n == run:
			past = true
			if number > 1 {
				from = n.startEvent
			}
		case past && number > 1:
			to = min(to, n.startEvent)
		}
	}
	for _, n := range p.alone {
		if n.trial.Kind() == protocol.TrialAlone && n.startEvent > from && n.startEvent < to {
			out = append(out, n)
		}
	}
	return out
}

// views finds the socket that most corners saw, in the newest gathering of the peer's measurement.
func (f *Fold) views(p *peer) (views, bool) {
	k, have := f.known[p]
	if !have {
		k.views, k.ok = f.findViews(p, p.measurement())
		f.known[p] = k
	}
	return k.views, k.ok
}

// known keeps them between two events: many rules ask.
type known struct {
	views views
	ok    bool
}

func (f *Fold) findViews(p *peer, run *end) (best views, ok bool) {
	probes := f.probes(p, run)
	for _, n := range slices.Backward(p.gatherings(run)) {
		groups := map[string]*views{}
		var order []string
		for _, c := range n.candidates {
			ip, err := netip.ParseAddr(c.Address)
			if err != nil || c.Protocol != "udp" || c.Type != "host" && c.Type != "srflx" || c.Component != 1 {
				continue
			}
			ip = ip.Unmap()
			key := socketKey(n, c, ip)
			if key == "" {
				continue
			}
			g := groups[key]
			if g == nil {
				g = &views{quad: f.quad(run, f.home(p, run, ip.Is4())), seen: map[protocol.Corner][]mapped{}}
				groups[key], order = g, append(order, key)
			}
			if c.Type == "host" {
				g.host = netip.AddrPortFrom(ip, uint16(c.Port))
			}
			g.take(p, netip.AddrPortFrom(ip, uint16(c.Port)))
		}
		for _, key := range order {
			g := groups[key]
			// Of two that as many corners saw, the one beside which filtering was measured: both answers are then of one NAT.
			if len(g.seen) > len(best.seen) || ok && len(g.seen) == len(best.seen) && g.beside(probes) && !best.beside(probes) {
				best, ok = *g, true
			}
		}
		if ok {
			return best, true
		}
	}
	return best, false
}

// beside: was filtering measured behind the same NAT, as far as the outside address tells?
func (g views) beside(probes map[protocol.Corner]probe) bool {
	for _, b := range probes {
		if b.test != nil && g.under(addrOf(b.test.To)) {
			return true
		}
	}
	return false
}

// under: is this an address that the socket has, or was seen under?
func (g views) under(ip netip.Addr) bool {
	return g.host.IsValid() && g.host.Addr() == ip || slices.Contains(g.outside(allCorners...), ip)
}

// outside are the IPs that corners saw the socket under.
func (g views) outside(corners ...protocol.Corner) (ips []netip.Addr) {
	for _, c := range corners {
		for _, m := range g.seen[c] {
			ips = append(ips, m.source.Addr())
		}
	}
	return ips
}

// socketKey names the socket that a candidate belongs to; "" where the browser hides that and has several.
func socketKey(n *end, c *candidate, ip netip.Addr) string {
	family := "6"
	if ip.Is4() {
		family = "4"
	}
	if c.Type == "host" {
		return family + endpoint(ip.String(), c.Port)
	}
	if related, err := netip.ParseAddr(c.RelatedAddress); err == nil && !related.IsUnspecified() && c.RelatedPort > 0 {
		return family + endpoint(related.Unmap().String(), c.RelatedPort)
	}
	if n.hostsOf(ip.Is4()) <= 1 {
		return family
	}
	// RFC 8445 section 5.1.1.3 gives candidates one foundation where base address and server agree. Chromium leaves the server out, so that it is one for each interface and
	// family; Firefox does not.
	if strings.Contains(n.peer.joined.UserAgent, "Chrome/") && c.Foundation != "" {
		return family + "/" + c.Foundation
	}
	return ""
}

// hostsOf counts the UDP sockets that may be of a family: a masked one may be of either.
func (n *end) hostsOf(v4 bool) (count int) {
	for _, port := range n.hosts("udp") {
		other := false
		for _, c := range n.candidates {
			if c.Type == "host" && c.Protocol == "udp" && c.Port == port {
				ip := addrOf(c.Address)
				other = ip.IsValid() && ip.Is4() != v4
			}
		}
		if !other {
			count++
		}
	}
	return count
}

func (g *views) take(p *peer, source netip.AddrPort) {
	for _, s := range udpSightings(p) {
		if s.Source != source.String() {
			continue
		}
		local, err := netip.ParseAddrPort(s.Local)
		if c := g.corner(local); err == nil && c != "" {
			g.seen[c] = append(g.seen[c], mapped{source, local, s.event, s.atMs})
		}
	}
}

// one is the only address that a corner saw the socket under; ok is false where it saw none, or several.
func (g views) one(c protocol.Corner) (mapped, bool) {
	if len(g.seen[c]) != 1 {
		return mapped{}, false
	}
	return g.seen[c][0], true
}

// mapping is the NAT's mapping behaviour (RFC 4787 section 4.1; RFC 5780 section 4.3).
func (g views) mapping() protocol.Behavior {
	pp, okPP := g.one(protocol.CornerPP)
	ps, okPS := g.one(protocol.CornerPS)
	sp, okSP := g.one(protocol.CornerSP)
	ss, okSS := g.one(protocol.CornerSS)
	differ := func(x, y mapped, ok ...bool) bool { return !slices.Contains(ok, false) && x.source != y.source }
	switch {
	case differ(pp, ps, okPP, okPS) || differ(sp, ss, okSP, okSS): // the port alone made the difference
		return protocol.AddressAndPortDependent
	case !okPP || !okSP || !okSS:
		return protocol.NotMeasurable // an address that was not asked may make one
	case pp.source == sp.source:
		return protocol.EndpointIndependent
	case pp.source.Addr() != sp.source.Addr():
		return protocol.NotMeasurable // two paths, each with its NAT or with none, or two NATs one behind the other, look the same
	}
	return protocol.AddressDependent
}

// dependent: was the peer's mapping measured, and is it another towards another destination?
func (f *Fold) dependent(p *peer) bool {
	g, ok := f.views(p)
	m := g.mapping()
	return ok && (m == protocol.AddressDependent || m == protocol.AddressAndPortDependent)
}

// probe is the filtering test from one corner, and its control.
type probe struct{ test, control *check }

// heard: the NAT let the corner in, though the peer had never sent to it. An answer from another address is an answer as well: the mapping depends on the destination.
func (b probe) heard() bool { return b.test.passed() }

// silent: it did not, and the corner is one that can be heard. Only at the very IP that the test was sent to: to another the way may be another, and that the
// corner reaches the one says nothing of whether it reaches the other.
func (b probe) silent() bool {
	return b.test != nil && b.test.Result == "unanswered" && b.control.passed() && addrOf(b.control.To) == addrOf(b.test.To)
}

// passed: was the check answered, and did it come from the corner that sent it? The answer's XOR-MAPPED-ADDRESS says where the peer saw it come from. Where a NAT
// before this server has changed that, it may be an address that the peer's NAT was open for.
func (c *check) passed() bool {
	return c != nil && (c.Result == "answered" || c.Result == "non-symmetric") && !c.moved()
}

func (c *check) moved() bool {
	seen, err := netip.ParseAddrPort(c.Mapped)
	from, err2 := netip.ParseAddrPort(c.From)
	return err == nil && err2 == nil && netip.AddrPortFrom(seen.Addr().Unmap(), seen.Port()) != netip.AddrPortFrom(from.Addr().Unmap().WithZone(""), from.Port())
}

// probes are the filtering tests of one measurement.
func (f *Fold) probes(p *peer, run *end) map[protocol.Corner]probe {
	out := map[protocol.Corner]probe{}
	if run == nil {
		return out
	}
	for i := range f.checks {
		c := &f.checks[i]
		if c.peer != p.id || c.Trial != run.trial || c.Corner == "" {
			continue
		}
		b := out[c.Corner]
		switch c.Purpose {
		case "filter":
			b.test = c
		case "control":
			b.control = c
		}
		out[c.Corner] = b
	}
	return out
}

// filter are the tests that say something of the NAT which the mapping is of: not those of a measurement that failed, nor of another address, which may be that of
// another interface, another family or another NAT.
func (f *Fold) filter(p *peer) map[protocol.Corner]probe {
	run := p.measurement()
	if run != nil && run.stopped && run.outcome != protocol.OutcomeConnected {
		return nil
	}
	probes := f.probes(p, run)
	if g, seen := f.views(p); seen {
		maps.DeleteFunc(probes, func(_ protocol.Corner, b probe) bool { return b.test == nil || !g.under(addrOf(b.test.To)) })
	}
	return probes
}

// measuredAt are the addresses outside that the answers on the peer's NAT are of: where the first corner saw the socket that tells its mapping, else where
// its filtering was measured. Empty: nothing was measured.
func (f *Fold) measuredAt(p *peer) (ips []netip.Addr) {
	if g, seen := f.views(p); seen {
		if ips = g.outside(protocol.CornerPP); len(ips) == 0 {
			ips = g.outside(allCorners...)
		}
		return ips
	}
	for _, b := range f.filter(p) {
		if b.test != nil && !slices.Contains(ips, addrOf(b.test.To)) {
			ips = append(ips, addrOf(b.test.To))
		}
	}
	return ips
}

// filtering is the NAT's filtering behaviour (RFC 4787 section 5; RFC 5780 section 4.4 with the fourth test of erratum 7971).
func filtering(b map[protocol.Corner]probe) protocol.Behavior {
	ps, sp, ss := b[protocol.CornerPS], b[protocol.CornerSP], b[protocol.CornerSS]
	switch {
	case ss.heard():
		return protocol.EndpointIndependent
	case ps.silent() && sp.silent(): // had the other address been let in, the port alone would decide
		return protocol.AddressAndPortDependent
	case ps.heard() && ss.silent() && !sp.heard():
		return protocol.AddressDependent
	}
	return protocol.NotMeasurable // also where the other address is let in and the other port is not, for which RFC 4787 has no word
}

// nat is all that is known of a peer's NAT. Titles and texts are the report's.
func (f *Fold) nat(p *peer) protocol.NATReport {
	translated, why, _ := f.translated(p)
	if at := f.measuredAt(p); len(at) > 0 {
		translated, why, _ = f.translatedAt(p, func(ip netip.Addr) bool { return slices.Contains(at, ip) })
	}
	r := protocol.NATReport{Mapping: protocol.NotMeasurable, Filtering: protocol.NotMeasurable, Evidence: why.notes(), Tests: []protocol.NATTest{}, State: protocol.NATOff}
	g, seen := f.views(p)
	if seen {
		r.Mapping = g.mapping()
	}
	if r.Mapping == protocol.AddressDependent || r.Mapping == protocol.AddressAndPortDependent {
		translated = yes
	}
	r.Translated = translated.ptr()
	run := p.measurement()
	probes := f.probes(p, run)
	r.Filtering = filtering(f.filter(p))
	r.RFC3489 = protocol.Classic(r.Translated, r.Mapping, r.Filtering)
	r.Callers = protocol.CallersOf(r.Mapping, r.Filtering)
	switch {
	case run == nil && f.room.NATChecks && slices.Contains(p.joined.Trials, protocol.TrialNAT):
		r.State = protocol.NATWaiting
	case run == nil:
	case p.nats[len(p.nats)-1].stopped: // the session ends it when the mapping is known, too
		r.State = protocol.NATDone
		ms := max(run.stopMs, g.lastMs()) - p.joinedMs
		r.MeasuredMs = &ms
	case len(probes) == 0:
		r.State = protocol.NATWaiting
	default: // also where it is measured anew, and what was measured before still stands
		r.State = protocol.NATMeasuring
	}
	if seen {
		r.Tests = append(r.Tests, g.tests(p)...)
	}
	r.Tests = append(r.Tests, filterTests(probes)...)
	r.Corners = protocol.CornersOf(r.Filtering, r.Tests)
	return r
}

// lastMs is when the last corner saw the socket first.
func (g views) lastMs() (at float64) {
	for _, list := range g.seen {
		for _, m := range list {
			at = max(at, m.ms)
		}
	}
	return at
}

// MappingSettled tells whether the peer's mapping is measured, or nothing more can be learned of it. The session ends a measurement when it is. What an earlier measurement learned
// settles nothing of a new one.
func (f *Fold) MappingSettled(id string) bool {
	p := f.peer(id)
	if p == nil {
		return true
	}
	var newest *end
	if len(p.nats) > 0 {
		newest = p.nats[len(p.nats)-1]
	}
	if g, ok := f.findViews(p, newest); ok && g.mapping() != protocol.NotMeasurable {
		return true
	}
	list := p.gatherings(newest)
	if len(list) == 0 {
		return false
	}
	last := list[len(list)-1]
	return last.gathered() || last.stopped
}

// tests are the steps that asked for the address.
func (g views) tests(p *peer) (out []protocol.NATTest) {
	ask := func(step protocol.NATStep, c protocol.Corner) {
		if !g.at(c).IsValid() {
			return
		}
		t := protocol.NATTest{Step: step, Transport: "udp", Packet: "Binding request", To: g.at(c).String(), Corner: c, Result: protocol.StepUnanswered, Events: []int{}}
		if g.host.IsValid() {
			t.From = g.host.String()
		}
		if m, ok := g.one(c); ok {
			t.Result, t.Mapped, t.Answerer, t.Events = protocol.StepAnswered, m.source.String(), m.local.String(), []int{m.event}
		}
		out = append(out, t)
	}
	ask(protocol.StepAddressUDP, protocol.CornerPP)
	if a := p.joined.HTTPAddress; a != "" {
		out = append(out, protocol.NATTest{Step: protocol.StepAddressTCP, Transport: "tcp", Packet: "WebSocket", Result: protocol.StepAnswered, Mapped: a, Events: []int{p.joinedAt}})
	}
	if g.sp.IsValid() {
		ask(protocol.StepMappingAddress, protocol.CornerSP)
		ask(protocol.StepMappingPort, protocol.CornerSS)
	} else {
		ask(protocol.StepMappingPort, protocol.CornerPS)
	}
	return out
}

// filterTests are the checks that the corners sent, each with its control.
func filterTests(probes map[protocol.Corner]probe) (out []protocol.NATTest) {
	steps := []struct {
		step   protocol.NATStep
		corner protocol.Corner
	}{{protocol.StepFilterPort, protocol.CornerPS}, {protocol.StepFilterAddress, protocol.CornerSP}, {protocol.StepFilterBoth, protocol.CornerSS}}
	add := func(step protocol.NATStep, c, of *check) {
		if c == nil {
			return
		}
		t := protocol.NATTest{Step: step, Transport: "udp", Packet: "connectivity check", From: c.From, To: c.To, Corner: c.Corner, Answerer: c.Answerer, Mapped: c.Mapped,
			RTTMs: c.RTTMs, Error: c.Error, Events: []int{c.event}, Result: protocol.StepFailed}
		switch {
		case c.moved():
			t.Error = "server-translated"
		case c.passed() && of != nil && addrOf(c.To) != addrOf(of.To):
			t.Error = "control-elsewhere"
		case c.passed():
			t.Result = protocol.StepAnswered
		case c.Result == "unanswered":
			t.Result = protocol.StepUnanswered
		}
		out = append(out, t)
	}
	for _, s := range steps {
		b := probes[s.corner]
		add(s.step, b.test, nil)
		add(protocol.StepControl, b.control, b.test)
	}
	return out
}
