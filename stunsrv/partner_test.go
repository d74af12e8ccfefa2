package stunsrv

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"github.com/icescope/icescope/protocol"
)

const partnerKey = "0123456789abcdef"

var (
	ip1 = netip.MustParseAddr("127.0.0.1")
	ip2 = netip.MustParseAddr("127.0.0.2")
)

// What the log says of partners.
const (
	saysLent = "second STUN address lent by partner"
	saysLost = "partner lost"
)

// logTo is a log whose lines from info on are events.
type logTo chan string

func (l logTo) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l logTo) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l logTo) WithGroup(string) slog.Handler                    { return l }
func (l logTo) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	l <- line
	return nil
}

// await reads lines until one has text.
func (l logTo) await(t testing.TB, text string) string {
	t.Helper()
	for {
		if line := next(t, l); strings.Contains(line, text) {
			return line
		}
	}
}

// machine is a server that a test can stop.
type machine struct {
	*Server
	log  logTo
	seen chan protocol.Sighting
	stop func()
}

// freePorts are two for several addresses. They are not among those that the kernel gives to clients, or a port that is free at one address would often be taken at another.
func freePorts(t testing.TB) [2]uint16 {
	t.Helper()
	for {
		first := uint16(20000 + rand.IntN(12000))
		free := true
		for _, host := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.4", "127.0.0.5"} {
			for _, port := range []uint16{first, first + 1} {
				l, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", host, port))
				if err == nil {
					l.Close()
				}
				free = free && err == nil
			}
		}
		if free {
			return [2]uint16{first, first + 1}
		}
	}
}

// start serves at ip. Port 0 takes free ones.
func start(t testing.TB, ip netip.Addr, ports [2]uint16, config Config) *machine {
	t.Helper()
	m := &machine{log: make(logTo, 100)}
	if ports == [2]uint16{} {
		ports = freePorts(t)
	}
	config.OnSighting, m.seen = sightingsOf()
	config.Primary, config.AlternatePort = []string{netip.AddrPortFrom(ip, ports[0]).String()}, int(ports[1])
	config.AllowLoopbackChecks, config.Log = true, slog.New(m.log)
	if config.PartnerKey == "" {
		config.PartnerKey = partnerKey
	}
	var err error
	if m.Server, err = Listen(config); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Serve(ctx) }()
	m.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(m.stop)
	return m
}

// startPartners starts b at 127.0.0.2, and then a at 127.0.0.1, which names b. They are partners when it returns.
func startPartners(t testing.TB) (a, b *machine) {
	t.Helper()
	b = start(t, ip2, [2]uint16{}, Config{})
	a = start(t, ip1, b.ports, Config{Partners: []string{ip2.String()}})
	a.log.await(t, saysLent)
	b.log.await(t, saysLent)
	return a, b
}

// stranger is a client that is neither of the two machines.
func stranger(t testing.TB) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 3)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func askUDP(t testing.TB, conn *net.UDPConn, at netip.AddrPort, request []byte) ([]byte, netip.AddrPort) {
	t.Helper()
	if _, err := conn.WriteToUDPAddrPort(request, at); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	n, from, err := conn.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n], unmapped(from)
}

