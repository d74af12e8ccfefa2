package stunsrv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/turn/v5"
	"golang.org/x/time/rate"
)

const (
	// maxAllocations in all: at a socket, a goroutine and some 10 KiB each they stay under 20 MiB, and far under the descriptors that a service may have.
	maxAllocations = 2048
	// allocationsPerClient is for one IP, which may be a NAT with a whole site behind: a hundred rooms of two peers with a trial over UDP and one over TCP, and some to spare.
	allocationsPerClient = 512
	// allocationsPerRoom: two peers, two trials, twice while one run follows another, and a browser allocates once for each of its interfaces and URLs.
	allocationsPerRoom = 64
	// relayRate and relayBurst are in bytes, each way, for one allocation. A drawn canvas takes 2.5 Mbit/s at the most; the measurement of throughput is short and takes all that the
	// path has: 0.3 s of 400 Mbit/s pass without a loss that would be ours.
	relayRate  = 1 << 20
	relayBurst = 16 << 20
	// relayBuffer is in bytes, for both directions of a relay's socket: the same bursts, for as long as another goroutine has the processor.
	relayBuffer = 1 << 20
	// relayPortAttempts bounds the search for a free port in a range that others use as well.
	relayPortAttempts = 256
)

var (
	errTooManyAllocations = errors.New("stunsrv: as many allocations as there may be")
	errNoRelayAddress     = errors.New("stunsrv: no address of this machine to relay from in that family")
	errNoRelayPort        = errors.New("stunsrv: no free relay port; try a wider range with --turn-ports")
	errNoTCPRelays        = errors.New("stunsrv: relays over TCP (RFC 6062) are not made")
)

// relays are the sockets of all allocations that live.
type relays struct {
	mu      sync.RWMutex
	closed  bool
	pending int                           // being opened
	public  map[netip.AddrPort]*turnRelay // by what peers know
	local   map[netip.AddrPort]*turnRelay // by what the socket is bound to
	rooms   map[string]int
	clients map[netip.Prefix]int
	permits map[tuple]*permits
}

func (r *relays) init() {
	r.public, r.local = map[netip.AddrPort]*turnRelay{}, map[netip.AddrPort]*turnRelay{}
	r.rooms, r.clients, r.permits = map[string]int{}, map[netip.Prefix]int{}, map[tuple]*permits{}
}

func (r *relays) count() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.local)
}

// taken tells whether peers know a relay by that address already.
func (r *relays) taken(public netip.AddrPort) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.public[public] != nil
}

// reserve takes a place for one more, in a room.
func (r *relays) reserve(room string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || len(r.local)+r.pending >= maxAllocations || r.rooms[room] >= allocationsPerRoom {
		return false
	}
	r.pending++
	r.rooms[room]++
	return true
}

// release gives it back.
func (r *relays) release(room string) {
	if r.rooms[room]--; r.rooms[room] <= 0 {
		delete(r.rooms, room)
	}
}

func (r *relays) close() {
	r.mu.Lock()
	r.closed = true
	var open []*turnRelay
	for _, one := range r.local {
		open = append(open, one)
	}
	r.mu.Unlock()
	for _, one := range open {
		one.Close()
	}
}

// clientOf is who counts as one client: an IPv4 address, or the /64 of an IPv6 one, within which a machine chooses freely (RFC 8981).
func clientOf(addr net.Addr) netip.Prefix {
	var ip netip.Addr
	switch a := addr.(type) {
	case *net.UDPAddr:
		ip = a.AddrPort().Addr().Unmap().WithZone("")
	case *net.TCPAddr:
		ip = a.AddrPort().Addr().Unmap().WithZone("")
	}
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}

