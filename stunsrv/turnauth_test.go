package stunsrv

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
)

// rawTURN is a client that sends what a test says, and keeps to no rule.
type rawTURN struct {
	t                  testing.TB
	conn               net.Conn
	username, password string
	nonce              stun.Nonce
}

func newRawTURN(t testing.TB, s *Server, network, room string) *rawTURN {
	t.Helper()
	c := &rawTURN{t: t}
	if c.username, c.password = s.TURNCredentials(room); network == "tcp" {
		c.conn = dialTCP(t, s.at("127.0.0.1", PrimaryPort))
	} else {
		c.conn = dialUDP(t, s.at("127.0.0.1", PrimaryPort))
	}
	return c
}

var (
	requestedUDP = attribute(stun.AttrRequestedTransport, "\x11\x00\x00\x00")
	requestedTCP = attribute(stun.AttrRequestedTransport, "\x06\x00\x00\x00")
)

// peerAttribute is XOR-PEER-ADDRESS.
func peerAttribute(at netip.AddrPort) stun.Setter { return xorPeer(at) }

type xorPeer netip.AddrPort

func (p xorPeer) AddTo(m *stun.Message) error {
	at := netip.AddrPort(p)
	return (&stun.XORMappedAddress{IP: at.Addr().AsSlice(), Port: int(at.Port())}).AddToAs(m, stun.AttrXORPeerAddress)
}

// send sends a request, signed where there is a nonce.
func (c *rawTURN) send(method stun.Method, attributes ...stun.Setter) {
	c.t.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attributes...)
	if len(c.nonce) > 0 {
		setters = append(setters, stun.NewUsername(c.username), stun.NewRealm(turnRealm), c.nonce, stun.NewLongTermIntegrity(c.username, turnRealm, c.password))
	}
	if _, err := c.conn.Write(stun.MustBuild(append(setters, stun.Fingerprint)...).Raw); err != nil {
		c.t.Fatal(err)
	}
}

// ask sends a request and returns the response: 0, or the code of an error.
func (c *rawTURN) ask(method stun.Method, attributes ...stun.Setter) (stun.ErrorCode, *stun.Message) {
	c.t.Helper()
	c.send(method, attributes...)
	return c.answer()
}

func (c *rawTURN) answer() (stun.ErrorCode, *stun.Message) {
	c.t.Helper()
	buf := make([]byte, 2048)
	n, err := c.conn.Read(buf) // over TCP an answer is one segment on loopback
	if err != nil {
		c.t.Fatal(err)
	}
	m := &stun.Message{Raw: buf[:n]}
	if err := m.Decode(); err != nil {
		c.t.Fatalf("%v: %x", err, buf[:n])
	}
	_ = c.nonce.GetFrom(m)
	var code stun.ErrorCodeAttribute
	_ = code.GetFrom(m)
	return code.Code, m
}

// allocate gets a nonce and then a relay, and tells its address.
func (c *rawTURN) allocate() netip.AddrPort {
	c.t.Helper()
	if code, _ := c.ask(stun.MethodAllocate, requestedUDP); code != stun.CodeUnauthorized {
		c.t.Fatalf("without credentials: %d", code)
	}
	code, m := c.ask(stun.MethodAllocate, requestedUDP)
	if code != 0 {
		c.t.Fatalf("with credentials: %d", code)
	}
	var at stun.XORMappedAddress
	if err := at.GetFromAs(m, stun.AttrXORRelayedAddress); err != nil {
		c.t.Fatal(err)
	}
	addr, _ := netip.AddrFromSlice(at.IP)
	return netip.AddrPortFrom(addr.Unmap(), uint16(at.Port))
}

// A credential that was not made here, or has ended, gets 401 with what it takes to try again (RFC 8489 section 9.2.4), over UDP and over TCP.
func TestTURNCredentials(t *testing.T) {
	s := run(t, Config{TURN: &TURNConfig{Secret: "secret"}})
	ended, endedPassword := s.turn.credentials("room", time.Now().Add(-time.Second))
	for name, as := range map[string][2]string{
		"wrong password":   {first(s.TURNCredentials("room")), "wrong"},
		"another's name":   {"9999999999:other", second(s.TURNCredentials("room"))},
		"ended":            {ended, endedPassword},
		"no expiry":        {"room", "x"},
		"no number":        {"soon:room", "x"},
		"empty name":       {"", "x"},
		"expiry of others": {"9999999999:room", endedPassword},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(name+" "+network, func(t *testing.T) {
				c := newRawTURN(t, s, network, "room")
				c.username, c.password = as[0], as[1]
				c.ask(stun.MethodAllocate, requestedUDP)
				nonce := c.nonce
				code, m := c.ask(stun.MethodAllocate, requestedUDP)
				if code != stun.CodeUnauthorized || !m.Contains(stun.AttrRealm) || string(nonce) != string(c.nonce) {
					t.Errorf("%d\n%s", code, m)
				}
				c.username, c.password = s.TURNCredentials("room")
				if code, _ := c.ask(stun.MethodAllocate, requestedUDP); code != 0 {
					t.Errorf("then with the right one: %d", code)
				}
			})
		}
	}
	if got := s.TURNStats(); got.RefusedCredentials != 14 || got.Made != 14 {
		t.Errorf("%+v", got)
	}
}

