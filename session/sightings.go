package session

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
)

const (
	// maxSightings that wait for their candidate: a browser signals its reflexive candidate a moment after the answer, so these are a few seconds of a busy server.
	maxSightings = 4096
	// sightingAge is how long one may wait.
	sightingAge = 30 * time.Second
	// maxTies of one peer are recorded: it has a handful of sockets a trial.
	maxTies = 256
)

// sightings remembers the latest requests by source, until somebody signals that source as a candidate.
type sightings struct {
	bySource map[netip.AddrPort]seen
	order    []netip.AddrPort // a ring, the oldest at next
	next     int
}

type seen struct {
	list []sight // one for each of the server's sockets
	at   time.Time
}

// sight is a sighting and when it was there last.
type sight struct {
	protocol.Sighting
	at time.Time
}

func newSightings() *sightings { return &sightings{bySource: map[netip.AddrPort]seen{}} }

func (s *sightings) add(source netip.AddrPort, x protocol.Sighting) {
	have, ok := s.bySource[source]
	if !ok {
		if len(s.order) < maxSightings {
			s.order = append(s.order, source)
		} else {
			delete(s.bySource, s.order[s.next])
			s.order[s.next] = source
			s.next = (s.next + 1) % maxSightings
		}
	}
	have.at = time.Now()
	i := slices.IndexFunc(have.list, func(y sight) bool { return y.Local == x.Local && y.Transport == x.Transport && y.Kind == x.Kind })
	switch {
	case i >= 0:
		have.list[i] = sight{x, have.at}
	case len(have.list) < 16: // the server's corners, over UDP and TCP, for requests and for checks
		have.list = append(have.list, sight{x, have.at})
	}
	s.bySource[source] = have
}

type tie struct {
	source, local, transport, kind string
}

// Sighting takes what the STUN server saw. It ties the request to a peer by the address that a peer signaled, or else by the address that its WebSocket
// comes from where only one peer comes from there.
func (c *Conductor) Sighting(x protocol.Sighting) {
	source, err := netip.ParseAddrPort(x.Source)
	if err != nil {
		return
	}
	source = netip.AddrPortFrom(source.Addr().Unmap(), source.Port())
	c.mu.Lock()
	c.seen.add(source, x)
	to, by := c.known[source], "candidate"
	if ufrag, _, ok := strings.Cut(x.Username, ":"); ok && c.ufrags[ufrag].room != nil {
		to, by = c.ufrags[ufrag], "username"
	}
	if to.room == nil {
		if at := c.homes[source.Addr()]; len(at) == 1 {
			to, by = at[0], "address"
		}
	}
	c.mu.Unlock()
	if to.room == nil {
		return
	}
	to.room.Do(func() {
		if s, ok := to.room.Data.(*state); ok {
			s.sighted(to.peer, x, by)
		}
	})
}

// place is where a peer was heard from.
type place struct {
	home     netip.Addr       // its WebSocket's
	since    time.Time        // it joined
	signaled []netip.AddrPort // at most maxTies
}

// settle remembers where a peer's WebSocket comes from, and tells whether it came from elsewhere before.
func (c *Conductor) settle(r *signaling.Room, p *signaling.Peer) (moved bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	who, home := owner{r, p.ID()}, p.RemoteAddr().Addr().Unmap()
	at := c.places[who]
	if at == nil {
		at = &place{since: time.Now()}
		c.places[who] = at
	}
	moved = at.home.IsValid() && at.home != home
	c.unsettle(who, at.home)
	at.home = home
	if p.Beside() == "" { // else it would hide the one that it stands beside, which has no other way to be told by its address
		c.homes[home] = append(c.homes[home], who)
	}
	return moved
}

func (c *Conductor) unsettle(who owner, home netip.Addr) {
	if list := slices.DeleteFunc(c.homes[home], func(o owner) bool { return o == who }); len(list) > 0 {
		c.homes[home] = list
	} else {
		delete(c.homes, home)
	}
}

// signaled remembers whose address this is, and returns the sightings that have waited for it. Those from before the peer joined are of another socket, whose port is used again.
func (c *Conductor) signaled(r *signaling.Room, peer string, at netip.AddrPort) (waited []protocol.Sighting) {
	c.mu.Lock()
	defer c.mu.Unlock()
	who := owner{r, peer}
	p := c.places[who]
	if p == nil {
		return nil
	}
	if c.known[at] != who && len(p.signaled) < maxTies {
		p.signaled = append(p.signaled, at)
		c.known[at] = who
	}
	for _, s := range c.seen.bySource[at].list {
		if time.Since(s.at) < sightingAge && s.at.After(p.since) {
			waited = append(waited, s.Sighting)
		}
	}
	return waited
}

// expect ties checks that name this fragment to a peer, unexpect ends that.
func (c *Conductor) expect(ufrag string, who owner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ufrags[ufrag] = who
}

func (c *Conductor) unexpect(ufrag string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ufrags, ufrag)
}

// seenSince: did the STUN server see this address after that?
func (c *Conductor) seenSince(at netip.AddrPort, since time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.seen.bySource[at]
	return ok && s.at.After(since) && time.Since(s.at) < sightingAge
}

// openFor is how long a NAT may keep what an address has opened (RFC 4787 REQ-5 recommends five minutes).
const openFor = 5 * time.Minute

// asked: did this address send to that corner of the STUN server lately, as far as is remembered?
func (c *Conductor) asked(at, corner netip.AddrPort) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.seen.bySource[at].list, func(x sight) bool {
		return x.Transport == "udp" && x.Local == corner.String() && time.Since(x.at) < openFor
	})
}

// forget removes a peer that left.
func (c *Conductor) forget(r *signaling.Room, peer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	who := owner{r, peer}
	p := c.places[who]
	if p == nil {
		return
	}
	for _, at := range p.signaled {
		if c.known[at] == who {
			delete(c.known, at)
		}
	}
	c.unsettle(who, p.home)
	delete(c.places, who)
}

func (s *state) sighted(peer string, x protocol.Sighting, by string) {
	if n := s.nat[peer]; n != nil {
		n.sighted(x)
	}
	if n := s.nat[peer]; n != nil {
		if rest, ok := strings.CutPrefix(x.Username, n.ufrag+":"); ok {
			x.Username = string(n.trial) + ":" + rest // this server's own fragment is the measurement's secret
		}
	}
	k := tie{x.Source, x.Local, x.Transport, x.Kind}
	if s.tied == nil {
		s.tied = map[string]map[tie]bool{}
	}
	ties := s.tied[peer]
	if ties == nil {
		ties = map[tie]bool{}
		s.tied[peer] = ties
	}
	// Anyone may send from the peer's IP; what the peer itself has named keeps its room.
	if limit := map[bool]int{true: maxTies / 2, false: maxTies}[by == "address"]; ties[k] || len(ties) >= limit {
		return
	}
	ties[k] = true
	x.TiedBy = by
	s.record(peer, protocol.EventSighting, &x)
	s.changed()
}
