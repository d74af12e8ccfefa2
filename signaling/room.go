package signaling

import (
	"crypto/subtle"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
)

// Room is where two peers and their watchers meet. It is a monitor: all that happens in it happens inside Do.
type Room struct {
	// Data is the handler's own, to be set in RoomMade and used inside Do.
	Data any

	hub  *Hub
	code string

	mu       sync.Mutex
	members  []*Peer // in order of joining
	peers    int     // how many ever joined: the next one's number
	watchers int
	beside   int           // members that stand beside another
	empty    time.Duration // hub clock: since when nobody is in the room
	gone     bool
}

// Code is what lets one in, in the form that is shown to people.
func (r *Room) Code() string { return r.code }

// Do runs f alone in the room. f must not block and must not call Do of the same room; Handler methods already run inside Do.
func (r *Room) Do(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// Members are the peers and watchers in order of joining, dropped ones that may still resume included. To be called inside Do; the slice is a copy.
func (r *Room) Members() []*Peer { return slices.Clone(r.members) }

// count tells how many watchers there are, or how many of the two peers.
func (r *Room) count(watchers bool) (n int) {
	for _, p := range r.members {
		if p.Watcher() == watchers && p.beside == "" {
			n++
		}
	}
	return n
}

// Other is the opposite of one of the room's two peers; nil: there is none, or p is not one of them. To be called inside Do.
func (r *Room) Other(p *Peer) *Peer {
	if p.beside != "" {
		return nil
	}
	for _, q := range r.members {
		if q != p && !q.Watcher() && q.beside == "" {
			return q
		}
	}
	return nil
}

// opposite is the peer that p's descriptions and candidates of a trial go to.
func (r *Room) opposite(p *Peer, trial protocol.TrialID) *Peer {
	if r.beside == 0 {
		return r.Other(p)
	}
	return r.hub.handler.Opposite(r, p, trial)
}

// host finds the peer beside which a newcomer from an address wants to stand: by its id, or, asked for "auto", the only one that comes from the same address. Where both do,
// behind one NAT or proxy, nothing tells whose machine it is on, and a guess would blame the wrong one.
func (r *Room) host(beside string, from netip.Addr) (string, *protocol.Error) {
	no := func(hint, format string, args ...any) (string, *protocol.Error) {
		e := refuse(protocol.ErrRefused, format, args...)
		e.Hint = hint
		return "", e
	}
	companions := map[string]int{}
	for _, p := range r.members {
		companions[p.beside]++
	}
	var found *Peer
	several := false
	for _, p := range r.members {
		fits := p.id == beside || beside == besideAuto && from.IsValid() && p.origin.addr.Addr() == from
		if !p.Watcher() && p.beside == "" && fits {
			found, several = p, found != nil
		}
	}
	switch {
	case several:
		return no("Name the one that is on this machine by its letter: --beside a or --beside b. The letter stands in its page.", "several peers of room %s come from this machine's address %s", r.code, from)
	case found == nil && beside == besideAuto:
		return no("Start it on the machine of a peer that is in the room, or name the peer by its letter.", "no peer of room %s comes from this machine's address %s", r.code, from)
	case found == nil:
		return no("Name one of the room's two peers by its letter, a or b.", "there is no peer %.40q in room %s to stand beside", beside, r.code)
	case companions[found.id] >= maxCompanions:
		return no("End that one first, or stand beside the other peer.", "peer %s of room %s has another beside it already", found.id, r.code)
	}
	return found.id, nil
}

// besideAuto as Hello.Beside: whoever comes from the same address.
const besideAuto = "auto"

// hello lets a connection in. It leaves c.peer nil where it returns an error.
func (r *Room) hello(c *conn, h *protocol.Hello) *protocol.Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return refuse(protocol.ErrUnknownRoom, "room %s has expired", r.code)
	}
	if h.Resume != "" {
		return r.resume(c, h)
	}
	var id, beside string
	if h.Beside != "" {
		var e *protocol.Error
		if beside, e = r.host(h.Beside, c.origin.addr.Addr()); e != nil {
			return e
		}
	}
	switch watcher := h.Kind == protocol.KindWatcher; {
	case !watcher && beside == "" && r.count(false) >= maxPeers:
		return refuse(protocol.ErrRoomFull, "room %s has its %d peers", r.code, maxPeers)
	case watcher && r.count(true) >= maxWatchers:
		return refuse(protocol.ErrTooManyWatchers, "room %s has its %d watchers", r.code, maxWatchers)
	case watcher:
		id = watcherID(r.watchers)
		r.watchers++
	default:
		id = peerID(r.peers)
		r.peers++
	}
	p := &Peer{room: r, id: id, hello: h, token: newToken(), beside: beside, conn: c, origin: c.origin}
	c.peer = p
	r.members = append(r.members, p)
	if beside != "" {
		r.beside++
	}
	r.hub.stats.peers.Add(1)
	p.ice = r.hub.handler.Joined(r, p)
	p.welcome(false)
	r.hub.handler.Welcomed(r, p)
	return nil
}

