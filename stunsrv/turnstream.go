package stunsrv

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// turnIdle is how long a stream with credentials may be quiet: a client refreshes its permissions every five minutes at the latest and its allocation every ten (RFC 8656
	// sections 9 and 3.2), so one that says nothing for eleven has no allocation left.
	turnIdle = 11 * time.Minute
	// unprovedLife is how long a stream may last without credentials, however much it says: a client answers the challenge within a round trip, and places are few.
	unprovedLife = time.Minute
	// shortestForPion is in bytes: its reader waits for that many before it looks at what it has. Shorter frames are ChannelData of up to four bytes.
	shortestForPion = 9
)

// filler is a Binding indication, which pion passes over: a short frame is handed to it with this behind.
var filler = []byte{0x00, 0x11, 0, 0, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

var errNotTURN = errors.New("stunsrv: the stream is not TURN")

// turnListener hands pion the streams that have turned out to be TURN: net.Listener.
type turnListener struct {
	t      *relayServer
	addr   net.Addr
	accept chan *turnStream
	done   chan struct{}
	close  sync.Once
	ended  sync.Once
}

// Accept waits for a stream.
func (l *turnListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.done:
		l.ended.Do(l.t.work.Done)
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (l *turnListener) Close() error {
	l.close.Do(func() { close(l.done) })
	return nil
}

// Addr is where the streams come to.
func (l *turnListener) Addr() net.Addr { return l.addr }

// turnStream is one connection, over TCP or TLS, as pion reads it: a whole frame at a time that has passed the gate.
type turnStream struct {
	net.Conn
	t             *relayServer
	responder     *responder // answers STUN that comes between
	source, local netip.AddrPort
	in, have      []byte // a buffer, and what of it is not yet read
	out           []byte
	idle          time.Duration // 0: no credentials yet
	unproved      time.Time     // when a stream without credentials ends
	readEnds      time.Time
	sending       sync.Mutex
	sendEnds      time.Time
	closing       sync.Once
	done          chan struct{}
}

// ServeTURN serves a client of TURN, or of STUN, over a stream that another listener took, such as TLS on the port of HTTPS (RFC 8656 section 3.1), until it ends. It closes
// conn. Serve does not wait for it, but ends it.
func (s *Server) ServeTURN(conn net.Conn) {
	defer conn.Close()
	if s.turn == nil {
		return
	}
	s.turn.serveStream(conn, nil, &responder{software: s.software, stream: true})
}

// serveStream serves what came over a stream, and what will, until it ends; begun has been read already.
func (t *relayServer) serveStream(conn net.Conn, begun []byte, r *responder) {
	remote, ok := conn.RemoteAddr().(*net.TCPAddr)
	at, ok2 := conn.LocalAddr().(*net.TCPAddr)
	if !ok || !ok2 {
		return
	}
	c := &turnStream{Conn: conn, t: t, responder: r, source: unmapped(remote.AddrPort()), local: unmapped(at.AddrPort()), in: make([]byte, maxStreamMessage),
		unproved: time.Now().Add(unprovedLife), done: make(chan struct{})}
	c.have = c.in[:copy(c.in, begun)]
	l, ok := t.add(c)
	if !ok {
		return
	}
	select {
	case l.accept <- c:
		<-c.done
	case <-l.done:
		c.Close()
	}
}

// add takes a stream in and finds the listener for it.
func (t *relayServer) add(c *turnStream) (*turnListener, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	who := clientOf(net.TCPAddrFromAddrPort(c.source))
	if t.closed || len(t.open) >= maxTurnStreams || !t.crowd.enter(who) {
		return nil, false
	}
	addr := c.local.Addr()
	l := t.streams[addr]
	if l == nil {
		l = &turnListener{t: t, addr: c.LocalAddr(), accept: make(chan *turnStream), done: make(chan struct{})}
		if err := t.begin(addr, nil, l); err != nil {
			t.log.Debug("no TURN", "at", addr, "err", err)
			t.crowd.leave(who)
			return nil, false
		}
		t.streams[addr] = l
	}
	t.open[c] = struct{}{}
	t.work.Add(1)
	return l, true
}

// Read reads one frame for pion. What does not frame ends the stream, as does a client without credentials that says nothing for firstDeadline, or lasts for unprovedLife.
func (c *turnStream) Read(p []byte) (int, error) {
	for {
		size, ok := turnFrame(c.have)
		if !ok {
			return 0, errNotTURN
		}
		if size > 0 {
			frame := c.have[:size]
			c.have = c.have[size:]
			n, err := c.take(p, frame)
			if n > 0 || err != nil {
				return n, err
			}
			continue
		}
		c.have = c.in[:copy(c.in, c.have)]
		c.endReadIn(c.patience())
		n, err := c.Conn.Read(c.in[len(c.have):])
		c.have = c.in[:len(c.have)+n]
		if n == 0 && err != nil {
			return 0, err
		}
	}
}

// take copies a frame to p where it is for pion, and answers it where it is not.
func (c *turnStream) take(p, frame []byte) (n int, err error) {
	if !isTURN(frame) {
		c.out, _ = c.responder.respond(c.out[:0], frame, c.source, c.local)
	} else {
		var pass, proved bool
		c.out, pass, proved = c.t.gate(c.out[:0], frame, c.local.Addr())
		if proved {
			c.idle = turnIdle
		}
		if pass && len(frame) < min(len(p), turnMTU) {
			n = copy(p, frame)
			if n < shortestForPion {
				n += copy(p[n:], filler)
			}
			return n, nil
		}
	}
	if len(c.out) > 0 {
		_, err = c.Write(c.out)
	}
	return 0, err
}

// patience is how long to wait for more.
func (c *turnStream) patience() time.Duration {
	if c.idle > 0 {
		return c.idle
	}
	return min(firstDeadline, time.Until(c.unproved))
}

// endReadIn is as that of stream.
func (c *turnStream) endReadIn(wait time.Duration) {
	ends := time.Now().Add(wait)
	if early := ends.Sub(c.readEnds); early < 0 || early > wait/deadlineSlack {
		_ = c.SetReadDeadline(ends)
		c.readEnds = ends
	}
}

// Write writes one frame. A client that does not read loses its stream, since half a frame cannot be taken back.
func (c *turnStream) Write(p []byte) (int, error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	if now := time.Now(); c.sendEnds.Sub(now) < writeDeadline {
		c.sendEnds = now.Add(2 * writeDeadline)
		_ = c.SetWriteDeadline(c.sendEnds)
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		c.Conn.Close()
	}
	return n, err
}

// Close closes the connection, and gives its place to another.
func (c *turnStream) Close() error {
	err := c.Conn.Close()
	c.closing.Do(func() {
		c.t.mu.Lock()
		delete(c.t.open, c)
		c.t.crowd.leave(clientOf(net.TCPAddrFromAddrPort(c.source)))
		c.t.mu.Unlock()
		close(c.done)
		c.t.work.Done()
	})
	return err
}
