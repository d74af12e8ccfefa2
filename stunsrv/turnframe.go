package stunsrv

import "encoding/binary"

// Message types of TURN that a client sends (RFC 8656 section 17): the methods in their request class, and the Send indication. The methods of RFC 6062, relays over
// TCP, are not among them.
const (
	typeAllocate         = 0x0003
	typeRefresh          = 0x0004
	typeSend             = 0x0016
	typeCreatePermission = 0x0008
	typeChannelBind      = 0x0009
	typeErrorClass       = 0x0110 // these bits make a request's type that of its error response (RFC 8489 section 5)
)

const (
	// channelHeaderSize is the number of the channel and the length (RFC 8656 section 12.4).
	channelHeaderSize = 4
	// turnMTU is in bytes: a datagram as long as Ethernet's MTU in a Send indication. pion relays no longer ones.
	turnMTU = 1600
)

// isChannelData tells ChannelData by its first two bits, which no STUN message has. Channels are 0x4000 to 0x4FFF (RFC 8656 section 12), but coturn's client takes them up to 0x7FFF, as
// RFC 5766 section 11 had it.
func isChannelData(b []byte) bool { return len(b) >= channelHeaderSize && b[0]&0xC0 == 0x40 }

// isTURN tells whether a datagram, or a whole message of a stream, is for the relay. whoami is not: as ChannelData, "whoa" would announce 28513 bytes.
func isTURN(b []byte) bool {
	if isChannelData(b) {
		return channelHeaderSize+int(binary.BigEndian.Uint16(b[2:])) <= len(b)
	}
	m, ok := parseMessage(b)
	return ok && m.isTURN()
}

func (m message) isTURN() bool {
	switch m.typ {
	case typeAllocate, typeRefresh, typeSend, typeCreatePermission, typeChannelBind:
		return !m.classic
	}
	return false
}

// turnFrame tells how many bytes the first message in a stream has: a STUN message, or ChannelData with its padding, which over a stream must be there (RFC 8656 section
// 12.5). 0: more must come. ok is false where b does not begin as either, or announces more than any message that can be relayed.
func turnFrame(b []byte) (size int, ok bool) {
	if len(b) < channelHeaderSize {
		return 0, len(b) == 0 || b[0]&0x80 == 0
	}
	length := int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case isChannelData(b):
		size = channelHeaderSize + (length+3)&^3
	case b[0]&0xC0 == 0 && length%4 == 0:
		size = headerSize + length
	default:
		return 0, false
	}
	if size > maxStreamMessage {
		return 0, false
	}
	if size > len(b) {
		return 0, true
	}
	return size, true
}
