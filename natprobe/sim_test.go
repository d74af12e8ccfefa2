package natprobe

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/stun/v3"
)

// world is a network in memory: this machine, its NAT, and a server with up to four corners. It implements Network. Time in it is that of the bubble.
type world struct {
	nat                 *simNAT // nil: none
	twoPaths            bool    // the server's other IP is reached through beyond, and not through nat
	beyond              *simNAT // nil: none
	server              simServer
	delay               time.Duration                                         // one way
	lose                func(from, to netip.AddrPort, raw []byte, n int) bool // n counts from 0; nil: nothing is lost
	noise               bool                                                  // garbage beside every packet that arrives
	tcp                 string                                                // "", "answers", "refused"; empty: swallowed
	mtu                 int
	stallFrom, stallFor time.Duration // the server does nothing in this while, counted from its first packet

	began time.Time
	mu    sync.Mutex
	conns map[netip.AddrPort]*simConn
	port  uint16
	count int
}

type simServer struct {
	oneIP, onePort, dead, altDead bool
	guessable                     bool // with one IP: the second port answers
	ignoresChange, changeBroken   bool // it answers from where it was asked; the answers from the other IP never leave
	classic                       bool // RFC 3489
	noChange                      bool // 420
	noExtras                      bool // no PADDING, no RESPONSE-PORT
	alg                           bool // something rewrites MAPPED-ADDRESS on the way
	otherLies                     netip.AddrPort
	// forwarded: its corners are ports that a gateway forwards. What it sends to whom has not called that corner leaves by the gateway's own address.
	forwarded bool
	unsaid    bool // and RESPONSE-ORIGIN does not tell, since it was told its outside addresses
	called    map[[2]netip.AddrPort]bool
}

// simGateway is before a server whose ports are forwarded.
var simGateway = netip.MustParseAddr("192.0.2.1")

var (
	simInside = netip.MustParseAddr("10.1.0.2")
	simPP     = netip.MustParseAddrPort("192.0.2.10:3478")
	simSS     = netip.MustParseAddrPort("192.0.2.11:3479")
	simPS     = netip.AddrPortFrom(simPP.Addr(), simSS.Port())
	simSP     = netip.AddrPortFrom(simSS.Addr(), simPP.Port())
)

// simNAT follows RFC 4787 sections 4.1 and 5.
type simNAT struct {
	mapping, filtering protocol.Behavior
	hairpin, preserves bool
	address            netip.Addr    // outside; zero: 198.51.100.1
	pool               bool          // each mapping has another address
	sticky             bool          // with a pool: each socket keeps to one
	forgets            time.Duration // 0: never
	shuffles           bool          // each packet gets another mapping
	noFragments        bool
	perHost            bool // the filter remembers by machine and not by port
	portFilter         bool // looks at the port alone
	clashes            bool // as Linux: what it stopped is a flow of its own, and a call to there moves to another port

	stopped map[[2]netip.AddrPort]bool
	table   map[simKey]*simMapping
	next    uint16
}

type simKey struct {
	inside netip.AddrPort
	to     netip.AddrPort // what of it counts
	serial int
}

type simMapping struct {
	inside, outside netip.AddrPort
	sent            map[netip.AddrPort]bool
	touched         time.Time
}

func (n *simNAT) out(from, to netip.AddrPort, serial int) netip.AddrPort {
	key := simKey{inside: from}
	switch n.mapping {
	case protocol.AddressDependent:
		key.to = netip.AddrPortFrom(to.Addr(), 0)
	case protocol.AddressAndPortDependent:
		key.to = to
	}
	if n.shuffles {
		key.serial = serial
	}
	m := n.table[key]
	if m != nil && n.clashes && n.stopped[[2]netip.AddrPort{to, m.outside}] {
		key.to = to
		m = n.table[key]
	}
	if m == nil || n.forgets > 0 && time.Since(m.touched) >= n.forgets {
		if n.table == nil {
			n.table, n.next = map[simKey]*simMapping{}, 20000
		}
		n.next++
		outside := netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), n.next)
		if n.address.IsValid() {
			outside = netip.AddrPortFrom(n.address, n.next)
		}
		if n.preserves {
			outside = netip.AddrPortFrom(outside.Addr(), from.Port())
		}
		if n.pool && (n.next%2 == 0 && !n.sticky || n.sticky && from.Port()%4 == 0) {
			outside = netip.AddrPortFrom(netip.MustParseAddr("198.51.100.2"), n.next)
		}
		m = &simMapping{inside: from, outside: outside, sent: map[netip.AddrPort]bool{}}
		n.table[key] = m
	}
	m.sent[to], m.touched = true, time.Now()
	return m.outside
}

