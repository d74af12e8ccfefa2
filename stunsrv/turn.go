package stunsrv

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pion/turn/v5"
)

// TURN (RFC 8656) is pion's, behind the sockets of STUN: what is TURN goes from their loops to a server of pion's for each address of this machine that clients come to, and
// what that server sends leaves from there. Who may have a relay, how much of one, and whom it may talk to is decided here. docs/adr/0005-turn.md says why it is built so.

const (
	// turnRealm is the REALM of long-term credentials (RFC 8489 section 9.2); it never changes, so that a credential outlives a restart where the secret does.
	turnRealm = "icescope"
	// maxTurnPlaces bounds the addresses of this machine that TURN is served on. A machine has some; all of 127.0.0.0/8 are also its own.
	maxTurnPlaces = 64
	// maxTurnStreams bounds the streams over TCP and TLS: one for each allocation that there may be.
	maxTurnStreams = maxAllocations
	// The range of relay ports where the operator names none is the one of RFC 8656 section 7.2.
	minRelayPort, maxRelayPort = 49152, 65535
	// lowestRelayPort: services listen below it, and browsers do not send there.
	lowestRelayPort = 1024
)

// TURNConfig says how to relay. The zero value serves the machine's own addresses with a secret of its own.
type TURNConfig struct {
	// Secret is what credentials are made with; who knows it can make some. Empty: one that ends with this process.
	Secret string
	// Relay is the address that peers are told to send to, where it is not the one that the client came to: a NAT in front of this machine that forwards Ports to it, number
	// by number, or another interface. Invalid: the one that the client came to.
	Relay netip.Addr
	// Ports are the first and the last port that relays are opened on; zero: 49152 to 65535.
	Ports [2]uint16
}

func (c *TURNConfig) validate() error {
	if c.Ports == ([2]uint16{}) {
		c.Ports = [2]uint16{minRelayPort, maxRelayPort}
	}
	if c.Ports[0] < lowestRelayPort || c.Ports[1] < c.Ports[0] {
		return fmt.Errorf("stunsrv: relay ports %d-%d are no range above %d; try --turn-ports %d-%d", c.Ports[0], c.Ports[1], lowestRelayPort-1, minRelayPort, maxRelayPort)
	}
	if c.Secret == "" {
		c.Secret = rand.Text()
	}
	return nil
}

// TURNStats are what the relay has done so far.
type TURNStats struct {
	Allocations int    // that live now
	Made        uint64 // allocations ever
	// Requests that were refused: for their credentials, for a limit on allocations, for a peer that a relay may not talk to.
	RefusedCredentials, RefusedQuota, RefusedPeer uint64
	// BytesToPeers and BytesToClients are what was relayed, without headers.
	BytesToPeers, BytesToClients uint64
	// Dropped datagrams: because pion's server was too slow, because the allocation's bandwidth was used up, because their peer is one that a relay may not talk to.
	DroppedQueue, DroppedRate, DroppedPeer uint64
}

// turnCounters are TURNStats as they are counted.
type turnCounters struct {
	made, refusedCredentials, refusedQuota, refusedPeer        atomic.Uint64
	toPeers, toClients, droppedQueue, droppedRate, droppedPeer atomic.Uint64
}

// relayServer is all of TURN. Its life is that of its Server: close ends all, wait returns when pion's goroutines are done with everything of ours.
type relayServer struct {
	config   TURNConfig
	log      *slog.Logger
	counters turnCounters
	own      ownAddrs

	udp atomic.Pointer[map[netip.AddrPort]*turnUDP] // by the address that datagrams come to; replaced, never changed, so that a loop can look

	mu      sync.Mutex
	closed  bool
	streams map[netip.Addr]*turnListener // by the address that connections come to
	open    map[*turnStream]struct{}
	crowd   crowd          // of open
	work    sync.WaitGroup // of what pion was given: sockets, listeners, connections, relays
	relays  relays
}

var errTURNClosed = errors.New("stunsrv: TURN has ended")

func newRelayServer(config TURNConfig, log *slog.Logger) *relayServer {
	t := &relayServer{config: config, log: log, streams: map[netip.Addr]*turnListener{}, open: map[*turnStream]struct{}{}, crowd: crowd{}}
	t.udp.Store(&map[netip.AddrPort]*turnUDP{})
	t.relays.init()
	return t
}

// begin starts a server of pion's at an address. Locked.
func (t *relayServer) begin(local netip.Addr, conn net.PacketConn, listener net.Listener) error {
	if t.closed {
		return errTURNClosed
	}
	if len(*t.udp.Load())+len(t.streams) >= maxTurnPlaces {
		return fmt.Errorf("stunsrv: TURN is served on %d addresses of this machine already", maxTurnPlaces)
	}
	generator := &relayGenerator{t, local}
	allowed := func(client net.Addr, peer net.IP) bool {
		addr, ok := netip.AddrFromSlice(peer)
		return ok && t.mayTalkTo(addr.Unmap(), local) && t.permit(client, local, addr.Unmap())
	}
	config := turn.ServerConfig{
		Realm: turnRealm, AuthHandler: t.authenticate, QuotaHandler: t.withinQuota, LoggerFactory: turnLogger{t.log}, InboundMTU: turnMTU,
		EventHandler: turn.EventHandler{OnAllocationCreated: t.allocated, OnAllocationDeleted: t.ended, OnAllocationError: t.failed,
			OnPermissionDeleted: t.unpermit},
	}
	if conn != nil {
		config.PacketConnConfigs = []turn.PacketConnConfig{{PacketConn: conn, RelayAddressGenerator: generator, PermissionHandler: allowed}}
	} else {
		config.ListenerConfigs = []turn.ListenerConfig{{Listener: listener, RelayAddressGenerator: generator, PermissionHandler: allowed}}
	}
	t.work.Add(1) // until pion has been told that nothing comes any more
	if _, err := turn.NewServer(config); err != nil {
		t.work.Done()
		return err
	}
	return nil
}

func (t *relayServer) close() {
	t.mu.Lock()
	t.closed = true // nothing is added any more
	open := slices.Collect(maps.Keys(t.open))
	t.mu.Unlock()
	for _, u := range *t.udp.Load() {
		u.Close()
	}
	for _, l := range t.streams {
		l.Close()
	}
	for _, c := range open {
		c.Conn.Close() // pion's reader sees it, and closes the rest
	}
	t.relays.close()
}

func (t *relayServer) wait() { t.work.Wait() }

// TURNStats are zero where there is no TURN.
func (s *Server) TURNStats() TURNStats {
	t := s.turn
	if t == nil {
		return TURNStats{}
	}
	c := &t.counters
	return TURNStats{
		Allocations: t.relays.count(), Made: c.made.Load(), RefusedCredentials: c.refusedCredentials.Load(), RefusedQuota: c.refusedQuota.Load(), RefusedPeer: c.refusedPeer.Load(),
		BytesToPeers: c.toPeers.Load(), BytesToClients: c.toClients.Load(),
		DroppedQueue: c.droppedQueue.Load(), DroppedRate: c.droppedRate.Load(), DroppedPeer: c.droppedPeer.Load(),
	}
}