func first(a, _ string) string  { return a }
func second(_, b string) string { return b }

// TestTURNCredentialsAreCoturns: base64(HMAC-SHA1(secret, name)), computed with Python for this secret and name.
func TestTURNCredentialsAreCoturns(t *testing.T) {
	relay := newRelayServer(TURNConfig{Secret: "north"}, nil)
	if got := relay.password("1700000000:alice"); got != "Cd/49soE35ICqcJF/bCTn8Z4OyE=" {
		t.Error(got)
	}
}

// A relay ends with the credential that it was asked for with, and a refresh after that is refused.
func TestTURNEndsWithTheCredential(t *testing.T) {
	s := run(t, Config{TURN: &TURNConfig{}})
	c := newRawTURN(t, s, "udp", "room")
	c.username, c.password = s.turn.credentials("room", time.Now().Add(2*time.Second))
	c.allocate()
	if code, _ := c.ask(stun.MethodRefresh); code != 0 {
		t.Errorf("refresh: %d", code)
	}
	within(t, func() bool { return s.TURNStats().Allocations == 0 })
	if code, _ := c.ask(stun.MethodRefresh); code != stun.CodeUnauthorized {
		t.Errorf("refresh after the end: %d", code)
	}
}

// within waits for what must become true.
func within(t testing.TB, what func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !what(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("it did not come to be")
		}
	}
}

// Relays over TCP (RFC 6062) are refused as RFC 8656 section 7.2 wants it, and other requests of TURN without an allocation are not served.
func TestTURNRefusesOtherTransports(t *testing.T) {
	s := run(t, Config{TURN: &TURNConfig{}})
	c := newRawTURN(t, s, "udp", "room")
	c.ask(stun.MethodAllocate)
	for name, setter := range map[string]stun.Setter{"TCP": requestedTCP, "none": attribute(stun.AttrSoftware, "x")} {
		want := stun.CodeUnsupportedTransProto
		if name == "none" {
			want = stun.CodeBadRequest
		}
		if code, m := c.ask(stun.MethodAllocate, setter); code != want {
			t.Errorf("%s: %d\n%s", name, code, m)
		}
	}
	if got := s.TURNStats().Allocations; got != 0 {
		t.Errorf("%d allocations", got)
	}
}

// A room has so many relays, and no more; another still gets one. What was given back can be had again.
func TestTURNQuota(t *testing.T) {
	s := run(t, Config{TURN: &TURNConfig{}})
	var clients []*rawTURN
	for range allocationsPerRoom {
		c := newRawTURN(t, s, "udp", "room")
		c.allocate()
		clients = append(clients, c)
	}
	over := newRawTURN(t, s, "udp", "room")
	over.ask(stun.MethodAllocate, requestedUDP)
	if code, _ := over.ask(stun.MethodAllocate, requestedUDP); code != stun.CodeAllocQuotaReached {
		t.Errorf("one too many: %d", code)
	}
	newRawTURN(t, s, "udp", "other").allocate()
	if code, _ := clients[0].ask(stun.MethodRefresh, attribute(stun.AttrLifetime, "\x00\x00\x00\x00")); code != 0 {
		t.Errorf("giving back: %d", code)
	}
	within(t, func() bool { return s.TURNStats().Allocations == allocationsPerRoom })
	if code, _ := over.ask(stun.MethodAllocate, requestedUDP); code != 0 {
		t.Errorf("after one was given back: %d", code)
	}
	if got := s.TURNStats(); got.RefusedQuota != 1 {
		t.Errorf("%+v", got)
	}
}

func TestTURNConfig(t *testing.T) {
	for _, ports := range [][2]uint16{{2000, 1999}, {80, 90}, {0, 5000}, {5000, 0}} {
		if _, err := Listen(Config{Primary: []string{"127.0.0.1:0"}, TURN: &TURNConfig{Ports: ports}}); err == nil {
			t.Errorf("%v is taken", ports)
		}
	}
	s := run(t, Config{})
	if name, _ := s.TURNCredentials("room"); name != "" || s.TURNStats() != (TURNStats{}) {
		t.Error("there is TURN where none was wanted")
	}
	conn := dialTCP(t, s.at("127.0.0.1", PrimaryPort))
	if _, err := conn.Write(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), requestedUDP).Raw); err != nil {
		t.Fatal(err)
	}
	if got := exchange(t, conn, []byte("whoami\n")); string(got) != fmt.Sprintf("127.0.0.1,%d\n", localOf(conn).Port()) {
		t.Errorf("after an Allocate that is not answered: %q", got)
	}
}
