package stunsrv

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
)

// TestOneByOne serves without batches, as everywhere but on Linux.
func TestOneByOne(t *testing.T) {
	s := run(t, Config{})
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	at := localOfUDP(conn)
	sock := &socket{conn: conn, local: at, responder: s.responder(at, PrimaryPort)}
	sock.siblings[pp] = sock
	done := make(chan error, 1)
	go func() { done <- s.serveDatagrams(t.Context(), sock, newOneByOne(sock, conn)) }()
	for range 3 {
		request := bindingRequest(t)
		if _, origin := mapped(t, exchange(t, dialUDP(t, at), request.Raw), request); origin != at {
			t.Errorf("origin %s", origin)
		}
	}
	conn.Close()
	if err := next(t, done); err != nil {
		t.Error(err)
	}
}

// TestBatch: requests that were waiting before the server serves come in one batch, with silence and a request for another corner between them. Each is answered.
func TestBatch(t *testing.T) {
	s, err := Listen(Config{Primary: []string{":0"}, Alternate: []netip.Addr{netip.MustParseAddr("127.0.0.2")}})
	if err != nil {
		t.Fatal(err)
	}
	at := s.at("127.0.0.1", PrimaryPort)
	conn := listenLoopback(t)
	const requests = 100 // more than one batch
	for i := range requests {
		request := bindingRequest(t)
		switch i % 3 {
		case 1:
			request = bindingRequest(t, changeRequest(6))
		case 2:
			request.Raw = []byte("\x80silence")
		}
		if _, err := conn.WriteToUDPAddrPort(request.Raw, at); err != nil {
			t.Fatal(err)
		}
	}
	served := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { served <- s.Serve(ctx) }()
	from := map[netip.AddrPort]int{}
	for i := range requests {
		if i%3 == 2 {
			continue
		}
		_, source, err := conn.ReadFromUDPAddrPort(make([]byte, 2048))
		if err != nil {
			t.Fatal(err)
		}
		from[source]++
	}
	if other := s.at("127.0.0.2", AlternatePort); from[at] != 34 || from[other] != 33 {
		t.Errorf("%v", from)
	}
	cancel()
	if err := next(t, served); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
