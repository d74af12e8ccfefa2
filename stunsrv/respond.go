package stunsrv

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"
)

const (
	// maxUnknown bounds the list in UNKNOWN-ATTRIBUTES: a request made of nothing else must not make a long answer.
	maxUnknown = 8
	// maxSoftware is in bytes, for our own SOFTWARE: it is part of every answer, and so of maxGrowth.
	maxSoftware = 28
	// maxGrowth is how many bytes an answer may be longer than its request: 24 each for four IPv6 addresses and 32 for SOFTWARE. Requests are
	// at least 20 bytes, so a spoofed source gets at most 7.4 times what was sent.
	maxGrowth = 4*24 + attrHeaderSize + maxSoftware
	// maxPadding is in bytes, for the PADDING of an answer: Ethernet's MTU, as RFC 5780 section 6.1 asks for, so that the datagram makes two fragments. It is also never more
	// than the request had: a fragment test has a padded request as well, and a short request must not make a long answer.
	maxPadding = 1500
	// maxAnswer is the longest answer in bytes: a success with all addresses, SOFTWARE, PADDING and FINGERPRINT.
	maxAnswer = headerSize + maxGrowth + attrHeaderSize + maxPadding + fingerprintSize
	// minResponsePort: below it only services listen, and no NAT maps a client's port there (RFC 4787 section 4.2.1 keeps the two ranges apart). To the ports above, RESPONSE-PORT
	// gives whoever forges a source nothing that the forged source port does not: one answer a request, no longer than any other, to the same IP, and with bytes at its
	// beginning that are not the asker's.
	minResponsePort = 1024
)

// kind is what a datagram, or a piece of a TCP stream, turned out to be.
type kind uint8

const (
	kindNothing  kind = iota // neither STUN nor whoami: silence
	kindBinding              // a Binding request from a client
	kindCheck                // a Binding request of an ICE agent: silence, see respond
	kindResponse             // a response, perhaps to a check of ours
	kindWhoami
	kindTURN // for the relay: answered from elsewhere
)

// String is the Kind of a protocol.Sighting.
func (k kind) String() string {
	return [...]string{"nothing", "binding", "check", "response", "whoami", "turn"}[k]
}

// asksUs tells whether a client wants to know something of this server: that is told of.
func (k kind) asksUs() bool { return k == kindBinding || k == kindCheck || k == kindWhoami }

// inquiry is what respond found out beside the answer: what was asked, and the way that the answer takes.
type inquiry struct {
	kind     kind
	from     corner         // the corner that the answer leaves from
	origin   netip.AddrPort // the address of that corner
	to       netip.AddrPort // whom it goes to: the source's IP always, and its port, or the one of RESPONSE-PORT
	software []byte         // the request's SOFTWARE; a part of the request's buffer
	username []byte         // the USERNAME of a check; likewise
}

// responder computes answers for one socket. It has no state that changes, but for what lent points to.
type responder struct {
	software  []byte // our SOFTWARE, as an attribute; empty: none
	port      Port   // of the socket
	otherPort uint16 // 0: none
	pair      *pair  // the two IPs of the family; nil: one
	stream    bool   // TCP: an answer leaves over its connection and from nowhere else
	// lent has the pair that a partner lends, as of now, where there is no other; nil: none ever does.
	lent *atomic.Pointer[pair]
}

// here is the corner that local stands at.
func (r *responder) here(local netip.Addr) corner {
	if r.pair != nil && local == r.pair.secondary {
		return sp | corner(r.port)
	}
	return corner(r.port)
}

// has tells whether there is a corner that differs from the one at local by change.
func (r *responder) has(local netip.Addr, change corner) bool {
	return (change&ps == 0 || r.otherPort != 0) && (change&sp == 0 || r.pair.serves(local))
}

// across is the address of that corner.
func (r *responder) across(local netip.AddrPort, change corner) netip.AddrPort {
	addr, port := local.Addr(), local.Port()
	if change&sp != 0 {
		addr = r.pair.other(addr)
	}
	if change&ps != 0 {
		port = r.otherPort
	}
	return netip.AddrPortFrom(addr, port)
}