// withinQuota is asked before an allocation; a refusal is a 486 (RFC 8656 section 7.2).
func (t *relayServer) withinQuota(username, _ string, client net.Addr) bool {
	_, room, _ := splitName(username)
	r := &t.relays
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.local)+r.pending < maxAllocations && r.rooms[room] < allocationsPerRoom && r.clients[clientOf(client)] < allocationsPerClient {
		return true
	}
	t.counters.refusedQuota.Add(1)
	return false
}

func (t *relayServer) allocated(client, server net.Addr, _, user, _ string, relay net.Addr, _ int) {
	t.counters.made.Add(1)
	t.relays.mu.Lock()
	t.relays.clients[clientOf(client)]++
	t.relays.permitsBegin(tupleOf(client, server))
	t.relays.mu.Unlock()
	t.log.Debug("relay", "for", client, "over", server, "at", relay, "user", user)
}

func (t *relayServer) ended(client, server net.Addr, _, _, _ string) {
	r, of := &t.relays, clientOf(client)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.permitsEnd(tupleOf(client, server))
	if r.clients[of]--; r.clients[of] <= 0 {
		delete(r.clients, of)
	}
}

func (t *relayServer) failed(client, server net.Addr, _, message string) {
	t.log.Debug("turn", "client", client, "over", server, "err", message)
}

// relayGenerator opens relays for who came to one address of this machine: turn.RelayAddressGenerator.
type relayGenerator struct {
	t     *relayServer
	local netip.Addr
}

// Validate has nothing to say.
func (g *relayGenerator) Validate() error { return nil }

// AllocateListener is for RFC 6062.
func (g *relayGenerator) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errNoTCPRelays
}

// AllocateConn is for RFC 6062.
func (g *relayGenerator) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) {
	return nil, errNoTCPRelays
}

