package server

import (
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"sync"

	"github.com/icescope/icescope/protocol"
)

// virtual are the names of devices that lead to containers and virtual machines of this machine, and seldom further: Docker, Podman, libvirt, LXC, Kubernetes, VMware,
// VirtualBox, Hyper-V with WSL. A bridge that someone made by hand (br0, br-lan) is none of them.
var virtual = regexp.MustCompile(`^(docker|podman|virbr|lxcbr|lxdbr|veth|cni|cali|flannel|cilium|vmnet|vboxnet|nerdctl|kube-)|^br-[0-9a-f]{12}$|^(vEthernet|VirtualBox|VMware)`)

// shared is what RFC 6598 gives to carriers; closed networks use it as if it were private.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// reach tells how far an address goes, by itself and by the device that has it.
func reach(addr netip.Addr, device string) protocol.Reach {
	switch {
	case addr.IsLoopback():
		return protocol.ReachLoopback
	case virtual.MatchString(device):
		return protocol.ReachVirtual
	}
	return protocol.ReachNetwork
}

// plausible orders addresses by how likely another machine of a closed network reaches them, the likeliest first: what is private before what is public (a closed network
// has little use for it), IPv4 before IPv6, which few speak there, and what was given by nobody (RFC 3927) or leads nowhere last.
func plausible(addr netip.Addr, device string) int {
	rank := 0
	switch {
	case addr.Is4() && (addr.IsPrivate() || shared.Contains(addr)):
	case addr.Is4() && !addr.IsLinkLocalUnicast():
		rank = 1
	case addr.Is6() && addr.IsPrivate(): // unique local, RFC 4193
		rank = 2
	case addr.Is6():
		rank = 3
	default:
		rank = 4
	}
	switch reach(addr, device) {
	case protocol.ReachVirtual:
		rank += 10
	case protocol.ReachLoopback:
		rank += 20
	}
	return rank
}

// visited notes to which of this machine's addresses others have come: that is no guess any more.
type visited struct {
	mu   sync.Mutex
	own  []netip.Addr // bounds what is noted
	seen map[netip.Addr]bool
}

// connected is http.Server.ConnState: it sees each connection once, before anything is read from it.
func (v *visited) connected(c net.Conn, state http.ConnState) {
	if state == http.StateNew {
		v.note(boundAddr(c.LocalAddr()).WithZone(""), boundAddr(c.RemoteAddr()).WithZone(""))
	}
}

func (v *visited) note(local, remote netip.Addr) {
	if remote.IsLoopback() || slices.Contains(v.own, remote) || !slices.Contains(v.own, local) {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil {
		v.seen = map[netip.Addr]bool{}
	}
	v.seen[local] = true
}

func (v *visited) has(addr netip.Addr) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.seen[addr]
}

// links are the addresses of the page for other machines, the likeliest first.
func (s *Server) links() []protocol.PageLink {
	var out []protocol.PageLink
	add := func(l listening, host string, r protocol.Reach, device string) {
		i := slices.IndexFunc(out, func(p protocol.PageLink) bool { return p.Host == host })
		if i < 0 {
			i, out = len(out), append(out, protocol.PageLink{Host: host, Reach: r, Device: device})
		}
		if l.secure {
			out[i].SecureURL = pageURL(l, host)
		} else {
			out[i].URL = pageURL(l, host)
		}
	}
	for _, l := range s.http {
		if s.config.Advertise != "" {
			add(l, hostOnly(s.config.Advertise), protocol.ReachAdvertised, "")
		}
		for _, addr := range reachable(boundAddr(l.Addr()), s.urls.machine) {
			device := s.devices[addr]
			r := reach(addr, device)
			if s.visited.has(addr) {
				r = protocol.ReachVisited
			}
			add(l, addr.String(), r, device)
		}
	}
	order := []protocol.Reach{protocol.ReachAdvertised, protocol.ReachVisited, protocol.ReachNetwork, protocol.ReachVirtual, protocol.ReachLoopback}
	slices.SortStableFunc(out, func(a, b protocol.PageLink) int { return slices.Index(order, a.Reach) - slices.Index(order, b.Reach) })
	return out
}
