package e2e

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"github.com/icescope/icescope/protocol"
)

var (
	natInside = netip.MustParsePrefix("10.1.0.0/24")
	natPublic = []netip.Addr{netip.MustParseAddr("10.9.0.1"), netip.MustParseAddr("10.9.0.3")}
	host1     = netip.MustParseAddrPort("10.1.0.2:5000")
	host2     = netip.MustParseAddrPort("10.1.0.2:5001")
	peerPP    = netip.MustParseAddrPort("10.9.0.10:3478")
	peerPS    = netip.MustParseAddrPort("10.9.0.10:3479")
	peerSP    = netip.MustParseAddrPort("10.9.0.11:3478")
	peers     = []netip.AddrPort{peerPP, peerPS, peerSP, netip.MustParseAddrPort("10.9.0.11:3479")}
)

// natBench is a core with a clock and a chance that the test holds.
type natBench struct {
	*natTable
	t   *testing.T
	now time.Time
}

func newNATBench(t *testing.T, n UserNAT) *natBench {
	next := 0
	return &natBench{newNATTable(n, natInside, natPublic, func(n int) int { next++; return next % n }), t, time.Unix(1e9, 0)}
}

// out is what a packet from inside leaves as; not valid: dropped.
func (b *natBench) out(src, dst netip.AddrPort) netip.AddrPort {
	v, ok := b.translate(b.now, src, dst)
	if !ok {
		return netip.AddrPort{}
	}
	if v.dst != dst {
		b.t.Errorf("%s > %s went to %s", src, dst, v.dst)
	}
	return v.src
}

// in tells where a packet from outside goes; not valid: dropped.
func (b *natBench) in(src, dst netip.AddrPort) netip.AddrPort {
	v, ok := b.translate(b.now, src, dst)
	if !ok {
		return netip.AddrPort{}
	}
	if v.src != src {
		b.t.Errorf("%s > %s came from %s", src, dst, v.src)
	}
	return v.dst
}

func TestUserNATBehaviours(t *testing.T) {
	for _, n := range userNATs() {
		t.Run(n.Name, func(t *testing.T) {
			b := newNATBench(t, *n.User)
			var m []netip.AddrPort
			for _, p := range peers {
				m = append(m, b.out(host1, p))
			}
			want := map[protocol.Behavior][]bool{ // as PP: PS, SP, SS; and SP as SS
				eim: {true, true, true, true}, adm: {true, false, false, true}, apdm: {false, false, false, false},
			}[n.Mapping]
			if got := []bool{m[1] == m[0], m[2] == m[0], m[3] == m[0], m[3] == m[2]}; !slices.Equal(got, want) {
				t.Errorf("mapped as %v", m)
			}
			for i, p := range peers {
				if again := b.out(host1, p); again != m[i] {
					t.Errorf("%s was mapped as %s and then %s", p, m[i], again)
				}
				if back := b.in(p, m[i]); back != host1 {
					t.Errorf("the answer of %s came to %v", p, back)
				}
			}
			public := b.out(host2, peerPP)
			if slices.Contains(m, public) {
				t.Errorf("two sockets as %s", public)
			}
			wantIn := map[protocol.Behavior][]bool{eif: {true, true, true, true}, adf: {true, true, false, false}, apdf: {true, false, false, false}}[n.Filtering]
			for i, p := range peers {
				if came := b.in(p, public) == host2; came != wantIn[i] {
					t.Errorf("%s comes in: %v", p, came)
				}
			}
			if stray := netip.AddrPortFrom(natPublic[0], 19999); b.in(peerPP, stray).IsValid() {
				t.Error("a port without a mapping lets in")
			}
		})
	}
}

// With sessions, who was let in is answered through the mapping by which he came; to the letter, as the mapping behaviour has it.
func TestUserNATSessions(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		b := newNATBench(t, UserNAT{Mapping: apdm, Filtering: eif, Sessions: sessions})
		public := b.out(host1, peerPP)
		if b.in(peerSP, public) != host1 {
			t.Fatal("not let in")
		}
		if same := b.out(host1, peerSP) == public; same != sessions {
			t.Errorf("sessions %v, and the answer leaves by the same port: %v", sessions, same)
		}
	}
}

