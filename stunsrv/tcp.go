package stunsrv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
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
	// usualAnswer is in bytes: only an answer with PADDING is longer, and pays for its own buffer.
	usualAnswer = 256
	// acceptPause is after a failed accept: out of file descriptors, which other connections must give back first.
	acceptPause = 50 * time.Millisecond
)

// conns are the open TCP connections.
type conns struct {
	mu     sync.Mutex
	open   map[*net.TCPConn]struct{}
	closed bool
	served sync.WaitGroup
}

// add takes c in, and tells whether there is room.
func (c *conns) add(conn *net.TCPConn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.open) >= maxConns {
		return false
	}
	c.open[conn] = struct{}{}
	c.served.Add(1)
	return true
}

func (c *conns) remove(conn *net.TCPConn) {
	c.mu.Lock()
	delete(c.open, conn) // first, so that whoever sees it closed finds room
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
			s.log.Debug("too many TCP connections", "from", conn.RemoteAddr(), "limit", maxConns)
			conn.Close()
			continue
		}
		go func() {
			defer s.conns.remove(conn)
			s.serveConn(conn, &l.responder)
		}()
	}
}

// serveConn answers what comes over one connection, in order, until it closes, is quiet for too long, or sends what is neither STUN nor whoami.
func (s *Server) serveConn(conn *net.TCPConn, r *responder) {
	source := unmapped(conn.RemoteAddr().(*net.TCPAddr).AddrPort())
	local := unmapped(conn.LocalAddr().(*net.TCPAddr).AddrPort())
	in := make([]byte, maxStreamMessage)
	out := make([]byte, 0, usualAnswer)
	idle := firstDeadline
	for have := 0; ; {
		wait := idle
		if _, question := parseWhoami(in[:have], pp); question {
			wait = lineDeadline
		}
		_ = conn.SetReadDeadline(time.Now().Add(wait))
		n, err := conn.Read(in[have:])
		if have == 0 && s.partnersBegin(in[:n]) {
			s.acceptPartner(conn, in[:n])
			return
		}
		have += n
		used := 0
		for used < have {
			size, ok := frame(in[used:have], err != nil)
			if !ok || size > 0 && !s.answerStream(conn, r, out, in[used:used+size], source, local) {
				return
			}
			if size == 0 {
				break
			}
			used += size
			idle = idleDeadline
		}
		if err != nil {
			return
		}
		have = copy(in, in[used:have])
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

// answerStream answers one frame. False ends the connection: the stream is not ours, or its client does not read. A STUN message that has no answer is
// passed over, as over UDP.
func (s *Server) answerStream(conn *net.TCPConn, r *responder, out, frame []byte, source, local netip.AddrPort) bool {
	answer, inquiry := r.respond(out[:0], frame, source, local)
	switch inquiry.kind {
	case kindNothing:
		m, ok := parseMessage(frame)
		return ok && !m.classic || len(frame) == 1
	case kindResponse:
		return true
	case kindWhoami:
		if !s.whoami.allow(source.Addr(), time.Now()) {
			answer = nil
		}
	}
	var err error
	if len(answer) > 0 {
		_ = conn.SetWriteDeadline(time.Now().Add(writeDeadline))
		_, err = conn.Write(answer)
	}
	s.sightings.add(seen{source: source, local: local, kind: inquiry.kind, tcp: true, answered: len(answer) > 0 && err == nil}, unknownTTL, inquiry.software, inquiry.username)
	return err == nil
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
