package stunsrv

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v3"
)

// FuzzTURNFrame: whatever comes over a stream, framing neither panics nor reads what is not there, takes a whole frame as one, and does not mind how it is cut.
func FuzzTURNFrame(f *testing.F) {
	allocateRequest := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), requestedUDP).Raw
	f.Add(allocateRequest)
	f.Add([]byte("\x40\x00\x00\x05hello\x00\x00\x00"))
	f.Add([]byte("\x40\x00\x00\x05hello\x00\x00\x00\x4F\xFF\x00\x00"))
	f.Add([]byte("\x40\x00\xFF\xFF"))
	f.Add([]byte("\x7F\xFF\x00\x00"))
	f.Add([]byte("\x80\x00\x00\x00"))
	f.Add([]byte("\x00\x03\xFF\xEC\x21\x12\xA4\x42"))
	f.Add([]byte("whoami"))
	f.Fuzz(func(t *testing.T, b []byte) {
		size, ok := turnFrame(b)
		if size < 0 || size > len(b) || size > maxStreamMessage || size > 0 && (!ok || size%4 != 0) {
			t.Fatalf("%d %v of %x", size, ok, b)
		}
		for cut := range b[:min(len(b), 64)] { // fewer bytes say less, and never something else
			part, partOK := turnFrame(b[:cut])
			if ok && !partOK || part != 0 && part != size {
				t.Fatalf("cut at %d: %d %v instead of %d %v for %x", cut, part, partOK, size, ok, b)
			}
		}
		if size > 0 {
			if again, ok := turnFrame(b[:size]); again != size || !ok {
				t.Fatalf("alone it is %d %v of %x", again, ok, b[:size])
			}
			if isChannelData(b) != isTURN(b[:size]) && b[0]&0xC0 != 0 {
				t.Fatalf("ChannelData that is not TURN: %x", b[:size])
			}
		}
	})
}

// FuzzTURNDemux: each datagram is for one of us only, and the gate lets nothing pass that is not TURN, nor an answer out that is not one.
func FuzzTURNDemux(f *testing.F) {
	s := knowing(TURNConfig{Secret: "secret"}, "127.0.0.1/8")
	name, password := s.credentials("room", time.Unix(1<<40, 0))
	signed := func(method stun.Method, more ...stun.Setter) []byte {
		return stun.MustBuild(append(append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, more...), stun.NewUsername(name), stun.NewRealm(turnRealm), stun.NewNonce("nonce"),
			stun.NewLongTermIntegrity(name, turnRealm, password))...).Raw
	}
	f.Add(signed(stun.MethodAllocate, requestedUDP))
	f.Add(signed(stun.MethodAllocate, requestedTCP))
	f.Add(signed(stun.MethodChannelBind, peerAttribute(server4)))
	f.Add(signed(stun.MethodCreatePermission, peerAttribute(netip.MustParseAddrPort("127.0.0.1:1"))))
	f.Add([]byte("\x40\x00\x00\x05hello"))
	f.Add([]byte("\x77\x68\x00\x02am"))
	f.Add([]byte("whoami"))
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
	local := netip.MustParseAddr("192.0.2.1")
	f.Fuzz(func(t *testing.T, b []byte) {
		out, found := testResponder().respond(nil, b, client4, server4)
		if (found.kind == kindTURN) != isTURN(b) {
			t.Fatalf("kind %s, TURN %v: %x", found.kind, isTURN(b), b)
		}
		if found.kind == kindTURN && len(out) > 0 {
			t.Fatalf("an answer to what is TURN: %x", out)
		}
		answer, pass, _ := s.gate(nil, b, local)
		if pass && (len(answer) > 0 || !isTURN(b) && !isChannelData(b)) {
			t.Fatalf("passed: %x, with %x", b, answer)
		}
		if len(answer) > 0 {
			m, ok := parseMessage(answer)
			if !ok || m.typ&typeErrorClass != typeErrorClass || !bytes.Equal(m.raw[4:headerSize], b[4:headerSize]) {
				t.Fatalf("answer %x to %x", answer, b)
			}
		}
	})
}

