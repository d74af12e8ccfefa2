package e2e

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"time"
)

// The layout of what is rewritten: RFC 791 section 3.1, RFC 768, RFC 8489 sections 5 and 14.
const (
	ipv4Header = 20
	udpHeader  = 8
	protoUDP   = 17
	stunHeader = 20

	stunBindingSuccess = 0x0101
	attrMapped         = 0x0001
	attrXORMapped      = 0x0020
	attrFingerprint    = 0x8028
	fingerprintXOR     = 0x5354554e
	familyIPv4         = 1
	addressAttr        = 8 // value length of an IPv4 address
)

// rewrite translates one IPv4 datagram in place. False: it is to be dropped, as everything that is not whole UDP is.
func (t *natTable) rewrite(now time.Time, p []byte) bool {
	if len(p) < ipv4Header || p[0]>>4 != 4 || p[9] != protoUDP {
		return false
	}
	header := int(p[0]&15) * 4
	total := int(binary.BigEndian.Uint16(p[2:]))
	fragment := binary.BigEndian.Uint16(p[6:]) & 0x3fff // more fragments, and the offset; the kernel has put them together before
	if header < ipv4Header || total > len(p) || total < header+udpHeader || fragment != 0 {
		return false
	}
	udp := p[header:total]
	if int(binary.BigEndian.Uint16(udp[4:])) != len(udp) {
		return false
	}
	src := netip.AddrPortFrom(netip.AddrFrom4([4]byte(p[12:16])), binary.BigEndian.Uint16(udp))
	dst := netip.AddrPortFrom(netip.AddrFrom4([4]byte(p[16:20])), binary.BigEndian.Uint16(udp[2:]))
	v, ok := t.translate(now, src, dst)
	if !ok {
		return false
	}
	if v.in != nil && t.ALG != ALGNone {
		rewriteSTUN(udp[udpHeader:], t.ALG, v.in.outside, v.in.inside)
	}
	from, to := v.src.Addr().As4(), v.dst.Addr().As4()
	copy(p[12:], from[:])
	copy(p[16:], to[:])
	binary.BigEndian.PutUint16(udp, v.src.Port())
	binary.BigEndian.PutUint16(udp[2:], v.dst.Port())
	// The kernel has forwarded it to the TUN device and will forward it again: its second decrement is taken back here, so that one is left.
	if p[8] < 255 {
		p[8]++
	}
	p[10], p[11] = 0, 0
	binary.BigEndian.PutUint16(p[10:], ^fold(sum(0, p[:header])))
	if udp[6] != 0 || udp[7] != 0 { // no checksum stays none
		udp[6], udp[7] = 0, 0
		pseudo := sum(uint32(protoUDP)+uint32(len(udp)), p[12:20])
		check := ^fold(sum(pseudo, udp))
		if check == 0 {
			check = 0xffff
		}
		binary.BigEndian.PutUint16(udp[6:], check)
	}
	return true
}

// sum adds 16-bit words (RFC 1071).
func sum(s uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

func fold(s uint32) uint16 {
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

// rewriteSTUN does in place what an ALG does to a Binding success response: the public address becomes the inside one. The fingerprint is made to fit.
func rewriteSTUN(m []byte, alg ALG, outside, inside netip.AddrPort) {
	if len(m) < stunHeader || binary.BigEndian.Uint16(m) != stunBindingSuccess || int(binary.BigEndian.Uint16(m[2:])) != len(m)-stunHeader {
		return
	}
	for at := stunHeader; at+4 <= len(m); {
		kind, size := binary.BigEndian.Uint16(m[at:]), int(binary.BigEndian.Uint16(m[at+2:]))
		value := m[at+4:]
		if size > len(value) {
			return
		}
		value = value[:size]
		switch {
		case kind == attrMapped:
			replaceAddress(value, nil, outside, inside)
		case kind == attrXORMapped && alg == ALGXOR:
			replaceAddress(value, m[4:8], outside, inside)
		case kind == attrFingerprint && size == 4:
			binary.BigEndian.PutUint32(value, crc32.ChecksumIEEE(m[:at])^fingerprintXOR)
		}
		at += 4 + (size+3)&^3
	}
}

// replaceAddress replaces an IPv4 address attribute's value where it is the one looked for. With a cookie it is the obfuscated kind.
func replaceAddress(value, cookie []byte, old, replacement netip.AddrPort) {
	if len(value) != addressAttr || value[1] != familyIPv4 {
		return
	}
	mask := make([]byte, 6)
	if cookie != nil {
		copy(mask, cookie[:2])
		copy(mask[2:], cookie)
	}
	xor := func(a netip.AddrPort) (out [6]byte) {
		binary.BigEndian.PutUint16(out[:], a.Port())
		ip := a.Addr().As4()
		copy(out[2:], ip[:])
		for i := range out {
			out[i] ^= mask[i]
		}
		return out
	}
	if [6]byte(value[2:8]) == xor(old) {
		b := xor(replacement)
		copy(value[2:], b[:])
	}
}
