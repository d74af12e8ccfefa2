package stunsrv

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
)

// TestNoPingPong: answers that come to a server, its own or another's, end there. Requests with a forged source are stood in for by what the first server
// would answer, sent from the second one's own socket.
func TestNoPingPong(t *testing.T) {
	tell, told := sightingsOf()
	s := run(t, Config{Primary: []string{":0"}, Alternate: []netip.Addr{netip.MustParseAddr("127.0.0.2")}, OnSighting: tell})
	at := s.at("127.0.0.1", PrimaryPort)
	conn := dialUDP(t, at)
	for name, ask := range map[string][]byte{
		"binding":          bindingRequest(t, stun.Fingerprint).Raw,
		"change":           bindingRequest(t, changeRequest(6)).Raw,
		"refused":          bindingRequest(t, attribute(0x30, "")).Raw,
		"bad request":      bindingRequest(t, attribute(stun.AttrResponsePort, "\x00\x00")).Raw,
		"padding":          bindingRequest(t, attribute(stun.AttrPadding, string(make([]byte, 1500)))).Raw,
		"classic":          classicRequest(""),
		"classic, refused": classicRequest("\x00\x02\x00\x08\x00\x01\x04\x00\x7f\x00\x00\x01"),
		"whoami":           []byte("whoami"),
		"whoami, nowhere":  []byte("whoami SS"),
	} {
		r := testResponder()
		answer, found := r.respond(nil, ask, server4, at)
		if found.to.Addr() != server4.Addr() {
			t.Errorf("%s goes to %s", name, found.to)
		}
		if _, err := conn.Write(answer); err != nil {
			t.Fatal(err)
		}
	}
	// RESPONSE-PORT at the server's own second port: the answer arrives there, and ends.
	port := s.Port(AlternatePort)
	request := bindingRequest(t, attribute(stun.AttrResponsePort, string([]byte{byte(port >> 8), byte(port)})))
	if _, err := conn.Write(request.Raw); err != nil {
		t.Fatal(err)
	}
	if got := next(t, told); got.Kind != "binding" || got.Requests != 1 || got.Source != conn.LocalAddr().String() {
		t.Errorf("%+v", got)
	}
	// Each socket reads in order, so what had come is done with when these are answered; an echo would be told of between them.
	for _, p := range []Port{PrimaryPort, AlternatePort, PrimaryPort} {
		conn := dialUDP(t, s.at("127.0.0.1", p))
		last := bindingRequest(t)
		mapped(t, exchange(t, conn, last.Raw), last)
		if got := next(t, told); got.Kind != "binding" || got.Source != conn.LocalAddr().String() {
			t.Errorf("%+v", got)
		}
	}
}

// TestResponseAddress: RFC 3489's RESPONSE-ADDRESS is refused, towards who asked. It would let anyone aim the server at anyone.
func TestResponseAddress(t *testing.T) {
	s := run(t, Config{})
	victim := listenLoopback(t)
	port := localOfUDP(victim).Port()
	conn := dialUDP(t, s.Addrs()[0])
	for _, request := range [][]byte{
		classicRequest("\x00\x02\x00\x08\x00\x01" + string([]byte{byte(port >> 8), byte(port)}) + "\x7f\x00\x00\x01"),
		bindingRequest(t, attribute(0x02, "\x00\x01"+string([]byte{byte(port >> 8), byte(port)})+"\x7f\x00\x00\x01")).Raw,
	} {
		if answer := exchange(t, conn, request); answer[0] != 1 || answer[1] != 0x11 {
			t.Errorf("%x", answer)
		}
	}
	_ = victim.SetReadDeadline(time.Now()) // on loopback it would be there already
	if n, from, err := victim.ReadFromUDP(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes from %s", n, from)
	}
}
