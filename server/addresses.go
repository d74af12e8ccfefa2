package server

import (
	"net"
	"net/netip"
	"slices"
)

// machineAddrs are what this machine's interfaces have while they are up, and the names of those interfaces. The likeliest to be reached by others come first. Link-local
// IPv6 is left out: without its zone nobody can open it, and browsers refuse zones in URLs (RFC 3986 knows none).
func machineAddrs() (addrs []netip.Addr, devices map[netip.Addr]string, err error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, nil, err
	}
	devices = map[netip.Addr]string{}
	for _, device := range all {
		given, err := device.Addrs()
		if err != nil || device.Flags&net.FlagUp == 0 { // one that is just being taken away has none
			continue
		}
		for _, a := range given {
			network, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			addr, ok := netip.AddrFromSlice(network.IP)
			addr = addr.Unmap()
			if _, known := devices[addr]; known || !ok || addr.Is6() && addr.IsLinkLocalUnicast() {
				continue
			}
			addrs = append(addrs, addr)
			devices[addr] = device.Name
		}
	}
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return plausible(a, devices[a]) - plausible(b, devices[b]) })
	return addrs, devices, nil
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
