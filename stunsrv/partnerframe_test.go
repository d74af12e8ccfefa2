package stunsrv

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v3"

	"github.com/icescope/icescope/protocol"
)

var somePartnerFrames = []*partnerFrame{
	{},
	{Hello: &partnerHello{Instance: "a", Local: ip1, Remote: ip2, Ports: [2]uint16{3478, 3479}}},
	{Verdict: &partnerVerdict{Refused: "no"}},
	{Emit: &partnerEmit{From: server4, To: client4, Packet: []byte("192.0.2.1,5\n"), Ticket: 7}},
	{Emitted: &partnerEmitted{Ticket: 7, Error: "no"}},
	{Arrival: &partnerArrival{Source: client6, Local: server6, Packet: make([]byte, headerSize)}},
	{Sightings: []protocol.Sighting{{Source: client4.String(), Local: server4.String(), Transport: "udp", Kind: "check", Requests: 1, Username: "a:b"}}},
}

func TestPartnerFrames(t *testing.T) {
	var stream bytes.Buffer
	for _, f := range somePartnerFrames {
		b, err := f.encode()
		if err != nil {
			t.Fatal(err)
		}
		stream.Write(b)
	}
	for _, want := range somePartnerFrames {
		if got, err := readPartnerFrame(&stream); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v %v, want %+v", got, err, want)
		}
	}
	if _, err := readPartnerFrame(&stream); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	// The longest of everything fits.
	long := strings.Repeat("<", maxUsername)
	x := protocol.Sighting{Source: "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", Local: "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", Transport: "udp", Kind: "binding",
		Requests: math.MaxInt, Answered: true, UserAgent: long[:maxUserAgent], SourceTTL: 255, Username: long}
	for _, f := range []*partnerFrame{
		{Emit: &partnerEmit{From: client6, To: client6, Packet: make([]byte, maxAnswer), Ticket: 1 << 60}},
		{Arrival: &partnerArrival{Source: client6, Local: client6, Packet: make([]byte, maxAnswer)}},
		{Sightings: []protocol.Sighting{x, x, x, x, x, x, x, x, x, x}[:sightingsPerFrame]},
	} {
		if _, err := f.encode(); err != nil {
			t.Error(err)
		}
	}
	if _, err := (&partnerFrame{Emit: &partnerEmit{Packet: make([]byte, maxPartnerFrame)}}).encode(); err == nil {
		t.Error("a frame that is too long")
	}
	if _, err := readPartnerFrame(strings.NewReader("\xff\xff{}")); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

// FuzzPartnerFrame: what is read can be written, and is then the same; and whatever it says is taken without harm.
func FuzzPartnerFrame(f *testing.F) {
	for _, frame := range somePartnerFrames {
		b, _ := frame.encode()
		f.Add(b)
	}
	s, err := Listen(Config{Primary: []string{"127.0.0.1:0"}, PartnerKey: partnerKey})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	a, b := net.Pipe()
	f.Cleanup(func() { a.Close(); b.Close() })
	f.Fuzz(func(t *testing.T, raw []byte) {
		frame, err := readPartnerFrame(bytes.NewReader(raw))
		if err != nil {
			return
		}
		b, err := frame.encode()
		if err != nil {
			return // the same in JSON's longest spelling
		}
		again, err := readPartnerFrame(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if c, _ := again.encode(); !bytes.Equal(b, c) {
			t.Errorf("%s, then %s", b, c)
		}
		l := testLink(s, a)
		l.take(frame)
	})
}

func testLink(s *Server, raw net.Conn) *link {
	return newLinkAt(s, raw, raw, false, ip1, ip2)
}

// FuzzPartnerPreface: whatever comes in place of an introduction, nobody is let in.
func FuzzPartnerPreface(f *testing.F) {
	f.Add([]byte(partnerPreface))
	f.Add([]byte(partnerPreface + "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"))
	f.Add([]byte("icescope-partner/2\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := introduce(&tape{in: bytes.NewReader(raw)}, partnerKey, false); err == nil {
			t.Error("let in")
		}
		if _, err := introduce(&tape{in: bytes.NewReader(raw)}, partnerKey, true); err == nil {
			t.Error("let in as the one that was called")
		}
	})
}

