package stunsrv

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// Whom a relay may talk to. It stands inside the network, often beside services that trust their own machine, and its clients are whoever has a room's link: a relay must
// not be their way to what they could not reach by themselves (RFC 8656 section 21.2).

// ownEvery is how old the list of this machine's addresses may be: they change when someone plugs something in.
const ownEvery = 2 * time.Second

// ownAddrs are the addresses of this machine, read again when they are old.
type ownAddrs struct {
	list    atomic.Pointer[ownList]
	reading atomic.Bool
	machine func() []netip.Prefix // nil: machineAddrs
}

type ownList struct {
	read       time.Time
	addrs      map[netip.Addr]bool
	broadcasts map[netip.Addr]bool
	usable     []netip.Addr // by others than this machine, in the kernel's order
}

func (o *ownAddrs) now() *ownList {
	list := o.list.Load()
	if list != nil && (time.Since(list.read) < ownEvery || !o.reading.CompareAndSwap(false, true)) {
		return list
	}
	machine := machineAddrs
	if o.machine != nil {
		machine = o.machine
	}
	next := readOwn(machine())
	if list != nil && len(next.addrs) == 0 { // it could not be read (no descriptor is left): what was this machine's still is
		old := *list
		old.read, next = next.read, &old
	}
	list = next
	o.list.Store(list)
	o.reading.Store(false)
	return list
}

func readOwn(machine []netip.Prefix) *ownList {
	list := &ownList{read: time.Now(), addrs: map[netip.Addr]bool{}, broadcasts: map[netip.Addr]bool{}}
	for _, p := range machine {
		addr := p.Addr().WithZone("")
		list.addrs[addr] = true
		if !addr.IsLoopback() && !addr.IsLinkLocalUnicast() {
			list.usable = append(list.usable, addr)
		}
		if addr.Is4() && p.Bits() < 31 { // RFC 3021: a prefix of 31 bits has no broadcast
			bytes := addr.As4()
			for bit := p.Bits(); bit < 32; bit++ {
				bytes[bit/8] |= 0x80 >> (bit % 8)
			}
			list.broadcasts[netip.AddrFrom4(bytes)] = true
		}
	}
	return list
}

// reachable is the first address of a family that others can reach; invalid: there is none.
func (l *ownList) reachable(want4 bool) netip.Addr {
	for _, addr := range l.usable {
		if addr.Is4() == want4 {
			return addr
		}
	}
	return netip.Addr{}
}

// thisNetwork is "this host on this network" (RFC 1122 section 3.2.1.3), which some systems take for loopback.
var thisNetwork = netip.MustParsePrefix("0.0.0.0/8")

// mayTalkTo tells whether the relay of a client that came to local may have a permission for a peer's IP. Loopback is for relays among clients that came over loopback, which
// are on this machine themselves; for this machine's other addresses goesTo asks for the port.
func (t *relayServer) mayTalkTo(peer, local netip.Addr) bool {
	switch {
	case !peer.IsValid(), peer.Zone() != "", peer.IsUnspecified(), peer.IsMulticast(), thisNetwork.Contains(peer), peer == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return false
	case peer.IsLoopback():
		return local.IsLoopback()
	}
	own := t.own.now()
	if len(own.addrs) == 0 { // not known: any address may be this machine's
		return false
	}
	if peer.IsLinkLocalUnicast() && !own.addrs[peer] {
		return false
	}
	return !own.broadcasts[peer]
}

// mayReach tells whether a relay may send to a peer's address and port.
func (t *relayServer) mayReach(peer netip.AddrPort, local netip.Addr) bool {
	_, ok := t.goesTo(unmapped(peer), local)
	return ok
}

// isHere tells whether what is sent to an address comes to this machine, itself or through the NAT in front of it.
func (t *relayServer) isHere(addr netip.Addr) bool {
	return addr.IsLoopback() || addr == t.config.Relay || t.own.now().addrs[addr]
}

// goesTo tells where a relay sends what is for a peer: to a relay on this machine where the peer is one, and to no other port of it. From behind a NAT it takes the short way, since many NATs
// do not hairpin (RFC 4787 section 6).
func (t *relayServer) goesTo(peer netip.AddrPort, local netip.Addr) (netip.AddrPort, bool) {
	if peer.Port() == 0 || !t.mayTalkTo(peer.Addr(), local) {
		return netip.AddrPort{}, false
	}
	if !t.isHere(peer.Addr()) {
		return peer, true
	}
	t.relays.mu.RLock()
	one := t.relays.public[peer]
	t.relays.mu.RUnlock()
	if one == nil {
		return netip.AddrPort{}, false
	}
	return one.local, true
}

// comesFrom tells which peer a datagram is from, as goesTo names it the other way.
func (t *relayServer) comesFrom(source netip.AddrPort, local netip.Addr) (netip.AddrPort, bool) {
	if !t.isHere(source.Addr()) {
		return source, t.mayTalkTo(source.Addr(), local)
	}
	t.relays.mu.RLock()
	one := t.relays.local[source]
	t.relays.mu.RUnlock()
	if one == nil {
		return netip.AddrPort{}, false
	}
	return one.public, t.mayTalkTo(one.public.Addr(), local)
}

var _ net.PacketConn = (*turnRelay)(nil)
