package diagnosis

import (
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// A socket has one mapping towards one destination, as long as it lives (RFC 4787 section 4.1). Where one corner sees more addresses of a peer than the peer has sockets that
// ask it, a mapping was replaced: while it was in use (unstableMapping), or because it was forgotten while nothing was sent (shortMappingLifetime). A browser
// that gathers repeats its request every 10 s (facts section 6), which shows the second.

const (
	// idleMs without a new gathering: what a corner sees then for the first time is repeated by a socket that it knows. The first five requests of RFC 8489 section 6.2.1 are
	// out by then.
	idleMs = 5000
	// besideMs is how much later than its first request a gathering may be heard of: the WebSocket and UDP are two ways.
	besideMs = 1000
	// keepaliveMs is Chromium's beat, beatMs how far off it may be: a timer of a busy page.
	keepaliveMs, beatMs = 10_000, 500
	// lifetimeGoodS is RFC 4787 REQ-5.
	lifetimeGoodS = 120
)

// surplus is an address that a corner saw and no other socket of the peer explains.
type surplus struct {
	sighting
	sockets int        // how many may have asked this corner
	sources int        // how many addresses it had seen, with this one
	idle    float64    // ms since the last gathering began
	since   []sighting // what it had seen before
}

// surplus finds them. An end whose sockets are not yet known stops the counting.
func (f *Fold) surplus(p *peer) (out []surplus) {
	byCorner, extra := map[string][]sighting{}, map[string]int{}
	for _, s := range udpSightings(p) {
		local, err := netip.ParseAddrPort(s.Local)
		if err != nil || s.UserAgent != "" {
			continue // browsers do not name themselves: another program of that machine
		}
		before := byCorner[s.Local]
		byCorner[s.Local] = append(before, s)
		sockets, started, ok := f.askers(p, local, s.atMs)
		if ok && len(before) >= sockets+extra[s.Local] {
			extra[s.Local]++ // each counts once: those that come after it may be new sockets again
			out = append(out, surplus{s, sockets, len(before) + 1, s.atMs - started, before})
		}
	}
	return out
}

// askers counts the sockets that may have asked a corner until then, and says when the last gathering of all began.
func (f *Fold) askers(p *peer, corner netip.AddrPort, until float64) (sockets int, last float64, ok bool) {
	for _, n := range append(f.endsOf(p), p.nats...) {
		heard := until
		if n.trial.Kind() == protocol.TrialAlone || p.joined.Kind == protocol.KindHeadless { // begun by the peer itself; what the server starts asks nothing before
			heard += besideMs
		}
		if n.startMs > heard {
			continue
		}
		last = max(last, n.startMs)
		if !n.asks(corner) {
			continue
		}
		hosts := len(n.hosts("udp"))
		if hosts == 0 && n.gatherEv < 0 {
			return 0, 0, false
		}
		sockets += max(1, hosts)
	}
	return sockets, last, sockets > 0
}

// asks: is the corner among the end's servers, as far as their names tell?
func (n *end) asks(corner netip.AddrPort) bool {
	urls := n.urls()
	if len(urls) == 0 {
		return n.trial.Kind() == protocol.TrialAlone // with what the page was told when it joined
	}
	for _, u := range urls {
		at, err := netip.ParseAddrPort(strings.TrimPrefix(strings.TrimSuffix(normalURL(u), "?"), "stun:"))
		if err != nil || at == corner {
			return true // a name may be that of any corner
		}
	}
	return false
}

// unstableMapping: a mapping changes while its socket is in use. The measurement of filtering shows it for certain: its checks name the socket (USERNAME), and its control asks
// the very address that one of them has just come from.
func unstableMapping(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Certain, Peers: []string{p.id}, Evidence: append(f.moved(p), f.movedAnswers(p)...),
			Summary: catalog.T("", "peer", p.name(), "address", f.seenAt(p))}
		if len(x.Evidence) == 0 {
			x.Confidence = protocol.Possible // other programs of that machine may have asked
		}
		if s, ok := f.busySurplus(p); ok {
			events := []int{s.event}
			for _, b := range s.since {
				events = addEvents(events, b.event)
			}
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.more-sources", "peer", p.name(), "corner", s.Local, "sources", itoa(s.sources), "sockets", itoa(s.sockets)), events...))
		}
		if len(x.Evidence) == 0 {
			continue
		}
		// A relay over UDP knows its client by the address that it came from (the 5-tuple of RFC 8656 section 3.2), so that it loses it as well.
		for _, kind := range []protocol.TrialKind{protocol.TrialSTUN, protocol.TrialRelayUDP} {
			if t := f.newestTrial(kind); t != nil && t.failed() && (t.a.peer == p || t.b.peer == p) {
				x.Severity, x.breaks = protocol.SeverityError, append(x.breaks, kind)
			}
		}
		out = append(out, x)
	}
	return out
}

