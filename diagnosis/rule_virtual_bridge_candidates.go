package diagnosis

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// bridgePrefixes are those that programs give the inner networks of a machine by default: Docker's desktop, VirtualBox, libvirt, LXC, Podman, Docker Toolbox, Hyper-V's old
// default switch. Docker takes its bridges out of 172.16.0.0/12 and gives itself the first address of each.
var bridgePrefixes = func() (out []netip.Prefix) {
	for _, s := range []string{"192.168.65.0/24", "192.168.56.0/24", "192.168.122.0/24", "10.0.3.0/24", "10.88.0.0/16", "192.168.99.0/24", "10.0.75.0/24"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

var dockerPool = netip.MustParsePrefix("172.16.0.0/12")

// bridgeAddress: does it look like that of a machine's inner bridge? A guess by the usual defaults, so that it is never enough alone.
func bridgeAddress(ip netip.Addr) bool {
	if !ip.Is4() {
		return false
	}
	last := ip.As4()[3]
	return dockerPool.Contains(ip) && last == 1 || slices.ContainsFunc(bridgePrefixes, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// bridgeNames begin the names of interfaces that exist inside a machine only.
var bridgeNames = []string{"docker", "br-", "virbr", "veth", "vboxnet", "vmnet", "podman", "cni", "lxcbr", "lxdbr", "vEthernet", "WSL"}

// bridges are the addresses of a machine's inner bridges as icescope peer on it names them.
func (f *Fold) bridges(p *peer) (ips []netip.Addr) {
	for _, q := range f.peers {
		if q != p && q.joined.Beside != p.id || q.env == nil {
			continue
		}
		for _, i := range q.env.Interfaces {
			if slices.ContainsFunc(bridgeNames, func(name string) bool { return strings.HasPrefix(i.Name, name) }) {
				for _, a := range i.Addresses {
					if pre, err := netip.ParsePrefix(a); err == nil {
						ips = append(ips, pre.Addr().Unmap())
					}
				}
			}
		}
	}
	return ips
}

// virtualBridge: candidates of a bridge that exists inside one machine only. The other end cannot reach them; where it has a bridge with the same address, it even asks itself. Beside other
// candidates they cost time and make many dead pairs, alone they break the trial.
func virtualBridge(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind.Relay() || t.stop == nil {
			continue
		}
		for _, n := range t.ends() {
			far := t.other(n)
			own, others := n.addresses(), far.addresses()
			named := f.bridges(n.peer)
			for _, ip := range own {
				// On both machines, though neither is reached there: what the two have in common is a program's default. Alone it might be the machine's real address.
				both := slices.Contains(others, ip) && fours(own) > 1 && fours(others) > 1
				if !both && !slices.Contains(named, ip) && !bridgeAddress(ip) || spokenFrom(n.peer, ip) {
					continue
				}
				l := t.asked(far, ip)
				if l.arrived > 0 || l.got > 0 || l.sent < enoughRequests && !both {
					continue
				}
				if both && n != t.a {
					continue // said of both at once
				}
				x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Likely, Peers: []string{n.peer.id}, Trial: t.kind, Run: t.run,
					Summary: catalog.T("", "peer", n.peer.name(), "other", far.peer.name(), "address", ip.String())}
				if both {
					x.Peers, x.Summary.Key = []string{t.a.peer.id, t.b.peer.id}, "-both"
					x.Evidence = append(x.Evidence, note(catalog.T("evidence.address-on-both", "address", ip.String(), "a", t.a.peer.name(), "b", t.b.peer.name()),
						append(t.a.signaledAt(ip), t.b.signaledAt(ip)...)...))
				} else {
					x.Evidence = append(x.Evidence, note(catalog.T("evidence.bridge-address", "peer", n.peer.name(), "address", ip.String()), n.signaledAt(ip)...))
				}
				if l.sent > 0 {
					x.Evidence = append(x.Evidence, l.silence())
				}
				if !t.connected() && t.beaten() && !slices.ContainsFunc(own, func(o netip.Addr) bool { return !bridgeAddress(o) && !slices.Contains(named, o) }) {
					x.Severity, x.breaks = protocol.SeverityError, []protocol.TrialKind{t.kind}
				}
				out = append(out, x)
				break
			}
		}
	}
	return out
}

// fours counts the addresses of IPv4: one of IPv6 stands beside every real one, too, where there are both families.
func fours(ips []netip.Addr) (n int) {
	for _, ip := range ips {
		if ip.Is4() {
			n++
		}
	}
	return n
}

// spokenFrom: has this server spoken with the peer at that address? TCP tells; a single datagram with the bridge's address as its source may well come out of the machine.
func spokenFrom(p *peer, ip netip.Addr) bool { return addrOf(p.joined.HTTPAddress) == ip }

// asked is the direction from one end towards one address of the other.
func (t *trial) asked(from *end, at netip.Addr) lane {
	if from == t.a {
		l, _ := t.toward(at, netip.Addr{})
		return l
	}
	_, l := t.toward(netip.Addr{}, at)
	return l
}
