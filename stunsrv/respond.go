package stunsrv

import (
	"encoding/binary"
	"net/netip"
)

const (
	// maxUnknown bounds the list in UNKNOWN-ATTRIBUTES: a request made of nothing else must not make a long answer.
	maxUnknown = 8
	// maxSoftware is in bytes, for our own SOFTWARE: it is part of every answer, and so of maxGrowth.
	maxSoftware = 28
	// maxGrowth is how many bytes an answer may be longer than its request: 24 each for three IPv6 addresses and 32 for SOFTWARE. Requests are
	// at least 20 bytes, so a spoofed source gets at most 6.2 times what was sent.
	maxGrowth = 3*24 + attrHeaderSize + maxSoftware
)

// kind is what a datagram, or a piece of a TCP stream, turned out to be.
type kind uint8

const (
	kindNothing  kind = iota // neither STUN nor whoami: silence
	kindBinding              // a Binding request from a client
	kindCheck                // a Binding request of an ICE agent: silence, see respond
	kindResponse             // a response, perhaps to a check of ours
	kindWhoami
)

// String is the Kind of a protocol.Sighting.
func (k kind) String() string {
	return [...]string{"nothing", "binding", "check", "response", "whoami"}[k]
}

// inquiry is what respond found out beside the answer.
type inquiry struct {
	kind     kind
	from     corner // where the answer leaves from
	software []byte // the request's SOFTWARE; a part of the request's buffer
}

// responder computes answers for one socket. It has no state that changes.
type responder struct {
	software []byte        // our SOFTWARE, as an attribute; empty: none
	here     corner        // of the socket
	has      [corners]bool // from where an answer can be sent
}

// respond appends the answer to msg to dst: to a STUN message, or to whoami. source is whom the answer goes to, local the address that msg came to.
// dst comes back unchanged where the answer is silence.
//
// A request that carries the marks of an ICE check or of a credential gets silence: our signed checks make the browser send checks of its own
// back to us, and a success without MESSAGE-INTEGRITY would confuse it, one with it would make a pair that leads nowhere.
func (r *responder) respond(dst, msg []byte, source, local netip.AddrPort) ([]byte, inquiry) {
	if len(msg) > 0 && msg[0] == whoamiWord[0] {
		return r.respondWhoami(dst, msg, source)
	}
	m, ok := parseMessage(msg)
	if !ok {
		return dst, inquiry{}
	}
	switch {
	case m.typ == typeBindingRequest:
		return r.respondBinding(dst, m, source, local)
	case !m.classic && (m.typ == typeBindingSuccess || m.typ == typeBindingError):
		return dst, inquiry{kind: kindResponse}
	}
	return dst, inquiry{} // indications and other methods (RFC 8489 section 6.3)
}

func (r *responder) respondBinding(dst []byte, m message, source, local netip.AddrPort) ([]byte, inquiry) {
	found := inquiry{kind: kindBinding, from: r.here}
	var unknown [maxUnknown]uint16
	var unknowns int
	var fingerprinted, check bool
	for rest := m.raw[headerSize:]; len(rest) > 0; {
		typ, value, tail, ok := nextAttribute(rest)
		if !ok {
			return dst, inquiry{}
		}
		rest = tail
		switch typ {
		case attrFingerprint:
			if m.classic {
				break // RFC 3489 has none
			}
			// It must be the last (RFC 8489 section 14.7); a wrong one says that this is no STUN.
			if len(rest) > 0 || !fingerprintOK(m.raw, value) {
				return dst, inquiry{}
			}
			fingerprinted = true
		case attrSoftware:
			found.software = value
		case attrUsername, attrMessageIntegrity, attrIntegritySHA256, attrUserhash, attrPriority, attrUseCandidate, attrICEControlled, attrICEControlling:
			check = true
		case attrMappedAddress, attrSourceAddress, attrErrorCode, attrUnknown, attrRealm, attrNonce, attrPasswordAlgo, attrXORMappedAddress:
			// Known but unexpected: ignored (RFC 8489 section 14).
		default:
			if typ == attrChangeRequest && len(value) == 4 && value[3]&0x06 == 0 {
				break // asks for no change (RFC 5780 section 7.2)
			}
			if typ < 0x8000 && unknowns < maxUnknown {
				unknown[unknowns] = typ
				unknowns++
			}
		}
	}
	if check {
		found.kind = kindCheck
		return dst, found
	}
	start := len(dst)
	if unknowns > 0 {
		dst = appendUnknownAttributes(dst, m, unknown[:unknowns])
	} else {
		dst = appendSuccess(dst, m, source, local)
	}
	if !m.classic { // RFC 3489 knows no attribute whose length is padded
		dst = append(dst, r.software...)
	}
	setLength(dst[start:])
	if fingerprinted {
		dst = appendFingerprint(dst, start)
	}
	return dst, found
}

// appendSuccess writes a Binding success response. XOR-MAPPED-ADDRESS is RFC 8489 section 14.2; MAPPED-ADDRESS stands beside it because an ALG that rewrites it
// gives itself away by the difference (RFC 5780 section 3.6); RESPONSE-ORIGIN is RFC 5780 section 7.3. A client of RFC 3489 gets the two addresses that it
// knows (its section 8.1; RFC 8489 section 11). CHANGED-ADDRESS would promise a second IP.
func appendSuccess(dst []byte, m message, source, local netip.AddrPort) []byte {
	id := m.raw[4:headerSize]
	dst = appendHeader(dst, typeBindingSuccess, id)
	if m.classic {
		dst = appendAddress(dst, attrMappedAddress, source, noXOR[:])
		return appendAddress(dst, attrSourceAddress, local, noXOR[:])
	}
	dst = appendAddress(dst, attrXORMappedAddress, source, id)
	dst = appendAddress(dst, attrMappedAddress, source, noXOR[:])
	return appendAddress(dst, attrResponseOrigin, local, noXOR[:])
}

// appendUnknownAttributes writes a 420 (RFC 8489 sections 6.3.1, 14.8 and 14.13).
func appendUnknownAttributes(dst []byte, m message, unknown []uint16) []byte {
	const reason = "Unknown Attribute   " // RFC 3489 asks for a length that is a multiple of four
	dst = appendHeader(dst, typeBindingError, m.raw[4:headerSize])
	dst = append(dst, attrErrorCode>>8, attrErrorCode, 0, byte(4+len(reason)), 0, 0, 4, 20)
	dst = append(dst, reason...)
	n := len(unknown)
	listed := n
	if m.classic {
		listed += n % 2 // RFC 3489 section 11.2.10: one is repeated in an odd list
	}
	dst = append(dst, attrUnknown>>8, attrUnknown, 0, byte(2*listed))
	for _, typ := range unknown {
		dst = binary.BigEndian.AppendUint16(dst, typ)
	}
	if n%2 == 1 {
		dst = binary.BigEndian.AppendUint16(dst, unknown[n-1]) // listed, or padding whose value does not matter
	}
	return dst
}