// zeros are the value of PADDING, which does not matter.
var zeros [maxPadding]byte

// respond appends the answer to msg to dst: to a STUN message, or to whoami. source is where msg came from, local the address that it came to.
// dst comes back unchanged where the answer is silence.
//
// A request that carries the marks of an ICE check or of a credential gets silence: our signed checks make the browser send checks of its own
// back to us, and a success without MESSAGE-INTEGRITY would confuse it, one with it would make a pair that leads nowhere.
func (r *responder) respond(dst, msg []byte, source, local netip.AddrPort) ([]byte, inquiry) {
	if r.lent != nil { // one answer sees one pair, whatever comes and goes
		now := *r
		now.pair = r.lent.Load().forClient(source, local.Addr())
		r = &now
	}
	if len(msg) > 0 && msg[0] == whoamiWord[0] && !isTURN(msg) {
		return r.respondWhoami(dst, msg, source, local)
	}
	m, ok := parseMessage(msg)
	if !ok {
		if isTURN(msg) { // ChannelData
			return dst, inquiry{kind: kindTURN}
		}
		return dst, inquiry{}
	}
	switch {
	case m.typ == typeBindingRequest:
		return r.respondBinding(dst, m, source, local)
	case m.isTURN():
		return dst, inquiry{kind: kindTURN}
	case !m.classic && (m.typ == typeBindingSuccess || m.typ == typeBindingError):
		return dst, inquiry{kind: kindResponse}
	}
	return dst, inquiry{} // indications and other methods (RFC 8489 section 6.3)
}

// asked is what the attributes of a Binding request ask for. Of an attribute that stands twice the first counts (RFC 8489 section 14).
type asked struct {
	unknown       [maxUnknown]uint16
	unknowns      int
	fingerprinted bool
	check         bool
	hasChange     bool
	change        corner // by CHANGE-REQUEST: how the corner of the answer differs from the one that was asked
	hasPort       bool
	port          uint16 // RESPONSE-PORT; 0: it cannot be answered
	padding       int    // PADDING of the answer, in bytes; -1: none
}

func (a *asked) refuse(typ uint16) {
	if a.unknowns < maxUnknown {
		a.unknown[a.unknowns] = typ
		a.unknowns++
	}
}

func (r *responder) respondBinding(dst []byte, m message, source, local netip.AddrPort) ([]byte, inquiry) {
	found := inquiry{kind: kindBinding, from: r.here(local.Addr()), origin: local, to: source}
	four := r.has(local.Addr(), ss)
	a := asked{padding: -1}
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
			a.fingerprinted = true
		case attrSoftware:
			found.software = value
		case attrUsername:
			a.check, found.username = true, value
		case attrMessageIntegrity, attrIntegritySHA256, attrUserhash, attrPriority, attrUseCandidate, attrICEControlled, attrICEControlling:
			a.check = true
		case attrMappedAddress, attrSourceAddress, attrChangedAddress, attrErrorCode, attrUnknown, attrRealm, attrNonce, attrPasswordAlgo, attrXORMappedAddress:
			// Known but unexpected: ignored (RFC 8489 section 14).
		case attrChangeRequest:
			r.readChange(&a, value, four)
		case attrResponsePort:
			r.readResponsePort(&a, value, m.classic)
		case attrPadding:
			readPadding(&a, value, m.classic)
		default:
			if typ < 0x8000 { // RESPONSE-ADDRESS of RFC 3489 is among them: it would aim answers at third parties
				a.refuse(typ)
			}
		}
	}
	if a.check {
		found.kind = kindCheck
		return dst, found
	}
	start := len(dst)
	switch {
	case a.unknowns > 0:
		dst = appendUnknownAttributes(dst, m, a.unknown[:a.unknowns])
	case a.hasPort && (a.port == 0 || a.padding >= 0): // both together would be a long answer for someone else (RFC 5780 sections 6.1 and 10)
		dst = appendBadRequest(dst, m)
	default:
		if a.change != 0 {
			found.from, found.origin = found.from^a.change, r.across(local, a.change)
		}
		if a.hasPort {
			found.to = netip.AddrPortFrom(source.Addr(), a.port)
		}
		var other netip.AddrPort
		if four {
			other = r.across(local, ss)
		}
		dst = appendSuccess(dst, m, source, found.origin, other)
		if a.padding >= 0 {
			dst = append(dst, attrPadding>>8, attrPadding, byte(a.padding>>8), byte(a.padding))
			dst = append(dst, zeros[:a.padding]...)
		}
	}
	if !m.classic { // RFC 3489 knows no attribute whose length is padded
		dst = append(dst, r.software...)
	}
	setLength(dst[start:])
	if a.fingerprinted {
		dst = appendFingerprint(dst, start)
	}
	return dst, found
}

