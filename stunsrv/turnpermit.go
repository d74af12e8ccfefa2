package stunsrv

import (
	"net"
	"net/netip"
)

// maxPermissions are the peers, by IP, that one allocation may have permissions for at once (RFC 8656 section 9). Each is a timer and some hundred bytes in pion, without a
// bound there, and one request names a hundred. The far end of a trial has an address for each of its interfaces, families and NATs: two dozen at the most.
const maxPermissions = 64

// tuple is who has an allocation: the client's address, and the one of this machine that it came to. Its port is left out: permits counts what shares the rest.
type tuple struct {
	client netip.AddrPort
	server netip.Addr
	stream bool
}

func tupleOf(client, server net.Addr) tuple { return tupleAt(client, portOf(server).Addr()) }

func tupleAt(client net.Addr, server netip.Addr) tuple {
	_, stream := client.(*net.TCPAddr)
	return tuple{portOf(client), server.WithZone(""), stream}
}

func portOf(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.UDPAddr:
		return unmapped(a.AddrPort())
	case *net.TCPAddr:
		return unmapped(a.AddrPort())
	}
	return netip.AddrPort{}
}

// permits are the permissions of a tuple.
type permits struct {
	allocations int // that share them
	peers       map[netip.Addr]struct{}
}

// permitsBegin and permitsEnd are for an allocation's beginning and end. Locked.
func (r *relays) permitsBegin(of tuple) {
	have := r.permits[of]
	if have == nil {
		have = &permits{peers: map[netip.Addr]struct{}{}}
		r.permits[of] = have
	}
	have.allocations++
}

func (r *relays) permitsEnd(of tuple) {
	if have := r.permits[of]; have != nil {
		if have.allocations--; have.allocations <= 0 {
			delete(r.permits, of)
		}
	}
}

// permit tells whether there is room for one more permission; a refusal is a 403 (RFC 8656 section 10.2).
func (t *relayServer) permit(client net.Addr, server, peer netip.Addr) bool {
	r := &t.relays
	r.mu.Lock()
	defer r.mu.Unlock()
	have := r.permits[tupleAt(client, server)]
	if have == nil { // the allocation has just ended
		return false
	}
	if _, known := have.peers[peer]; !known && len(have.peers) >= maxPermissions {
		t.counters.refusedPeer.Add(1)
		return false
	}
	have.peers[peer] = struct{}{}
	return true
}

// unpermit is called when a permission has ended, which it does after five minutes unless it is refreshed.
func (t *relayServer) unpermit(client, server net.Addr, _, _, _ string, _ net.Addr, peer net.IP) {
	addr, ok := netip.AddrFromSlice(peer)
	if !ok {
		return
	}
	r := &t.relays
	r.mu.Lock()
	defer r.mu.Unlock()
	if have := r.permits[tupleOf(client, server)]; have != nil {
		delete(have.peers, addr.Unmap())
	}
}
