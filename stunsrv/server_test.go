package stunsrv

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/stun/v3"
)

func bindingRequest(t testing.TB, more ...stun.Setter) *stun.Message {
	t.Helper()
	m, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func decode(t testing.TB, raw []byte) *stun.Message {
	t.Helper()
	m := &stun.Message{Raw: append([]byte(nil), raw...)}
	if err := m.Decode(); err != nil {
		t.Fatalf("%v in %x", err, raw)
	}
	return m
}

// mapped checks a success response to request, and returns its XOR-MAPPED-ADDRESS and RESPONSE-ORIGIN.
func mapped(t testing.TB, raw []byte, request *stun.Message) (source, origin netip.AddrPort) {
	t.Helper()
	m := decode(t, raw)
	if m.Type != stun.BindingSuccess || m.TransactionID != request.TransactionID {
		t.Fatalf("not a success response to the request: %v", m)
	}
	var x stun.XORMappedAddress
	var o stun.ResponseOrigin
	var p stun.MappedAddress
	if err := m.Parse(&x, &o, &p); err != nil {
		t.Fatal(err)
	}
	if !p.IP.Equal(x.IP) || p.Port != x.Port {
		t.Fatalf("MAPPED-ADDRESS %v differs from XOR-MAPPED-ADDRESS %v", p, x)
	}
	return netip.MustParseAddrPort(x.String()), netip.MustParseAddrPort(o.String())
}

// TestCorners asks every address that a wildcard stands for, both ports, both transports: the answer must leave from the address that was asked, which a
// connected socket proves, and tell both addresses truly.
func TestCorners(t *testing.T) {
	tell, told := sightingsOf()
	s := run(t, Config{Primary: []string{":0"}, Software: "icescope", OnSighting: tell})
	var v6 bool
	for _, at := range s.Addrs() {
		if at.Addr().IsLinkLocalUnicast() {
			continue // TestLinkLocal
		}
		v6 = v6 || at.Addr().Is6()
		for _, conn := range []net.Conn{dialUDP(t, at), dialTCP(t, at)} {
			request := bindingRequest(t, stun.NewSoftware("test"))
			source, origin := mapped(t, exchange(t, conn, request.Raw), request)
			if source != localOf(conn) || origin != at {
				t.Errorf("%s: source %v, origin %v", at, source, origin)
			}
			got := next(t, told)
			if got.Source != localOf(conn).String() || got.Local != at.String() || got.Transport != conn.LocalAddr().Network() ||
				got.Kind != "binding" || !got.Answered || got.UserAgent != "test" || got.Requests != 1 {
				t.Errorf("sighting %+v", got)
			}
		}
	}
	if !v6 {
		t.Log("this machine has no IPv6: not tried")
	}
	if len(s.Addrs()) < 2 || s.Port(PrimaryPort) == s.Port(AlternatePort) {
		t.Errorf("addresses %v", s.Addrs())
	}
}

// TestLinkLocal: an answer to fe80:: must name the interface, and a sighting must not.
func TestLinkLocal(t *testing.T) {
	tell, told := sightingsOf()
	s := run(t, Config{Primary: []string{":0"}, OnSighting: tell})
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, at := range s.Addrs() {
		for _, i := range interfaces {
			if !at.Addr().Is6() || !at.Addr().IsLinkLocalUnicast() || at.Port() != s.Port(PrimaryPort) || !has(i, at.Addr()) {
				continue
			}
			asked++
			conn := dialUDP(t, netip.AddrPortFrom(at.Addr().WithZone(i.Name), at.Port()))
			request := bindingRequest(t)
			if _, origin := mapped(t, exchange(t, conn, request.Raw), request); origin != at {
				t.Errorf("origin %s, want %s", origin, at)
			}
			if got := next(t, told); got.Local != at.String() || strings.Contains(got.Source, "%") {
				t.Errorf("%+v", got)
			}
		}
	}
	if asked == 0 {
		t.Skip("no interface has a link-local IPv6 address")
	}
}

func has(i net.Interface, want netip.Addr) bool {
	addrs, _ := i.Addrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(want.AsSlice()) {
			return true
		}
	}
	return false
}

func TestAddrsOrder(t *testing.T) {
	s := run(t, Config{Primary: []string{":0"}})
	loopback := false
	for _, a := range s.Addrs() {
		if loopback && !a.Addr().IsLoopback() {
			t.Errorf("%s after loopback in %v", a, s.Addrs())
		}
		loopback = a.Addr().IsLoopback()
	}
	if !loopback {
		t.Errorf("no loopback at the end of %v", s.Addrs())
	}
	for _, p := range s.Prefixes() {
		if p != p.Masked() || p.Addr().IsLoopback() {
			t.Errorf("prefix %s", p)
		}
	}
}

func TestListenErrors(t *testing.T) {
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.LocalAddr().(*net.UDPAddr).Port
	for name, c := range map[string]struct {
		config Config
		says   []string
	}{
		"none":           {Config{}, []string{"--stun"}},
		"name":           {Config{Primary: []string{"localhost:3478"}}, []string{"localhost", "--stun :3478"}},
		"no port":        {Config{Primary: []string{"127.0.0.1"}}, []string{"--stun"}},
		"port":           {Config{Primary: []string{":stun"}}, []string{`"stun"`, "--stun"}},
		"two ports":      {Config{Primary: []string{"127.0.0.1:1", "127.0.0.2:2"}}, []string{"share one"}},
		"same":           {Config{Primary: []string{"127.0.0.1:3478"}, AlternatePort: 3478}, []string{"both STUN ports"}},
		"taken":          {Config{Primary: []string{taken.LocalAddr().String()}}, []string{"UDP " + taken.LocalAddr().String(), "in use", "--stun"}},
		"alternate":      {Config{Primary: []string{"127.0.0.1:0"}, AlternatePort: port}, []string{"second STUN port", taken.LocalAddr().String(), "--stun"}},
		"not ours":       {Config{Primary: []string{"203.0.113.7:0"}}, []string{"no interface", "--stun"}},
		"software":       {Config{Primary: []string{":0"}, Software: strings.Repeat("x", maxSoftware+1)}, []string{"software"}},
		"alternate port": {Config{Primary: []string{":0"}, AlternatePort: 70000}, []string{"70000"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Listen(c.config)
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			for _, say := range c.says {
				if !strings.Contains(err.Error(), say) {
					t.Errorf("%q does not say %q", err, say)
				}
			}
		})
	}
}

// TestServeEnds: Serve returns when its context ends, with connections open, and nobody answers afterwards.
func TestServeEnds(t *testing.T) {
	s, err := Listen(Config{Primary: []string{"127.0.0.1:0"}, AlternatePort: NoAlternate})
	if err != nil {
		t.Fatal(err)
	}
	if s.Port(AlternatePort) != 0 {
		t.Error("there is an alternate port")
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	conn := dialTCP(t, s.Addrs()[0])
	request := bindingRequest(t)
	mapped(t, exchange(t, conn, request.Raw), request)
	cancel()
	if err := next(t, done); err != nil {
		t.Error(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	if _, err := net.Dial("tcp", s.Addrs()[0].String()); err == nil {
		t.Error("the port is still open")
	}
}
