package stunsrv

import (
	"net"
	"net/netip"
	"slices"
)

// Addrs are the addresses that the server answers on, as of now: a wildcard stands for each unicast address of the machine. What others can reach comes first
// (global, then link-local, then loopback), the second IP after the others of its kind, the primary port before the alternate. Zones are left out, as they are in sightings.
func (s *Server) Addrs() []netip.AddrPort {
	var out []netip.AddrPort
	machine := machineAddrs()
	for _, sock := range s.sockets {
		local := sock.local
		if !local.Addr().IsUnspecified() {
			out = append(out, netip.AddrPortFrom(local.Addr().WithZone(""), local.Port()))
			continue
		}
		for _, p := range machine {
			if p.Addr().Is4() == local.Addr().Is4() {
				out = append(out, netip.AddrPortFrom(p.Addr(), local.Port()))
			}
		}
		if p := s.pairs[family(local.Addr())]; p != nil { // on Linux a loopback one need not be in the list
			if second := netip.AddrPortFrom(p.secondary, local.Port()); !slices.Contains(out, second) {
				out = append(out, second)
			}
		}
	}
	rank := func(a netip.AddrPort) int {
		r := 0
		switch {
		case a.Addr().IsLoopback():
			r = 8
		case a.Addr().IsLinkLocalUnicast():
			r = 4
		}
		if p := s.pairs[family(a.Addr())]; p != nil && a.Addr() == p.secondary {
			r += 2
		}
		if a.Port() != s.ports[PrimaryPort] {
			r++
		}
		return r
	}
	slices.SortStableFunc(out, func(a, b netip.AddrPort) int { return rank(a) - rank(b) })
	return slices.Compact(out)
}

// Prefixes are the on-link prefixes of this machine's interfaces, loopback and link-local left out. A peer inside one of them stands in the same segment.
func (s *Server) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, p := range machineAddrs() {
		if !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() && !slices.Contains(out, p.Masked()) {
			out = append(out, p.Masked())
		}
	}
	return out
}

// machineAddrs are the unicast addresses of this machine with the length of their prefix.
func machineAddrs() []netip.Prefix {
	found, _ := net.InterfaceAddrs() // an error leaves the list empty: not known
	return prefixes(found)
}

func prefixes(addrs []net.Addr) []netip.Prefix {
	var out []netip.Prefix
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		addr, ok := netip.AddrFromSlice(n.IP)
		if addr = addr.Unmap(); !ok || addr.IsMulticast() || addr.IsUnspecified() {
			continue
		}
		ones, bits := n.Mask.Size()
		out = append(out, netip.PrefixFrom(addr, ones-bits+addr.BitLen()))
	}
	return out
}