// unstable: do mappings of this peer change while they are in use?
func (f *Fold) unstable(p *peer) bool {
	if len(f.moved(p)) > 0 || len(f.movedAnswers(p)) > 0 {
		return true
	}
	_, ok := f.busySurplus(p)
	return ok
}

// forgetful: do its mappings change, in use or in a pause?
func (f *Fold) forgetful(p *peer) bool {
	if f.unstable(p) {
		return true
	}
	_, short := f.shortLived(p)
	return short
}

// moved finds sockets of the measurement whose checks one corner saw come from several addresses.
func (f *Fold) moved(p *peer) (out []Evidence) {
	for _, n := range p.nats {
		ufrag := n.ufrag()
		if ufrag == "" || !n.gathered() || len(n.hosts("udp")) > 1 {
			continue
		}
		var corners []string
		byCorner := map[string][]sighting{}
		for _, s := range p.sightings {
			if s.Kind != "check" || !strings.HasSuffix(s.Username, ":"+ufrag) {
				continue
			}
			if byCorner[s.Local] == nil {
				corners = append(corners, s.Local)
			}
			byCorner[s.Local] = append(byCorner[s.Local], s)
		}
		for _, c := range corners {
			if seen := byCorner[c]; len(seen) > 1 {
				out = append(out, note(catalog.T("evidence.socket-moved", "peer", p.name(), "corner", c, "one", seen[0].Source, "two", seen[1].Source), seen[0].event, seen[1].event))
			}
		}
	}
	return out
}

// ufrag is the user name fragment that the end signaled (RFC 8839 section 5.4).
func (n *end) ufrag() string {
	for _, c := range n.candidates {
		if c.Ufrag != "" {
			return c.Ufrag
		}
	}
	return ""
}

// movedAnswers finds controls whose answer came from elsewhere than the check that they were sent back to.
func (f *Fold) movedAnswers(p *peer) (out []Evidence) {
	for _, c := range f.checks {
		if c.peer == p.id && c.Purpose == "control" && c.Result == "non-symmetric" {
			out = append(out, note(catalog.T("evidence.control-moved", "peer", p.name(), "corner", c.From, "asked", c.To, "answerer", c.Answerer), c.event))
		}
	}
	return out
}

// busySurplus is the last surplus that came while a gathering was young.
func (f *Fold) busySurplus(p *peer) (last surplus, ok bool) {
	for _, s := range f.surplus(p) {
		if s.idle < idleMs {
			last, ok = s, true
		}
	}
	return last, ok
}

// shortMappingLifetime: the surplus comes after a pause, at the browser's own beat.
func shortMappingLifetime(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		if x, ok := f.shortLived(p); ok {
			out = append(out, x)
		}
	}
	return out
}

// shortLived: was a mapping of this peer forgotten in a pause?
func (f *Fold) shortLived(p *peer) (x Finding, ok bool) {
	x = Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Likely, Peers: []string{p.id}}
	if len(f.moved(p))+len(f.movedAnswers(p)) > 0 {
		return x, false // a mapping that changes while it is used says nothing of how long it would live
	}
	for _, s := range f.surplus(p) {
		if s.idle < idleMs {
			continue
		}
		if !s.stayed() { // another network, or another interface
			continue
		}
		before, ok := s.repeats()
		if !ok { // another program that asks
			return x, false
		}
		seconds := itoa(int(s.atMs-before.atMs+500) / 1000)
		if x.Summary.Args == nil {
			x.Summary = catalog.T("", "peer", p.name(), "seconds", seconds, "good", itoa(lifetimeGoodS))
		}
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.mapping-replaced", "peer", p.name(), "corner", s.Local, "before", before.Source, "after", s.Source, "seconds", seconds), before.event, s.event))
	}
	return x, len(x.Evidence) > 0
}

// stayed: was the corner asked from this IP before? Another one is a change of network, which takes all mappings with it.
func (s surplus) stayed() bool {
	return slices.ContainsFunc(s.since, s.sameIP)
}

func (s surplus) sameIP(b sighting) bool { return addrOf(b.Source) == addrOf(s.Source) }

// repeats finds the request that this one repeats: a whole number of the browser's beats before, at the same corner, from the same IP.
func (s surplus) repeats() (before sighting, ok bool) {
	for _, b := range s.since {
		if !s.sameIP(b) {
			continue
		}
		beats := math.Round((s.atMs - b.atMs) / keepaliveMs)
		if beats >= 1 && math.Abs(s.atMs-b.atMs-beats*keepaliveMs) <= beatMs {
			return b, true
		}
	}
	return before, false
}