// AllocatePacketConn opens a relay and tells the address that peers reach it by. It ends with the credential that it was asked for with.
func (g *relayGenerator) AllocatePacketConn(config turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	want4 := config.Network == "udp4"
	if config.UserID == "" { // pion looks for an even port, in IPv4 whatever the family of the relay will be
		want4 = g.local.Is4()
	}
	bind, public := g.t.relayAddr(g.local, want4)
	if !bind.IsValid() {
		return nil, nil, errNoRelayAddress
	}
	ends, room, _ := splitName(config.UserID)
	if !g.t.relays.reserve(room) {
		return nil, nil, errTooManyAllocations
	}
	r := &g.t.relays
	conn, err := g.t.config.listen(bind, config.RequestedPort, func(port uint16) bool { return r.taken(netip.AddrPortFrom(public, port)) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending--
	if err == nil && r.closed {
		conn.Close()
		err = errTURNClosed
	}
	if err != nil {
		r.release(room)
		return nil, nil, err
	}
	at := unmapped(conn.LocalAddr().(*net.UDPAddr).AddrPort())
	one := &turnRelay{t: g.t, conn: conn, room: room, client: g.local, local: at, public: netip.AddrPortFrom(public, at.Port()),
		in: rate.NewLimiter(relayRate, relayBurst), out: rate.NewLimiter(relayRate, relayBurst)}
	if r.public[one.public] != nil { // another address of this machine, the same port: a NAT forwards it to one of them
		conn.Close()
		r.release(room)
		return nil, nil, errNoRelayPort
	}
	if !ends.IsZero() {
		_ = conn.SetReadDeadline(ends)
	}
	r.local[one.local], r.public[one.public] = one, one
	g.t.work.Add(1)
	return one, net.UDPAddrFromAddrPort(one.public), nil
}

// relayAddr is where a relay is opened for who came to local, and the address that peers reach it by. Invalid: there is none in that family.
func (t *relayServer) relayAddr(local netip.Addr, want4 bool) (bind, public netip.Addr) {
	own := t.own.now()
	switch {
	case local.Is4() == want4:
		bind = local
	case local.IsLoopback():
		return
	default: // REQUESTED-ADDRESS-FAMILY asks for the other family than that of the client (RFC 8656 section 7.2)
		bind = own.reachable(want4)
	}
	if told := t.config.Relay; told.IsValid() && told.Is4() == want4 && !local.IsLoopback() {
		if own.addrs[told] {
			bind = told
		}
		return bind, told
	}
	if bind.Is6() && bind.IsLinkLocalUnicast() { // it needs a zone, which is another at each end
		return netip.Addr{}, netip.Addr{}
	}
	return bind, bind
}

// listen opens a socket on a port of the range; a reserved port (RFC 8656 section 7.2, EVEN-PORT) is not chosen again.
func (c *TURNConfig) listen(addr netip.Addr, port int, taken func(uint16) bool) (*net.UDPConn, error) {
	first, last := int(c.Ports[0]), int(c.Ports[1])
	size := last - first + 1
	begin, tries := rand.IntN(size), min(size, relayPortAttempts)
	if port != 0 {
		if port < first || port > last {
			return nil, errNoRelayPort
		}
		begin, tries = port-first, 1
	}
	err := errNoRelayPort
	for i := range tries {
		at := netip.AddrPortFrom(addr, uint16(first+(begin+i)%size))
		if taken(at.Port()) {
			continue
		}
		conn, failed := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if failed == nil {
			_ = conn.SetReadBuffer(relayBuffer)
			_ = conn.SetWriteBuffer(relayBuffer)
			return conn, nil
		}
		err = fmt.Errorf("%w (%w)", errNoRelayPort, failed)
	}
	return nil, err
}

// turnRelay is the socket of one allocation: net.PacketConn. Closing it ends the allocation.
type turnRelay struct {
	t             *relayServer
	conn          *net.UDPConn
	room          string
	client        netip.Addr // the address of this machine that the client came to
	local, public netip.AddrPort
	in, out       *rate.Limiter
	closing       sync.Once
}

// ReadFrom is what comes from peers.
func (r *turnRelay) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(p)
		if err != nil {
			return 0, nil, err
		}
		from, ok := r.t.comesFrom(unmapped(from), r.client)
		switch {
		case !ok:
			r.t.counters.droppedPeer.Add(1)
		case !r.in.AllowN(time.Now(), n):
			r.t.counters.droppedRate.Add(1)
		default:
			r.t.counters.toClients.Add(uint64(n))
			return n, net.UDPAddrFromAddrPort(from), nil
		}
	}
}

// WriteTo sends to a peer. What may not be sent is dropped, as a network would.
func (r *turnRelay) WriteTo(p []byte, to net.Addr) (int, error) {
	addr, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("no address of UDP")
	}
	at, ok := r.t.goesTo(unmapped(addr.AddrPort()), r.client)
	switch {
	case !ok:
		r.t.counters.droppedPeer.Add(1)
		return len(p), nil
	case !r.out.AllowN(time.Now(), len(p)):
		r.t.counters.droppedRate.Add(1)
		return len(p), nil
	}
	n, err := r.conn.WriteToUDPAddrPort(p, at)
	r.t.counters.toPeers.Add(uint64(n))
	return n, err
}

// Close gives the place to another.
func (r *turnRelay) Close() error {
	err := r.conn.Close()
	r.closing.Do(func() {
		all := &r.t.relays
		all.mu.Lock()
		delete(all.local, r.local)
		delete(all.public, r.public)
		all.release(r.room)
		all.mu.Unlock()
		r.t.work.Done()
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// LocalAddr is what the socket is bound to.
func (r *turnRelay) LocalAddr() net.Addr { return r.conn.LocalAddr() }

// Deadlines are the socket's; pion sets none.
func (r *turnRelay) SetDeadline(at time.Time) error      { return r.conn.SetDeadline(at) }
func (r *turnRelay) SetReadDeadline(at time.Time) error  { return r.conn.SetReadDeadline(at) }
func (r *turnRelay) SetWriteDeadline(at time.Time) error { return r.conn.SetWriteDeadline(at) }
