package server

import (
	"net"
	"net/netip"
	"slices"
)

// machineAddrs are what this machine's interfaces have, IPv4 first: closed networks speak it first. Link-local IPv6 is left out: without its zone
// nobody can open it, and browsers refuse zones in URLs (RFC 3986 knows none).
func machineAddrs() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	for _, a := range all {
		network, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		if addr, ok := netip.AddrFromSlice(network.IP); ok && (addr.Unmap().Is4() || !addr.IsLinkLocalUnicast()) {
			out = append(out, addr.Unmap())
		}
	}
	slices.SortStableFunc(out, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return slices.Compact(out), nil
}

// reachable are the addresses by which other machines may reach a listener: its own, or all of the machine's where it is bound to all.
// Where the machine has nothing but loopback, that is what is left.
func reachable(bound netip.Addr, machine []netip.Addr) []netip.Addr {
	if bound.IsValid() && !bound.IsUnspecified() {
		return []netip.Addr{bound.Unmap()}
	}
	var others, loopback []netip.Addr
	for _, addr := range machine {
		switch {
		case bound.Is4() && addr.Is6(): // 0.0.0.0 hears IPv4 only
		case addr.IsLoopback():
			loopback = append(loopback, addr)
		default:
			others = append(others, addr)
		}
	}
	if len(others) > 0 {
		return others
	}
	return loopback
}

// hostOnly is the host of a Host header or URL authority, without port, brackets and zone.
func hostOnly(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().WithZone("").String()
	}
	return host
}

// isLoopbackHost tells whether a page was opened on the server's own machine. RFC 6761 section 6.3 gives all of .localhost to the loopback.
func isLoopbackHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	return host == "localhost" || len(host) > 10 && host[len(host)-10:] == ".localhost"
}

// boundAddr is the address that a listener is bound to; unspecified: all.
func boundAddr(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
