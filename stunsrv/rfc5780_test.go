package stunsrv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"github.com/icescope/icescope/protocol"
)

var (
	alternate4 = netip.MustParseAddr("198.51.100.2")
	alternate6 = netip.MustParseAddr("2001:db8::3")
)

// fourCorners is the responder of the socket at the primary port, or at the second one.
func fourCorners(like netip.AddrPort, port Port) *responder {
	r := testResponder()
	r.port = port
	if port == AlternatePort {
		r.otherPort = 3478
	}
	r.pair = newPair(server4.Addr(), alternate4)
	if like.Addr().Is6() {
		r.pair = newPair(server6.Addr(), alternate6)
	}
	return r
}

func changeRequest(flags byte) stun.Setter {
	return attribute(stun.AttrChangeRequest, string([]byte{0, 0, 0, flags}))
}

// dialect asks with a CHANGE-REQUEST, unless flags is noFlags, and reads what an answer says of its origin and of the other address.
type dialect struct {
	ask  func(t testing.TB, flags int) []byte
	read func(t testing.TB, request, answer []byte) (mapped, origin, other netip.AddrPort)
}

const noFlags = -1

var dialects = map[string]dialect{
	"RFC 5780": {
		func(t testing.TB, flags int) []byte {
			if flags == noFlags {
				return bindingRequest(t).Raw
			}
			return bindingRequest(t, changeRequest(byte(flags))).Raw
		},
		func(t testing.TB, request, answer []byte) (source, origin, other netip.AddrPort) {
			source, origin = mapped(t, answer, decode(t, request))
			var o stun.OtherAddress
			if m := decode(t, answer); m.Contains(stun.AttrOtherAddress) {
				if err := o.GetFrom(m); err != nil {
					t.Fatal(err)
				}
				other = netip.MustParseAddrPort(o.String())
			}
			return source, origin, other
		},
	},
	"RFC 3489": {
		func(_ testing.TB, flags int) []byte {
			if flags == noFlags {
				return classicRequest("")
			}
			return classicRequest("\x00\x03\x00\x04\x00\x00\x00" + string(rune(flags)))
		},
		func(t testing.TB, request, answer []byte) (source, origin, other netip.AddrPort) {
			t.Helper()
			if binary.BigEndian.Uint16(answer) != typeBindingSuccess || !bytes.Equal(request[4:headerSize], answer[4:headerSize]) {
				t.Fatalf("%x answers %x", answer, request)
			}
			found := attributesOf(t, answer)
			for typ := range found {
				if !slices.Contains([]uint16{attrMappedAddress, attrSourceAddress, attrChangedAddress}, typ) {
					t.Errorf("attribute %#x is not in RFC 3489", typ)
				}
			}
			source, mappedOK := parseAddress([]byte(found[attrMappedAddress]), noXOR[:])
			origin, originOK := parseAddress([]byte(found[attrSourceAddress]), noXOR[:])
			if !mappedOK || !originOK {
				t.Errorf("%x", found)
			}
			other, _ = parseAddress([]byte(found[attrChangedAddress]), noXOR[:])
			return source, origin, other
		},
	},
}

// table1 is the table of RFC 5780 section 6.1: which of IP and port change, by the flags.
var table1 = []struct {
	flags    int
	ip, port bool
}{{noFlags, false, false}, {0, false, false}, {0x04, true, false}, {0x02, false, true}, {0x06, true, true}}

// TestTable1 asks the answering function at each corner, in both families, for each row.
func TestTable1(t *testing.T) {
	for name, d := range dialects {
		for _, c := range []struct {
			client, server netip.AddrPort
			second         netip.Addr
		}{{client4, server4, alternate4}, {client6, server6, alternate6}} {
			for here := range corner(corners) {
				place := func(c2 corner) netip.AddrPort {
					a := c.server
					if c2&sp != 0 {
						a = netip.AddrPortFrom(c.second, a.Port())
					}
					if c2&ps != 0 {
						a = netip.AddrPortFrom(a.Addr(), 3479)
					}
					return a
				}
				for _, row := range table1 {
					want := here
					if row.ip {
						want ^= sp
					}
					if row.port {
						want ^= ps
					}
					request := d.ask(t, row.flags)
					out, found := fourCorners(c.server, Port(here&ps)).respond(nil, request, c.client, place(here))
					source, origin, other := d.read(t, request, out)
					if found.from != want || found.origin != place(want) || origin != place(want) || other != place(here^ss) || source != c.client || found.to != c.client {
						t.Errorf("%s at %s, flags %d: from %s, which it calls %s, other %s, mapped %s, to %s", name, place(here), row.flags, found.origin, origin, other, source, found.to)
					}
				}
			}
		}
	}
}

