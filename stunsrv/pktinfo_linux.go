package stunsrv

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// With packet information one wildcard socket tells the address that each datagram came to, and sends the answer from it (RFC 8489 section 6.3.1.1: the answer
// leaves from where the request arrived), also for addresses that the machine gets later.
const havePacketInfo = true

// sizeofTTL is in bytes: the kernel tells the TTL and the hop limit as a C int (ip(7) IP_RECVTTL, RFC 3542 section 6.3), which has four on every Linux.
const sizeofTTL = 4

// controlSize is room for all that is asked for, in the larger family. What did not fit would be cut without an error.
var controlSize = unix.CmsgSpace(unix.SizeofInet6Pktinfo) + unix.CmsgSpace(sizeofTTL)

// wantControl asks for the TTL of each datagram, and on a wildcard socket for its packet information (ip(7) IP_PKTINFO, RFC 3542 section 6.1).
func wantControl(fd uintptr, v6, wildcard bool) error {
	level, recvTTL, recvPacketInfo := unix.IPPROTO_IP, unix.IP_RECVTTL, unix.IP_PKTINFO
	if v6 {
		level, recvTTL, recvPacketInfo = unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, unix.IPV6_RECVPKTINFO
	}
	_ = unix.SetsockoptInt(int(fd), level, recvTTL, 1) // a sandbox that lacks it leaves the TTL unknown; the server can serve without
	if !wildcard {
		return nil
	}
	return unix.SetsockoptInt(int(fd), level, recvPacketInfo, 1)
}

// arrivedAt reads the address that a datagram came to and its TTL, and makes of control what an answer from there needs. What control does not tell is zero.
// The answer is the packet information alone: the kernel would take a TTL beside it as the one to send with.
func arrivedAt(control []byte) (local netip.Addr, ttl int, answer []byte) {
	for rest := control; len(rest) >= unix.SizeofCmsghdr; {
		h, data, tail, err := unix.ParseOneSocketControlMessage(rest)
		if err != nil {
			break
		}
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			clear(data[:4]) // the interface: routing chooses it, as it does for everyone else on this machine
			local, answer = netip.AddrFrom4([4]byte(data[4:8])), rest[:len(rest)-len(tail)]
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			clear(data[16:20]) // likewise; a link-local destination has its zone
			local, answer = netip.AddrFrom16([16]byte(data[:16])).Unmap(), rest[:len(rest)-len(tail)]
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_TTL && len(data) >= sizeofTTL,
			h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT && len(data) >= sizeofTTL:
			ttl = int(binary.NativeEndian.Uint32(data))
		}
		rest = tail
	}
	return local, ttl, answer
}

// sendFrom makes the control message that pins the source address.
func sendFrom(local netip.Addr) []byte {
	if local.Is4() {
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: local.As4()})
	}
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: local.As16()})
}