// tape is a connection whose other end has said everything already.
type tape struct {
	net.Conn
	in *bytes.Reader
}

func (t *tape) Read(b []byte) (int, error)       { return t.in.Read(b) }
func (t *tape) Write(b []byte) (int, error)      { return len(b), nil }
func (t *tape) Close() error                     { return nil }
func (t *tape) SetDeadline(time.Time) error      { return nil }
func (t *tape) SetReadDeadline(time.Time) error  { return nil }
func (t *tape) SetWriteDeadline(time.Time) error { return nil }

// TestPartnerPreface: no message of another protocol on the port begins like it.
func TestPartnerPreface(t *testing.T) {
	first := partnerPreface[0]
	if first&0xC0 == 0 || first >= 64 && first <= 79 || first == whoamiWord[0] {
		t.Errorf("%q begins like another protocol", partnerPreface)
	}
	if _, ok := frame([]byte(partnerPreface), false); ok {
		t.Error("it is answered")
	}
}

// TestLendable: an answer for the address that it names, a signed check, and nothing else.
func TestLendable(t *testing.T) {
	to := client4
	success := func(ip netip.Addr) []byte {
		out, _ := fourCorners(server4, PrimaryPort).respond(nil, bindingRequest(t, changeRequest(6)).Raw, netip.AddrPortFrom(ip, 5), server4)
		return out
	}
	id := newTransactionID()
	check := appendCheck(nil, id[:], CheckRequest{RemoteUfrag: strings.Repeat("r", 32), LocalUfrag: strings.Repeat("l", 32), RemotePwd: agentPwd, Controlling: true})
	classic, _ := fourCorners(server4, PrimaryPort).respond(nil, classicRequest(""), to, server4)
	for name, c := range map[string]struct {
		packet []byte
		check  bool
		ok     bool
	}{
		"an answer":                     {success(to.Addr()), false, true},
		"an answer of RFC 3489":         {classic, false, true},
		"an answer about someone else":  {success(alternate4), false, false},
		"a check":                       {check, true, true},
		"a request without credentials": {bindingRequest(t).Raw, false, false},
		"a request with a nomination":   {bindingRequest(t, stun.NewUsername("a:b"), attribute(stun.AttrUseCandidate, ""), stun.NewShortTermIntegrity("x"), stun.Fingerprint).Raw, false, false},
		"an error":                      {appendBadRequest(nil, message{raw: check}), false, false},
		"whoami's answer":               {[]byte(strings.Replace(to.String(), ":", ",", 1) + "\n"), false, true},
		"whoami's answer to another":    {[]byte(to.Addr().String() + ",1\n"), false, false},
		"whoami":                        {[]byte("whoami\n"), false, false},
		"nothing":                       {nil, false, false},
		"anything":                      {[]byte("\x00\x01DNS"), false, false},
		"too long":                      {make([]byte, maxAnswer+1), false, false},
	} {
		if check, err := lendable(c.packet, to); check != c.check || (err == nil) != c.ok || err != nil && !errors.Is(err, errLend) {
			t.Errorf("%s: %v %v", name, check, err)
		}
	}
}

