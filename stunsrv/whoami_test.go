package stunsrv

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestWhoami(t *testing.T) {
	tell, told := sightingsOf()
	s := run(t, Config{Primary: []string{":0"}, OnSighting: tell})
	for _, at := range []netip.AddrPort{s.at("127.0.0.1", PrimaryPort), s.at("127.0.0.1", AlternatePort)} {
		udp, tcp := dialUDP(t, at), dialTCP(t, at)
		for ask, conn := range map[string]net.Conn{"whoami": udp, "whoami\n": tcp} {
			answer := exchange(t, conn, []byte(ask))
			got, source := next(t, told), localOf(conn)
			if got.Kind != "whoami" || !got.Answered || got.Local != at.String() || got.Source != source.String() ||
				string(answer) != fmt.Sprintf("%s,%d\n", source.Addr(), source.Port()) {
				t.Errorf("%q: %q, %+v", ask, answer, got)
			}
		}
	}
}

// TestWhoamiCorner asks one port for an answer from the other: an unconnected socket sees where it came from.
func TestWhoamiCorner(t *testing.T) {
	s := run(t, Config{Primary: []string{":0"}})
	conn := listenLoopback(t)
	for ask, want := range map[string]struct {
		from netip.AddrPort
		text string
	}{
		"whoami":    {s.at("127.0.0.1", PrimaryPort), "127.0.0.1,"},
		"whoami PP": {s.at("127.0.0.1", PrimaryPort), "127.0.0.1,"},
		"whoami PS": {s.at("127.0.0.1", AlternatePort), "127.0.0.1,"},
		"whoami SP": {s.at("127.0.0.1", PrimaryPort), noCorner},
		"whoami SS": {s.at("127.0.0.1", PrimaryPort), noCorner},
	} {
		if _, err := conn.WriteToUDPAddrPort([]byte(ask), s.at("127.0.0.1", PrimaryPort)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil || from != want.from || !strings.HasPrefix(string(buf[:n]), want.text) {
			t.Errorf("%q: %q from %s, %v", ask, buf[:n], from, err)
		}
	}
	// TCP answers from where it was asked and from nowhere else.
	if got := exchange(t, dialTCP(t, s.at("127.0.0.1", PrimaryPort)), []byte("whoami PS\n")); string(got) != noCorner {
		t.Errorf("%q", got)
	}
}

func TestWhoamiLimit(t *testing.T) {
	var l whoamiLimit
	now := time.Unix(0, 0)
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for i := range whoamiBurst {
		if !l.allow(a, now) {
			t.Fatalf("refused at %d", i)
		}
	}
	if l.allow(a, now) || !l.allow(b, now) {
		t.Error("the limit is not per source")
	}
	if now = now.Add(time.Second); !l.allow(a, now) {
		t.Error("no recovery")
	}
	// A full table takes nobody new, until those in it have been quiet.
	for i := range 2 * maxWhoamiSources {
		l.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(l.sources) > maxWhoamiSources {
		t.Errorf("%d sources", len(l.sources))
	}
	if l.allow(netip.MustParseAddr("192.0.2.3"), now) {
		t.Error("there was room")
	}
	if !l.allow(netip.MustParseAddr("192.0.2.3"), now.Add(time.Minute)) {
		t.Error("quiet sources are not forgotten")
	}
}
