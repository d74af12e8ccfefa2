package stunsrv

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	"golang.org/x/time/rate"

	"github.com/icescope/icescope/protocol"
)

const agentPwd = "0123456789abcdef0123456789"

func listenLoopback(t testing.TB) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// agent is a fake ICE agent: it checks what RFC 8445 section 7.3 has it check, and has answer reply to each.
func agent(t testing.TB, conn *net.UDPConn, answer func(request *stun.Message, from netip.AddrPort)) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			m := &stun.Message{Raw: append([]byte(nil), buf[:n]...)}
			if err := m.Decode(); err != nil {
				t.Errorf("the check is no STUN: %v", err)
				return
			}
			if m.Type != stun.BindingRequest { // our own request that came back
				continue
			}
			var user stun.Username
			if err := errors.Join(user.GetFrom(m), stun.NewShortTermIntegrity(agentPwd).Check(m), stun.Fingerprint.Check(m)); err != nil || user.String() != "theirs:ours" {
				t.Errorf("the check is not signed as it should: %q %v", user, err)
			}
			priority, err := m.Get(stun.AttrPriority)
			if err != nil || string(priority) != "\x6e\xff\xff\xff" || m.Contains(stun.AttrUseCandidate) || m.Contains(stun.AttrICEControlling) == m.Contains(stun.AttrICEControlled) {
				t.Errorf("attributes of the check: %v", m)
			}
			answer(m, from)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
}

func reply(t testing.TB, conn *net.UDPConn, to netip.AddrPort, setters ...stun.Setter) {
	m, err := stun.Build(setters...)
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = conn.WriteToUDPAddrPort(m.Raw, to)
}

func success(request *stun.Message, mapped netip.AddrPort, password string) []stun.Setter {
	return []stun.Setter{request, stun.BindingSuccess, &stun.XORMappedAddress{IP: mapped.Addr().AsSlice(), Port: int(mapped.Port())},
		stun.NewShortTermIntegrity(password), stun.Fingerprint}
}

func checkRequest(to netip.AddrPort) CheckRequest {
	return CheckRequest{To: to, RemoteUfrag: "theirs", RemotePwd: agentPwd, LocalUfrag: "ours"}
}

func TestCheck(t *testing.T) {
	integrity := stun.NewShortTermIntegrity(agentPwd)
	for name, c := range map[string]struct {
		answer func(t *testing.T, conn, other *net.UDPConn, request *stun.Message, from netip.AddrPort)
		want   string
		text   string
		sent   int
	}{
		"answered": {func(t *testing.T, conn, _ *net.UDPConn, request *stun.Message, from netip.AddrPort) {
			reply(t, conn, from, success(request, from, agentPwd)...)
		}, "answered", "", 1},
		"non-symmetric": {func(t *testing.T, _, other *net.UDPConn, request *stun.Message, from netip.AddrPort) {
			reply(t, other, from, success(request, from, agentPwd)...)
		}, "non-symmetric", "", 1},
		"role conflict": {func(t *testing.T, conn, _ *net.UDPConn, request *stun.Message, from netip.AddrPort) {
			reply(t, conn, from, request, stun.BindingError, stun.CodeRoleConflict, integrity, stun.Fingerprint)
		}, "answered", "487 Role Conflict", 1},
		"unauthorized, from another address": {func(t *testing.T, _, other *net.UDPConn, request *stun.Message, from netip.AddrPort) {
			reply(t, other, from, request, stun.BindingError, stun.CodeUnauthorized, stun.Fingerprint)
		}, "non-symmetric", "401 Unauthorized", 1},
		// A forged answer is as if it had never come; the true one after it counts.
		"forged, then true": {func(t *testing.T, conn, other *net.UDPConn, request *stun.Message, from netip.AddrPort) {
			reply(t, other, from, success(request, from, "another password 0123456789")...)
			reply(t, other, from, request, stun.BindingSuccess)
			reply(t, other, from, request, stun.BindingError, stun.CodeRoleConflict)
			reply(t, conn, from, success(request, from, agentPwd)...)
		}, "answered", "", 1},
		"silent": {func(*testing.T, *net.UDPConn, *net.UDPConn, *stun.Message, netip.AddrPort) {}, "unanswered", "", len(usualPauses)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := run(t, Config{AllowLoopbackChecks: true})
			conn, other := listenLoopback(t), listenLoopback(t)
			agent(t, conn, func(request *stun.Message, from netip.AddrPort) { c.answer(t, conn, other, request, from) })
			got, err := s.Check(t.Context(), checkRequest(localOfUDP(conn)))
			if err != nil || got.Result != c.want || got.Error != c.text || got.Sent < c.sent {
				t.Fatalf("%+v %v", got, err)
			}
			p := got.Protocol("host-1", "direct")
			if p.From != s.at("127.0.0.1", PrimaryPort).String() || p.To != conn.LocalAddr().String() || p.Trial != "host-1" || p.Purpose != "direct" {
				t.Errorf("%+v", p)
			}
			switch c.want {
			case "answered":
				if p.Answerer != p.To {
					t.Errorf("%+v", p)
				}
			case "non-symmetric":
				if p.Answerer != other.LocalAddr().String() {
					t.Errorf("%+v", p)
				}
			}
			if success := c.want != "unanswered" && c.text == ""; success && (p.Mapped != p.From || (p.RTTMs > 0) != (p.Sent == 1)) {
				t.Errorf("%+v", p)
			}
		})
	}
}