func (r *Room) resume(c *conn, h *protocol.Hello) *protocol.Error {
	i := slices.IndexFunc(r.members, func(p *Peer) bool {
		return subtle.ConstantTimeCompare([]byte(p.token), []byte(h.Resume)) == 1
	})
	if i < 0 {
		return refuse(protocol.ErrBadResume, "nobody who dropped within %v has this resume token", resumeWait)
	}
	p := r.members[i]
	if from := p.seq - int64(len(p.kept)); h.Received < from || h.Received > p.seq {
		r.remove(p, "expired") // it cannot come back, so its place is free
		return refuse(protocol.ErrBadResume, "received is %d, and only what follows %d to %d can be sent again", h.Received, from, p.seq)
	}
	if p.conn != nil { // the client noticed before we did
		old := p.conn
		r.drop(p)
		old.bye(protocol.Bye{Reason: "replaced"}, closeReplaced)
	}
	p.conn, c.peer, p.origin = c, p, c.origin
	r.hub.stats.resumes.Add(1)
	p.acknowledged(h.Received)
	p.welcome(true)
	for _, k := range p.kept {
		c.enqueue(entry{opcode: opText, data: k.data})
	}
	r.hub.handler.Resumed(r, p, h.Events)
	return nil
}

func (p *Peer) welcome(resumed bool) {
	p.Send(&protocol.ServerMessage{Type: protocol.ServerWelcome, Welcome: &protocol.Welcome{
		Room: p.room.code, Peer: p.id, Kind: p.hello.Kind, Resume: p.token, ResumeSeconds: int(resumeWait / time.Second),
		Resumed: resumed, Received: p.processed, ICEServers: p.ice, Version: p.room.hub.version,
	}})
}

// receive handles one frame of a connection that has said hello. e is what decode found wrong with it.
func (r *Room) receive(c *conn, f *frame, e *protocol.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := c.peer
	if p == nil { // it was replaced, or has left: what still arrives is nobody's
		return
	}
	if f.Ack > 0 {
		p.acknowledged(f.Ack)
	}
	if f.Seq > 0 {
		if f.Seq <= p.processed {
			return
		}
		p.processed = f.Seq // a broken one, too: sent again it would be as broken
	}
	if e == nil {
		e = r.act(p, f)
	}
	if e != nil {
		e.Ref, e.Type = f.Seq, cut(string(f.Type), 40)
		c.complain(e)
	}
	if p.processed-p.acked >= ackEvery {
		p.Send(&protocol.ServerMessage{Type: protocol.ServerEvents})
	}
}

