package signaling

import (
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/icescope/icescope/protocol"
	"golang.org/x/time/rate"
)

// Peer is a member of a room: one that takes part, or a watcher. It outlives its connections by up to 30 s each. Its methods are to be called inside
// Room.Do, except for those whose answer never changes: ID, Kind, Hello, Beside.
type Peer struct {
	room  *Room
	id    string
	hello *protocol.Hello
	token string
	// beside is the id of the peer on whose machine it stands; empty: it is one of the two.
	beside string
	ice    []protocol.ICEServer

	conn    *conn // nil while dropped
	origin  origin
	dropped time.Duration // hub clock; valid while conn is nil

	seq       int64       // the last given to a frame
	kept      []keptFrame // the last ones, without gaps
	keptBytes int

	processed int64 // the highest ClientMessage.Seq
	acked     int64 // what of it the peer was told

	runs *rate.Limiter // nil until the first
}

type keptFrame struct {
	seq  int64
	data []byte
}

// mayRun takes a run from what the peer may ask for. A new connection does not bring it more.
func (p *Peer) mayRun() bool {
	if p.runs == nil {
		p.runs = rate.NewLimiter(runsPerSecond, runsBurst)
	}
	return p.runs.Allow()
}

// ID is "a", "b", … by order of joining, "w1", "w2", … for watchers; never given twice in a room.
func (p *Peer) ID() string { return p.id }

// Kind is what the peer said it is.
func (p *Peer) Kind() protocol.PeerKind { return p.hello.Kind }

// Hello is what the peer said of itself when it joined, cut to its limits and without its resume token. It must not be changed.
func (p *Peer) Hello() *protocol.Hello { return p.hello }

// RemoteAddr is the source of the TCP connection, of the newest one where there were several; invalid where the listener is not TCP.
func (p *Peer) RemoteAddr() netip.AddrPort { return p.origin.addr }

// Host is what the page was opened with, host or host:port.
func (p *Peer) Host() string { return p.origin.host }

// LocalAddr is this machine's end of the newest TCP connection: an address that the peer is known to reach; invalid while dropped, or where it is not TCP.
func (p *Peer) LocalAddr() netip.Addr {
	if p.conn == nil {
		return netip.Addr{}
	}
	at, ok := p.conn.net.LocalAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return at.AddrPort().Addr().Unmap().WithZone("")
}

// TLS tells whether the WebSocket came over TLS.
func (p *Peer) TLS() bool { return p.origin.tls }

// Online tells whether there is a connection right now.
func (p *Peer) Online() bool { return p.conn != nil }

// Beside is the id of the peer on whose machine this one stands, resolved where "auto" was asked for; empty: it is one of the room's two. Not to be changed by
// that peer's leaving.
func (p *Peer) Beside() string { return p.beside }

// Watcher tells whether the peer only looks on.
func (p *Peer) Watcher() bool { return p.hello.Kind == protocol.KindWatcher }

// Send queues one frame; it never blocks. Frames of the types start, stop, description and candidate get the next Seq and are kept until the peer has
// acknowledged them, so they reach a dropped peer when it resumes; others are lost on a dropped one. Seq and Ack of m are not looked at, and m is not kept.
func (p *Peer) Send(m *protocol.ServerMessage) {
	c := *m
	c.Seq, c.Ack = 0, p.processed
	switch m.Type {
	case protocol.ServerStart, protocol.ServerStop, protocol.ServerDescription, protocol.ServerCandidate:
		p.seq++
		c.Seq = p.seq
		p.keep(encode(&c))
	default:
		p.queue(entry{opcode: opText, data: encode(&c)})
	}
}

// SendEncoded queues one frame that is JSON already and may be shared between peers, for example of type events; it is not kept. The ack member is
// put in on the way, so it must not have one.
func (p *Peer) SendEncoded(object []byte) {
	p.queue(entry{opcode: opText, ack: p.processed, data: object})
}

// SendSnapshot is SendEncoded for a frame that makes its forerunners worthless: one that still waits is taken out of the queue.
func (p *Peer) SendSnapshot(object []byte) {
	p.queue(entry{opcode: opText, ack: p.processed, data: object, latest: true})
}

func (p *Peer) relay(typ protocol.ClientType, from string, ref int, body string) {
	p.seq++
	p.keep(encodeRelayed(typ, p.seq, p.processed, from, ref, body))
}

// keep queues a numbered frame and stores it for a resume. Where the store is full the oldest falls out; a peer that still needs it cannot resume.
func (p *Peer) keep(data []byte) {
	p.kept = append(p.kept, keptFrame{p.seq, data})
	p.keptBytes += len(data)
	for len(p.kept) > keepFrames || p.keptBytes > keepBytes {
		p.forget(1)
	}
	p.queue(entry{opcode: opText, data: data})
}

// acknowledged forgets what the peer has.
func (p *Peer) acknowledged(seq int64) {
	n := 0
	for n < len(p.kept) && p.kept[n].seq <= seq {
		n++
	}
	p.forget(n)
}

func (p *Peer) forget(n int) {
	for i := range p.kept[:n] {
		p.keptBytes -= len(p.kept[i].data)
		p.kept[i].data = nil // the array behind the slice lives on
	}
	if p.kept = p.kept[n:]; len(p.kept) == 0 {
		p.kept = nil
	}
}

func (p *Peer) queue(e entry) {
	p.acked = p.processed
	if p.conn != nil {
		p.conn.enqueue(e)
	}
}

// peerID names the nth peer, from 0: a letter, and after z "p27" and so on.
func peerID(n int) string {
	if n < 26 {
		return string(rune('a' + n))
	}
	return "p" + strconv.Itoa(n+1)
}

func watcherID(n int) string { return "w" + strconv.Itoa(n+1) }
