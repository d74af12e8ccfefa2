package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// alpnTURN is the ALPN name of TURN over TLS (RFC 7443). Browsers send none for it.
	alpnTURN = "stun.turn"
	// handshakeTimeout is for TLS and, from a client that names no protocol, the first byte after it: as long as for a request's head.
	handshakeTimeout = readHeaderTimeout
	// acceptPause is after a failed accept: out of file descriptors, which other connections must give back first.
	acceptPause = 50 * time.Millisecond
	// maxHandshakes bounds those that one address has under way: a site behind one NAT opens some dozen at once, and one that never ends costs a goroutine and a descriptor.
	maxHandshakes = 256
)

// front takes the connections of the secure port and gives each to HTTP, whose listener it is, or to TURN (RFC 8656 section 3.1): one port in a firewall is enough for both.
type front struct {
	net.Listener
	config *tls.Config
	turn   func(net.Conn) // nil: none
	log    *slog.Logger
	http   chan net.Conn
	done   chan struct{}
	close  sync.Once
	work   sync.WaitGroup
	ctx    context.Context // of handshakes
	stop   context.CancelFunc

	mu    sync.Mutex
	crowd map[netip.Addr]int // handshakes under way, by client
}

func newFront(l net.Listener, certificate tls.Certificate, turn func(net.Conn), log *slog.Logger) *front {
	f := &front{Listener: l, turn: turn, log: log, http: make(chan net.Conn), done: make(chan struct{}), crowd: map[netip.Addr]int{}}
	f.config = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if turn != nil {
		f.config.NextProtos = append(f.config.NextProtos, alpnTURN)
	}
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f
}

// run accepts until Close, and returns when all that it started has ended; connections of HTTP are http.Server's.
func (f *front) run() {
	defer f.work.Wait()
	for {
		conn, err := f.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			f.log.Warn("cannot accept", "at", f.Addr(), "err", err)
			select {
			case <-f.done:
			case <-time.After(acceptPause):
			}
			continue
		}
		leave, ok := f.enter(conn.RemoteAddr())
		if !ok {
			f.log.Debug("too many handshakes", "from", conn.RemoteAddr(), "limit", maxHandshakes)
			conn.Close()
			continue
		}
		f.work.Go(func() {
			defer leave()
			f.sort(conn, leave)
		})
	}
}

// Accept is for HTTP.
func (f *front) Accept() (net.Conn, error) {
	select {
	case conn := <-f.http:
		return conn, nil
	case <-f.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and the handshakes.
func (f *front) Close() error {
	err := net.ErrClosed
	f.close.Do(func() {
		err = f.Listener.Close()
		close(f.done)
		f.stop()
	})
	return err
}

// enter counts a handshake, if its client may have one more; leave, which may be called again, is for its end.
func (f *front) enter(client net.Addr) (leave func(), ok bool) {
	at, _ := netip.ParseAddrPort(client.String())
	who := at.Addr().Unmap()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.crowd[who] >= maxHandshakes {
		return nil, false
	}
	f.crowd[who]++
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.crowd[who]--; f.crowd[who] <= 0 {
			delete(f.crowd, who)
		}
	}), true
}

// sort finds out what a connection is for; shaken is called when that is known.
func (f *front) sort(raw net.Conn, shaken func()) {
	ctx, cancel := context.WithTimeout(f.ctx, handshakeTimeout)
	defer cancel()
	conn := tls.Server(raw, f.config)
	if err := conn.HandshakeContext(ctx); err != nil {
		f.log.Debug("TLS handshake", "from", raw.RemoteAddr(), "err", err)
		var plain tls.RecordHeaderError
		if errors.As(err, &plain) && plain.Conn != nil && plain.RecordHeader[0] >= 'A' && plain.RecordHeader[0] <= 'Z' { // a person left out the s
			_ = raw.SetWriteDeadline(time.Now().Add(handshakeTimeout))
			_, _ = io.WriteString(raw, "HTTP/1.0 400 Bad Request\r\n\r\nThis port speaks HTTPS: open it with https://\n")
		}
		raw.Close()
		return
	}
	switch proto := conn.ConnectionState().NegotiatedProtocol; {
	case proto == alpnTURN:
		shaken()
		f.turn(conn)
	case proto != "" || f.turn == nil:
		f.give(conn)
	default:
		f.peek(ctx, conn, shaken)
	}
}

// peek tells HTTP from TURN by the first byte of a client that named no protocol: a method's name begins with a letter, a request of STUN with a zero (RFC 8489 section 5).
func (f *front) peek(ctx context.Context, conn *tls.Conn, shaken func()) {
	mute := context.AfterFunc(ctx, func() { conn.NetConn().Close() })
	first := make([]byte, 1)
	_, err := io.ReadFull(conn, first)
	if !mute() || err != nil {
		conn.NetConn().Close()
		return
	}
	began := &begun{Conn: conn, first: first}
	shaken()
	if first[0] == 0 {
		f.turn(began)
	} else {
		f.give(began)
	}
}

func (f *front) give(conn net.Conn) {
	select {
	case f.http <- conn:
	case <-f.done:
		conn.Close()
	}
}

// begun is a connection whose first byte has been read. It tells http.Server of its TLS by the method ConnectionState of the one that it is.
type begun struct {
	*tls.Conn
	first []byte
}

// Read reads the first byte once more.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}
