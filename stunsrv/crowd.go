package stunsrv

import "net/netip"

// maxStreamsPerClient bounds the connections over TCP and TLS of one IP address, the /64 in IPv6: an eighth of all there may be, so that one machine alone cannot take every
// place. Behind a NAT that is 256 browsers at once, of which each needs one or two for a minute.
const maxStreamsPerClient = 256

// crowd counts places by client. It is for its owner to lock.
type crowd map[netip.Prefix]int

// enter takes a place, if there is one.
func (c crowd) enter(who netip.Prefix) bool {
	if c[who] >= maxStreamsPerClient {
		return false
	}
	c[who]++
	return true
}

// leave gives it back.
func (c crowd) leave(who netip.Prefix) {
	if c[who]--; c[who] <= 0 {
		delete(c, who)
	}
}
