package peer

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pion/stun/v3"
	"github.com/pion/transport/v4"
)

// wire is the network of one trial, watched: it reads along on pion's UDP sockets and keeps what getStats does not tell. Which server made which srflx
// candidate; which server never answered; and which responses came from another address than was asked.
//
// It also does things that pion does not. It repeats a Binding request to a STUN server that got no answer: pion sends it once, and one lost packet
// would then read as an unreachable server (RFC 8489 section 6.2.1 asks for retransmission). And it asks all STUN servers from one socket, as browsers
// do, where pion opens a socket for each: only what one socket is told by several servers shows a NAT's mapping behaviour (RFC 4787 section 4.1).
type wire struct {
	transport.Net
	// sixOnly: every TURN server over UDP is named by an IPv6 address. Set before pion gathers.
	sixOnly bool

	mu       sync.Mutex
	names    map[string]resolved // "host:port" as pion asked for it
	requests map[txid]*request
	order    []txid // oldest first, to forget
	servers  map[endpoint]*server
	odd      map[flow]int64
	others   []netip.AddrPort            // STUN servers to ask wherever pion asks one
	mappings map[uint16][]mapping        // by the port of our socket: what it was told, each address once, in the order of the answers
	answered func()                      // called after each answer of a STUN server
	checks   map[flow]check              // the newest connectivity check that pion sent there
	sweeps   map[txid]func()             // what to do with an answer to a check of our own, which pion must not see
	relays   map[netip.AddrPort]endpoint // who gave us a relayed address
}

// check is a connectivity check, and the socket that it left from.
type check struct {
	conn    net.PacketConn
	request *stun.Message
}

// mapping is the address that a STUN server saw a socket of ours under.
type mapping struct {
	server, seen netip.AddrPort
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

// endpoint is a server's, which may answer over TCP and not over UDP.
type endpoint struct {
	netip.AddrPort
	tcp bool
}

type request struct {
	flow
	tcp           bool
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

// maxFlows bounds the pairs whose checks are remembered: more than pion's agents form of the candidates of two machines.
const maxFlows = 512

func watch(n transport.Net, answered func()) *wire {
	return &wire{
		Net: n, names: map[string]resolved{}, requests: map[txid]*request{},
		servers: map[endpoint]*server{}, odd: map[flow]int64{},
		mappings: map[uint16][]mapping{}, answered: answered, checks: map[flow]check{}, sweeps: map[txid]func(){},
		relays: map[netip.AddrPort]endpoint{},
	}
}

// ListenUDP watches each socket but the one of mDNS: that carries no STUN, and x/net wants the bare socket to join the group.
func (w *wire) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := w.Net.ListenUDP(network, local)
	if err != nil || local != nil && local.IP.IsMulticast() {
		return conn, err
	}
	return &udpConn{UDPConn: conn, w: w}, nil
}

// ListenPacket is how pion opens the socket towards a TURN server over UDP. It only knows those of IPv4 (pion/ice 4.4.0, gather.go), and all that its client asks for an
// IPv6 one is a socket of that family.
func (w *wire) ListenPacket(network, address string) (net.PacketConn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && w.sixOnly && network == "udp4" && host == net.IPv4zero.String() {
		network, address = "udp6", net.JoinHostPort(net.IPv6unspecified.String(), port)
	}
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

// ResolveTCPAddr is that for a TURN server over TCP.
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

type udpConn struct {
	transport.UDPConn
	w     *wire
	first sync.Once // answer of a STUN server
}

func (c *udpConn) WriteTo(p []byte, to net.Addr) (int, error) {
	gathering := c.w.sent(c.UDPConn, p, to)
	n, err := c.UDPConn.WriteTo(p, to)
	if gathering {
		c.w.askOthers(c.UDPConn, addrPort(to))
	}
	return n, err
}

func (c *udpConn) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.UDPConn.ReadFrom(p)
		if err != nil {
			return n, from, err
		}
		gathering, ours := c.w.received(p[:n], from)
		if ours {
			continue
		}
		if gathering {
			c.first.Do(c.readOthers)
		}
		return n, from, nil
	}
}

// othersWithin is how much later than the first the other servers' answers may come: much for servers in one network, little for who waits for the
// candidate. What comes later still is read once there is another end to talk to.
const othersWithin = 100 * time.Millisecond

// readOthers reads the other servers' answers before pion is handed the first: after that pion leaves the socket unread until a remote description is
// there, which the gathering alone never has. Nobody else knows the address yet, so that nothing but answers is read here.
func (c *udpConn) readOthers() {
	port := addrPort(c.LocalAddr()).Port()
	if c.SetReadDeadline(time.Now().Add(othersWithin)) != nil {
		return
	}
	defer c.SetReadDeadline(time.Time{}) //nolint:errcheck // pion does the same after each answer
	buf := make([]byte, maxDatagram)
	for c.w.waiting(port) {
		n, from, err := c.UDPConn.ReadFrom(buf)
		if err != nil {
			return
		}
		c.w.received(buf[:n], from)
	}
}

// maxDatagram is more than any STUN answer: RFC 8489 section 6.1 keeps them under the path's MTU.
const maxDatagram = 1500

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

// askOthers asks from a socket what pion has just asked one server.
func (w *wire) askOthers(conn net.PacketConn, but netip.AddrPort) {
	local := addrPort(conn.LocalAddr()).Addr()
	for _, server := range w.others {
		if server == but || local.Is4() != server.Addr().Is4() {
			continue
		}
		request, err := stun.Build(stun.BindingRequest, stun.TransactionID)
		if err != nil {
			return // no random numbers: pion has failed before
		}
		to := net.UDPAddrFromAddrPort(server)
		w.sent(conn, request.Raw, to)
		_, _ = conn.WriteTo(request.Raw, to) // a server without a route shows as one that never answers
	}
}

