package stunsrv

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// With packet information one wildcard socket tells the address that each datagram came to, and sends the answer from it (RFC 8489 section 6.3.1.1: the answer
// leaves from where the request arrived), also for addresses that the machine gets later.
const havePacketInfo = true

// controlSize is room for the larger of both control messages.
const controlSize = unix.SizeofCmsghdr + unix.SizeofInet6Pktinfo + 8

// wantPacketInfo switches it on (ip(7) IP_PKTINFO, RFC 3542 section 6.1).
func wantPacketInfo(fd uintptr, v6 bool) error {
	if v6 {
		return unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
}

// arrivedAt reads the address that a datagram came to, and makes of control what an answer from there needs.
func arrivedAt(control []byte) (local netip.Addr, answer []byte) {
	for rest := control; len(rest) >= unix.SizeofCmsghdr; {
		h, data, tail, err := unix.ParseOneSocketControlMessage(rest)
		if err != nil {
			break
		}
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			clear(data[:4]) // the interface: routing chooses it, as it does for everyone else on this machine
			return netip.AddrFrom4([4]byte(data[4:8])), rest[:len(rest)-len(tail)]
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			clear(data[16:20]) // likewise; a link-local destination has its zone
			return netip.AddrFrom16([16]byte(data[:16])).Unmap(), rest[:len(rest)-len(tail)]
		}
		rest = tail
	}
	return netip.Addr{}, nil
}

// sendFrom makes the control message that pins the source address.
func sendFrom(local netip.Addr) []byte {
	if local.Is4() {
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: local.As4()})
	}
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: local.As16()})
}