// TestTable1Sockets asks real sockets: where answers come from is what the table is about. On a wildcard the source is pinned, bound sockets have it.
func TestTable1Sockets(t *testing.T) {
	for name, listen := range map[string]string{"bound": "127.0.0.1:0", "wildcard": ":0"} {
		t.Run(name, func(t *testing.T) {
			s := run(t, Config{Primary: []string{listen}, Alternate: []netip.Addr{netip.MustParseAddr("127.0.0.2")}})
			everyRow(t, s, []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")})
		})
	}
}

// everyRow asks s at each of its corners, and compares what it says with where its answers come from; whoami likewise.
func everyRow(t *testing.T, s *Server, ips []netip.Addr) {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: ips[0].AsSlice()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	client := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	client = unmapped(client)
	place := func(c corner) netip.AddrPort { return netip.AddrPortFrom(ips[c>>1], s.ports[c&ps]) }
	ask := func(at netip.AddrPort, request []byte) ([]byte, netip.AddrPort) {
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
	for here := range corner(corners) {
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
				answer, from := ask(place(here), request)
				source, origin, other := d.read(t, request, answer)
				if from != place(want) || origin != from || other != place(here^ss) || source != client {
					t.Errorf("%s at %s, flags %d: from %s, which it calls %s, other %s, mapped %s", name, place(here), row.flags, from, origin, other, source)
				}
			}
		}
		for c, word := range []string{"PP", "PS", "SP", "SS"} {
			answer, from := ask(place(here), []byte("whoami "+word))
			if from != place(corner(c)) || string(answer) != fmt.Sprintf("%s,%d\n", client.Addr(), client.Port()) {
				t.Errorf("whoami %s at %s: %q from %s", word, place(here), answer, from)
			}
		}
		want := Corners{place(here), place(here ^ ps), place(here ^ sp), place(here ^ ss)}
		if got := s.CornersFrom(place(here)); got != want || got.At(protocol.CornerSS) != want.SS || got.At(protocol.CornerPP) != want.PP {
			t.Errorf("corners from %s: %+v", place(here), got)
		}
		// TCP: the same two addresses, and no change.
		tcp := dialTCP(t, place(here))
		request := bindingRequest(t)
		_, origin, other := dialects["RFC 5780"].read(t, request.Raw, exchange(t, tcp, request.Raw))
		if origin != place(here) || other != place(here^ss) {
			t.Errorf("TCP at %s: origin %s, other %s", place(here), origin, other)
		}
		if code, unknown := refusal(t, exchange(t, tcp, bindingRequest(t, changeRequest(0x02)).Raw)); code != 420 || !slices.Equal(unknown, []uint16{attrChangeRequest}) {
			t.Errorf("TCP, change port: %d %x", code, unknown)
		}
		line := dialTCP(t, place(here))
		if got := string(exchange(t, line, []byte("whoami\n"))); got != fmt.Sprintf("%s,%d\n", localOf(line).Addr(), localOf(line).Port()) {
			t.Errorf("TCP whoami: %q", got)
		}
	}
	f := family(ips[0])
	want := protocol.CornerSet{Primary: ips[0].String(), Secondary: ips[1].String(), PrimaryPort: int(s.Port(PrimaryPort)), SecondaryPort: int(s.Port(AlternatePort))}
	if !slices.Contains(s.Corners(), want) {
		t.Errorf("corners of family %d: %+v", f, s.Corners())
	}
	for c := range corner(corners) {
		if !slices.Contains(s.Addrs(), place(c)) {
			t.Errorf("%s is not in %s", place(c), s.Addrs())
		}
	}
}

