package peer

import (
	"net"
	"testing"

	"github.com/pion/logging"
	"github.com/pion/stun/v3"
	"github.com/pion/transport/v4/vnet"
)

var theServer = &stun.URI{Scheme: stun.SchemeTypeSTUN, Host: "192.0.2.2", Port: 3478, Proto: stun.ProtoTypeUDP}

// pair is two hosts on one vnet, ours watched.
func pair(t *testing.T) (ours *wire, theirs *vnet.Net) {
	t.Helper()
	router, err := vnet.NewRouter(&vnet.RouterConfig{
		CIDR: "192.0.2.0/24", LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	var hosts []*vnet.Net
	for _, ip := range []string{"192.0.2.1", "192.0.2.2"} {
		n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
		if err != nil {
			t.Fatal(err)
		}
		if err := router.AddNet(n); err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, n)
	}
	if err := router.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = router.Stop() })
	return watch(hosts[0], func() {}), hosts[1]
}

func listen(t *testing.T, n interface {
	ListenPacket(network, address string) (net.PacketConn, error)
}, address string) net.PacketConn {
	t.Helper()
	conn, err := n.ListenPacket("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func read(t *testing.T, conn net.PacketConn) (*stun.Message, net.Addr) {
	t.Helper()
	buf := make([]byte, 1500)
	n, from, err := conn.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	m := &stun.Message{Raw: buf[:n]}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	return m, from
}

func write(t *testing.T, conn net.PacketConn, to net.Addr, setters ...stun.Setter) {
	t.Helper()
	if _, err := conn.WriteTo(stun.MustBuild(setters...).Raw, to); err != nil {
		t.Fatal(err)
	}
}

// RFC 8445 section 7.2.5.2.1: the response must come from where the request was sent to.
func TestNonSymmetricResponseIsCounted(t *testing.T) {
	w, theirs := pair(t)
	ours := listen(t, w, "192.0.2.1:5000")
	asked, other := listen(t, theirs, "192.0.2.2:6000"), listen(t, theirs, "192.0.2.2:6001")
	for _, answerer := range []net.PacketConn{asked, other, other} {
		write(t, ours, asked.LocalAddr(), stun.BindingRequest, stun.TransactionID, stun.NewUsername("them:us"))
		request, from := read(t, asked)
		write(t, answerer, from, request, stun.BindingSuccess)
		read(t, ours)
	}
	if got := w.nonSymmetric(5000, addrPort(asked.LocalAddr())); got != 2 {
		t.Errorf("counted %d, want 2", got)
	}
	if got := w.nonSymmetric(5000, addrPort(other.LocalAddr())); got != 0 {
		t.Errorf("the one that was not asked has %d", got)
	}
}

// RFC 8489 section 6.2.1: a lost request is sent again, the same one.
func TestUnansweredQuestionIsRepeated(t *testing.T) {
	w, theirs := pair(t)
	ours, server := listen(t, w, "192.0.2.1:5000"), listen(t, theirs, "192.0.2.2:3478")
	if _, err := w.ResolveUDPAddr("udp4", "192.0.2.2:3478"); err != nil {
		t.Fatal(err)
	}
	write(t, ours, server.LocalAddr(), stun.BindingRequest, stun.TransactionID)
	lost, _ := read(t, server)
	if _, s, _ := w.lookup(theServer); s == nil || s.asked != 1 || s.responded != 0 {
		t.Errorf("before the answer: %+v", s)
	}
	w.repeat()
	again, from := read(t, server)
	if again.TransactionID != lost.TransactionID {
		t.Error("another request, not the same again")
	}
	write(t, server, from, again, stun.BindingSuccess)
	read(t, ours)
	w.mu.Lock()
	waiting := w.requests[again.TransactionID].resend != nil
	w.mu.Unlock()
	if waiting {
		t.Error("an answered request waits to be sent again")
	}
	if _, s, _ := w.lookup(theServer); s == nil || s.responded != 1 {
		t.Errorf("after the answer: %+v", s)
	}
}

// RFC 8489 section 9.2.4: the first 401 only tells the realm; the second one is about the password.
func TestOnlyRefusedCredentialsAreAnError(t *testing.T) {
	w, theirs := pair(t)
	ours, server := listen(t, w, "192.0.2.1:5000"), listen(t, theirs, "192.0.2.2:3478")
	if _, err := w.ResolveUDPAddr("udp4", "192.0.2.2:3478"); err != nil {
		t.Fatal(err)
	}
	allocate := stun.NewType(stun.MethodAllocate, stun.ClassRequest)
	refusal := stun.NewType(stun.MethodAllocate, stun.ClassErrorResponse)
	for i, want := range []int{0, 401} {
		setters := []stun.Setter{allocate, stun.TransactionID}
		if i == 1 {
			setters = append(setters, stun.NewUsername("user"))
		}
		write(t, ours, server.LocalAddr(), setters...)
		request, from := read(t, server)
		write(t, server, from, request, refusal, stun.ErrorCodeAttribute{Code: stun.CodeUnauthorized, Reason: []byte("Unauthorized")})
		read(t, ours)
		if _, s, _ := w.lookup(theServer); s == nil || s.errorCode != want {
			t.Errorf("answer %d: %+v, want code %d", i, s, want)
		}
	}
}