// TestCheckAgain: the first packet is lost, the second is answered, with the same transaction id (RFC 8489 section 6.2.1). The check comes from the port that
// was asked for, on a wildcard as well; and the agent's own check back gets silence.
func TestCheckAgain(t *testing.T) {
	tell, told := sightingsOf()
	s := run(t, Config{Primary: []string{":0"}, AllowLoopbackChecks: true, OnSighting: tell})
	conn := listenLoopback(t)
	var first *stun.Message
	agent(t, conn, func(request *stun.Message, from netip.AddrPort) {
		if first == nil {
			first = request
			reply(t, conn, from, stun.TransactionID, stun.BindingRequest, stun.NewUsername("ours:theirs"), stun.NewShortTermIntegrity("x"), stun.Fingerprint)
			return
		}
		if request.TransactionID != first.TransactionID {
			t.Error("another transaction id")
		}
		reply(t, conn, from, success(request, from, agentPwd)...)
	})
	request := checkRequest(localOfUDP(conn))
	request.FromPort, request.Controlling = AlternatePort, true
	got, err := s.Check(t.Context(), request)
	if err != nil || got.Result != "answered" || got.From != s.at("127.0.0.1", AlternatePort) || got.Sent < 2 || got.RTT != 0 || got.Mapped != got.From || got.Arrived != got.From {
		t.Errorf("%+v %v", got, err)
	}
	want := protocol.Sighting{Source: conn.LocalAddr().String(), Local: got.From.String(), Transport: "udp", Kind: "check", Requests: 1, Username: "ours:theirs"}
	seen := next(t, told)
	seen.SourceTTL = 0 // not known everywhere; TestSourceTTL
	if seen != want {
		t.Errorf("%+v", seen)
	}
}

