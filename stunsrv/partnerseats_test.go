package stunsrv

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestPartnerSeats: who gets a seat, and that it comes back once.
func TestPartnerSeats(t *testing.T) {
	var s seats
	partner := netip.MustParseAddr("192.0.2.2")
	s.reserve("partner.example:3478", netip.MustParseAddr("::ffff:192.0.2.2"))
	take := func(from netip.Addr, want bool) (leave func()) {
		t.Helper()
		leave, ok := s.take(from)
		if ok != want {
			t.Errorf("a seat for %s: %t", from, ok)
		}
		return leave
	}
	stranger := netip.MustParseAddr("198.51.100.1")
	leave := take(stranger, true)
	take(stranger, true)
	take(stranger, false)
	for range maxIntroductions - introductionsPerAddr {
		stranger = stranger.Next()
		take(stranger, true)
	}
	take(stranger, false)
	take(stranger.Next(), false)
	take(partner, true)
	take(partner, true)
	take(partner, false)
	leave()
	leave()
	take(stranger.Next(), true)
	take(stranger.Next().Next(), false)
	s.reserve("partner.example:3478", stranger.Next().Next()) // it has moved
	take(stranger.Next().Next(), true)
}

// idle takes seats at b from an address and says nothing more. It returns when count connections have been sent away.
func idle(t *testing.T, b *machine, from string, conns, count int) {
	t.Helper()
	gone := make(chan error, conns)
	for range conns {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
		conn, err := dialer.Dial("tcp4", netip.AddrPortFrom(ip2, b.ports[PrimaryPort]).String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, partnerPreface); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		go func() {
			_, err := conn.Read(make([]byte, 1))
			gone <- err
		}()
	}
	for range count {
		if err := next(t, gone); err == nil {
			t.Error("an answer before the handshake")
		}
	}
}

func (s *seats) ofStrangers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.strangers
}

// TestPartnerOneHostTakesSeats: one address that holds all the seats it can get does not keep a partner out that is not even named.
func TestPartnerOneHostTakesSeats(t *testing.T) {
	b := start(t, ip2, [2]uint16{}, Config{})
	idle(t, b, "127.0.0.3", maxIntroductions, maxIntroductions-introductionsPerAddr)
	a := start(t, ip1, b.ports, Config{Partners: []string{ip2.String()}})
	a.log.await(t, saysLent)
	b.log.await(t, saysLent)
	if n := b.partners.seats.ofStrangers(); n != introductionsPerAddr {
		t.Errorf("%d seats are taken", n)
	}
}

// TestPartnerManyHostsTakeSeats: where many addresses have taken all seats, the named partner has its own.
func TestPartnerManyHostsTakeSeats(t *testing.T) {
	b := start(t, ip2, [2]uint16{}, Config{Partners: []string{ip1.String() + ":1"}}) // where nobody listens: it waits to be called
	for i := range maxIntroductions / introductionsPerAddr {
		idle(t, b, fmt.Sprintf("127.0.1.%d", i+1), introductionsPerAddr+1, 1)
	}
	a := start(t, ip1, b.ports, Config{Partners: []string{ip2.String()}})
	a.log.await(t, saysLent)
	b.log.await(t, saysLent)
	if n := b.partners.seats.ofStrangers(); n != maxIntroductions {
		t.Errorf("%d seats are taken", n)
	}
}