func TestUserNATHairpin(t *testing.T) {
	for _, hairpin := range []bool{false, true} {
		b := newNATBench(t, UserNAT{Mapping: eim, Filtering: apdf, Hairpin: hairpin})
		one, two := b.out(host1, peerPP), b.out(host2, peerPP)
		v, ok := b.translate(b.now, host1, two)
		if ok != hairpin || ok && (v.src != one || v.dst != host2) {
			t.Errorf("hairpin %v: %+v %v", hairpin, v, ok)
		}
	}
}

func TestUserNATTimeout(t *testing.T) {
	b := newNATBench(t, UserNAT{Mapping: eim, Filtering: eif, Timeout: 2 * time.Second})
	public := b.out(host1, peerPP)
	b.now = b.now.Add(1900 * time.Millisecond)
	if b.in(peerPP, public) != host1 {
		t.Error("gone too early")
	}
	b.now = b.now.Add(100 * time.Millisecond) // what came in has refreshed nothing
	if b.in(peerPP, public).IsValid() {
		t.Error("lives too long")
	}
	if b.out(host1, peerPP) == public {
		t.Error("the old port again")
	}
	for range 10 { // what nobody uses is forgotten
		b.now = b.now.Add(3 * time.Second)
		b.out(host2, peerPP)
	}
	if len(b.mappings) != 1 || len(b.outside) != 1 || len(b.sent) != 2 {
		t.Errorf("%d mappings, %d ports, %d peers are remembered", len(b.mappings), len(b.outside), len(b.sent))
	}
}

func TestUserNATPortsAndAddresses(t *testing.T) {
	b := newNATBench(t, UserNAT{Mapping: eim, Filtering: apdf, Preserve: true})
	if p := b.out(host1, peerPP); p.Port() != host1.Port() {
		t.Errorf("the port became %d", p.Port())
	}
	other := netip.MustParseAddrPort("10.1.0.7:5000")
	p := b.out(other, peerPP) // another machine takes the next address, and keeps it
	if p.Addr() != natPublic[1] || b.out(netip.AddrPortFrom(other.Addr(), 9), peerPP).Addr() != p.Addr() {
		t.Errorf("not paired: %s", p)
	}
	third := netip.MustParseAddrPort("10.1.0.8:5000")
	if p := b.out(third, peerPP); p.Addr() != natPublic[0] || p.Port() == 5000 {
		t.Errorf("a port that is taken was given again: %s", p)
	}
	b = newNATBench(t, UserNAT{Mapping: eim, Filtering: apdf, Arbitrary: true})
	if b.out(host1, peerPP).Addr() == b.out(host2, peerPP).Addr() {
		t.Error("not arbitrary")
	}
	b = newNATBench(t, UserNAT{Mapping: eim, Filtering: apdf, ChangeEvery: 2})
	if one, two, three := b.out(host1, peerPP), b.out(host1, peerPP), b.out(host1, peerPP); one != two || two == three {
		t.Errorf("unstable: %s %s %s", one, two, three)
	}
}

func TestUserNATPacket(t *testing.T) {
	b := newNATBench(t, UserNAT{Mapping: eim, Filtering: eif})
	p := udpPacket(host1, peerPP, []byte("odd"))
	p[8] = 63 // as the kernel has forwarded it
	if !b.rewrite(b.now, p) {
		t.Fatal("dropped")
	}
	checkPacket(t, p)
	if p[8] != 64 {
		t.Errorf("a TTL of %d; the kernel takes one more away", p[8])
	}
	back := udpPacket(peerSP, netip.AddrPortFrom(natPublic[0], binary.BigEndian.Uint16(p[20:])), []byte("answer"))
	back[26], back[27] = 0, 0 // no checksum
	if !b.rewrite(b.now, back) || netip.AddrFrom4([4]byte(back[16:20])) != host1.Addr() || back[26] != 0 || back[27] != 0 {
		t.Errorf("back: % x", back)
	}
	for name, spoil := range map[string]func([]byte){
		"a fragment": func(p []byte) { p[6] = 0x20 }, "TCP": func(p []byte) { p[9] = 6 }, "IPv6": func(p []byte) { p[0] = 0x65 },
		"a length that lies": func(p []byte) { p[3]++ }, "a UDP length that lies": func(p []byte) { p[25]++ }, "a long header": func(p []byte) { p[0] = 0x4f },
	} {
		p := udpPacket(host1, peerPP, []byte("x"))
		if spoil(p); b.rewrite(b.now, p) {
			t.Errorf("%s passes", name)
		}
	}
}

