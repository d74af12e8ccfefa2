package e2e

import (
	"net/netip"
	"slices"
	"time"

	"github.com/icescope/icescope/protocol"
)

// UserNAT is a NAT for IPv4 UDP in userspace, as data: it does what RFC 4787 says to the letter, and what the kernel cannot be made to do.
type UserNAT struct {
	Mapping   protocol.Behavior // RFC 4787 section 4.1
	Filtering protocol.Behavior // section 5; about the inside address and port, whichever mapping a packet comes through
	Hairpin   bool              // section 6, "External source IP address and port"
	// Sessions: whoever is let in through a mapping is answered through it. Without: as the mapping behaviour has it, whatever came in.
	Sessions bool
	// Timeout is how long a mapping lives that nothing from inside refreshes (section 4.3); 0: natTimeout.
	Timeout time.Duration
	// Preserve keeps the inside port where it is free (section 4.2.1).
	Preserve bool
	// Arbitrary takes the next public address for each new mapping; without, an inside address keeps the one it was given (section 4.1, "IP address pooling").
	Arbitrary bool
	// ChangeEvery gives a mapping another port after that many packets from inside; 0: never.
	ChangeEvery int
	ALG         ALG
}

// ALG is what an application layer gateway that thinks it knows STUN does to answers on their way in.
type ALG string

// What it rewrites.
const (
	ALGNone   ALG = ""
	ALGMapped ALG = "mapped" // MAPPED-ADDRESS, as one that looks for addresses in payloads does
	ALGXOR    ALG = "xor"    // XOR-MAPPED-ADDRESS too
)

const (
	// natTimeout is what RFC 4787 REQ-5 recommends.
	natTimeout = 5 * time.Minute
	// Ports that are not preserved come from here: above the well-known ones, which browsers refuse.
	natFirstPort, natPorts = 20000, 40000
	// natTries is how often a free port is looked for by chance before a mapping is refused.
	natTries = 100
)

// natTable is the pure core of a UserNAT: it decides, and moves nothing.
type natTable struct {
	UserNAT
	inside netip.Prefix
	public []netip.Addr
	random func(n int) int

	mappings map[natKey]*natMapping
	outside  map[netip.AddrPort]*natMapping
	paired   map[netip.Addr]netip.Addr
	// sent is the filter: when an inside address and port last sent to a peer, by address and port, and by address alone (port 0).
	sent   map[natKey]time.Time
	rotate int
	swept  time.Time
}

// natKey is an inside address and port, and as much of a peer's as matters.
type natKey struct{ inside, peer netip.AddrPort }

type natMapping struct {
	inside, outside netip.AddrPort
	used            time.Time // last packet from inside
	packets         int
}

func newNATTable(n UserNAT, inside netip.Prefix, public []netip.Addr, random func(n int) int) *natTable {
	if n.Timeout == 0 {
		n.Timeout = natTimeout
	}
	return &natTable{
		UserNAT: n, inside: inside, public: public, random: random,
		mappings: map[natKey]*natMapping{}, outside: map[netip.AddrPort]*natMapping{}, paired: map[netip.Addr]netip.Addr{}, sent: map[natKey]time.Time{},
	}
}

// natVerdict is what becomes of a datagram: its new addresses, and the mapping that it came in through (nil: it goes out).
type natVerdict struct {
	src, dst netip.AddrPort
	in       *natMapping
}

// translate decides about one datagram. Not ok: it is dropped.
func (t *natTable) translate(now time.Time, src, dst netip.AddrPort) (v natVerdict, ok bool) {
	t.sweep(now)
	toUs := t.isPublic(dst.Addr())
	if !t.inside.Contains(src.Addr()) {
		m := t.alive(now, t.outside[dst])
		if !toUs || m == nil || !t.admits(now, m, src) {
			return v, false
		}
		if t.Sessions {
			if key := t.key(m.inside, src); t.alive(now, t.mappings[key]) == nil {
				t.mappings[key] = m
			}
		}
		return natVerdict{src, m.inside, m}, true
	}
	if !toUs {
		m := t.from(now, src, dst)
		if m == nil {
			return v, false
		}
		return natVerdict{m.outside, dst, nil}, true
	}
	target := t.alive(now, t.outside[dst])
	if !t.Hairpin || target == nil {
		return v, false
	}
	if m := t.from(now, src, dst); m != nil {
		return natVerdict{m.outside, target.inside, target}, true
	}
	return v, false
}

