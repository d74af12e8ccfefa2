package stunsrv

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// pair is the two IPs of one family (RFC 5780 section 6). The corners pp and ps are at the primary, sp and ss at the secondary.
type pair struct {
	primary, secondary         netip.Addr
	fromPrimary, fromSecondary []byte // control messages of sendFrom, made once so that an answer allocates nothing
	link                       *link  // to the partner who lends the secondary one; nil: it is this machine's
}

func newPair(primary, secondary netip.Addr) *pair {
	return &pair{primary: primary, secondary: secondary, fromPrimary: sendFrom(primary), fromSecondary: sendFrom(secondary)}
}

// forClient is the pair that a partner's address makes for who asks local from source; nil: none. It is none where the partner may not send (see lend), so that nothing is
// promised, and none for a third address of this machine: that its clients reach the partner is not known.
func (p *pair) forClient(source netip.AddrPort, local netip.Addr) *pair {
	if p == nil || local != p.primary || source.Port() < minCheckPort || source.Addr() == p.secondary || source.Addr().IsLoopback() != p.secondary.IsLoopback() {
		return nil
	}
	return p
}

// serves tells whether clients of addr have another IP. Those of a loopback address, or of a link-local one, could often not reach it.
func (p *pair) serves(addr netip.Addr) bool {
	return p != nil && (addr == p.primary || addr == p.secondary || addr.IsLoopback() == p.secondary.IsLoopback() && !addr.IsLinkLocalUnicast())
}

// other is the other IP as seen from addr, which on a wildcard socket may be a third address of this machine: it counts as a primary one.
func (p *pair) other(addr netip.Addr) netip.Addr {
	if addr == p.secondary {
		return p.primary
	}
	return p.secondary
}

// pin makes a wildcard socket send from addr, which is one of the pair.
func (p *pair) pin(addr netip.Addr) []byte {
	if addr == p.secondary {
		return p.fromSecondary
	}
	return p.fromPrimary
}

// onInterface is an address of this machine with the length of its prefix, and the interface that has it.
type onInterface struct {
	index  int
	prefix netip.Prefix
	// fleeting: it may be gone soon, or it is not known whether it may. Such an address is no corner, unless it was named or there is no other.
	fleeting bool
}

// machineInterfaces are the unicast addresses of all interfaces that are up: in the kernel's order, but fleeting ones last.
func machineInterfaces() []onInterface {
	var out []onInterface
	fleeting, known := fleetingAddrs()
	interfaces, _ := net.Interfaces() // an error leaves the list empty: not known
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, _ := i.Addrs()
		for _, p := range prefixes(addrs) {
			out = append(out, onInterface{i.Index, p, p.Addr().Is6() && (!known || fleeting[p.Addr()])})
		}
	}
	slices.SortStableFunc(out, func(a, b onInterface) int {
		switch {
		case a.fleeting == b.fleeting:
			return 0
		case a.fleeting:
			return 1
		}
		return -1
	})
	return out
}

// pairs finds the two IPs of each family, index 0 for IPv4; nil: it has one. hosts are as places returns them.
func (c Config) pairs(hosts []netip.Addr, machine []onInterface) (found [2]*pair, err error) {
	for _, alternate := range c.Alternate {
		secondary := alternate.Unmap()
		f := family(secondary)
		switch {
		case !secondary.IsValid() || secondary.IsUnspecified() || secondary.IsMulticast() || secondary.IsLinkLocalUnicast():
			return found, fmt.Errorf("stunsrv: the second STUN address %s is not one that clients can reach; try --stun-alt-ip with another address of this machine", alternate)
		case found[f] != nil:
			return found, fmt.Errorf("stunsrv: two second STUN addresses %s and %s of one family; try --stun-alt-ip with one of them", found[f].secondary, secondary)
		case len(machine) > 0 && !ours(secondary, machine):
			return found, fmt.Errorf("stunsrv: no interface of this machine has the second STUN address %s; try an address of `ip address` with --stun-alt-ip, or add it: ip address add %[1]s/PREFIX dev INTERFACE",
				secondary)
		}
		primary := primaryBeside(secondary, hosts, machine)
		if !primary.IsValid() {
			return found, fmt.Errorf("stunsrv: the second STUN address %s is the only one, or the only one of its family; try --stun-alt-ip with an address other than that of --stun", secondary)
		}
		found[f] = newPair(primary, secondary)
	}
	for f, like := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if c.FindAlternate && found[f] == nil && !c.namesPartner(f) {
			if primary, secondary, ok := findAlias(hosts, machine, like); ok {
				found[f] = newPair(primary, secondary)
			}
		}
	}
	return found, nil
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// ours tells whether a is an address of this machine. Of the loopback prefix every address is, on Linux.
func ours(a netip.Addr, machine []onInterface) bool {
	return slices.ContainsFunc(machine, func(m onInterface) bool {
		return m.prefix.Addr() == a || a.IsLoopback() && m.prefix.Contains(a)
	})
}

