package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
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
}

func newFront(l net.Listener, certificate tls.Certificate, turn func(net.Conn), log *slog.Logger) *front {
	f := &front{Listener: l, turn: turn, log: log, http: make(chan net.Conn), done: make(chan struct{})}
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
		f.work.Go(func() { f.sort(conn) })
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

// sort finds out what a connection is for.
func (f *front) sort(raw net.Conn) {
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
		f.turn(conn)
	case proto != "" || f.turn == nil:
		f.give(conn)
	default:
		f.peek(ctx, conn)
	}
}

// peek tells HTTP from TURN by the first byte of a client that named no protocol: a method's name begins with a letter, a request of STUN with a zero (RFC 8489 section 5).
func (f *front) peek(ctx context.Context, conn *tls.Conn) {
	mute := context.AfterFunc(ctx, func() { conn.NetConn().Close() })
	first := make([]byte, 1)
	_, err := io.ReadFull(conn, first)
	if !mute() || err != nil {
		conn.NetConn().Close()
		return
	}
	began := &begun{Conn: conn, first: first}
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
