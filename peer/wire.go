package peer

import (
	"net"
	"net/netip"
	"strconv"
	"sync"

	"github.com/pion/stun/v3"
	"github.com/pion/transport/v4"
)

// wire is the network of one trial, watched: it reads along on pion's UDP sockets and keeps what getStats does not tell. Which server made which srflx
// candidate; which server never answered; and which responses came from another address than was asked.
//
// It also repeats a Binding request to a STUN server that got no answer: pion sends it once, and one lost packet would then read as an unreachable
// server (RFC 8489 section 6.2.1 asks for retransmission).
type wire struct {
	transport.Net

	mu       sync.Mutex
	names    map[string]resolved // "host:port" as pion asked for it
	requests map[txid]*request
	order    []txid // oldest first, to forget
	servers  map[netip.AddrPort]*server
	asked    map[uint16]netip.AddrPort // by the port of our socket: the STUN server asked from it
	odd      map[flow]int64
}

type txid = [stun.TransactionIDSize]byte

// resolved is what became of a name in a STUN or TURN URL.
type resolved struct {
	addr netip.AddrPort
	err  error
}

// flow is one of our sockets and who was asked from it. The socket is known by its port alone, since pion binds those for srflx to the unspecified address.
type flow struct {
	port uint16
	to   netip.AddrPort
}

type request struct {
	flow
	authenticated bool   // with USERNAME
	resend        func() // nil: answered, or a connectivity check or a TURN transaction, which pion repeats by itself
}

// server is how a STUN or TURN server has answered.
type server struct {
	local            netip.AddrPort
	asked, responded int
	errorCode        int // of the last error response that says more than "authenticate first"; 0: none
	errorText        string
}

// maxRequests bounds the transactions remembered per trial. At most 75 checks go to each of a few dozen pairs, and an answer comes within seconds;
// what is forgotten is counted as neither symmetric nor not.
const maxRequests = 2048

func watch(n transport.Net) *wire {
	return &wire{
		Net: n, names: map[string]resolved{}, requests: map[txid]*request{},
		servers: map[netip.AddrPort]*server{}, asked: map[uint16]netip.AddrPort{}, odd: map[flow]int64{},
	}
}

// ListenUDP watches each socket but the one of mDNS: that carries no STUN, and x/net wants the bare socket to join the group.
func (w *wire) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := w.Net.ListenUDP(network, local)
	if err != nil || local != nil && local.IP.IsMulticast() {
		return conn, err
	}
	return &udpConn{conn, w}, nil
}

// ListenPacket is how pion opens the socket towards a TURN server over UDP.
func (w *wire) ListenPacket(network, address string) (net.PacketConn, error) {
	conn, err := w.Net.ListenPacket(network, address)
	if err != nil {
		return conn, err
	}
	return &packetConn{conn, w}, nil
}

// ResolveUDPAddr remembers what a server's name resolved to.
func (w *wire) ResolveUDPAddr(network, address string) (*net.UDPAddr, error) {
	addr, err := w.Net.ResolveUDPAddr(network, address)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.names[address] = resolved{addr: addrPort(addr)}
	} else if _, known := w.names[address]; !known { // a server with addresses of one family fails in the other, harmlessly
		w.names[address] = resolved{err: err}
	}
	return addr, err
}

// ResolveTCPAddr remembers what the name of a TURN server over TCP resolved to.
func (w *wire) ResolveTCPAddr(network, address string) (*net.TCPAddr, error) {
	addr, err := w.Net.ResolveTCPAddr(network, address)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.names[address] = resolved{err: err}
	} else {
		w.names[address] = resolved{addr: addrPort(addr)}
	}
	return addr, err
}

// DialTCP remembers why a TURN server could not be reached over TCP.
func (w *wire) DialTCP(network string, local, remote *net.TCPAddr) (transport.TCPConn, error) {
	conn, err := w.Net.DialTCP(network, local, remote)
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.servers[addrPort(remote)] = &server{asked: 1, errorCode: codeUnreachable, errorText: err.Error()}
	}
	return conn, err
}

type udpConn struct {
	transport.UDPConn
	w *wire
}

func (c *udpConn) WriteTo(p []byte, to net.Addr) (int, error) {
	c.w.sent(c.UDPConn, p, to)
	return c.UDPConn.WriteTo(p, to)
}

func (c *udpConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.UDPConn.ReadFrom(p)
	if err == nil {
		c.w.received(p[:n], from)
	}
	return n, from, err
}

type packetConn struct {
	net.PacketConn
	w *wire
}

func (c *packetConn) WriteTo(p []byte, to net.Addr) (int, error) {
	c.w.sent(c.PacketConn, p, to)
	return c.PacketConn.WriteTo(p, to)
}