// served are the addresses that hosts stand for, of the family of like.
func served(hosts []netip.Addr, machine []onInterface, like netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, host := range hosts {
		switch {
		case host.Is4() != like.Is4():
		case !host.IsUnspecified():
			out = append(out, host)
		default:
			for _, m := range machine {
				if m.prefix.Addr().Is4() == host.Is4() {
					out = append(out, m.prefix.Addr())
				}
			}
		}
	}
	return out
}

// primaryBeside chooses the primary IP for a secondary one that was named: the first that is served in the same prefix, else on the same interface, else
// any that is as reachable. Invalid: there is none.
func primaryBeside(secondary netip.Addr, hosts []netip.Addr, machine []onInterface) netip.Addr {
	var best netip.Addr
	bestRank := 3
	for _, a := range served(hosts, machine, secondary) {
		if a == secondary || a.IsLinkLocalUnicast() || a.IsLoopback() != secondary.IsLoopback() {
			continue
		}
		rank := 2
		for _, m := range machine {
			switch {
			case m.prefix.Addr() != a:
			case m.prefix.Contains(secondary):
				rank = 0
			case slices.ContainsFunc(machine, func(n onInterface) bool { return n.index == m.index && n.prefix.Addr() == secondary }):
				rank = min(rank, 1)
			}
		}
		if rank < bestRank {
			best, bestRank = a, rank
		}
	}
	return best
}

// findAlias finds a second address of like's family by itself: one that stands beside the first reachable address that is served, on the same interface and in the same prefix of
// the same length. Nothing else is sure to be reachable for whoever reaches the first: other interfaces are docker's bridges and VPNs, and an address with
// a longer prefix is often a virtual one that moves to another machine. A temporary IPv6 address goes away (RFC 8981), so elsewhere than on Linux, where they cannot be told, none is found for IPv6.
func findAlias(hosts []netip.Addr, machine []onInterface, like netip.Addr) (primary, secondary netip.Addr, ok bool) {
	for _, a := range served(hosts, machine, like) {
		if a.IsLoopback() || a.IsLinkLocalUnicast() {
			continue
		}
		for _, m := range machine {
			if m.prefix.Addr() != a || m.fleeting {
				continue
			}
			for _, n := range machine {
				if n.index == m.index && n.prefix.Masked() == m.prefix.Masked() && n.prefix.Addr() != a && !n.fleeting {
					return a, n.prefix.Addr(), true
				}
			}
		}
		return netip.Addr{}, netip.Addr{}, false
	}
	return netip.Addr{}, netip.Addr{}, false
}

// withSecondaries adds the second IPs to what must be bound. A wildcard serves them already.
func withSecondaries(hosts []netip.Addr, pairs [2]*pair) []netip.Addr {
	for _, p := range pairs {
		if p != nil && !slices.ContainsFunc(hosts, func(h netip.Addr) bool { return h == p.secondary || h.IsUnspecified() && h.Is4() == p.secondary.Is4() }) {
			hosts = append(hosts, p.secondary)
		}
	}
	return hosts
}
