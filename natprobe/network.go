package natprobe

import (
	"context"
	"net"
	"net/netip"
)

// machine is the Network of this machine.
type machine struct{}

func (machine) ListenPacket(local netip.AddrPort) (net.PacketConn, error) {
	return net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
}

func (machine) DialTCP(ctx context.Context, server netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", server.String())
}

// Source asks the routing table: connecting a UDP socket sends nothing.
func (machine) Source(server netip.AddrPort) (netip.Addr, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	return addrPort(conn.LocalAddr()).Addr(), nil
}

func (machine) Own() ([]netip.Addr, error) {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	for _, a := range found {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr().Unmap())
		}
	}
	return out, nil
}

func (machine) MTU(local netip.Addr) int {
	interfaces, err := net.Interfaces()
	if err != nil {
		return 0
	}
	for _, i := range interfaces {
		addrs, _ := i.Addrs() // one interface that cannot be read is one that is not ours
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == local.WithZone("") {
				return i.MTU
			}
		}
	}
	return 0
}

// addrPort makes addresses comparable: an IPv4 address is never written as an IPv6 one.
func addrPort(a net.Addr) netip.AddrPort {
	if u, ok := a.(*net.UDPAddr); ok {
		ap := u.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// sameAddr compares without the zone, which only this machine knows.
func sameAddr(a, b netip.Addr) bool { return a.WithZone("") == b.WithZone("") }

func samePlace(a, b netip.AddrPort) bool { return a.Port() == b.Port() && sameAddr(a.Addr(), b.Addr()) }