func (n *simNAT) in(from, to netip.AddrPort) (inside netip.AddrPort, ok bool) {
	for _, m := range n.table {
		if m.outside != to || n.forgets > 0 && time.Since(m.touched) >= n.forgets {
			continue
		}
		for _, other := range n.table {
			if other != m && (!n.perHost || other.inside.Addr() != m.inside.Addr()) {
				continue
			}
			for sent := range other.sent {
				switch {
				case n.portFilter:
					ok = ok || sent.Port() == from.Port()
				case n.filtering == protocol.EndpointIndependent, sent == from, n.filtering == protocol.AddressDependent && sent.Addr() == from.Addr():
					ok = true
				}
			}
		}
		if ok {
			return m.inside, true
		}
	}
	if n.stopped == nil {
		n.stopped = map[[2]netip.AddrPort]bool{}
	}
	n.stopped[[2]netip.AddrPort{from, to}] = true
	return netip.AddrPort{}, false
}

func (w *world) Source(netip.AddrPort) (netip.Addr, error) { return simInside, nil }
func (w *world) Own() ([]netip.Addr, error)                { return []netip.Addr{simInside}, nil }
func (w *world) MTU(netip.Addr) int {
	if w.mtu != 0 {
		return w.mtu
	}
	return 1500
}

func (w *world) ListenPacket(local netip.AddrPort) (net.PacketConn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns == nil {
		w.conns, w.port = map[netip.AddrPort]*simConn{}, 40000
	}
	if local.Port() == 0 {
		w.port += 2
		local = netip.AddrPortFrom(local.Addr(), w.port)
	}
	if w.conns[local] != nil {
		return nil, syscall.EADDRINUSE
	}
	c := &simConn{world: w, local: local, in: make(chan simPacket, 64), closed: make(chan struct{})}
	w.conns[local] = c
	return c, nil
}

func (w *world) DialTCP(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
	switch w.tcp {
	case "refused":
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	case "answers":
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			raw, err := readTCP(there)
			if err != nil {
				return
			}
			m := &stun.Message{Raw: raw}
			if m.Decode() == nil {
				_, _ = there.Write(stun.MustBuild(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(198, 51, 100, 1), Port: 50000}).Raw)
			}
		}()
		return here, nil
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

type simPacket struct {
	raw  []byte
	from netip.AddrPort
}

type simConn struct {
	net.PacketConn // nil: the rest of it is not used
	world          *world
	local          netip.AddrPort
	in             chan simPacket
	once           sync.Once
	closed         chan struct{}
}

func (c *simConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.local) }