// refusal reads an error response; a success is code 0.
func refusal(t testing.TB, raw []byte) (code int, unknown []uint16) {
	t.Helper()
	m := decode(t, raw)
	if m.Type == stun.BindingSuccess {
		return 0, nil
	}
	var e stun.ErrorCodeAttribute
	if err := e.GetFrom(m); err != nil || m.Type != stun.BindingError {
		t.Fatal(m, err)
	}
	var u stun.UnknownAttributes
	if m.Contains(stun.AttrUnknownAttributes) {
		if err := u.GetFrom(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, typ := range u {
		unknown = append(unknown, uint16(typ))
	}
	return int(e.Code), unknown
}

// TestNotFourCorners: without a second IP, or without a second port, there is no OTHER-ADDRESS, and 420 for a request to change (RFC 5780 section 6). RESPONSE-ORIGIN
// stays. A client that asked a loopback or a link-local address cannot be sent to another.
func TestNotFourCorners(t *testing.T) {
	onePort := fourCorners(server4, PrimaryPort)
	onePort.otherPort = 0
	loopback, linkLocal := netip.MustParseAddrPort("127.0.0.1:3478"), netip.MustParseAddrPort("[fe80::1]:3478")
	for name, c := range map[string]struct {
		r     *responder
		local netip.AddrPort
	}{
		"one IP":     {testResponder(), server4},
		"one port":   {onePort, server4},
		"loopback":   {fourCorners(server4, PrimaryPort), loopback},
		"link-local": {fourCorners(server6, PrimaryPort), linkLocal},
	} {
		for dialectName, d := range dialects {
			for _, flags := range []int{noFlags, 0} {
				request := d.ask(t, flags)
				out, _ := c.r.respond(nil, request, client4, c.local)
				if _, origin, other := d.read(t, request, out); other.IsValid() || origin != c.local {
					t.Errorf("%s, %s: origin %s, other %s", name, dialectName, origin, other)
				}
			}
			for _, flags := range []int{2, 4, 6} {
				out, found := c.r.respond(nil, d.ask(t, flags), client4, c.local)
				if binary.BigEndian.Uint16(out) != typeBindingError || !bytes.Contains(out, []byte{0, 0, 4, 20}) || found.origin != c.local || found.to != client4 {
					t.Errorf("%s, %s, flags %d: %x %+v", name, dialectName, flags, out, found)
				}
			}
		}
		for _, word := range []string{"whoami SP", "whoami SS"} {
			out, found := c.r.respond(nil, []byte(word), client4, c.local)
			if name == "one port" && word == "whoami SP" { // a second IP is all that it takes
				if found.origin != netip.AddrPortFrom(alternate4, 3478) {
					t.Errorf("%s, %s: %q %+v", name, word, out, found)
				}
				continue
			}
			if string(out) != noCorner || found.origin != c.local {
				t.Errorf("%s, %s: %q %+v", name, word, out, found)
			}
		}
	}
}

// TestResponsePort: RFC 5780 section 7.5. The answer goes to the IP that asked, and to no port that a service of the system listens on.
func TestResponsePort(t *testing.T) {
	four := changeRequest(6)
	for name, c := range map[string]struct {
		more    []stun.Setter
		code    int
		unknown []uint16
		port    uint16 // where the answer goes to
		from    corner
	}{
		"four bytes":        {[]stun.Setter{attribute(stun.AttrResponsePort, "\x10\x00\x00\x00")}, 0, nil, 4096, pp},
		"two bytes":         {[]stun.Setter{attribute(stun.AttrResponsePort, "\x10\x00")}, 0, nil, 4096, pp},
		"padding not zero":  {[]stun.Setter{attribute(stun.AttrResponsePort, "\x10\x00\xff\xff")}, 0, nil, 4096, pp},
		"highest":           {[]stun.Setter{attribute(stun.AttrResponsePort, "\xff\xff")}, 0, nil, 65535, pp},
		"lowest":            {[]stun.Setter{attribute(stun.AttrResponsePort, "\x04\x00")}, 0, nil, 1024, pp},
		"with change":       {[]stun.Setter{attribute(stun.AttrResponsePort, "\x10\x00"), four}, 0, nil, 4096, ss},
		"the first counts":  {[]stun.Setter{attribute(stun.AttrResponsePort, "\x10\x00"), attribute(stun.AttrResponsePort, "\x20\x00")}, 0, nil, 4096, pp},
		"zero":              {[]stun.Setter{attribute(stun.AttrResponsePort, "\x00\x00")}, 400, nil, client4.Port(), pp},
		"of a service":      {[]stun.Setter{attribute(stun.AttrResponsePort, "\x03\xff")}, 400, nil, client4.Port(), pp},
		"one byte":          {[]stun.Setter{attribute(stun.AttrResponsePort, "\x10")}, 400, nil, client4.Port(), pp},
		"none":              {[]stun.Setter{attribute(stun.AttrResponsePort, "")}, 400, nil, client4.Port(), pp},
		"five bytes":        {[]stun.Setter{attribute(stun.AttrResponsePort, "\x10\x00\x00\x00\x00")}, 400, nil, client4.Port(), pp},
		"PADDING after":     {[]stun.Setter{attribute(stun.AttrResponsePort, "\x10\x00"), attribute(stun.AttrPadding, "xxxx"), four}, 400, nil, client4.Port(), pp},
		"PADDING before":    {[]stun.Setter{attribute(stun.AttrPadding, ""), attribute(stun.AttrResponsePort, "\x10\x00")}, 400, nil, client4.Port(), pp},
		"unknown before it": {[]stun.Setter{attribute(0x30, ""), attribute(stun.AttrResponsePort, "\x10\x00"), four}, 420, []uint16{0x30}, client4.Port(), pp},
	} {
		request := bindingRequest(t, append(c.more, stun.Fingerprint)...)
		out, found := fourCorners(server4, PrimaryPort).respond(nil, request.Raw, client4, server4)
		code, unknown := refusal(t, out)
		if code != c.code || !slices.Equal(unknown, c.unknown) || found.to != netip.AddrPortFrom(client4.Addr(), c.port) || found.from != c.from {
			t.Errorf("%s: %d %x, to %s, from corner %d", name, code, unknown, found.to, found.from)
		}
		if m := decode(t, out); stun.Fingerprint.Check(m) != nil || m.Contains(stun.AttrPadding) {
			t.Errorf("%s: %v", name, m)
		}
		if code == 0 {
			if source, _ := mapped(t, out, request); source != client4 {
				t.Errorf("%s: maps %s", name, source)
			}
		}
	}
	stream := fourCorners(server4, PrimaryPort)
	stream.stream = true
	out, _ := stream.respond(nil, bindingRequest(t, attribute(stun.AttrResponsePort, "\x10\x00")).Raw, client4, server4)
	if code, unknown := refusal(t, out); code != 420 || !slices.Equal(unknown, []uint16{attrResponsePort}) {
		t.Errorf("TCP: %d %x", code, unknown)
	}
	// RFC 3489 has neither.
	for attributes, typ := range map[string]string{"\x00\x27\x00\x04\x10\x00\x00\x00": "\x00\x27\x00\x27", "\x00\x26\x00\x00": "\x00\x26\x00\x26"} {
		out, found := fourCorners(server4, PrimaryPort).respond(nil, classicRequest(attributes), client4, server4)
		if got := attributesOf(t, out); got[attrUnknown] != typ || found.to != client4 {
			t.Errorf("RFC 3489: %x", got)
		}
	}
}

// TestResponsePortSocket: one socket asks, another of the same IP is answered, from the corner that was asked for.
func TestResponsePortSocket(t *testing.T) {
	s := run(t, Config{Primary: []string{":0"}, Alternate: []netip.Addr{netip.MustParseAddr("127.0.0.2")}})
	x, y := listenLoopback(t), dialUDP(t, s.at("127.0.0.1", PrimaryPort))
	_ = x.SetDeadline(time.Now().Add(patience))
	request := bindingRequest(t, attribute(stun.AttrResponsePort, string(binary.BigEndian.AppendUint16(nil, localOf(x).Port()))), changeRequest(4))
	if _, err := y.Write(request.Raw); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	n, from, err := x.ReadFromUDPAddrPort(buf)
	if err != nil || from != s.at("127.0.0.2", PrimaryPort) {
		t.Fatal(from, err)
	}
	if source, origin := mapped(t, buf[:n], request); source != localOf(y) || origin != from {
		t.Errorf("source %s, origin %s", source, origin)
	}
}

// TestPadding: RFC 5780 section 7.6. The answer is as long as the request, up to the MTU, and never longer.
func TestPadding(t *testing.T) {
	for asked, want := range map[int]int{0: 0, 1: 4, 4: 4, 1200: 1200, 1497: 1500, 1500: 1500, 1501: 1500, 9000: 1500} {
		request := bindingRequest(t, attribute(stun.AttrPadding, string(make([]byte, asked))))
		out, _ := fourCorners(server6, PrimaryPort).respond(nil, request.Raw, client6, server6)
		mapped(t, out, request)
		got, err := decode(t, out).Get(stun.AttrPadding)
		if err != nil || len(got) != want || len(out) > maxAnswer {
			t.Errorf("%d: %d in %d, %v", asked, len(got), len(out), err)
		}
	}
	two := bindingRequest(t, attribute(stun.AttrPadding, ""), attribute(stun.AttrPadding, string(make([]byte, 1000))))
	if out, _ := testResponder().respond(nil, two.Raw, client4, server4); len(out) > 200 {
		t.Errorf("the second of two counts: %d bytes", len(out))
	}
	s := run(t, Config{})
	request := bindingRequest(t, attribute(stun.AttrPadding, string(make([]byte, 9000))), changeRequest(0))
	mapped(t, exchange(t, dialUDP(t, s.Addrs()[0]), request.Raw), request)
	request = bindingRequest(t, attribute(stun.AttrPadding, string(make([]byte, 1500))))
	mapped(t, exchange(t, dialTCP(t, s.Addrs()[0]), request.Raw), request)
}

// TestRFC5780DoesNotAllocate: neither does what asks for other corners, in either dialect.
func TestRFC5780DoesNotAllocate(t *testing.T) {
	requests := map[string][]byte{
		"binding":       bindingRequest(t).Raw,
		"change":        bindingRequest(t, changeRequest(6), stun.Fingerprint).Raw,
		"response port": bindingRequest(t, attribute(stun.AttrResponsePort, "\x10\x00"), changeRequest(4)).Raw,
		"padding":       bindingRequest(t, attribute(stun.AttrPadding, string(make([]byte, 1500)))).Raw,
		"bad request":   bindingRequest(t, attribute(stun.AttrResponsePort, "\x00\x00")).Raw,
		"unknown":       bindingRequest(t, attribute(0x30, "")).Raw,
		"classic":       classicRequest("\x00\x03\x00\x04\x00\x00\x00\x06"),
		"whoami":        []byte("whoami SS"),
		"check":         []byte(rfc5769Request),
	}
	r, out := fourCorners(server6, PrimaryPort), make([]byte, 0, maxAnswer)
	for name, request := range requests {
		if n := testing.AllocsPerRun(100, func() { _, _ = r.respond(out, request, client6, server6) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestChangeDoesNotAllocate: the loop of a wildcard socket, which pins the other IP.
func TestChangeDoesNotAllocate(t *testing.T) {
	s := run(t, Config{Primary: []string{":0"}, Alternate: []netip.Addr{netip.MustParseAddr("127.0.0.2")}})
	conn := listenLoopback(t)
	_ = conn.SetDeadline(time.Now().Add(patience))
	request, buf, at := bindingRequest(t, changeRequest(6)).Raw, make([]byte, 512), s.at("127.0.0.1", PrimaryPort)
	var failed error
	if n := testing.AllocsPerRun(100, func() {
		if _, err := conn.WriteToUDPAddrPort(request, at); err != nil {
			failed = err
		} else if _, _, err = conn.ReadFromUDPAddrPort(buf); err != nil {
			failed = err
		}
	}); n != 0 || failed != nil {
		t.Errorf("%v allocations, %v", n, failed)
	}
}
