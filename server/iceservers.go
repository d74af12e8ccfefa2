package server

import (
	"net"
	"net/netip"
	"strconv"

	"github.com/icescope/icescope/protocol"
)

// stunURLs writes the STUN URLs of this server for a page that was opened with a host (RFC 7064).
type stunURLs struct {
	advertise string
	bound     netip.Addr // what the STUN sockets are bound to; unspecified or invalid: all addresses
	ports     []int      // the primary first
	networks  []netip.Prefix
}

// servers are the ICE servers for one page: one server with a URL per port, because two ports are what shows the mapping behaviour (RFC 5780 section 4.3).
func (s stunURLs) servers(pageHost string) []protocol.ICEServer {
	host := s.host(hostOnly(pageHost))
	var urls []string
	for _, port := range s.ports {
		urls = append(urls, "stun:"+net.JoinHostPort(host, strconv.Itoa(port)))
	}
	if len(urls) == 0 {
		return nil
	}
	return []protocol.ICEServer{{URLs: urls}}
}

// host is the address that reached the page, for it is the address that works. Not so where the operator knows better, where the STUN sockets
// hear another address only, and on loopback: from there a browser gathers nothing that a second machine could use.
func (s stunURLs) host(page string) string {
	switch bound := s.bound.Unmap(); {
	case s.advertise != "":
		return hostOnly(s.advertise)
	case bound.IsValid() && !bound.IsUnspecified():
		return bound.String()
	case page != "" && !isLoopbackHost(page):
		return page
	}
	if addrs := reachable(s.bound, s.networks); len(addrs) > 0 {
		return addrs[0].String()
	}
	return "127.0.0.1"
}