func (c *packetConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.PacketConn.ReadFrom(p)
	if err == nil {
		c.w.received(p[:n], from)
	}
	return n, from, err
}

// sent notes a request before it leaves, so that its answer cannot overtake the note.
func (w *wire) sent(conn net.PacketConn, p []byte, to net.Addr) {
	m, ok := decode(p)
	if !ok || m.Type.Class != stun.ClassRequest {
		return
	}
	local, dst := addrPort(conn.LocalAddr()), addrPort(to)
	r := &request{flow: flow{local.Port(), dst}, authenticated: m.Contains(stun.AttrUsername)}
	// Connectivity checks carry USERNAME (RFC 8445 section 7.2.2), Binding requests to a STUN server do not.
	gathering := m.Type.Method == stun.MethodBinding && !r.authenticated

	w.mu.Lock()
	defer w.mu.Unlock()
	if gathering || m.Type.Method != stun.MethodBinding {
		s := w.servers[dst]
		if s == nil {
			s = &server{local: local}
			w.servers[dst] = s
		}
		s.asked++
	}
	if gathering {
		w.asked[r.port] = dst
		raw := append([]byte(nil), p...)
		r.resend = func() { _, _ = conn.WriteTo(raw, to) } // a closed socket has nothing left to ask
	}
	if _, again := w.requests[m.TransactionID]; again {
		return
	}
	if len(w.order) == maxRequests {
		delete(w.requests, w.order[0])
		w.order = w.order[1:]
	}
	w.requests[m.TransactionID] = r
	w.order = append(w.order, m.TransactionID)
}

func (w *wire) received(p []byte, from net.Addr) {
	m, ok := decode(p)
	if !ok || m.Type.Class != stun.ClassSuccessResponse && m.Type.Class != stun.ClassErrorResponse {
		return
	}
	src := addrPort(from)
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.requests[m.TransactionID]
	if r == nil {
		return
	}
	r.resend = nil
	if src != r.to {
		w.odd[r.flow]++
	}
	s := w.servers[r.to]
	if s == nil {
		return
	}
	s.responded++
	var code stun.ErrorCodeAttribute
	if m.Type.Class != stun.ClassErrorResponse || code.GetFrom(m) != nil {
		return
	}
	// A first request is always refused with 401, which tells the realm; 438 only brings a new nonce (RFC 8489 section 9.2.4).
	if code.Code == stun.CodeUnauthorized && !r.authenticated || code.Code == stun.CodeStaleNonce {
		return
	}
	s.errorCode, s.errorText = int(code.Code), string(code.Reason)
}

// repeat sends again what no server has answered. The trial calls it on every tick until it has gathered.
func (w *wire) repeat() {
	w.mu.Lock()
	var again []func()
	for _, r := range w.requests {
		if r.resend != nil {
			again = append(again, r.resend)
		}
	}
	w.mu.Unlock()
	for _, resend := range again { // outside the lock: a socket may block
		resend()
	}
}

// nonSymmetric counts the responses to checks from port to remote that came from elsewhere.
func (w *wire) nonSymmetric(port uint16, remote netip.AddrPort) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.odd[flow{port, remote}]
}

// server is the STUN server that was asked from a socket of ours.
func (w *wire) server(port uint16) (netip.AddrPort, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	addr, ok := w.asked[port]
	return addr, ok
}

// lookup is what became of the server at host and port of a STUN or TURN URL: its address, how it has answered (nil: never asked over UDP), and why its
// name did not resolve.
func (w *wire) lookup(host string, port int) (netip.AddrPort, *server, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, known := w.names[net.JoinHostPort(host, strconv.Itoa(port))]
	if !known || r.err != nil {
		return netip.AddrPort{}, nil, r.err
	}
	if s := w.servers[r.addr]; s != nil {
		seen := *s
		return r.addr, &seen, nil
	}
	return r.addr, nil, nil
}

// decode reads a STUN message out of a copy: stun.Message keeps its buffer, and pion goes on with p.
func decode(p []byte) (*stun.Message, bool) {
	if !stun.IsMessage(p) {
		return nil, false
	}
	m := &stun.Message{Raw: append([]byte(nil), p...)}
	return m, m.Decode() == nil
}

// addrPort is comparable: an IPv4 address is one, whichever way the socket spells it.
func addrPort(a net.Addr) netip.AddrPort {
	var p netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		p = a.AddrPort()
	case *net.TCPAddr:
		p = a.AddrPort()
	}
	return netip.AddrPortFrom(p.Addr().Unmap().WithZone(""), p.Port())
}
