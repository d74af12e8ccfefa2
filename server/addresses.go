package server

import (
	"net"
	"net/netip"
	"slices"
)

// localNetworks are what this machine's interfaces have, as address and prefix length, IPv4 first: closed networks speak it first.
// Link-local IPv6 is left out: without its zone nobody can open it, and browsers refuse zones in URLs (RFC 3986 knows none).
func localNetworks() ([]netip.Prefix, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var out []netip.Prefix
	for _, a := range all {
		network, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		addr, ok := netip.AddrFromSlice(network.IP)
		addr = addr.Unmap()
		ones, _ := network.Mask.Size()
		if !ok || addr.IsLinkLocalUnicast() && addr.Is6() {
			continue
		}
		out = append(out, netip.PrefixFrom(addr, ones))
	}
	slices.SortStableFunc(out, func(a, b netip.Prefix) int { return a.Addr().BitLen() - b.Addr().BitLen() })
	return slices.Compact(out), nil
}

// reachable are the addresses by which other machines may reach a listener: its own, or all of the machine's where it is bound to all.
// Where the machine has nothing but loopback, that is what is left.
func reachable(bound netip.Addr, networks []netip.Prefix) []netip.Addr {
	if bound.IsValid() && !bound.IsUnspecified() {
		return []netip.Addr{bound.Unmap()}
	}
	var others, loopback []netip.Addr
	for _, n := range networks {
		switch addr := n.Addr(); {
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

// onLink are the prefixes of the server's own segments: a peer inside one of them is reached without a router.
func onLink(networks []netip.Prefix) []string {
	var out []string
	for _, n := range networks {
		if !n.Addr().IsLoopback() && !n.IsSingleIP() {
			out = append(out, n.Masked().String())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
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