// key is what a mapping is for (RFC 4787 section 4.1).
func (t *natTable) key(inside, peer netip.AddrPort) natKey {
	switch t.Mapping {
	case protocol.AddressDependent:
		return natKey{inside, netip.AddrPortFrom(peer.Addr(), 0)}
	case protocol.AddressAndPortDependent:
		return natKey{inside, peer}
	}
	return natKey{inside: inside}
}

// from finds or makes the mapping for a packet from inside, and remembers whom it went to.
func (t *natTable) from(now time.Time, src, dst netip.AddrPort) *natMapping {
	key := t.key(src, dst)
	m := t.alive(now, t.mappings[key])
	if m != nil && t.ChangeEvery > 0 && m.packets >= t.ChangeEvery {
		t.forget(m)
		m = nil
	}
	if m == nil {
		outside, ok := t.free(now, src)
		if !ok {
			return nil
		}
		m = &natMapping{inside: src, outside: outside}
		t.mappings[key], t.outside[outside] = m, m
	}
	m.used = now
	m.packets++
	t.sent[natKey{src, dst}] = now
	t.sent[natKey{src, netip.AddrPortFrom(dst.Addr(), 0)}] = now
	return m
}

// free is a public address and port for a new mapping.
func (t *natTable) free(now time.Time, src netip.AddrPort) (netip.AddrPort, bool) {
	ip, known := t.paired[src.Addr()]
	if !known || t.Arbitrary {
		ip = t.public[t.rotate%len(t.public)]
		t.rotate++
		t.paired[src.Addr()] = ip
	}
	port := src.Port()
	if !t.Preserve {
		port = t.chance()
	}
	for range natTries {
		if at := netip.AddrPortFrom(ip, port); t.alive(now, t.outside[at]) == nil {
			return at, true
		}
		port = t.chance()
	}
	return netip.AddrPort{}, false
}

func (t *natTable) chance() uint16 { return uint16(natFirstPort + t.random(natPorts)) }

// admits is the filter (RFC 4787 section 5).
func (t *natTable) admits(now time.Time, m *natMapping, peer netip.AddrPort) bool {
	switch t.Filtering {
	case protocol.EndpointIndependent:
		return true
	case protocol.AddressDependent:
		peer = netip.AddrPortFrom(peer.Addr(), 0)
	}
	at, ok := t.sent[natKey{m.inside, peer}]
	return ok && now.Sub(at) < t.Timeout
}

// alive is m unless it has timed out.
func (t *natTable) alive(now time.Time, m *natMapping) *natMapping {
	if m == nil || now.Sub(m.used) >= t.Timeout {
		return nil
	}
	return m
}

// forget takes a mapping's public port away; the keys that still point to it are replaced by whoever comes next.
func (t *natTable) forget(m *natMapping) {
	if t.outside[m.outside] == m {
		delete(t.outside, m.outside)
	}
	for key, other := range t.mappings {
		if other == m {
			delete(t.mappings, key)
		}
	}
}

// sweep forgets what has timed out, once in a time-out.
func (t *natTable) sweep(now time.Time) {
	if now.Sub(t.swept) < t.Timeout {
		return
	}
	t.swept = now
	for key, m := range t.mappings {
		if t.alive(now, m) == nil {
			delete(t.mappings, key)
		}
	}
	for at, m := range t.outside {
		if t.alive(now, m) == nil {
			delete(t.outside, at)
		}
	}
	for key, at := range t.sent {
		if now.Sub(at) >= t.Timeout {
			delete(t.sent, key)
		}
	}
}

func (t *natTable) isPublic(ip netip.Addr) bool { return slices.Contains(t.public, ip) }
