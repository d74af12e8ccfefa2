package stunsrv

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/pion/stun/v3"
)

// TestTCPHalves sends two pipelined requests byte by byte, and a question between them (RFC 8489 section 6.2.2).
func TestTCPHalves(t *testing.T) {
	s := run(t, Config{})
	conn := dialTCP(t, s.Addrs()[0])
	first, second := bindingRequest(t, stun.Fingerprint), bindingRequest(t)
	stream := append(append(append([]byte(nil), first.Raw...), "whoami PP\r\n"...), second.Raw...)
	for i := range stream {
		if _, err := conn.Write(stream[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	read := func(n int) []byte {
		b := make([]byte, n)
		if _, err := io.ReadFull(conn, b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	answer := func() []byte {
		head := read(headerSize)
		return append(head, read(int(head[2])<<8|int(head[3]))...)
	}
	mapped(t, answer(), first)
	if got, want := string(read(len(localOf(conn).String())+1)), strings.Replace(localOf(conn).String(), ":", ",", 1)+"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	mapped(t, answer(), second)
}

// TestTCPPipelined sends many requests in one write and reads all answers in order.
func TestTCPPipelined(t *testing.T) {
	s := run(t, Config{})
	conn := dialTCP(t, s.Addrs()[0])
	var requests []*stun.Message
	var stream []byte
	for range 200 {
		requests = append(requests, bindingRequest(t))
		stream = append(stream, requests[len(requests)-1].Raw...)
	}
	go func() { _, _ = conn.Write(stream) }()
	for _, request := range requests {
		head := make([]byte, headerSize)
		if _, err := io.ReadFull(conn, head); err != nil {
			t.Fatal(err)
		}
		body := make([]byte, int(head[2])<<8|int(head[3]))
		if _, err := io.ReadFull(conn, body); err != nil {
			t.Fatal(err)
		}
		mapped(t, append(head, body...), request)
	}
}

// TestTCPLineWithoutEnd: netcat sends what it was given; half-closing it, or a moment of quiet, ends the line.
func TestTCPLineWithoutEnd(t *testing.T) {
	s := run(t, Config{})
	for _, half := range []bool{true, false} {
		conn := dialTCP(t, s.Addrs()[0])
		if _, err := conn.Write([]byte(whoamiWord)); err != nil {
			t.Fatal(err)
		}
		if half {
			_ = conn.CloseWrite()
		}
		got, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(got), "127.0.0.1,") {
			t.Errorf("half closed %v: %q %v", half, got, err)
		}
	}
}

// TestTCPSilence: an unknown method is passed over; a stream that is not STUN is closed without a word.
func TestTCPSilence(t *testing.T) {
	s := run(t, Config{})
	conn := dialTCP(t, s.Addrs()[0])
	allocate, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(allocate.Raw); err != nil {
		t.Fatal(err)
	}
	request := bindingRequest(t)
	mapped(t, exchange(t, conn, request.Raw), request)
	for _, garbage := range []string{"GET / HTTP/1.1\r\n\r\n", "whoareyou", "whoami what\n", "\x16\x03\x01\x02\x00\x01\x00", "\x00\x01\xff\xfc", "\x00\x01\x00\x01",
		"\x00\x02\x00\x00sixteen byte id."} {
		conn := dialTCP(t, s.Addrs()[0])
		if _, err := conn.Write([]byte(garbage)); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(conn); len(got) != 0 || isTimeout(err) {
			t.Errorf("%q: %q %v", garbage, got, err)
		}
	}
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// TestTCPBounded opens more connections than there may be. Those over the limit are closed; the others are still answered, and a closed one makes room.
func TestTCPBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("opens thousands of connections")
	}
	s := run(t, Config{AlternatePort: NoAlternate})
	at := s.Addrs()[0]
	open := make([]net.Conn, 0, maxConns)
	for i := range maxConns {
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(i/maxStreamsPerClient))}} // one address may have some of them only
		conn, err := from.Dial("tcp", at.String())
		if err != nil {
			t.Fatalf("%v after %d; try: ulimit -n 8192", err, len(open))
		}
		defer conn.Close()
		open = append(open, conn)
	}
	last := dialTCP(t, at)
	request := bindingRequest(t)
	if _, err := last.Write(request.Raw); err == nil {
		if _, err = last.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("connection %d was taken: %v", maxConns+1, err)
		}
	}
	mapped(t, exchange(t, open[7], request.Raw), request)
	for _, conn := range open[:10] {
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.ReadAll(conn) // ends when the server has closed it
	}
	s.conns.mu.Lock()
	left := len(s.conns.open)
	s.conns.mu.Unlock()
	if left != maxConns-10 {
		t.Errorf("%d connections are held", left)
	}
}