// TestPartnerTable1: RFC 5780's table 1 across two machines, whichever is asked.
func TestPartnerTable1(t *testing.T) {
	a, _ := startPartners(t)
	conn := stranger(t)
	client := localOfUDP(conn)
	for asked, ips := range map[netip.Addr][2]netip.Addr{ip1: {ip1, ip2}, ip2: {ip2, ip1}} {
		place := func(c corner) netip.AddrPort { return netip.AddrPortFrom(ips[c>>1], a.ports[c&ps]) }
		for here := range sp { // the corners of the machine that is asked
			for name, d := range dialects {
				for _, row := range table1 {
					want := here
					if row.ip {
						want ^= sp
					}
					if row.port {
						want ^= ps
					}
					request := d.ask(t, row.flags)
					answer, from := askUDP(t, conn, place(here), request)
					source, origin, other := d.read(t, request, answer)
					if from != place(want) || origin != from || other != place(here^ss) || source != client {
						t.Errorf("%s at %s, flags %d: from %s, which it calls %s, other %s, mapped %s", name, place(here), row.flags, from, origin, other, source)
					}
				}
			}
			for c, word := range []string{"PP", "PS", "SP", "SS"} {
				if answer, from := askUDP(t, conn, place(here), []byte("whoami "+word)); from != place(corner(c)) || string(answer) != fmt.Sprintf("%s,%d\n", client.Addr(), client.Port()) {
					t.Errorf("whoami %s at %s: %q from %s", word, place(here), answer, from)
				}
			}
			want := Corners{place(here), place(here ^ ps), place(here ^ sp), place(here ^ ss)}
			if got := a.CornersFrom(place(here)); got != want {
				t.Errorf("asked %s: corners %v, want %v", asked, got, want)
			}
		}
	}
	want := protocol.CornerSet{Primary: "127.0.0.1", Secondary: "127.0.0.2", PrimaryPort: int(a.ports[0]), SecondaryPort: int(a.ports[1])}
	if got := a.Corners(); len(got) != 1 || got[0] != want {
		t.Errorf("%+v", got)
	}
	for _, at := range a.Addrs() {
		if at.Addr() == ip2 {
			t.Errorf("%s is not this machine's", at)
		}
	}
}

// hasOther asks for an address, and tells whether the answer has OTHER-ADDRESS.
func hasOther(t testing.TB, conn *net.UDPConn, at netip.AddrPort) bool {
	t.Helper()
	answer, _ := askUDP(t, conn, at, bindingRequest(t).Raw)
	return decode(t, answer).Contains(stun.AttrOtherAddress)
}

// TestPartnerComesAndGoes: with the partner there are four corners, without it one IP, and it may come back.
func TestPartnerComesAndGoes(t *testing.T) {
	b := start(t, ip2, [2]uint16{}, Config{})
	conn := stranger(t)
	b.stop()
	a := start(t, ip1, b.ports, Config{Partners: []string{ip2.String()}})
	a.log.await(t, "no partner")
	at := a.at("127.0.0.1", PrimaryPort)
	alone := func() {
		t.Helper()
		if hasOther(t, conn, at) {
			t.Error("OTHER-ADDRESS without a partner")
		}
		answer, _ := askUDP(t, conn, at, bindingRequest(t, changeRequest(4)).Raw)
		if code := errorCode(t, answer); code != stun.CodeUnknownAttribute {
			t.Errorf("CHANGE-REQUEST without a partner: %d", code)
		}
		if c := a.CornersFrom(at); c.SP.IsValid() || c.SS.IsValid() || !c.PS.IsValid() {
			t.Errorf("%+v", c)
		}
	}
	alone()
	for range 2 {
		b = start(t, ip2, b.ports, Config{})
		a.log.await(t, saysLent)
		if !hasOther(t, conn, at) {
			t.Error("no OTHER-ADDRESS with a partner")
		}
		b.stop()
		a.log.await(t, saysLost)
		alone()
	}
}

func errorCode(t testing.TB, answer []byte) stun.ErrorCode {
	t.Helper()
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(decode(t, answer)); err != nil {
		t.Fatal(err)
	}
	return code.Code
}

// TestPartnerEach: both name the other. They are partners over one connection, whoever was faster.
func TestPartnerEach(t *testing.T) {
	b := start(t, ip2, [2]uint16{}, Config{})
	ports := b.ports
	b.stop()
	a := start(t, ip1, ports, Config{Partners: []string{ip2.String()}})
	b = start(t, ip2, ports, Config{Partners: []string{ip1.String()}})
	a.log.await(t, saysLent)
	b.log.await(t, saysLent)
	b.stop()
	for { // not twice at the same time
		line := next(t, a.log)
		if strings.Contains(line, saysLost) {
			break
		}
		if strings.Contains(line, saysLent) {
			t.Error("lent twice")
		}
	}
}

