package report

import (
	"encoding/binary"
	"net/netip"
)

// family is a kind of address that a pseudonym keeps: whoever owns the firewall must still see what is private, what is link-local, what is routed.
type family struct {
	of []netip.Prefix // what belongs to it; the first family that fits wins
	// unit is how many leading bits are a network of its own. Each network becomes a fresh one out of to; below it, the structure is kept bit by bit.
	unit int
	to   netip.Prefix
}

func prefixes(s ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(s))
	for i := range s {
		out[i] = netip.MustParsePrefix(s[i])
	}
	return out
}

var (
	// untouched identify nobody: unspecified (RFC 8445 masks raddr so), loopback, multicast, broadcast.
	untouched = prefixes("0.0.0.0/32", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "::/128", "::1/128", "ff00::/8")

	families = []family{
		{prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"), 16, netip.MustParsePrefix("10.0.0.0/8")}, // RFC 1918
		{prefixes("169.254.0.0/16"), 24, netip.MustParsePrefix("169.254.0.0/16")},                            // RFC 3927
		{prefixes("100.64.0.0/10"), 16, netip.MustParsePrefix("100.64.0.0/10")},                              // RFC 6598
		{prefixes("0.0.0.0/0"), 24, netip.MustParsePrefix("198.18.0.0/15")},                                  // the rest: into RFC 2544
		{prefixes("fe80::/10"), 64, netip.MustParsePrefix("fe80::/10")},                                      // RFC 4291 section 2.5.6
		{prefixes("fc00::/7"), 48, netip.MustParsePrefix("fd00::/8")},                                        // RFC 4193
		{prefixes("::/0"), 48, netip.MustParsePrefix("2001:db8::/32")},                                       // the rest: into RFC 3849
	}

	// overflow takes the networks for which a family has no room left. Nobody owns them.
	overflow4, overflow6 = netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("200::/7")
)

// addressBook gives addresses pseudonyms, prefix by prefix: two addresses that share their first n bits, n from the unit of their family on, share them
// in the pseudonyms too, so that a /24 stays a /24 and a CIDR still contains what it contained. The first address met in a network becomes its .1.
//
// Everything is learned before anything is replaced, so that no pseudonym is an address that the original report holds.
type addressBook struct {
	known map[netip.Prefix]bool         // every network of every original address: what a fresh network must avoid
	units map[netip.Prefix]netip.Prefix // original network to fresh one
	next  map[netip.Prefix]uint64       // how many networks of a pool are given away
	first map[netip.Prefix]byte         // below the unit: the bit after this original prefix that was met first
}

func newAddressBook() *addressBook {
	return &addressBook{map[netip.Prefix]bool{}, map[netip.Prefix]netip.Prefix{}, map[netip.Prefix]uint64{}, map[netip.Prefix]byte{}}
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func familyOf(a netip.Addr) family {
	for _, f := range families {
		if within(f.of, a) {
			return f
		}
	}
	panic("report: no family for " + a.String()) // the last family of each version holds all
}

// learn notes an original address.
func (b *addressBook) learn(a netip.Addr) {
	a = a.Unmap().WithZone("")
	for _, bits := range []int{16, 24, 48, 64} {
		if p, err := a.Prefix(bits); err == nil {
			b.known[p] = true
		}
	}
}

// address is the pseudonym of an address.
func (b *addressBook) address(a netip.Addr) netip.Addr {
	if a.Is4In6() {
		four := b.address(a.Unmap()).As16()
		return netip.AddrFrom16(four)
	}
	a = a.WithZone("")
	if within(untouched, a) {
		return a
	}
	return b.walk(a, a.BitLen())
}

// prefix is the pseudonym of a CIDR. One wider than the networks of its family becomes all that the family's pseudonyms come from.
func (b *addressBook) prefix(p netip.Prefix) netip.Prefix {
	a := p.Addr()
	if within(untouched, a) {
		return p
	}
	if f := familyOf(a); p.Bits() < f.unit {
		return f.to
	}
	return netip.PrefixFrom(b.walk(a, p.Bits()), p.Bits()).Masked()
}

func (b *addressBook) walk(a netip.Addr, bits int) netip.Addr {
	f := familyOf(a)
	network, _ := a.Prefix(f.unit)
	fresh, ok := b.units[network]
	if !ok {
		fresh = b.fresh(f)
		b.units[network] = fresh
	}
	from, to := a.AsSlice(), fresh.Addr().AsSlice()
	for i := f.unit; i < bits; i++ {
		node, _ := a.Prefix(i)
		bit := from[i/8] >> (7 - i%8) & 1
		first, met := b.first[node]
		if !met {
			first = bit
			if i == a.BitLen()-1 {
				first = bit ^ 1 // a host is .1 rather than .0
			}
			b.first[node] = first
		}
		to[i/8] |= (bit ^ first) << (7 - i%8)
	}
	out, _ := netip.AddrFromSlice(to)
	return out
}

// fresh is the next network of the family's pool in which no original address stands.
func (b *addressBook) fresh(f family) netip.Prefix {
	for {
		pool := f.to
		if n := f.unit - pool.Bits(); n < 63 && b.next[pool]+1 >= 1<<n {
			pool = overflow4
			if f.to.Addr().Is6() {
				pool = overflow6
			}
		}
		b.next[pool]++ // the network 0 of a pool is left out: 10.0.x and fe80:: are everybody's
		p := nth(pool, f.unit, b.next[pool])
		if !b.known[p] {
			return p
		}
	}
}

// nth is the n-th network of size bits in a pool.
func nth(pool netip.Prefix, bits int, n uint64) netip.Prefix {
	a := pool.Addr().As16()
	shift := bits
	if pool.Addr().Is4() {
		shift += 96
	}
	high := binary.BigEndian.Uint64(a[:8])
	low := binary.BigEndian.Uint64(a[8:])
	if shift <= 64 {
		high |= n << (64 - shift)
	} else {
		low |= n << (128 - shift)
	}
	binary.BigEndian.PutUint64(a[:8], high)
	binary.BigEndian.PutUint64(a[8:], low)
	out := netip.AddrFrom16(a)
	if pool.Addr().Is4() {
		out = out.Unmap()
	}
	return netip.PrefixFrom(out, bits)
}