// TestLend: to whom and from where the partner may have something sent, and how often.
func TestLend(t *testing.T) {
	s := run(t, Config{PartnerKey: partnerKey, AllowLoopbackChecks: true})
	<-s.serving
	conn := stranger(t)
	here := s.at("127.0.0.1", PrimaryPort)
	whoami := func(to netip.AddrPort) []byte { return []byte(strings.Replace(to.String(), ":", ",", 1) + "\n") }
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	l := testLink(s, a)
	if err := l.lend(&partnerEmit{From: here, To: localOfUDP(conn), Packet: whoami(localOfUDP(conn))}); err != nil {
		t.Error(err)
	}
	buf := make([]byte, 100)
	if _, from, err := conn.ReadFromUDPAddrPort(buf); err != nil || from != here {
		t.Error(from, err)
	}
	for name, e := range map[string]partnerEmit{
		"another address": {From: s.at("127.0.0.2", PrimaryPort), To: localOfUDP(conn)},
		"another port":    {From: netip.AddrPortFrom(ip1, 1), To: localOfUDP(conn)},
		"multicast":       {From: here, To: netip.MustParseAddrPort("224.0.0.1:5000")},
		"broadcast":       {From: here, To: netip.MustParseAddrPort("255.255.255.255:5000")},
		"a low port":      {From: here, To: netip.MustParseAddrPort("192.0.2.1:53")},
		"nobody":          {From: here},
	} {
		e.Packet = whoami(e.To)
		if err := l.lend(&e); !errors.Is(err, errLend) && !errors.Is(err, ErrTarget) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, p := range machineAddrs() {
		if to := netip.AddrPortFrom(p.Addr(), 5000); !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() && p.Addr().Is4() {
			if err := l.lend(&partnerEmit{From: here, To: to, Packet: whoami(to)}); !errors.Is(err, ErrTarget) {
				t.Errorf("to this machine at %s: %v", to, err)
			}
		}
	}
	s.config.AllowLoopbackChecks = false
	if err := l.lend(&partnerEmit{From: here, To: localOfUDP(conn), Packet: whoami(localOfUDP(conn))}); !errors.Is(err, ErrTarget) {
		t.Error(err)
	}
	l.lends.SetLimit(0)
	l.lends.AllowN(time.Now(), int(l.lends.Tokens()))
	if err := l.lend(&partnerEmit{}); !errors.Is(err, ErrCheckRate) {
		t.Error(err)
	}
}

// TestLentChecks: an answer goes to the partner whose check it is, a few times, and old ones are forgotten.
func TestLentChecks(t *testing.T) {
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	s := &Server{}
	one, other := testLink(s, a), testLink(s, a)
	var c lentChecks
	now, id := time.Now(), newTransactionID()
	first, again, stolen := c.add(id, one, now), c.add(id, one, now), c.add(id, other, now)
	if !first || !again || stolen {
		t.Error("whose is it?")
	}
	answer := appendHeader(nil, typeBindingSuccess, id[:])
	for range 2 * maxLentArrivals {
		c.hand(answer, client4, server4)
	}
	stranger := newTransactionID()
	c.hand(appendHeader(nil, typeBindingSuccess, stranger[:]), client4, server4)
	if len(one.out) != maxLentArrivals || len(other.out) != 0 {
		t.Errorf("%d and %d arrivals", len(one.out), len(other.out))
	}
	for range maxLent - 1 {
		c.add(newTransactionID(), one, now)
	}
	if c.add(newTransactionID(), one, now) {
		t.Error("no end")
	}
	if !c.add(newTransactionID(), one, now.Add(lentAge+1)) || len(c.byID) != 1 || len(c.order) != 1 {
		t.Errorf("%d are remembered", len(c.byID))
	}
}

// TestPartnerBelievable: a partner speaks for its own address only.
func TestPartnerBelievable(t *testing.T) {
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	l := testLink(&Server{}, a)
	good := protocol.Sighting{Source: client4.String(), Local: "127.0.0.2:3478", Transport: "udp", Kind: "check", Requests: 1, Username: "a:b"}
	if got, ok := l.believable(good); !ok || got != good {
		t.Errorf("%+v", got)
	}
	for name, spoil := range map[string]func(*protocol.Sighting){
		"another's address": func(x *protocol.Sighting) { x.Local = "127.0.0.1:3478" },
		"no source":         func(x *protocol.Sighting) { x.Source = "?" },
		"a kind":            func(x *protocol.Sighting) { x.Kind = "nothing" },
		"a transport":       func(x *protocol.Sighting) { x.Transport = "pigeon" },
		"no request":        func(x *protocol.Sighting) { x.Requests = 0 },
	} {
		x := good
		spoil(&x)
		if _, ok := l.believable(x); ok {
			t.Errorf("%s was believed", name)
		}
	}
	dirty := good
	dirty.UserAgent, dirty.Username, dirty.TiedBy = "a\x1b[31m"+strings.Repeat("b", 100), "a\x00", "candidate"
	if got, ok := l.believable(dirty); !ok || got.UserAgent != "a[31m"+strings.Repeat("b", maxUserAgent-6) || got.Username != "" || got.TiedBy != "" {
		t.Errorf("%+v", got)
	}
}

// TestLentPairDoesNotAllocate: an answer that is to leave from a partner is computed as any other.
func TestLentPairDoesNotAllocate(t *testing.T) {
	s := &Server{}
	s.lent[0].Store(&pair{primary: server4.Addr(), secondary: alternate4})
	r := testResponder()
	r.lent = &s.lent[0]
	request, out := bindingRequest(t, changeRequest(6)).Raw, make([]byte, 0, maxAnswer)
	var found inquiry
	if n := testing.AllocsPerRun(100, func() { _, found = r.respond(out, request, client4, server4) }); n != 0 || found.from != ss {
		t.Errorf("%v allocations, from %v", n, found.from)
	}
	for name, c := range map[string]struct{ source, local netip.AddrPort }{
		"a third address": {client4, netip.AddrPortFrom(netip.MustParseAddr("192.0.2.77"), server4.Port())},
		"a low port":      {netip.AddrPortFrom(client4.Addr(), 53), server4},
		"the partner":     {netip.AddrPortFrom(alternate4, 5000), server4},
		"this machine":    {netip.AddrPortFrom(ip1, 5000), server4},
	} {
		answer, found := r.respond(nil, request, c.source, c.local)
		if code, _ := refusal(t, answer); code != 420 || found.from&sp != 0 {
			t.Errorf("%s: %d", name, code)
		}
	}
}

// TestPartnerSilent: a partner that says nothing is lost, and learns every second that this end lives.
func TestPartnerSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		l := testLink(&Server{}, a)
		ended := make(chan error, 1)
		began := time.Now()
		go func() { ended <- l.run() }()
		beats := 0
		for {
			f, err := readPartnerFrame(b)
			if err != nil {
				break
			}
			if !reflect.DeepEqual(f, &partnerFrame{}) {
				t.Errorf("%+v", f)
			}
			beats++
		}
		if err := <-ended; !strings.Contains(err.Error(), "nothing was heard") || time.Since(began) != partnerPatience || beats != int(partnerPatience/partnerHeartbeat) {
			t.Errorf("%v after %s and %d beats", err, time.Since(began), beats)
		}
		if err := l.check(t.Context(), nil, server4, client4); !errors.Is(err, errPartnerGone) {
			t.Error(err)
		}
	})
}

