package stunsrv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	// maxConns bounds the connections of all ports together: at about 10 KiB each they stay under 20 MiB. What is over it is closed at once.
	maxConns = 2048
	// firstDeadline is how long a new connection may take for a whole request. Clients send it at once; a slow network needs a few seconds.
	firstDeadline = 10 * time.Second
	// idleDeadline is how long a connection may be quiet after a request. The client alone knows how long it needs its NAT binding, and should be the one to
	// close (RFC 8489 section 6.2.2); keepalives come every 10 to 15 s, and five minutes forgive a sleeping laptop.
	idleDeadline = 5 * time.Minute
	// lineDeadline is how long after "whoami" without an end of line more may still come: netcat keeps its side open.
	lineDeadline = 100 * time.Millisecond
	// writeDeadline ends a connection whose client does not read.
	writeDeadline = 5 * time.Second
	// maxStreamMessage is in bytes. A Binding request over TCP is under 200, and 1600 with the PADDING of an Ethernet frame; what announces more is not worth its memory.
	maxStreamMessage = 2048
	// maxPipelined is how many requests of one connection are answered with one write. More come rarely, and each waiting one takes memory.
	maxPipelined = 8
	// usualAnswers is in bytes, for those: IPv4 takes 100 an answer, IPv6 160. Only an answer with PADDING is much longer, and pays for its own buffer.
	usualAnswers = 1280
	// deadlineSlack: a deadline may be early by this part of it.
	deadlineSlack = 16
	// acceptPause is after a failed accept: out of file descriptors, which other connections must give back first.
	acceptPause = 50 * time.Millisecond
)

// conns are the open TCP connections.
type conns struct {
	mu     sync.Mutex
	open   map[*net.TCPConn]struct{}
	crowd  crowd
	closed bool
	served sync.WaitGroup
}

// add takes c in, and tells whether there is room.
func (c *conns) add(conn *net.TCPConn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.open) >= maxConns || !c.crowd.enter(clientOf(conn.RemoteAddr())) {
		return false
	}
	c.open[conn] = struct{}{}
	c.served.Add(1)
	return true
}

func (c *conns) remove(conn *net.TCPConn) {
	c.mu.Lock()
	delete(c.open, conn) // first, so that whoever sees it closed finds room
	c.crowd.leave(clientOf(conn.RemoteAddr()))
	c.mu.Unlock()
	conn.Close()
	c.served.Done()
}

func (c *conns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.open {
		conn.Close()
	}
}

func (c *conns) wait() { c.served.Wait() }

// serveTCP accepts until ctx ends. The goroutines of its connections are waited for by Serve.
func (s *Server) serveTCP(ctx context.Context, l *listener) error {
	for failed := 0; ; {
		conn, err := l.AcceptTCP()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			if failed++; failed > maxReadErrors {
				return fmt.Errorf("stunsrv: TCP %s cannot accept: %w", l.Addr(), err)
			}
			s.log.Warn("cannot accept", "at", l.Addr(), "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(acceptPause):
			}
			continue
		}
		failed = 0
		if !s.conns.add(conn) {
			s.log.Debug("too many TCP connections", "from", conn.RemoteAddr(), "limit", maxConns, "ofOneClient", maxStreamsPerClient)
			conn.Close()
			continue
		}
		go func() {
			defer s.conns.remove(conn)
			s.serveConn(conn, &l.responder)
		}()
	}
}

// stream is one connection and what is known of it.
type stream struct {
	s             *Server
	conn          *net.TCPConn
	source, local netip.AddrPort
	*responder
	out, usual         []byte // answers that wait to be sent, and where they stand unless they are too long
	sights             []sight
	readEnds, sendEnds time.Time // the deadlines that are set
}