func TestUserNATALG(t *testing.T) {
	public := netip.MustParseAddrPort("10.9.0.1:20001")
	for _, alg := range []ALG{ALGNone, ALGMapped, ALGXOR} {
		b := newNATBench(t, UserNAT{Mapping: eim, Filtering: eif, ALG: alg})
		if out := b.out(host1, peerPP); out != public {
			t.Fatal(out)
		}
		mapped := stun.MappedAddress{IP: public.Addr().AsSlice(), Port: int(public.Port())}
		m := stun.MustBuild(stun.TransactionID, stun.BindingSuccess, &mapped, &stun.XORMappedAddress{IP: mapped.IP, Port: mapped.Port}, stun.Fingerprint)
		p := udpPacket(peerPP, public, m.Raw)
		if !b.rewrite(b.now, p) {
			t.Fatal("dropped")
		}
		checkPacket(t, p)
		got := &stun.Message{Raw: p[28:]}
		var plain stun.MappedAddress
		var xor stun.XORMappedAddress
		for _, err := range []error{got.Decode(), plain.GetFrom(got), xor.GetFrom(got), stun.Fingerprint.Check(got)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if plain.String() == host1.String() != (alg != ALGNone) || xor.String() == host1.String() != (alg == ALGXOR) {
			t.Errorf("ALG %q: MAPPED-ADDRESS %v, XOR-MAPPED-ADDRESS %v", alg, plain, xor)
		}
	}
}

// Whatever a namespace throws at it, it neither panics nor lets out what is no whole datagram.
func FuzzUserNATPacket(f *testing.F) {
	f.Add(udpPacket(host1, peerPP, []byte("hello")))
	f.Add(udpPacket(peerPP, netip.AddrPortFrom(natPublic[0], 20001), stun.MustBuild(stun.TransactionID, stun.BindingSuccess, stun.Fingerprint).Raw))
	f.Fuzz(func(t *testing.T, p []byte) {
		b := newNATBench(t, UserNAT{Mapping: eim, Filtering: eif, ALG: ALGXOR})
		b.out(host1, peerPP)
		b.rewrite(b.now, p)
	})
}

func udpPacket(src, dst netip.AddrPort, payload []byte) []byte {
	p := make([]byte, ipv4Header+udpHeader, ipv4Header+udpHeader+len(payload))
	p = append(p, payload...)
	p[0], p[8], p[9] = 0x45, 64, protoUDP
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	from, to := src.Addr().As4(), dst.Addr().As4()
	copy(p[12:], from[:])
	copy(p[16:], to[:])
	binary.BigEndian.PutUint16(p[20:], src.Port())
	binary.BigEndian.PutUint16(p[22:], dst.Port())
	binary.BigEndian.PutUint16(p[24:], uint16(udpHeader+len(payload)))
	binary.BigEndian.PutUint16(p[10:], ^fold(sum(0, p[:20])))
	binary.BigEndian.PutUint16(p[26:], ^fold(sum(sum(uint32(protoUDP+udpHeader+len(payload)), p[12:20]), p[20:])))
	return p
}

// checkPacket holds both checksums against RFC 1071: the sum over all is -0.
func checkPacket(t *testing.T, p []byte) {
	t.Helper()
	if s := fold(sum(0, p[:20])); s != 0xffff {
		t.Errorf("IP checksum: %04x", s)
	}
	if s := fold(sum(sum(uint32(protoUDP+len(p)-20), p[12:20]), p[20:])); s != 0xffff {
		t.Errorf("UDP checksum: %04x", s)
	}
}