// TestTURNSurvivesGarbage: ChannelData of nobody, halves, lengths that lie, and noise in the range of channels; after it everyone is served, and nothing was made.
func TestTURNSurvivesGarbage(t *testing.T) {
	s := run(t, Config{TURN: &TURNConfig{}})
	good := newRawTURN(t, s, "udp", "room")
	good.allocate()
	for _, junk := range []string{"\x40\x00\x00\x05hello", "\x40\x00\x00\x00", "\x4F\xFF\x00\x01x", "\x40\x00\xFF\xFFshort", "\x40", "\x40\x00\x00", "\x00\x16\x00\x00\x21\x12\xA4\x42" + rfc5769ID[4:]} {
		if _, err := good.conn.Write([]byte(junk)); err != nil {
			t.Fatal(err)
		}
	}
	noise := make([]byte, 400)
	for range turnQueue / 2 { // no more than wait: what is asked after it must not be dropped
		_, _ = rand.Read(noise)
		noise[0] = 0x40 | noise[0]&0x3F
		binary.BigEndian.PutUint16(noise[2:], uint16(noise[4]))
		if _, err := good.conn.Write(noise[:4+int(noise[4])]); err != nil {
			t.Fatal(err)
		}
	}
	if code, _ := good.ask(stun.MethodRefresh); code != 0 {
		t.Errorf("refresh: %d", code)
	}
	for _, begin := range []string{"\x00\x03\x00\x08\x21\x12\xA4\x42", ""} { // half a request, and none
		conn := dialTCP(t, s.at("127.0.0.1", PrimaryPort))
		if _, err := conn.Write([]byte(begin)); err != nil {
			t.Fatal(err)
		}
	}
	for _, junk := range []string{"\x40\x00\xFF\xFF", "\x80\x00\x00\x00", "GET / HTTP/1.1\r\n\r\n", "\x00\x03\xFF\xFC\x21\x12\xA4\x42" + rfc5769ID[4:]} {
		c := newRawTURN(t, s, "tcp", "room")
		c.ask(stun.MethodAllocate, requestedUDP) // now it is pion's
		if _, err := c.conn.Write([]byte(junk)); err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, c.conn); err != nil || n > 0 {
			t.Errorf("%q: %d bytes, %v", junk, n, err)
		}
	}
	if got := s.TURNStats(); got.Made != 1 || got.BytesToPeers != 0 {
		t.Errorf("%+v", got)
	}
}

// TestTURNStreamInPieces: frames that come byte by byte, several in one piece, STUN between them, and ChannelData that is shorter than what pion waits for.
func TestTURNStreamInPieces(t *testing.T) {
	s := run(t, Config{TURN: &TURNConfig{}})
	c, peer := newRawTURN(t, s, "tcp", "room"), newRawTURN(t, s, "udp", "room")
	from, to := c.allocate(), peer.allocate()
	if code, _ := c.ask(stun.MethodChannelBind, attribute(stun.AttrChannelNumber, "\x40\x01\x00\x00"), peerAttribute(to)); code != 0 {
		t.Fatalf("channel: %d", code)
	}
	if code, _ := peer.ask(stun.MethodChannelBind, attribute(stun.AttrChannelNumber, "\x40\x02\x00\x00"), peerAttribute(from)); code != 0 {
		t.Fatalf("channel: %d", code)
	}
	heard := func(want string) {
		t.Helper()
		buf := make([]byte, 100)
		n, err := peer.conn.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("%q, %v instead of %q", buf[:n], err, want)
		}
	}
	for _, b := range []byte("\x40\x01\x00\x05hello\x00\x00\x00") {
		if _, err := c.conn.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	heard("\x40\x02\x00\x05hello\x00\x00\x00")
	if _, err := c.conn.Write([]byte("\x40\x01\x00\x01a\x00\x00\x00\x40\x01\x00\x04abcd")); err != nil {
		t.Fatal(err)
	}
	heard("\x40\x02\x00\x01a\x00\x00\x00")
	heard("\x40\x02\x00\x04abcd")
	if m := exchange(t, c.conn, bindingRequest(t).Raw); !stun.IsMessage(m) || m[0] != 0x01 || m[1] != 0x01 {
		t.Errorf("Binding between: %x", m)
	}
	c.conn.Close() // its allocation ends with it
	within(t, func() bool { return s.TURNStats().Allocations == 1 })
}