// readChange reads CHANGE-REQUEST (RFC 5780 section 7.2, RFC 3489 section 11.2.4). One that asks for a change is refused where there are not four corners (RFC 5780
// section 6), and over TCP, since a server opens no connection to a client (RFC 5780 sections 3 and 3.2); one that asks for none is what clients of RFC 3489 send with every request.
func (r *responder) readChange(a *asked, value []byte, four bool) {
	if a.hasChange {
		return
	}
	a.hasChange = true
	if len(value) != 4 {
		a.refuse(attrChangeRequest)
		return
	}
	a.change = corner(value[3]>>1) & ss // flags 0x02: port, 0x04: IP, in the order of the bits of corner
	if a.change != 0 && (!four || r.stream) {
		a.refuse(attrChangeRequest)
	}
}

// readResponsePort reads RESPONSE-PORT (RFC 5780 section 7.5): 16 bits, with or without the two bytes after them, since the RFC leaves open whether these
// count. Over TCP (RFC 5780 section 3.3), and for clients of RFC 3489, there is none.
func (r *responder) readResponsePort(a *asked, value []byte, classic bool) {
	switch {
	case a.hasPort:
	case classic || r.stream:
		a.refuse(attrResponsePort)
	default:
		a.hasPort = true
		if len(value) == 2 || len(value) == 4 {
			if port := binary.BigEndian.Uint16(value); port >= minResponsePort {
				a.port = port
			}
		}
	}
}

// readPadding reads PADDING (RFC 5780 section 7.6).
func readPadding(a *asked, value []byte, classic bool) {
	switch {
	case classic:
		a.refuse(attrPadding)
	case a.padding < 0:
		a.padding = min((len(value)+3)&^3, maxPadding)
	}
}

// appendSuccess writes a Binding success response that leaves from origin; other is where it would leave from if both changed, invalid: there are no four corners.
// XOR-MAPPED-ADDRESS is RFC 8489 section 14.2; MAPPED-ADDRESS stands beside it because an ALG that rewrites it gives itself away by the difference (RFC 5780 section 3.6);
// RESPONSE-ORIGIN and OTHER-ADDRESS are RFC 5780 sections 7.3 and 7.4. A client of RFC 3489 gets the addresses that it knows (its sections 8.1 and 11.2.3; RFC 8489
// section 11).
func appendSuccess(dst []byte, m message, source, origin, other netip.AddrPort) []byte {
	id := m.raw[4:headerSize]
	dst = appendHeader(dst, typeBindingSuccess, id)
	originType, otherType := uint16(attrResponseOrigin), uint16(attrOtherAddress)
	if m.classic {
		originType, otherType = attrSourceAddress, attrChangedAddress
	} else {
		dst = appendAddress(dst, attrXORMappedAddress, source, id)
	}
	dst = appendAddress(dst, attrMappedAddress, source, noXOR[:])
	dst = appendAddress(dst, originType, origin, noXOR[:])
	if other.IsValid() {
		dst = appendAddress(dst, otherType, other, noXOR[:])
	}
	return dst
}

// appendBadRequest writes a 400 (RFC 8489 section 14.8).
func appendBadRequest(dst []byte, m message) []byte {
	const reason = "Bad Request"
	dst = appendHeader(dst, typeBindingError, m.raw[4:headerSize])
	return append(append(dst, attrErrorCode>>8, attrErrorCode, 0, byte(4+len(reason)), 0, 0, 4, 0), reason+"\x00"...)
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