func TestCheckRefused(t *testing.T) {
	s := run(t, Config{Primary: []string{"127.0.0.1:0"}})
	good := netip.MustParseAddrPort("192.0.2.99:5000")
	with := func(f func(*CheckRequest)) CheckRequest {
		r := checkRequest(good)
		f(&r)
		return r
	}
	to := func(text string) CheckRequest {
		return with(func(r *CheckRequest) { r.To = netip.MustParseAddrPort(text) })
	}
	for name, c := range map[string]struct {
		request CheckRequest
		want    error
	}{
		"none":            {CheckRequest{}, ErrCredentials},
		"no address":      {with(func(r *CheckRequest) { r.To = netip.AddrPort{} }), ErrTarget},
		"loopback":        {to("127.0.0.1:5000"), ErrTarget},
		"mapped loopback": {to("[::ffff:127.0.0.1]:5000"), ErrTarget},
		"loopback 6":      {to("[::1]:5000"), ErrTarget},
		"unspecified":     {to("0.0.0.0:5000"), ErrTarget},
		"multicast":       {to("224.0.0.251:5353"), ErrTarget},
		"multicast 6":     {to("[ff02::fb]:5353"), ErrTarget},
		"broadcast":       {to("255.255.255.255:5000"), ErrTarget},
		"subnet":          {to("127.255.255.255:5000"), ErrTarget},
		"low port":        {to("192.0.2.99:53"), ErrTarget},
		"ufrag":           {with(func(r *CheckRequest) { r.RemoteUfrag = "abc" }), ErrCredentials},
		"pwd":             {with(func(r *CheckRequest) { r.RemotePwd = "short" }), ErrCredentials},
		"IPv6": {with(func(r *CheckRequest) {
			r.To, r.From = netip.MustParseAddrPort("[2001:db8::1]:5000"), netip.MustParseAddr("::1")
		}), ErrNoSocket},
	} {
		if got, err := s.Check(t.Context(), c.request); !errors.Is(err, c.want) || got.Sent != 0 {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	idle, err := Listen(Config{Primary: []string{"127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	idle.Close()
	loopback := to("127.0.0.1:5000")
	idle.config.AllowLoopbackChecks = true
	if _, err := idle.Check(t.Context(), loopback); !errors.Is(err, ErrNotServing) {
		t.Error(err)
	}
}

// TestCheckStopped: a wait that was cut short is no proof of silence.
func TestCheckStopped(t *testing.T) {
	s := run(t, Config{AllowLoopbackChecks: true})
	conn := listenLoopback(t)
	ctx, cancel := context.WithCancel(t.Context())
	agent(t, conn, func(*stun.Message, netip.AddrPort) { cancel() })
	got, err := s.Check(ctx, checkRequest(localOfUDP(conn)))
	if !errors.Is(err, context.Canceled) || got.Result != "error" || got.Sent == 0 {
		t.Errorf("%+v %v", got, err)
	}
}

// TestCheckPace: what does not fit into the rate before its deadline is refused, not sent late.
func TestCheckPace(t *testing.T) {
	s := run(t, Config{AllowLoopbackChecks: true})
	if !s.checks.pace.AllowN(time.Now(), checkBurst) {
		t.Fatal("the burst is smaller")
	}
	<-s.serving
	s.checks.pace.SetLimit(rate.Every(time.Hour)) // so that nothing comes back while this test runs
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got, err := s.Check(ctx, checkRequest(netip.MustParseAddrPort("127.0.0.1:5000"))); !errors.Is(err, ErrCheckRate) || got.Sent != 0 {
		t.Errorf("%+v %v", got, err)
	}
}

func localOfUDP(conn *net.UDPConn) netip.AddrPort {
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// TestCheckPauses: as many packets as pauses, one call when the last is out and none before, and the wait ends with the last pause.
func TestCheckPauses(t *testing.T) {
	s := run(t, Config{AllowLoopbackChecks: true})
	conn := listenLoopback(t)
	sent := 0
	agent(t, conn, func(*stun.Message, netip.AddrPort) {})
	request := checkRequest(localOfUDP(conn))
	request.Pauses = []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond, time.Millisecond, 2 * time.Millisecond}
	request.AllSent = func() { sent++ }
	if got, err := s.Check(t.Context(), request); err != nil || got.Result != "unanswered" || got.Sent != MaxCheckPackets || sent != 1 {
		t.Errorf("%+v %v, told %d times", got, err, sent)
	}
	request.Pauses = append(request.Pauses, time.Millisecond)
	if got, err := s.Check(t.Context(), request); !errors.Is(err, ErrPauses) || got.Sent != 0 || sent != 1 {
		t.Errorf("%+v %v, told %d times", got, err, sent)
	}
}

// TestCheckEnough: an answer that comes after the last packet counts until Enough, and silence until then is silence.
func TestCheckEnough(t *testing.T) {
	for _, answers := range []bool{true, false} {
		s := run(t, Config{AllowLoopbackChecks: true})
		conn := listenLoopback(t)
		type ask struct {
			request *stun.Message
			from    netip.AddrPort
		}
		asked, allSent, enough := make(chan ask, MaxCheckPackets), make(chan struct{}), make(chan struct{})
		agent(t, conn, func(request *stun.Message, from netip.AddrPort) { asked <- ask{request, from} })
		request := checkRequest(localOfUDP(conn))
		request.Pauses = []time.Duration{time.Millisecond, time.Hour}
		request.AllSent, request.Enough = func() { close(allSent) }, enough
		type outcome struct {
			result CheckResult
			err    error
		}
		done := make(chan outcome, 1)
		go func() { result, err := s.Check(t.Context(), request); done <- outcome{result, err} }()
		next(t, allSent)
		first := next(t, asked)
		want := "unanswered"
		if answers {
			want = "answered"
			reply(t, conn, first.from, success(first.request, first.from, agentPwd)...)
		} else {
			close(enough)
		}
		if got := next(t, done); got.err != nil || got.result.Result != want || got.result.Sent != 2 {
			t.Errorf("%s: %+v %v", want, got.result, got.err)
		}
	}
}

// TestCheckEnoughEarly: what was never sent was not unanswered.
func TestCheckEnoughEarly(t *testing.T) {
	s := run(t, Config{AllowLoopbackChecks: true})
	conn := listenLoopback(t)
	agent(t, conn, func(*stun.Message, netip.AddrPort) {})
	enough := make(chan struct{})
	close(enough)
	for range 20 { // the first packet is due at once, too
		request := checkRequest(localOfUDP(conn))
		request.Enough = enough
		got, err := s.Check(t.Context(), request)
		if err != nil || got.Result != "error" || got.Sent != 0 {
			t.Errorf("%+v %v", got, err)
		}
	}
}

// TestCheckCorners: a check leaves from each corner, and is answered there; an answer that comes to another corner is non-symmetric.
func TestCheckCorners(t *testing.T) {
	second := netip.MustParseAddr("127.0.0.2")
	for name, listen := range map[string]string{"bound": "127.0.0.1:0", "wildcard": ":0"} {
		s := run(t, Config{Primary: []string{listen}, Alternate: []netip.Addr{second}, AllowLoopbackChecks: true})
		for _, ip := range []string{"127.0.0.1", "127.0.0.2"} {
			for _, port := range []Port{PrimaryPort, AlternatePort} {
				at := s.at(ip, port)
				for want, to := range map[string]netip.AddrPort{"answered": at, "non-symmetric": s.CornersFrom(at).SS} {
					conn := listenLoopback(t)
					agent(t, conn, func(request *stun.Message, from netip.AddrPort) {
						if from != at {
							t.Errorf("%s: the check came from %s, want %s", name, from, at)
						}
						reply(t, conn, to, success(request, from, agentPwd)...)
					})
					request := checkRequest(localOfUDP(conn))
					request.From, request.FromPort = netip.MustParseAddr(ip), port
					got, err := s.Check(t.Context(), request)
					if err != nil || got.Result != want || got.From != at || got.Arrived != to || got.Answerer != localOfUDP(conn) || got.Mapped != at {
						t.Errorf("%s, %s: %+v %v", name, at, got, err)
					}
				}
			}
		}
	}
}