// TestTURNFlood: Allocates of a client without credentials are answered or dropped, never waited for; STUN beside them goes on.
func TestTURNFlood(t *testing.T) {
	s := run(t, Config{TURN: &TURNConfig{}})
	flood := dialUDP(t, s.at("127.0.0.1", PrimaryPort))
	request := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), requestedUDP).Raw
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, _ = flood.Write(request)
		}
	}()
	conn := dialUDP(t, s.at("127.0.0.1", PrimaryPort))
	ask := bindingRequest(t).Raw
	buf := make([]byte, 256)
	for answered := 0; answered < 50; { // what the kernel drops in a flood is asked again
		_ = conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := conn.Write(ask); err != nil {
			continue // not in time, either
		}
		if _, err := conn.Read(buf); err == nil {
			answered++
		}
	}
	cancel()
	<-done
	if got := s.TURNStats(); got.Made != 0 {
		t.Errorf("%+v", got)
	}
}

// TestTURNWaitsForNobody: where pion does not read, the queue fills, and the loop drops and counts.
func TestTURNWaitsForNobody(t *testing.T) {
	s := knowing(TURNConfig{}, "127.0.0.1/8")
	local := netip.MustParseAddrPort("127.0.0.1:3478")
	stuck := &turnUDP{t: s, local: local, queue: make(chan *turnDatagram, turnQueue), done: make(chan struct{})}
	s.udp.Store(&map[netip.AddrPort]*turnUDP{local: stuck})
	for range turnQueue + 5 {
		s.takeUDP(nil, []byte("\x40\x00\x00\x05hello"), client4, local)
	}
	s.takeUDP(nil, make([]byte, turnMTU), client4, local)
	if got := s.counters.droppedQueue.Load(); got != 6 || len(stuck.queue) != turnQueue {
		t.Errorf("%d dropped, %d wait", got, len(stuck.queue))
	}
}

// TestTURNEndsWithServe: with clients over UDP and TCP, allocations and half-open connections, Serve returns, and TestMain finds nothing that was left.
func TestTURNEndsWithServe(t *testing.T) {
	s, err := Listen(Config{Primary: []string{":0"}, TURN: &TURNConfig{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	u, c := newRawTURN(t, s, "udp", "room"), newRawTURN(t, s, "tcp", "room")
	relays := []netip.AddrPort{u.allocate(), c.allocate()}
	mute, other := net.Pipe()
	defer mute.Close()
	s.ServeTURN(other) // no connection of TCP: nothing to serve
	cancel()
	if err := next(t, done); err != nil {
		t.Error(err)
	}
	for _, at := range relays { // their ports are free again
		conn, err := net.ListenPacket("udp4", at.String())
		if err != nil {
			t.Error(err)
			continue
		}
		conn.Close()
	}
	if got := s.TURNStats().Allocations; got != 0 {
		t.Errorf("%d allocations", got)
	}
}

// TestTURNStreamWithoutCredentials: who only keeps talking does not keep a place.
func TestTURNStreamWithoutCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		c := &turnStream{Conn: server, responder: testResponder(), source: client4, local: server4, in: make([]byte, maxStreamMessage), unproved: time.Now().Add(unprovedLife)}
		began := time.Now()
		var asking sync.WaitGroup
		asking.Go(func() {
			defer client.Close()
			request, buf := stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw, make([]byte, 1000)
			for {
				if _, err := client.Write(request); err != nil {
					return
				}
				if _, err := client.Read(buf); err != nil {
					return
				}
				<-time.After(firstDeadline / 2)
			}
		})
		_, err := c.Read(make([]byte, turnMTU))
		server.Close()
		defer asking.Wait()
		if lasted := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || lasted != unprovedLife {
			t.Errorf("%v after %v", err, lasted)
		}
	})
}
