package stunsrv

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
)

// The header of RFC 8489 section 5: type, length, magic cookie, transaction id.
const (
	headerSize  = 20
	magicCookie = 0x2112A442
)

// Message types: the method Binding in its four classes (RFC 8489 section 5, figure 3).
const (
	typeBindingRequest = 0x0001
	typeBindingSuccess = 0x0101
	typeBindingError   = 0x0111
)

// Attribute types (RFC 8489 section 18.3; RFC 8445 section 16.1; RFC 5780 section 7; SOURCE-ADDRESS and CHANGED-ADDRESS RFC 3489
// section 11.2).
const (
	attrMappedAddress    = 0x0001
	attrChangeRequest    = 0x0003
	attrSourceAddress    = 0x0004
	attrChangedAddress   = 0x0005
	attrUsername         = 0x0006
	attrMessageIntegrity = 0x0008
	attrErrorCode        = 0x0009
	attrUnknown          = 0x000A
	attrRealm            = 0x0014
	attrNonce            = 0x0015
	attrIntegritySHA256  = 0x001C
	attrPasswordAlgo     = 0x001D
	attrUserhash         = 0x001E
	attrXORMappedAddress = 0x0020
	attrPriority         = 0x0024
	attrUseCandidate     = 0x0025
	attrPadding          = 0x0026
	attrResponsePort     = 0x0027
	attrSoftware         = 0x8022
	attrFingerprint      = 0x8028
	attrICEControlled    = 0x8029
	attrICEControlling   = 0x802A
	attrResponseOrigin   = 0x802B
	attrOtherAddress     = 0x802C
)

const (
	attrHeaderSize  = 4
	fingerprintSize = attrHeaderSize + 4
	fingerprintXOR  = 0x5354554E // RFC 8489 section 14.7
)

// message is a STUN message whose header holds together (RFC 8489 section 6.3). Its attributes are not yet looked at.
type message struct {
	raw     []byte
	typ     uint16
	classic bool // no magic cookie: RFC 3489, whose transaction id is the 16 bytes after the length
}

// parseMessage accepts b only where it is exactly one message: over UDP nothing may follow it.
func parseMessage(b []byte) (message, bool) {
	if len(b) < headerSize || b[0]&0xC0 != 0 {
		return message{}, false
	}
	if length := int(binary.BigEndian.Uint16(b[2:])); length%4 != 0 || length != len(b)-headerSize {
		return message{}, false
	}
	return message{raw: b, typ: binary.BigEndian.Uint16(b), classic: binary.BigEndian.Uint32(b[4:]) != magicCookie}, true
}

// nextAttribute takes the first attribute off rest, padding included (RFC 8489 section 14).
func nextAttribute(rest []byte) (typ uint16, value, tail []byte, ok bool) {
	if len(rest) < attrHeaderSize {
		return 0, nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(rest[2:]))
	padded := attrHeaderSize + (n+3)&^3
	if padded > len(rest) {
		return 0, nil, nil, false
	}
	return binary.BigEndian.Uint16(rest), rest[attrHeaderSize : attrHeaderSize+n], rest[padded:], true
}

// fingerprintOK tells whether value, the last attribute of raw, is the right FINGERPRINT (RFC 8489 section 14.7).
func fingerprintOK(raw, value []byte) bool {
	return len(value) == 4 && binary.BigEndian.Uint32(value) == fingerprint(raw[:len(raw)-fingerprintSize])
}

func fingerprint(b []byte) uint32 { return crc32.ChecksumIEEE(b) ^ fingerprintXOR }

// appendHeader begins a message; setLength finishes it. id is the cookie and the transaction id, 16 bytes.
func appendHeader(dst []byte, typ uint16, id []byte) []byte {
	return append(append(dst, byte(typ>>8), byte(typ), 0, 0), id...)
}

func setLength(msg []byte) { binary.BigEndian.PutUint16(msg[2:], uint16(len(msg)-headerSize)) }

func appendAttribute(dst []byte, typ uint16, value []byte) []byte {
	dst = append(dst, byte(typ>>8), byte(typ), byte(len(value)>>8), byte(len(value)))
	dst = append(dst, value...)
	return append(dst, 0, 0, 0)[:len(dst)+(4-len(value)%4)%4]
}

// noXOR makes appendAddress write an address as it is.
var noXOR [16]byte

// appendAddress writes an address attribute (RFC 8489 section 14.1). For XOR-MAPPED-ADDRESS (section 14.2) key is the cookie and the transaction id.
func appendAddress(dst []byte, typ uint16, a netip.AddrPort, key []byte) []byte {
	family, size := byte(1), byte(4)
	ip := a.Addr().As16() // an IPv4 address stands in its last four bytes
	from := 12
	if !a.Addr().Is4() {
		family, size, from = 2, 16, 0
	}
	dst = append(dst, byte(typ>>8), byte(typ), 0, 4+size, 0, family, byte(a.Port()>>8)^key[0], byte(a.Port())^key[1])
	for i, b := range ip[from:] {
		dst = append(dst, b^key[i])
	}
	return dst
}

// parseAddress reads the value of an address attribute; key as in appendAddress.
func parseAddress(value, key []byte) (netip.AddrPort, bool) {
	if len(value) != 8 && len(value) != 20 || value[1] != 1 && value[1] != 2 || (value[1] == 1) != (len(value) == 8) {
		return netip.AddrPort{}, false
	}
	port := binary.BigEndian.Uint16(value[2:]) ^ binary.BigEndian.Uint16(key)
	var ip [16]byte
	n := copy(ip[:], value[4:])
	for i := range n {
		ip[i] ^= key[i]
	}
	addr, _ := netip.AddrFromSlice(ip[:n])
	return netip.AddrPortFrom(addr, port), true
}

// appendFingerprint ends msg with its FINGERPRINT (RFC 8489 section 14.7); the length must count it already when it is computed.
func appendFingerprint(dst []byte, start int) []byte {
	binary.BigEndian.PutUint16(dst[start+2:], uint16(len(dst)-start-headerSize+fingerprintSize))
	sum := fingerprint(dst[start:])
	dst = append(dst, attrFingerprint>>8, attrFingerprint&0xFF, 0, 4)
	return binary.BigEndian.AppendUint32(dst, sum)
}