// TestPartnerReplaces: which of two connections of the same two stays is the same answer at both ends.
func TestPartnerReplaces(t *testing.T) {
	end := func(me, peer string, dialer bool) *link {
		return &link{s: &Server{partners: partners{instance: me}}, remote: ip2, dialer: dialer, peer: partnerHello{Instance: peer}}
	}
	for _, dialerOfOld := range []string{"a", "b"} {
		oldAtA, oldAtB := end("a", "b", dialerOfOld == "a"), end("b", "a", dialerOfOld == "b")
		newAtA, newAtB := end("a", "b", dialerOfOld != "a"), end("b", "a", dialerOfOld != "b")
		if atA, atB := newAtA.replaces(oldAtA), newAtB.replaces(oldAtB); atA != atB || atA != (dialerOfOld == "b") {
			t.Errorf("old by %s: %v at a, %v at b", dialerOfOld, atA, atB)
		}
	}
	if old := end("a", "b", true); !end("a", "b", true).replaces(old) || !end("a", "c", true).replaces(old) {
		t.Error("who calls again has lost the old connection")
	}
	other := end("a", "c", false)
	other.remote = ip1
	if other.replaces(end("a", "b", true)) {
		t.Error("a third took the place")
	}
}

// TestPartnerRefused: each side says what is wrong, once.
func TestPartnerRefused(t *testing.T) {
	for name, c := range map[string]struct {
		a           func(b *machine) ([2]uint16, Config)
		atA, atB    string
		ofAnAcepter bool
	}{
		"wrong key": {func(b *machine) ([2]uint16, Config) {
			return b.ports, Config{Partners: []string{ip2.String()}, PartnerKey: "another key of some length"}
		}, "different keys", "different keys", true},
		"other ports": {func(b *machine) ([2]uint16, Config) {
			return [2]uint16{}, Config{Partners: []string{netip.AddrPortFrom(ip2, b.ports[0]).String()}}
		}, "the same --stun and --stun-alt-port", "the same --stun and --stun-alt-port", true},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, ip2, [2]uint16{}, Config{})
			ports, config := c.a(b)
			a := start(t, ip1, ports, config)
			if line := a.log.await(t, "no partner"); !strings.Contains(line, c.atA) {
				t.Error(line)
			}
			if line := b.log.await(t, "no partner"); !strings.Contains(line, c.atB) {
				t.Error(line)
			}
			if hasOther(t, stranger(t), a.at("127.0.0.1", PrimaryPort)) {
				t.Error("OTHER-ADDRESS all the same")
			}
			a.troubled(a.partners.places[0], errPartnerKey) // the next attempt's
			if name == "wrong key" && len(a.log) > 0 {
				t.Errorf("logged twice: %s", <-a.log)
			}
		})
	}
	t.Run("itself", func(t *testing.T) {
		b := start(t, ip2, [2]uint16{}, Config{})
		b.stop()
		a := start(t, ip2, b.ports, Config{Partners: []string{ip2.String()}})
		if line := a.log.await(t, "no partner"); !strings.Contains(line, "itself") {
			t.Error(line)
		}
	})
	t.Run("no key there", func(t *testing.T) {
		ports := freePorts(t)
		b := run(t, Config{Primary: []string{fmt.Sprintf("127.0.0.2:%d", ports[0])}, AlternatePort: int(ports[1])})
		a := start(t, ip1, b.ports, Config{Partners: []string{ip2.String()}})
		if line := a.log.await(t, "no partner"); !strings.Contains(line, "--stun-partner-key") {
			t.Error(line)
		}
	})
	t.Run("another partner", func(t *testing.T) {
		a, b := startPartners(t)
		c := start(t, netip.MustParseAddr("127.0.0.4"), a.ports, Config{Partners: []string{ip1.String()}})
		if line := c.log.await(t, "no partner"); !strings.Contains(line, "another --stun-partner") {
			t.Error(line)
		}
		d := start(t, netip.MustParseAddr("127.0.0.5"), b.ports, Config{Partners: []string{ip2.String()}})
		if _, err := d.callOnce(t.Context(), d.partners.places[0]); !errors.Is(err, errPartnerBusy) {
			t.Error(err)
		}
		d.log.await(t, "one has one")
	})
}