// sent notes a request before it leaves, so that its answer cannot overtake the note. gathering: it asks a STUN server for our address.
func (w *wire) sent(conn net.PacketConn, p []byte, to net.Addr) (gathering bool) {
	m, ok := decode(p)
	if !ok || m.Type.Class != stun.ClassRequest {
		return false
	}
	local, dst := addrPort(conn.LocalAddr()), addrPort(to)
	_, tcp := to.(*net.TCPAddr)
	r := &request{flow: flow{local.Port(), dst}, tcp: tcp, authenticated: m.Contains(stun.AttrUsername)}
	// Connectivity checks carry USERNAME (RFC 8445 section 7.2.2), Binding requests to a STUN server do not.
	gathering = m.Type.Method == stun.MethodBinding && !r.authenticated

	w.mu.Lock()
	defer w.mu.Unlock()
	if gathering || m.Type.Method != stun.MethodBinding {
		s := w.servers[endpoint{dst, tcp}]
		if s == nil {
			s = &server{local: local}
			w.servers[endpoint{dst, tcp}] = s
		}
		s.asked++
	}
	if gathering {
		raw := append([]byte(nil), p...)
		r.resend = func() { _, _ = conn.WriteTo(raw, to) } // a closed socket has nothing left to ask
	}
	if _, known := w.checks[r.flow]; r.authenticated && m.Type.Method == stun.MethodBinding && (known || len(w.checks) < maxFlows) {
		w.checks[r.flow] = check{conn, m}
	}
	if _, again := w.requests[m.TransactionID]; again {
		return gathering
	}
	if len(w.order) == maxRequests {
		delete(w.requests, w.order[0])
		w.order = w.order[1:]
	}
	w.requests[m.TransactionID] = r
	w.order = append(w.order, m.TransactionID)
	return gathering
}

// received reads along. It tells whether a STUN server answered a question of the gathering, and whether it is the answer to a check that pion did not send.
func (w *wire) received(p []byte, from net.Addr) (gathering, ours bool) {
	m, ok := decode(p)
	if !ok || m.Type.Class != stun.ClassSuccessResponse && m.Type.Class != stun.ClassErrorResponse {
		return false, false
	}
	w.mu.Lock()
	sweep := w.sweeps[m.TransactionID]
	w.mu.Unlock()
	if sweep != nil {
		sweep()
		return false, true
	}
	if gathering = w.note(m, addrPort(from)); gathering {
		w.answered()
	}
	return gathering, false
}

// note takes down a response.
func (w *wire) note(m *stun.Message, src netip.AddrPort) (gathering bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.requests[m.TransactionID]
	if r == nil {
		return false
	}
	gathering = r.resend != nil
	r.resend = nil
	if src != r.to {
		w.odd[r.flow]++
	}
	s := w.servers[endpoint{r.to, r.tcp}]
	if s == nil {
		return gathering
	}
	s.responded++
	var (
		seen stun.XORMappedAddress
		code stun.ErrorCodeAttribute
	)
	switch {
	case m.Type == allocateSuccess:
		if seen.GetFromAs(m, stun.AttrXORRelayedAddress) == nil {
			w.relays[addrPort(&net.UDPAddr{IP: seen.IP, Port: seen.Port})] = endpoint{r.to, r.tcp}
		}
	case m.Type.Class == stun.ClassSuccessResponse:
		if gathering && seen.GetFrom(m) == nil {
			at := addrPort(&net.UDPAddr{IP: seen.IP, Port: seen.Port})
			if !slices.ContainsFunc(w.mappings[r.port], func(k mapping) bool { return k.seen == at }) {
				w.mappings[r.port] = append(w.mappings[r.port], mapping{r.to, at})
			}
		}
	case code.GetFrom(m) != nil:
	// A first request is always refused with 401, which tells the realm; 438 only brings a new nonce (RFC 8489 section 9.2.4).
	case code.Code == stun.CodeUnauthorized && !r.authenticated || code.Code == stun.CodeStaleNonce:
	default:
		s.errorCode, s.errorText = int(code.Code), string(code.Reason)
	}
	return gathering
}

// restart forgets the questions of the gathering before: their sockets are closed, and nothing answers there.
func (w *wire) restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		r.resend = nil
	}
	clear(w.mappings)
	clear(w.checks)
}

// check is the newest one that pion sent from a socket of ours to an address.
func (w *wire) check(port uint16, to netip.AddrPort) (check, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.checks[flow{port, to}]
	return c, ok
}

// waiting tells whether a question of the gathering has no answer yet; port: from that socket, 0: from any.
func (w *wire) waiting(port uint16) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		if r.resend != nil && (port == 0 || port == r.port) {
			return true
		}
	}
	return false
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

// told is what a socket of ours was told by STUN servers.
func (w *wire) told(port uint16) []mapping {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.mappings[port])
}

// relay is the server that gave us a relayed address.
func (w *wire) relay(at netip.AddrPort) endpoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.relays[at]
}

// lookup is what became of the server of a STUN or TURN URL: its address, how it has answered (nil: never asked), and why its name did not resolve.
func (w *wire) lookup(u *stun.URI) (netip.AddrPort, *server, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, known := w.names[net.JoinHostPort(u.Host, strconv.Itoa(u.Port))]
	if !known || r.err != nil {
		return netip.AddrPort{}, nil, r.err
	}
	if s := w.servers[endpoint{r.addr, u.Proto == stun.ProtoTypeTCP}]; s != nil {
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
