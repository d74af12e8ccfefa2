package diagnosis

import (
	"net/netip"
	"slices"

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

// quad finds the corners for a peer: home is the address of the server that the peer's requests came to.
func (f *Fold) quad(home netip.Addr) quad {
	ports := f.ownPorts() // the primary first
	if len(ports) == 0 || !home.IsValid() {
		return quad{}
	}
	var other netip.Addr
	first, second := uint16(ports[0]), uint16(0)
	if len(ports) > 1 {
		second = uint16(ports[1])
	}
	for _, s := range f.room.Corners {
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
func (f *Fold) home(p *peer, v4 bool) netip.Addr {
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
	for _, s := range f.room.Corners {
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

// views finds the peer's socket that most corners saw. It takes the newest gathering without a peer, because only there no check of another peer opens anything.
//
// A socket is told from another of the same gathering by its related address; where that is hidden, a gathering with one host port has one socket.
func (f *Fold) views(p *peer) (views, bool) {
	k, have := f.known[p]
	if !have {
		k.views, k.ok = f.findViews(p)
		f.known[p] = k
	}
	return k.views, k.ok
}

// known keeps them between two events: many rules ask.
type known struct {
	views views
	ok    bool
}

func (f *Fold) findViews(p *peer) (best views, ok bool) {
	for _, n := range slices.Backward(p.alone) {
		if n.trial.Kind() != protocol.TrialAlone {
			continue
		}
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
				g = &views{quad: f.quad(f.home(p, ip.Is4())), seen: map[protocol.Corner][]mapped{}}
				groups[key], order = g, append(order, key)
			}
			if c.Type == "host" {
				g.host = netip.AddrPortFrom(ip, uint16(c.Port))
			}
			g.take(p, netip.AddrPortFrom(ip, uint16(c.Port)))
		}
		for _, key := range order {
			if g := groups[key]; len(g.seen) > len(best.seen) {
				best, ok = *g, true
			}
		}
		if ok {
			return best, true
		}
	}
	return best, false
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
	if len(n.hosts("udp")) > 1 {
		return ""
	}
	return family
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

// probes are those of the newest measurement of a peer that has ended, or else of the one under way.
func (f *Fold) probes(p *peer) (n *end, out map[protocol.Corner]probe) {
	for _, x := range slices.Backward(p.nats) {
		if n == nil || !n.stopped && x.stopped {
			n = x
		}
	}
	out = map[protocol.Corner]probe{}
	if n == nil {
		return nil, out
	}
	for i := range f.checks {
		c := &f.checks[i]
		if c.peer != p.id || c.Trial != n.trial || c.Corner == "" {
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
	return n, out
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
	r := protocol.NATReport{Mapping: protocol.NotMeasurable, Filtering: protocol.NotMeasurable, Evidence: why.notes(), Tests: []protocol.NATTest{}, State: protocol.NATOff}
	g, seen := f.views(p)
	if seen {
		r.Mapping = g.mapping()
	}
	if r.Mapping == protocol.AddressDependent || r.Mapping == protocol.AddressAndPortDependent {
		translated = yes
	}
	r.Translated = translated.ptr()
	n, probes := f.probes(p)
	r.Filtering = filtering(probes)
	r.RFC3489 = protocol.Classic(r.Translated, r.Mapping, r.Filtering)
	r.Callers = protocol.CallersOf(r.Mapping, r.Filtering)
	switch {
	case n == nil && f.room.NATChecks && slices.Contains(p.joined.Trials, protocol.TrialNAT):
		r.State = protocol.NATWaiting
	case n != nil && n.stopped: // the session ends it when the mapping is known, too
		r.State = protocol.NATDone
		ms := max(n.stopMs, g.lastMs()) - p.joinedMs
		r.MeasuredMs = &ms
	case n != nil && len(probes) == 0:
		r.State = protocol.NATWaiting
	case n != nil:
		r.State = protocol.NATMeasuring
	}
	if seen {
		r.Tests = append(r.Tests, g.tests(p)...)
	}
	r.Tests = append(r.Tests, filterTests(probes)...)
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

// MappingSettled: is the peer's mapping measured, or can nothing more be learned of it? The session ends a measurement when it is.
func (f *Fold) MappingSettled(id string) bool {
	p := f.peer(id)
	if p == nil {
		return true
	}
	if g, ok := f.views(p); ok && g.mapping() != protocol.NotMeasurable {
		return true
	}
	for _, n := range slices.Backward(p.alone) {
		if n.trial.Kind() == protocol.TrialAlone {
			return n.gathered() || n.stopped
		}
	}
	return false
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