// act does what a sound frame asks for.
func (r *Room) act(p *Peer, f *frame) *protocol.Error {
	switch f.Type {
	case protocol.ClientAck:
		return nil
	case protocol.ClientHello:
		return refuse(protocol.ErrHelloTwice, "this connection has joined as %s", p.id)
	case protocol.ClientLeave:
		c := p.conn
		r.remove(p, "leave")
		c.finish(closeNormal)
		return nil
	}
	if p.Watcher() && f.Type != protocol.ClientEnvironment {
		return refuse(protocol.ErrNotForWatchers, "a watcher cannot send a frame of type %s", f.Type)
	}
	if f.Type == protocol.ClientRun && !p.mayRun() {
		e := refuse(protocol.ErrRateLimited, "more than %d runs a second; this one was dropped", runsPerSecond)
		e.Hint = "Name all trials in one run, and wait a second before the next."
		return e
	}
	ref := r.hub.handler.Message(r, p, &f.ClientMessage)
	var trial protocol.TrialID
	switch f.Type {
	case protocol.ClientDescription:
		trial = f.Description.Trial
	case protocol.ClientCandidate:
		trial = f.Candidate.Trial
	default:
		return nil
	}
	if trial.Kind().Solo() {
		return nil
	}
	q := r.opposite(p, trial)
	if q == nil {
		r.hub.stats.noPeer.Add(1)
		p.Send(&protocol.ServerMessage{Type: protocol.ServerError, Error: noPeer(f)})
		return nil
	}
	q.relay(f.Type, p.id, ref, f.bodyText())
	r.hub.stats.relayed.Add(1)
	return nil
}

// noPeer is no refusal: the frame was recorded.
func noPeer(f *frame) *protocol.Error {
	e := refuse(protocol.ErrNoPeer, "nobody else is in the room, so the %s went nowhere", f.Type)
	e.Ref, e.Type = f.Seq, string(f.Type)
	return e
}

// detach tells the room that a connection has ended.
func (r *Room) detach(c *conn, leaves bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch p := c.peer; {
	case p == nil:
	case leaves:
		r.remove(p, "leave")
	default:
		r.drop(p)
	}
}

// drop parts a peer from its connection and leaves it its place.
func (r *Room) drop(p *Peer) {
	p.conn.peer, p.conn = nil, nil
	p.dropped = r.hub.now()
	r.hub.stats.drops.Add(1)
	r.hub.handler.Dropped(r, p)
}

// remove takes a peer out of the room for good.
func (r *Room) remove(p *Peer, reason string) {
	if p.conn != nil {
		p.conn.peer, p.conn = nil, nil
	}
	r.members = slices.DeleteFunc(r.members, func(q *Peer) bool { return q == p })
	if p.beside != "" {
		r.beside--
	}
	p.kept, p.keptBytes = nil, 0
	if len(r.members) == 0 {
		r.empty = r.hub.now()
	}
	r.hub.stats.peers.Add(-1)
	r.hub.handler.Left(r, p, reason)
}

// sweep ends what is overdue, and tells whether the room itself is.
func (r *Room) sweep(now time.Duration) (gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.members {
		if p.conn == nil && now-p.dropped >= resumeWait {
			defer r.remove(p, "expired") // not while members are walked
		}
	}
	wait := emptyRoomWait
	if r.peers+r.watchers == 0 {
		wait = unusedRoomWait
	}
	if len(r.members) > 0 || now-r.empty < wait {
		return false
	}
	r.end()
	return true
}

// end is the room's last act.
func (r *Room) end() {
	if !r.gone {
		r.gone = true
		r.hub.handler.RoomGone(r)
		r.Data = nil
	}
}

// shutdown sends everybody home.
func (r *Room) shutdown() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range slices.Clone(r.members) {
		r.remove(p, "shutdown")
	}
	r.end()
}

// pong hands a measured round trip on.
func (r *Room) pong(c *conn, rtt time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.peer != nil {
		r.hub.handler.Pong(r, c.peer, rtt)
	}
}