// TestPartnerSlow: what is evidence is not dropped; a link that would have to ends. An answer may be lost, as over UDP, but is said to be.
func TestPartnerSlow(t *testing.T) {
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	l := testLink(&Server{log: slog.New(slog.DiscardHandler)}, a)
	for range partnerQueue {
		l.must(&partnerFrame{})
	}
	if err := l.answer([]byte("x"), server4, client4); !errors.Is(err, errPartnerSlow) {
		t.Error(err)
	}
	l.must(&partnerFrame{})
	<-l.done
	if !errors.Is(l.why, errPartnerSlow) {
		t.Error(l.why)
	}
}

// TestPartnerUnanswered: a partner that lives and does not say that it has sent a packet leaves a check without a result.
func TestPartnerUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		l := testLink(&Server{}, a)
		if err := l.check(t.Context(), nil, server4, client4); err == nil || errors.Is(err, errPartnerGone) {
			t.Error(err)
		}
		sent := make(chan error, 1)
		go func() { sent <- l.check(t.Context(), nil, server4, client4) }()
		synctest.Wait()
		l.take(&partnerFrame{Emitted: &partnerEmitted{Ticket: 1}}) // late
		l.take(&partnerFrame{Emitted: &partnerEmitted{Ticket: 2, Error: "to\nthing"}})
		if err := <-sent; err == nil || !strings.HasSuffix(err.Error(), "tothing") {
			t.Error(err)
		}
	})
}

// TestPartnerFlood: a partner that sends more than an honest one is none.
func TestPartnerFlood(t *testing.T) {
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	l := testLink(&Server{}, a)
	l.frames.SetLimit(0)
	l.frames.AllowN(time.Now(), partnerFramesBurst)
	alive, _ := (&partnerFrame{}).encode()
	go func() { _, _ = b.Write(alive) }()
	if err := l.read(); !errors.Is(err, errPartnerTooBig) {
		t.Error(err)
	}
}
