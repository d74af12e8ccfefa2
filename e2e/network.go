package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Network is a network as data.
type Network struct {
	// Segments are the names of the bridges. A segment is a layer 2 network: broadcast and multicast stay inside.
	Segments []string
	Nodes    []Node
	// FabricRules is nft text for the namespace that holds the bridges (table bridge …): what a switch would filter.
	FabricRules string
	// IPv6 leaves IPv6 on, with its link-local addresses; else it is off everywhere.
	IPv6 bool
}

// Node is a machine: a host with one leg, or a router with several.
type Node struct {
	Name string
	Legs []Leg
	// Routes as `ip route add` takes them; those of IPv6 begin with "-6 ". Chromium without a default route gathers no host candidate, so leaving it out is a scenario of its own.
	Routes  []string
	Forward bool
	// Rules is nft text. nft wants each statement on its own line.
	Rules string
}

// Leg is a network interface: "eth0" where it is the only one, otherwise named after its segment, so that rules read like the picture.
type Leg struct {
	Segment string
	Address string // with prefix length; several have a space between, of both families
}

// Lab is a network that stands.
type Lab struct {
	id         string
	namespaces []string
}

// labs numbers the labs of this process, so that two can stand at once.
var labs atomic.Int64

// fabric holds all bridges. It forwards nothing between them.
const fabric = "fabric"

// Build makes the network. The caller closes the lab.
func Build(n Network) (*Lab, error) {
	l := &Lab{id: fmt.Sprintf("%s%d-%d-", prefix, os.Getpid(), labs.Add(1))}
	if err := l.build(n); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// NS is the full name of a node's namespace.
func (l *Lab) NS(node string) string { return l.id + node }

// Namespaces are the full names of all namespaces.
func (l *Lab) Namespaces() []string { return l.namespaces }

// Close removes all namespaces and whatever still runs inside.
func (l *Lab) Close() error {
	errs := make([]error, len(l.namespaces))
	inParallel(len(l.namespaces), func(i int) { errs[i] = removeNamespace(l.namespaces[i]) })
	l.namespaces = nil
	return errors.Join(errs...)
}

func (l *Lab) build(n Network) error {
	// One ip process makes all namespaces and cables; then one ip and one nft per namespace, side by side: a lab stands in a tenth of a second.
	//
	// The bridges come before the cables for a reason: Linux reports a new carrier at once only where a cable's two interface numbers differ, else up
	// to a second later. A Chromium whose first RTCPeerConnection falls into that second has no mDNS, and so no masked host candidate, for all its life.
	var bridges, cables, plugs strings.Builder
	names := []string{fabric}
	for _, s := range n.Segments {
		fmt.Fprintf(&bridges, "link add %s type bridge\nlink set dev %s up\n", s, s)
	}
	for i, node := range n.Nodes {
		names = append(names, node.Name)
		for j, leg := range node.Legs {
			port := fmt.Sprintf("p%d.%d", i, j)
			fmt.Fprintf(&cables, "link add name %s netns %s type veth peer name %s netns %s\n", node.device(leg), l.NS(node.Name), port, l.NS(fabric))
			fmt.Fprintf(&plugs, "link set dev %s master %s up\n", port, leg.Segment)
		}
	}
	var adds strings.Builder
	for _, name := range names {
		fmt.Fprintf(&adds, "netns add %s\n", l.NS(name))
		l.namespaces = append(l.namespaces, l.NS(name))
	}
	if err := run(adds.String(), "ip", "-batch", "-"); err != nil {
		return err
	}
	for i, name := range names {
		if err := InNamespace(l.NS(name), func() error { return sysctl(settings(n.IPv6, i > 0 && n.Nodes[i-1].Forward)) }); err != nil {
			return err
		}
	}
	if err := l.configure(fabric, bridges.String(), n.FabricRules); err != nil {
		return err
	}
	if err := run(cables.String(), "ip", "-batch", "-"); err != nil {
		return err
	}
	if err := l.configure(fabric, plugs.String(), ""); err != nil {
		return err
	}
	errs := make([]error, len(n.Nodes))
	inParallel(len(n.Nodes), func(i int) {
		node := n.Nodes[i]
		var b strings.Builder
		b.WriteString("link set dev lo up\n")
		for _, leg := range node.Legs {
			for _, address := range strings.Fields(leg.Address) {
				fmt.Fprintf(&b, "address add %s dev %s\n", address, node.device(leg))
			}
			fmt.Fprintf(&b, "link set dev %s up\n", node.device(leg))
		}
		var six []string
		for _, r := range node.Routes {
			if route, ok := strings.CutPrefix(r, inet6); ok {
				six = append(six, inet6+"route add "+route)
			} else {
				fmt.Fprintf(&b, "route add %s\n", r)
			}
		}
		errs[i] = errors.Join(l.configure(node.Name, b.String(), node.Rules), ipBatch(l.NS(node.Name), six))
	})
	return errors.Join(errs...)
}

// inet6 begins a line for ip that is of IPv6.
const inet6 = "-6 "

// ipBatch runs lines of ip in a namespace. The family is an option of ip itself and not of a line, so lines of IPv6 that follow each other are a batch.
func ipBatch(ns string, lines []string) error {
	for len(lines) > 0 {
		six := strings.HasPrefix(lines[0], inet6)
		n := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, inet6) != six })
		if n < 0 {
			n = len(lines)
		}
		args := []string{"-n", ns, "-batch", "-"}
		var batch strings.Builder
		for _, line := range lines[:n] {
			fmt.Fprintln(&batch, strings.TrimPrefix(line, inet6))
		}
		if six {
			args = append([]string{"-6"}, args...)
		}
		if err := run(batch.String(), "ip", args...); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// settings of a namespace, by their names under /proc/sys.