func (c *simConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *simConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-c.in:
		return copy(b, p.raw), net.UDPAddrFromAddrPort(p.from), nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

func (c *simConn) WriteTo(b []byte, to net.Addr) (int, error) {
	c.world.fromInside(c.local, addrPort(to), append([]byte{}, b...))
	return len(b), nil
}

func (w *world) fromInside(from, to netip.AddrPort, raw []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.count
	w.count++
	if nat := w.towards(to); nat != nil {
		from = nat.out(from, to, n)
	}
	if w.dropped(from, to, raw, n) {
		return
	}
	if w.began.IsZero() {
		w.began = time.Now()
	}
	late := time.Duration(0)
	if passed := time.Since(w.began); passed >= w.stallFrom && passed < w.stallFrom+w.stallFor {
		late = w.stallFrom + w.stallFor - passed
	}
	time.AfterFunc(w.delay+late, func() { w.arrive(from, to, raw) })
}

// towards is the NAT on the way to or from an address.
func (w *world) towards(there netip.AddrPort) *simNAT {
	if w.twoPaths && there.Addr() == simSS.Addr() {
		return w.beyond
	}
	return w.nat
}

func (w *world) dropped(from, to netip.AddrPort, raw []byte, n int) bool {
	return w.lose != nil && w.lose(from, to, raw, n) || w.nat != nil && w.nat.noFragments && len(raw) > 1472
}

// arrive is at the server's side of the NAT.
func (w *world) arrive(from, to netip.AddrPort, raw []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if corner, ok := w.server.corner(to); ok {
		if answer, source, dest := w.server.answer(raw, from, corner); answer != nil {
			source = w.server.leaves(source, dest, from, to)
			n := w.count
			w.count++
			if !w.dropped(source, dest, answer, n) {
				time.AfterFunc(w.delay, func() { w.toInside(source, dest, answer) })
			}
		}
		return
	}
	if w.nat != nil && w.nat.hairpin {
		go w.toInside(from, to, raw)
	}
}

func (w *world) toInside(from, to netip.AddrPort, raw []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if nat := w.towards(from); nat != nil {
		inside, ok := nat.in(from, to)
		if !ok {
			return
		}
		to = inside
	}
	c := w.conns[to]
	if c == nil {
		return
	}
	packets := []simPacket{{raw, from}}
	if w.noise {
		bent := append([]byte{}, raw...)
		bent[9] ^= 1 // another transaction
		packets = []simPacket{{[]byte("garbage"), from}, {bent, from}, {raw[:len(raw)-4], from}, {raw, netip.MustParseAddrPort("203.0.113.66:666")}, packets[0], {make([]byte, 1200), from}}
	}
	for _, p := range packets {
		select {
		case c.in <- p:
		default:
		}
	}
}

// corner is the place as bits of CHANGE-REQUEST: the difference from PP.
func (s *simServer) corner(at netip.AddrPort) (bits byte, ok bool) {
	switch at {
	case simPP:
		return 0, !s.dead
	case simPS:
		return changePort, !s.dead && (s.guessable || !s.oneIP && !s.onePort)
	case simSP:
		return changeIP, !s.dead && !s.altDead && !s.oneIP
	case simSS:
		return changeIP | changePort, !s.dead && !s.altDead && !s.oneIP
	}
	return 0, false
}

// leaves is the place that an answer comes from for those outside.
func (s *simServer) leaves(corner, dest, client, asked netip.AddrPort) netip.AddrPort {
	if !s.forwarded {
		return corner
	}
	if s.called == nil {
		s.called = map[[2]netip.AddrPort]bool{}
	}
	s.called[[2]netip.AddrPort{client, asked}] = true
	if s.called[[2]netip.AddrPort{dest, corner}] {
		return corner
	}
	return netip.AddrPortFrom(simGateway, corner.Port())
}

func (s *simServer) answer(raw []byte, client netip.AddrPort, here byte) (out []byte, from, to netip.AddrPort) {
	places := map[byte]netip.AddrPort{0: simPP, changePort: simPS, changeIP: simSP, changeIP | changePort: simSS}
	m := &stun.Message{Raw: raw}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return nil, from, to
	}
	there, dest := here, client
	unknown := s.oneIP || s.noChange
	if v, err := m.Get(stun.AttrChangeRequest); err == nil {
		switch {
		case unknown:
			return stun.MustBuild(m, stun.BindingError, stun.CodeUnknownAttribute).Raw, places[here], client
		case !s.ignoresChange:
			there = here ^ v[3]
		}
	}
	if there&changeIP != here&changeIP && (s.altDead || s.changeBroken) {
		return nil, from, to
	}
	pad, padErr := m.Get(stun.AttrPadding)
	port, portErr := m.Get(stun.AttrResponsePort)
	switch {
	case (padErr == nil || portErr == nil) && (s.noExtras || s.classic):
		return stun.MustBuild(m, stun.BindingError, stun.CodeUnknownAttribute).Raw, places[here], client
	case portErr == nil:
		dest = netip.AddrPortFrom(client.Addr(), binary.BigEndian.Uint16(port))
	}
	address := func(t stun.AttrType, ap netip.AddrPort) stun.Setter {
		ip := ap.Addr().As4()
		return stun.RawAttribute{Type: t, Value: append([]byte{0, 1, byte(ap.Port() >> 8), byte(ap.Port())}, ip[:]...)}
	}
	plain := client
	if s.alg {
		plain = netip.AddrPortFrom(simInside, client.Port())
	}
	other := places[here^(changeIP|changePort)]
	if s.otherLies.IsValid() {
		other = s.otherLies
	}
	set := []stun.Setter{m, stun.BindingSuccess, address(stun.AttrMappedAddress, plain)}
	if s.classic {
		set = append(set, address(stun.AttrSourceAddress, places[there]), address(stun.AttrChangedAddress, other))
		return stun.MustBuild(set...).Raw, places[there], dest
	}
	ip := client.Addr().As4()
	set = append(set, &stun.XORMappedAddress{IP: ip[:], Port: int(client.Port())}, address(stun.AttrResponseOrigin, s.says(places[there])), stun.NewSoftware("sim\x1b[31m"))
	if !s.oneIP {
		set = append(set, address(stun.AttrOtherAddress, other))
	}
	if padErr == nil {
		set = append(set, padding(len(pad)))
	}
	return stun.MustBuild(set...).Raw, places[there], dest
}

// says is what the server believes its place to be.
func (s *simServer) says(place netip.AddrPort) netip.AddrPort {
	if s.forwarded && !s.unsaid {
		return netip.AddrPortFrom(netip.MustParseAddr("172.17.0.2"), place.Port())
	}
	return place
}
