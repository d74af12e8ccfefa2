package stunsrv

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	"golang.org/x/time/rate"
)

// knowing is a relayServer on a machine with these addresses.
func knowing(config TURNConfig, machine ...string) *relayServer {
	t := newRelayServer(config, nil)
	var prefixes []netip.Prefix
	for _, text := range machine {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	list := readOwn(prefixes)
	list.read = time.Now().Add(time.Hour) // does not grow old
	t.own.list.Store(list)
	return t
}

func TestTURNPeers(t *testing.T) {
	s := knowing(TURNConfig{Relay: netip.MustParseAddr("203.0.113.9")}, "127.0.0.1/8", "::1/128", "10.1.2.3/24", "10.9.9.9/32", "2001:db8::3/64", "fe80::3/64")
	live := netip.MustParseAddrPort("10.1.2.3:50000")
	outside := netip.MustParseAddrPort("203.0.113.9:50001")
	loopback := netip.MustParseAddrPort("127.0.0.1:50002")
	s.relays.public[live] = &turnRelay{local: live}
	s.relays.public[outside] = &turnRelay{local: netip.MustParseAddrPort("10.1.2.3:50001")}
	s.relays.public[loopback] = &turnRelay{local: loopback}
	for to, want := range map[string]string{ // "" : nowhere
		"10.1.2.99:5000":          "10.1.2.99:5000",
		"192.0.2.1:1024":          "192.0.2.1:1024",
		"[2001:db8::99]:5000":     "[2001:db8::99]:5000",
		"[::ffff:192.0.2.1]:5000": "192.0.2.1:5000",
		"10.1.2.3:50000":          "10.1.2.3:50000", // a relay of this machine
		"203.0.113.9:50001":       "10.1.2.3:50001", // one behind the NAT, by the short way
		"10.1.2.3:8080":           "",               // the page
		"10.1.2.3:22":             "",
		"10.9.9.9:50000":          "",
		"203.0.113.9:22":          "", // this machine, or another that the NAT forwards to
		"[2001:db8::3]:8080":      "",
		"127.0.0.1:8080":          "",
		"127.0.0.1:50002":         "",
		"127.8.8.8:8080":          "",
		"[::1]:8080":              "",
		"[::ffff:127.0.0.1]:8080": "",
		"0.0.0.0:8080":            "",
		"0.1.2.3:8080":            "",
		"[::]:8080":               "",
		"169.254.169.254:80":      "", // where clouds keep secrets
		"[fe80::99]:5000":         "",
		"224.0.0.251:5353":        "",
		"[ff02::fb]:5353":         "",
		"255.255.255.255:9":       "",
		"10.1.2.255:9":            "", // the segment's broadcast
		"10.1.2.99:0":             "",
	} {
		peer := netip.MustParseAddrPort(to)
		got, ok := s.goesTo(unmapped(peer), netip.MustParseAddr("10.1.2.3"))
		if text := got.String(); ok && text != want || !ok && want != "" {
			t.Errorf("%s goes to %s, %v; want %q", to, text, ok, want)
		}
	}
	over := netip.MustParseAddr("127.0.0.1")
	if _, ok := s.goesTo(loopback, over); !ok {
		t.Error("a client on this machine does not reach another's relay")
	}
	if _, ok := s.goesTo(netip.MustParseAddrPort("127.0.0.1:8080"), over); ok {
		t.Error("a client on this machine reaches the page through its relay")
	}
	s.relays.local[netip.MustParseAddrPort("10.1.2.3:50001")] = &turnRelay{public: outside}
	for from, want := range map[string]string{"10.1.2.3:50001": outside.String(), "10.1.2.3:3478": "", "192.0.2.1:9": "192.0.2.1:9", "127.0.0.1:53": "", "169.254.1.1:9": ""} {
		if got, ok := s.comesFrom(netip.MustParseAddrPort(from), netip.MustParseAddr("10.1.2.3")); ok && got.String() != want || !ok && want != "" {
			t.Errorf("from %s: %s, %v; want %q", from, got, ok, want)
		}
	}
}

func TestTURNRelayAddr(t *testing.T) {
	machine := []string{"127.0.0.1/8", "10.1.2.3/24", "10.9.9.9/24", "2001:db8::3/64", "fe80::3/64"}
	for _, c := range []struct{ told, local, family, bind, public string }{
		{"", "10.9.9.9", "4", "10.9.9.9", "10.9.9.9"},
		{"", "10.9.9.9", "6", "2001:db8::3", "2001:db8::3"},
		{"", "2001:db8::3", "4", "10.1.2.3", "10.1.2.3"},
		{"", "127.0.0.1", "4", "127.0.0.1", "127.0.0.1"},
		{"", "127.0.0.1", "6", "", ""},
		{"", "fe80::3", "6", "", ""},
		{"203.0.113.9", "10.9.9.9", "4", "10.9.9.9", "203.0.113.9"}, // a NAT in front
		{"203.0.113.9", "127.0.0.1", "4", "127.0.0.1", "127.0.0.1"},
		{"203.0.113.9", "2001:db8::3", "6", "2001:db8::3", "2001:db8::3"},
		{"10.1.2.3", "10.9.9.9", "4", "10.1.2.3", "10.1.2.3"}, // another interface
	} {
		config := TURNConfig{}
		if c.told != "" {
			config.Relay = netip.MustParseAddr(c.told)
		}
		bind, public := knowing(config, machine...).relayAddr(netip.MustParseAddr(c.local), c.family == "4")
		if got := [2]string{orNone(bind), orNone(public)}; got != [2]string{c.bind, c.public} {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func orNone(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// A relay is no way to this machine's own ports: a channel there is refused with 403, and what is sent there without one goes nowhere.
func TestTURNDeniesOwnPorts(t *testing.T) {
	s := run(t, Config{TURN: &TURNConfig{}})
	service, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	at := service.LocalAddr().(*net.UDPAddr).AddrPort()
	c := newRawTURN(t, s, "udp", "room")
	c.allocate()
	channel := attribute(stun.AttrChannelNumber, "\x40\x01\x00\x00")
	if code, m := c.ask(stun.MethodChannelBind, channel, peerAttribute(at)); code != stun.CodeForbidden {
		t.Errorf("channel: %d\n%s", code, m)
	}
	for _, ip := range []string{"169.254.169.254", "224.0.0.251", "0.0.0.0"} {
		peer := peerAttribute(netip.AddrPortFrom(netip.MustParseAddr(ip), 80))
		if code, _ := c.ask(stun.MethodCreatePermission, peer); code != stun.CodeForbidden {
			t.Errorf("permission for %s: %d", ip, code)
		}
		if code, _ := c.ask(stun.MethodCreatePermission, peerAttribute(at), peer); code != stun.CodeForbidden {
			t.Errorf("permission for %s among others: %d", ip, code)
		}
	}
	if code, _ := c.ask(stun.MethodCreatePermission, peerAttribute(at)); code != 0 { // it is for an IP, and another relay may be there
		t.Errorf("permission: %d", code)
	}
	indication := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication), peerAttribute(at), attribute(stun.AttrData, "knock"))
	if _, err := c.conn.Write(indication.Raw); err != nil {
		t.Fatal(err)
	}
	within(t, func() bool { return s.TURNStats().DroppedPeer == 1 })
	if got := s.TURNStats(); got.BytesToPeers != 0 || got.RefusedPeer != 7 {
		t.Errorf("%+v", got)
	}
}

// What comes to a relay from a port of this machine that is no relay does not go to the client, whatever permission it has.
func TestTURNHearsNoOwnPorts(t *testing.T) {
	s := run(t, Config{TURN: &TURNConfig{}})
	c := newRawTURN(t, s, "udp", "room")
	relay := c.allocate()
	if code, _ := c.ask(stun.MethodCreatePermission, peerAttribute(netip.MustParseAddrPort("127.0.0.1:9"))); code != 0 {
		t.Fatalf("permission: %d", code)
	}
	if _, err := dialUDP(t, relay).Write([]byte("knock")); err != nil {
		t.Fatal(err)
	}
	within(t, func() bool { return s.TURNStats().DroppedPeer == 1 })
}

// The bandwidth of an allocation ends, and is had again; the bucket is for a burst of 16 MiB, so that this test takes one off by hand.
func TestTURNBandwidth(t *testing.T) {
	s := run(t, Config{TURN: &TURNConfig{}})
	a, b := newRawTURN(t, s, "udp", "room"), newRawTURN(t, s, "udp", "room")
	a.allocate()
	to := b.allocate()
	if code, _ := a.ask(stun.MethodChannelBind, attribute(stun.AttrChannelNumber, "\x40\x01\x00\x00"), peerAttribute(to)); code != 0 {
		t.Fatalf("channel: %d", code)
	}
	s.turn.relays.mu.RLock()
	for _, one := range s.turn.relays.local {
		one.out.SetLimit(rate.Every(time.Hour))
		one.out.AllowN(time.Now(), relayBurst)
	}
	s.turn.relays.mu.RUnlock()
	if _, err := a.conn.Write([]byte("\x40\x01\x00\x05" + strings.Repeat("x", 5))); err != nil {
		t.Fatal(err)
	}
	within(t, func() bool { return s.TURNStats().DroppedRate == 1 })
	if got := s.TURNStats().BytesToPeers; got != 0 {
		t.Errorf("%d bytes", got)
	}
}

// TestTURNOwnUnknown: where the addresses of this machine cannot be read, those that were known stay its own, and before any is known nobody is talked to.
func TestTURNOwnUnknown(t *testing.T) {
	local, own, other := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddrPort("10.1.2.3:8080"), netip.MustParseAddrPort("192.0.2.5:5000")
	var machine []netip.Prefix
	s := newRelayServer(TURNConfig{}, nil)
	s.own.machine = func() []netip.Prefix { return machine }
	grow := func() { // old
		list := *s.own.now()
		list.read = time.Time{}
		s.own.list.Store(&list)
	}
	if s.mayReach(other, local) {
		t.Error("a peer that may be this machine")
	}
	machine = []netip.Prefix{netip.MustParsePrefix("10.1.2.3/24")}
	grow()
	if !s.mayReach(other, local) || s.mayReach(own, local) {
		t.Error("known")
	}
	machine = nil
	grow()
	if !s.mayReach(other, local) || s.mayReach(own, local) {
		t.Error("known no more")
	}
}