// serveConn answers what comes over one connection, in order, until it closes, is quiet for too long, or sends what is neither STUN nor whoami.
func (s *Server) serveConn(conn *net.TCPConn, r *responder) {
	t := &stream{s: s, conn: conn, responder: r, usual: make([]byte, 0, usualAnswers), sights: make([]sight, 0, maxPipelined)}
	t.source, t.local = unmapped(conn.RemoteAddr().(*net.TCPAddr).AddrPort()), unmapped(conn.LocalAddr().(*net.TCPAddr).AddrPort())
	t.out = t.usual
	in := make([]byte, maxStreamMessage)
	idle := firstDeadline
	for have := 0; ; {
		wait := idle
		if _, question := parseWhoami(in[:have], pp); question {
			wait = lineDeadline
		}
		t.endReadIn(wait)
		n, err := conn.Read(in[have:])
		if have == 0 && s.partnersBegin(in[:n]) {
			s.acceptPartner(conn, in[:n])
			return
		}
		have += n
		used, ours := 0, true
		for used < have {
			var size int
			if size, ours = frame(in[used:have], err != nil); size == 0 {
				break
			}
			if s.turn != nil && ours && isTURN(in[used:used+size]) {
				if t.send() {
					s.turn.serveStream(conn, in[used:have], r)
				}
				return
			}
			if ours = ours && t.answer(in[used:used+size]) && (len(t.sights) < maxPipelined || t.send()); !ours {
				break
			}
			used += size
			idle = idleDeadline
		}
		if !t.send() || !ours || err != nil {
			return
		}
		have = copy(in, in[used:have])
		// The other connections come first: under load the next request is there when it is this one's turn again, and the read that would find nothing is spared.
		runtime.Gosched()
	}
}

// answer answers one frame, in t.out. False ends the connection: the stream is not ours. A STUN message that has no answer is passed over, as over UDP.
func (t *stream) answer(frame []byte) bool {
	start := len(t.out)
	out, inquiry := t.respond(t.out, frame, t.source, t.local)
	switch inquiry.kind {
	case kindNothing:
		m, ok := parseMessage(frame)
		return ok && !m.classic || len(frame) == 1
	case kindResponse, kindTURN:
		return true
	case kindWhoami:
		if !t.s.whoami.allow(t.source.Addr(), time.Now()) {
			out = out[:start]
		}
	}
	t.out = out
	what := seen{source: t.source, local: t.local, kind: inquiry.kind, tcp: true, answered: len(out) > start}
	t.sights = append(t.sights, sight{what, unknownTTL, inquiry.software, inquiry.username})
	return true
}

// send sends the answers to all that was read in one piece, and then tells of the requests. False ends the connection: its client does not read.
func (t *stream) send() bool {
	var err error
	if len(t.out) > 0 {
		if now := time.Now(); t.sendEnds.Sub(now) < writeDeadline {
			t.sendEnds = now.Add(2 * writeDeadline)
			_ = t.conn.SetWriteDeadline(t.sendEnds)
		}
		_, err = t.conn.Write(t.out)
	}
	for i := range t.sights {
		t.sights[i].answered = t.sights[i].answered && err == nil
	}
	t.s.sightings.add(t.sights)
	t.out, t.sights = t.usual, t.sights[:0]
	return err == nil
}

// endReadIn sets the deadline of what is read next. One that is a little early is good enough, and spares a busy connection a timer for each request.
func (t *stream) endReadIn(wait time.Duration) {
	ends := time.Now().Add(wait)
	if early := ends.Sub(t.readEnds); early < 0 || early > wait/deadlineSlack {
		_ = t.conn.SetReadDeadline(ends)
		t.readEnds = ends
	}
}

// frame tells how many bytes the first message in b has (RFC 8489 section 6.2.2: the length in the header is the framing); 0: more must come. ended
// says that no more will, which ends a line as an end of line does. ok is false where b does not begin as anything that is understood.
func frame(b []byte, ended bool) (size int, ok bool) {
	if b[0] == whoamiWord[0] {
		if end := bytes.IndexByte(b, '\n'); end >= 0 {
			return end + 1, end < maxWhoami
		}
		if ended {
			return len(b), true
		}
		return 0, len(b) < maxWhoami && strings.HasPrefix(whoamiWord, string(b[:min(len(b), len(whoamiWord))]))
	}
	if b[0] == '\n' || b[0] == '\r' { // the end of a line that was answered before it came
		return 1, true
	}
	if b[0]&0xC0 != 0 {
		return 0, false
	}
	if len(b) < attrHeaderSize {
		return 0, true
	}
	size = headerSize + int(binary.BigEndian.Uint16(b[2:]))
	if size%4 != 0 || size > maxStreamMessage {
		return 0, false
	}
	if size > len(b) {
		return 0, true
	}
	return size, true
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