// TestPartnerLocal: a server that is bound to some addresses calls from one that reaches the partner.
func TestPartnerLocal(t *testing.T) {
	s, err := Listen(Config{Primary: []string{"127.0.0.7:0", "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for partner, want := range map[string]string{"127.0.0.2": "127.0.0.1", "192.0.2.1": "invalid IP", "2001:db8::1": "invalid IP"} {
		if got := s.localFor(netip.MustParseAddr(partner)); got.String() != want {
			t.Errorf("to %s from %s, want %s", partner, got, want)
		}
	}
}

// TestPartnerConfig: what cannot be is refused before anything is bound.
func TestPartnerConfig(t *testing.T) {
	for text, c := range map[string]Config{
		"at least 16":           {PartnerKey: "short", Partners: []string{"192.0.2.2"}},
		"needs a key":           {Partners: []string{"192.0.2.2"}},
		"second partner of one": {PartnerKey: partnerKey, Partners: []string{"192.0.2.2", "192.0.2.3"}},
		"is no partner":         {PartnerKey: partnerKey, Partners: []string{"192.0.2.2:none"}},
		"are both to be":        {PartnerKey: partnerKey, Partners: []string{"192.0.2.2"}, Alternate: []netip.Addr{ip2}},
		"is a name":             {PartnerKey: partnerKey, Partners: []string{"partner.example"}, Alternate: []netip.Addr{ip2}},
	} {
		c.Primary, c.AlternatePort = []string{"127.0.0.1:3478"}, 3479
		if s, err := Listen(c); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
			if s != nil {
				s.Close()
			}
		}
	}
	good := Config{PartnerKey: partnerKey, Partners: []string{"[2001:db8::2]:3480", "192.0.2.2"}}
	if places, err := good.partnerPlaces(3478); err != nil || fmt.Sprint(places) != "[[2001:db8::2]:3480 192.0.2.2:3478]" {
		t.Error(places, err)
	}
	for f, text := range []string{"192.0.2.2", "2001:db8::2"} {
		if c := (Config{Partners: []string{text}}); !c.namesPartner(f) || c.namesPartner(1-f) {
			t.Errorf("family of %s", text)
		}
	}
	if c := (Config{Partners: []string{"name"}}); !c.namesPartner(0) || !c.namesPartner(1) {
		t.Error("a name may be of both families")
	}
}

// TestPartnerCheck: a check from the partner's corner, its answer, and its silence.
func TestPartnerCheck(t *testing.T) {
	a, b := startPartners(t)
	for _, port := range []Port{PrimaryPort, AlternatePort} {
		conn := stranger(t)
		from := b.at("127.0.0.2", port)
		agent(t, conn, func(request *stun.Message, source netip.AddrPort) {
			reply(t, conn, source, success(request, source, agentPwd)...)
		})
		request := checkRequest(localOfUDP(conn))
		request.From, request.FromPort = ip2, port
		got, err := a.Check(t.Context(), request)
		if err != nil || got.Result != "answered" || got.From != from || got.Mapped != from || got.Arrived != from || got.Answerer != localOfUDP(conn) || got.RTT != 0 {
			t.Errorf("%+v %v", got, err)
		}
	}
	silent := stranger(t)
	arrived := make(chan netip.AddrPort, MaxCheckPackets)
	agent(t, silent, func(_ *stun.Message, source netip.AddrPort) { arrived <- source })
	request := checkRequest(localOfUDP(silent))
	request.From, request.Pauses = ip2, []time.Duration{time.Millisecond, time.Millisecond}
	request.AllSent = func() { // and it was: on this machine what was sent has arrived
		for range 2 {
			if source := next(t, arrived); source != b.at("127.0.0.2", PrimaryPort) {
				t.Errorf("from %s", source)
			}
		}
	}
	if got, err := a.Check(t.Context(), request); err != nil || got.Result != "unanswered" || got.Sent != 2 {
		t.Errorf("%+v %v", got, err)
	}
	request.AllSent, request.To = nil, netip.MustParseAddrPort("127.0.0.3:1023")
	if got, err := a.Check(t.Context(), request); !errors.Is(err, ErrTarget) || got.Sent != 0 {
		t.Errorf("%+v %v", got, err)
	}
}

// TestPartnerCheckLost: where the partner goes, a silence is none.
func TestPartnerCheckLost(t *testing.T) {
	a, b := startPartners(t)
	conn := stranger(t)
	agent(t, conn, func(*stun.Message, netip.AddrPort) {})
	request := checkRequest(localOfUDP(conn))
	request.From, request.Pauses, request.AllSent = ip2, []time.Duration{time.Hour}, func() { go b.stop() }
	if got, err := a.Check(t.Context(), request); err != nil || got.Result != "error" || got.Error != errPartnerGone.Error() {
		t.Errorf("%+v %v", got, err)
	}
	b.stop()
}

// TestPartnerSightings: what b sees, a hears of, and each of the two tells its own.
func TestPartnerSightings(t *testing.T) {
	a, b := startPartners(t)
	conn := stranger(t)
	at := b.at("127.0.0.2", AlternatePort)
	askUDP(t, conn, at, bindingRequest(t).Raw)
	want := protocol.Sighting{Source: localOfUDP(conn).String(), Local: at.String(), Transport: "udp", Kind: "binding", Requests: 1, Answered: true}
	for _, m := range []*machine{a, b} {
		seen := next(t, m.seen)
		seen.SourceTTL = 0
		if seen != want {
			t.Errorf("%+v", seen)
		}
	}
	check := bindingRequest(t, stun.NewUsername("ours:theirs"), stun.NewShortTermIntegrity("x"), stun.Fingerprint).Raw
	if _, err := conn.WriteToUDPAddrPort(check, at); err != nil {
		t.Fatal(err)
	}
	if seen := next(t, a.seen); seen.Kind != "check" || seen.Username != "ours:theirs" || seen.Local != at.String() || seen.Answered {
		t.Errorf("%+v", seen)
	}
}

// relay stands between a and b with b's own address, and lets a test see and add to what a sends.
func relay(t *testing.T, b *machine, pass func(chunk []byte, to net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	var conns sync.Map
	open.Go(func() {
		for {
			fromA, err := l.Accept()
			if err != nil {
				return
			}
			toB, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}).Dial("tcp4", b.at("127.0.0.2", PrimaryPort).String())
			if err != nil {
				fromA.Close()
				continue
			}
			conns.Store(fromA, true)
			conns.Store(toB, true)
			open.Go(func() { _, _ = io.Copy(fromA, toB); fromA.Close() })
			open.Go(func() {
				defer toB.Close()
				for buf := make([]byte, 64<<10); ; {
					n, err := fromA.Read(buf)
					if err != nil {
						return
					}
					pass(buf[:n], toB)
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		conns.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
		open.Wait()
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

// TestPartnerReplay: what somebody in between sends again, or changes, ends the link and is not obeyed.
func TestPartnerReplay(t *testing.T) {
	for name, tamper := range map[string]func(chunk []byte) []byte{
		"again":   func(chunk []byte) []byte { return append(bytes.Clone(chunk), chunk...) },
		"changed": func(chunk []byte) []byte { chunk = bytes.Clone(chunk); chunk[len(chunk)-1] ^= 1; return chunk },
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, ip2, [2]uint16{}, Config{})
			var mu sync.Mutex
			armed := false
			at := relay(t, b, func(chunk []byte, to net.Conn) {
				mu.Lock()
				defer mu.Unlock()
				if armed {
					chunk = tamper(chunk)
				}
				_, _ = to.Write(chunk)
			})
			a := start(t, ip1, b.ports, Config{Partners: []string{at.String()}})
			a.log.await(t, saysLent)
			b.log.await(t, saysLent)
			mu.Lock()
			armed = true
			mu.Unlock()
			conn := stranger(t)
			if _, err := conn.WriteToUDPAddrPort([]byte("whoami SP"), a.at("127.0.0.1", PrimaryPort)); err != nil {
				t.Fatal(err)
			}
			if line := b.log.await(t, saysLost); !strings.Contains(line, "bad record MAC") {
				t.Error(line)
			}
			b.stop() // nothing more can come from it
			got := 0
			for _ = conn.SetReadDeadline(time.Now().Add(time.Millisecond)); ; got++ {
				if _, err := conn.Read(make([]byte, 100)); err != nil {
					break
				}
			}
			if got > 1 {
				t.Errorf("%d answers", got)
			}
		})
	}
}

// TestPartnerBetween: who has a session of TLS with each of the two passes for neither, though he hands on their proofs.
func TestPartnerBetween(t *testing.T) {
	atA, a := net.Pipe()
	atB, b := net.Pipe()
	errs := make(chan error, 4)
	go func() { _, err := introduce(atA, partnerKey, true); atA.Close(); errs <- err }()
	go func() { _, err := introduce(atB, partnerKey, false); atB.Close(); errs <- err }()
	toA, toB := make(chan []byte, 1), make(chan []byte, 1)
	go func() { // between
		preface := make([]byte, len(partnerPreface))
		_, _ = io.ReadFull(a, preface)
		side := handshaken(t, a, false)
		got := make([]byte, proofSize)
		_, _ = io.ReadFull(side, got)
		toB <- got
		_, _ = side.Write(<-toA)
		a.Close()
		errs <- errPartnerKey
	}()
	go func() {
		_, _ = io.WriteString(b, partnerPreface)
		side := handshaken(t, b, true)
		_, _ = side.Write(<-toB)
		got := make([]byte, proofSize)
		_, _ = io.ReadFull(side, got)
		toA <- got
		b.Close()
		errs <- errPartnerKey
	}()
	for range cap(errs) {
		if err := next(t, errs); !errors.Is(err, errPartnerKey) {
			t.Error(err)
		}
	}
}

// TestPartnerTranslated: a NAT between the two would have clients told of an address that is not the partner's.
func TestPartnerTranslated(t *testing.T) {
	b := start(t, ip2, [2]uint16{}, Config{})
	l, err := net.Listen("tcp4", "127.0.0.9:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	t.Cleanup(func() { l.Close(); open.Wait() })
	open.Go(func() {
		fromA, err := l.Accept()
		if err != nil {
			return
		}
		toB, err := net.Dial("tcp4", b.at("127.0.0.2", PrimaryPort).String())
		if err != nil {
			t.Error(err)
			return
		}
		open.Go(func() { _, _ = io.Copy(fromA, toB); fromA.Close() })
		_, _ = io.Copy(toB, fromA)
		toB.Close()
	})
	a := start(t, ip1, b.ports, Config{Partners: []string{l.Addr().String()}})
	for _, m := range []*machine{a, b} {
		if line := m.log.await(t, "no partner"); !strings.Contains(line, "something translates") {
			t.Error(line)
		}
	}
}

func handshaken(t *testing.T, conn net.Conn, dialer bool) net.Conn {
	config, err := partnerTLS()
	if err != nil {
		t.Error(err)
	}
	if dialer {
		return tls.Client(conn, config)
	}
	return tls.Server(conn, config)
}

// TestPartnerBusyAnswers: what cannot be sent from the partner is refused from here, and never silence.
func TestPartnerBusyAnswers(t *testing.T) {
	a, _ := startPartners(t)
	l := a.partners.link(0)
	l.answers.SetLimit(0)
	l.answers.AllowN(time.Now(), int(l.answers.Tokens()))
	conn := stranger(t)
	at := a.at("127.0.0.1", PrimaryPort)
	for _, flags := range []byte{4, 6} {
		answer, from := askUDP(t, conn, at, bindingRequest(t, changeRequest(flags)).Raw)
		if code := errorCode(t, answer); code != stun.CodeServerError || from != at {
			t.Errorf("%d from %s", code, from)
		}
	}
	if answer, from := askUDP(t, conn, at, []byte("whoami SS")); string(answer) != noCorner || from != at {
		t.Errorf("%q from %s", answer, from)
	}
}

// TestPartnerBorrows: who has a second address of its own lends, and keeps to its own.
func TestPartnerBorrows(t *testing.T) {
	third := netip.MustParseAddr("127.0.0.6")
	b := start(t, ip2, [2]uint16{}, Config{Alternate: []netip.Addr{third}})
	a := start(t, ip1, b.ports, Config{Partners: []string{ip2.String()}})
	a.log.await(t, saysLent)
	b.log.await(t, "borrows")
	at := netip.AddrPortFrom(ip2, b.ports[0])
	if c := b.CornersFrom(at); c.SP.Addr() != third {
		t.Errorf("%+v", c)
	}
	conn := stranger(t)
	if _, from := askUDP(t, conn, a.at("127.0.0.1", PrimaryPort), bindingRequest(t, changeRequest(4)).Raw); from != at {
		t.Errorf("from %s", from)
	}
	if _, from := askUDP(t, conn, at, bindingRequest(t, changeRequest(4)).Raw); from.Addr() != third {
		t.Errorf("from %s", from)
	}
}