func settings(ipv6, forward bool) map[string]string {
	on := map[bool]string{false: "0", true: "1"}
	s := map[string]string{
		// Asymmetric paths are what the lab is for.
		"net/ipv4/conf/all/rp_filter":        "0",
		"net/ipv4/conf/default/rp_filter":    "0",
		"net/ipv4/conf/all/send_redirects":   "0", // a redirect would straighten the crooked paths
		"net/ipv4/conf/all/accept_redirects": "0",
		"net/ipv4/ip_forward":                on[forward],
		// Where no scenario is about it, IPv6 would add link-local addresses, and so candidates.
		"net/ipv6/conf/all/disable_ipv6":     on[!ipv6],
		"net/ipv6/conf/default/disable_ipv6": on[!ipv6],
	}
	if !ipv6 {
		return s
	}
	s["net/ipv6/conf/all/forwarding"] = on[forward]
	for _, of := range []string{"all", "default"} {
		// No duplicate address detection (RFC 4862 section 5.4): an address is usable at once, as the lab gives none twice. Nobody advertises a router.
		s["net/ipv6/conf/"+of+"/accept_dad"] = "0"
		s["net/ipv6/conf/"+of+"/dad_transmits"] = "0"
		s["net/ipv6/conf/"+of+"/accept_ra"] = "0"
		s["net/ipv6/conf/"+of+"/accept_redirects"] = "0"
	}
	return s
}

func (l *Lab) configure(node, links, rules string) error {
	if err := run(links, "ip", "-n", l.NS(node), "-batch", "-"); err != nil {
		return fmt.Errorf("%s: %w", node, err)
	}
	if rules == "" {
		return nil
	}
	if err := run(rules, "ip", "netns", "exec", l.NS(node), "nft", "-f", "-"); err != nil {
		return fmt.Errorf("%s: %w", node, err)
	}
	return nil
}

// addresses of a node, without their prefix lengths.
func (n Network) addresses(node string) (out []netip.Addr) {
	for _, of := range n.Nodes {
		if of.Name != node {
			continue
		}
		for _, leg := range of.Legs {
			for _, word := range strings.Fields(leg.Address) {
				if p, err := netip.ParsePrefix(word); err == nil {
					out = append(out, p.Addr())
				}
			}
		}
	}
	return out
}

// serverFor is the server's address as that node can reach it: ServerIP, but for a node that has no IPv4 address the server's first of IPv6.
func (n Network) serverFor(node string) netip.Addr {
	six := n.addresses(node)
	if len(six) > 0 && !slices.ContainsFunc(six, netip.Addr.Is4) {
		for _, a := range n.addresses(NodeServer) {
			if a.Is6() {
				return a
			}
		}
	}
	return netip.MustParseAddr(ServerIP)
}

func (n Node) device(leg Leg) string {
	if len(n.Legs) == 1 {
		return "eth0"
	}
	return leg.Segment
}

// sysctl writes settings of the namespace that the calling thread stands in.
func sysctl(settings map[string]string) error {
	for name, value := range settings {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// inParallel calls f(0) … f(n-1) side by side and waits.
func inParallel(n int, f func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
