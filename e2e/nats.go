package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/icescope/icescope/protocol"
)

// NAT is one of the lab's NATs as data, with the truth about it.
type NAT struct {
	Name  string
	Title string // one sentence for a person
	// Rules is nft text for a router whose kernel does it. $inside and $outside are its legs, $host the machine inside, $public and $public2 its addresses outside.
	Rules string
	// User does it in userspace instead, and Rules are not asked.
	User *UserNAT
	// Outer is a second NAT between this one and the world.
	Outer *NAT

	// The truth. Mapping and Filtering are as seen from the world, through all that there is.
	Translated         bool
	Mapping, Filtering protocol.Behavior
	// Also are other answers about the mapping that are right, where no word of RFC 4787 is the whole truth.
	Also    []protocol.Behavior
	Hairpin bool
	// Timeout is how long a mapping lives that nothing refreshes; 0: longer than anyone here waits. A kernel counts it in whole seconds.
	Timeout time.Duration
	// Pool: two public addresses, and two sockets of one machine may ("arbitrary") or may not ("paired") get different ones.
	Pool Pooling
	// Rewritten: an ALG changes addresses in answers. Lies: all of them, so that nobody inside can know that it is translated.
	Rewritten, Lies bool
	// Blind are those who truly cannot measure it. Chromium believes MAPPED-ADDRESS where there is one (libwebrtc, p2p/base/stun_port.cc): with a wrong one there,
	// its candidate is an address that nobody outside ever saw, and no check can be sent to it. A page measures mapping and filtering with a socket each; where each socket
	// gets another public address, nothing says that both pass one NAT and not two, so it says nothing of the filtering.
	Blind []Client
}

// Pooling is how public addresses are given out (RFC 4787 section 4.1).
type Pooling string

// The ways of pooling.
const (
	PoolOne       Pooling = ""
	PoolPaired    Pooling = "paired"
	PoolArbitrary Pooling = "arbitrary"
)

// shortTimeout is what the NATs with a short time-out have: whole seconds for the kernel, and short enough to be waited for.
const shortTimeout = 2 * time.Second

// The pieces of the kernel's NATs. What makes a NAT closed is in guard: nothing new comes in but what was sent on to the machine inside, and no stray
// check leaves an entry in conntrack, which would take the port that the hole-punching packet needs.
const (
	guard = `
table ip guard {
	chain input {
		type filter hook input priority filter
		iifname $outside meta l4proto udp ct state new drop
	}
	chain forward {
		type filter hook forward priority filter
		ct status dnat accept
		iifname $outside ct state new drop
	}
}`

	mapEIM  = `masquerade`
	mapAPDM = `masquerade fully-random`

	// What comes in is sent on to the port that @back knows, and only if it knows one.
	letEIF  = `iifname $outside meta l4proto udp dnat to $host : udp dport map @back`
	letADF  = `iifname $outside meta l4proto udp ip saddr . udp dport @peers dnat to $host : udp dport map @back`
	letAPDF = ``

	letHairpin = `
		iifname $inside ip daddr $public meta l4proto udp dnat to $host : udp dport map @back`
	mapHairpin = `
		oifname $inside ip saddr $host meta l4proto udp snat to $public`

	// memory is how long @back and @peers remember, where nothing else is said.
	memory = 5 * time.Minute
)

// mapADM gives each destination address a port of its own, chosen by a hash of it and the inside port. The ports stand in a map because a hash that is used as a port
// has its bytes swapped, and would now and then name one below 1024, to which this server sends nothing.
func mapADM() string {
	const ports, first = 16384, 20000
	var b strings.Builder
	fmt.Fprintf(&b, "snat to $public : jhash ip daddr . udp sport mod %d map { ", ports)
	for i := range ports {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d : %d", i, first+i)
	}
	b.WriteString(" }")
	return b.String()
}

// kernelNAT is a NAT of Linux: mapping by source NAT, filtering by a set of those who were sent to, and destination NAT back to the port inside.
// What it is not: the letter of RFC 4787. A connection tracker answers whoever it let in through the mapping by which he came.
func kernelNAT(mapping, letIn, prerouting, postrouting string, memory time.Duration) string {
	return fmt.Sprintf(guard+`
table ip nat {
	map back {
		type inet_service : inet_service
		flags dynamic,timeout
		size 65535
		timeout %[5]ds
	}
	set peers {
		type ipv4_addr . inet_service
		flags dynamic,timeout
		size 65535
		timeout %[5]ds
	}
	chain prerouting {
		type nat hook prerouting priority dstnat
		%[2]s%[3]s
	}
	chain postrouting {
		type nat hook postrouting priority srcnat%[4]s
		oifname $outside meta l4proto udp %[1]s
		oifname $outside masquerade
	}
	chain remember {
		type filter hook postrouting priority srcnat + 10
		oifname $outside meta l4proto udp update @back { udp sport : ct original proto-src }
		oifname $outside meta l4proto udp update @peers { ip daddr . udp sport }
	}
}`, mapping, letIn, prerouting, postrouting, int(memory.Seconds()))
}

// static translates one address to one address, both ways and for everything.
const static = `
table ip nat {
	chain prerouting {
		type nat hook prerouting priority dstnat
		iifname $outside ip daddr $public dnat to $host
	}
	chain postrouting {
		type nat hook postrouting priority srcnat
		oifname $outside snat to $public
	}
}`

// firewall translates nothing, and lets in only answers.
const firewall = `
table ip filter {
	chain forward {
		type filter hook forward priority filter
		iifname $outside ct state new drop
	}
}`

// firewallADF also lets those in, from any port, to whom the very port has sent.
const firewallADF = `
table ip filter {
	set peers {
		type ipv4_addr . inet_service
		flags dynamic,timeout
		size 65535
		timeout 5m
	}
	chain forward {
		type filter hook forward priority filter
		iifname $inside meta l4proto udp update @peers { ip daddr . udp sport }
		iifname $outside meta l4proto udp ip saddr . udp dport @peers accept
		iifname $outside ct state new drop
	}
}`

// userRules hand all UDP to the TUN device, untracked, and masquerade the rest.
const userRules = `
table ip user {
	chain prerouting {
		type filter hook prerouting priority raw
		iifname $inside meta l4proto udp meta mark set 1 notrack
		iifname $outside meta l4proto udp meta mark set 1 notrack
		iifname "nat0" notrack
	}
	chain postrouting {
		type nat hook postrouting priority srcnat
		oifname $outside masquerade
	}
}`

var (
	eif, adf, apdf = protocol.EndpointIndependent, protocol.AddressDependent, protocol.AddressAndPortDependent
	eim, adm, apdm = eif, adf, apdf
)

// NATs are the lab's, in the order of reading.
var NATs = slices.Concat([]NAT{
	{Name: "none", Title: "a router, and no NAT", Mapping: eim, Filtering: eif},
	{Name: "firewall-adf", Title: "a stateful firewall without NAT that lets in whom the port has sent to, from any of his ports", Rules: firewallADF, Mapping: eim, Filtering: adf},
	{Name: "firewall", Title: "a stateful firewall without NAT that lets in answers only", Rules: firewall, Mapping: eim, Filtering: apdf},
	{Name: "static", Title: "a static 1:1 NAT", Rules: static, Translated: true, Mapping: eim, Filtering: eif},
}, kernelNATs(), userNATs(), []NAT{
	{Name: "hairpin", Title: "Linux, with hairpinning", Rules: kernelNAT(mapEIM, letAPDF, letHairpin, mapHairpin, memory),
		Translated: true, Mapping: eim, Filtering: apdf, Hairpin: true},
	{Name: "user-hairpin", Title: "userspace, with hairpinning", User: &UserNAT{Mapping: eim, Filtering: apdf, Hairpin: true},
		Translated: true, Mapping: eim, Filtering: apdf, Hairpin: true},
	{Name: "short", Title: "Linux, forgets a silent mapping after 2 s", Rules: kernelNAT(mapEIM, letAPDF, "", "", shortTimeout),
		Translated: true, Mapping: eim, Filtering: apdf, Timeout: shortTimeout},
	{Name: "user-short", Title: "userspace, forgets a silent mapping after 2 s", User: &UserNAT{Mapping: eim, Filtering: eif, Timeout: shortTimeout},
		Translated: true, Mapping: eim, Filtering: eif, Timeout: shortTimeout},
	{Name: "double", Title: "two masquerading routers, one behind the other", Rules: kernelNAT(mapEIM, letAPDF, "", "", memory),
		Outer: &NAT{Rules: kernelNAT(mapEIM, letAPDF, "", "", memory)}, Translated: true, Mapping: eim, Filtering: apdf},
	{Name: "double-carrier", Title: "an open NAT at home behind a provider's that maps by destination", Rules: kernelNAT(mapEIM, letEIF, "", "", memory),
		Outer: &NAT{Rules: kernelNAT(mapAPDM, letAPDF, "", "", memory)}, Translated: true, Mapping: apdm, Filtering: apdf},
	{Name: "pool-paired", Title: "two public addresses; a machine keeps the one it was given", User: &UserNAT{Mapping: eim, Filtering: apdf, Preserve: true},
		Translated: true, Mapping: eim, Filtering: apdf, Pool: PoolPaired},
	{Name: "pool-arbitrary", Title: "two public addresses; each socket gets the next one", User: &UserNAT{Mapping: eim, Filtering: apdf, Preserve: true, Arbitrary: true},
		Translated: true, Mapping: eim, Filtering: apdf, Pool: PoolArbitrary, Blind: []Client{ClientChromium, ClientFirefox}},
	{Name: "alg-mapped", Title: "an ALG puts the inside address into MAPPED-ADDRESS", User: &UserNAT{Mapping: eim, Filtering: apdf, ALG: ALGMapped},
		Translated: true, Mapping: eim, Filtering: apdf, Rewritten: true, Blind: []Client{ClientChromium}},
	{Name: "alg-xor", Title: "an ALG puts the inside address into XOR-MAPPED-ADDRESS, too", User: &UserNAT{Mapping: eim, Filtering: apdf, ALG: ALGXOR},
		Translated: true, Mapping: eim, Filtering: apdf, Rewritten: true, Lies: true, Blind: []Client{ClientChromium, ClientFirefox}},
	{Name: "unstable", Title: "a mapping gets another port after every packet", User: &UserNAT{Mapping: eim, Filtering: apdf, ChangeEvery: 1},
		Translated: true, Mapping: apdm, Filtering: apdf, Also: []protocol.Behavior{protocol.NotMeasurable}},
})

// short words for names and tables.
var behaviourWords = map[protocol.Behavior][2]string{
	protocol.EndpointIndependent:     {"EIM", "EIF"},
	protocol.AddressDependent:        {"ADM", "ADF"},
	protocol.AddressAndPortDependent: {"APDM", "APDF"},
	protocol.NotMeasurable:           {"n/m", "n/m"},
}

func behaviourName(mapping, filtering protocol.Behavior) string {
	return strings.ToLower(behaviourWords[mapping][0] + "-" + behaviourWords[filtering][1])
}

// nine calls f for every combination of mapping and filtering.
func nine(f func(mapping, filtering protocol.Behavior) NAT) (out []NAT) {
	for _, m := range []protocol.Behavior{eim, adm, apdm} {
		for _, f2 := range []protocol.Behavior{eif, adf, apdf} {
			out = append(out, f(m, f2))
		}
	}
	return out
}

func kernelNATs() []NAT {
	mappings := map[protocol.Behavior]string{eim: mapEIM, adm: mapADM(), apdm: mapAPDM}
	filters := map[protocol.Behavior]string{eif: letEIF, adf: letADF, apdf: letAPDF}
	return nine(func(m, f protocol.Behavior) NAT {
		name := behaviourName(m, f)
		return NAT{Name: name, Title: "Linux: " + strings.ToUpper(name), Rules: kernelNAT(mappings[m], filters[f], "", "", memory), Translated: true, Mapping: m, Filtering: f}
	})
}

func userNATs() []NAT {
	return nine(func(m, f protocol.Behavior) NAT {
		name := behaviourName(m, f)
		return NAT{Name: "user-" + name, Title: "userspace, to the letter: " + strings.ToUpper(name), User: &UserNAT{Mapping: m, Filtering: f}, Translated: true, Mapping: m, Filtering: f}
	})
}

// FindNAT returns the NAT of that name.
func FindNAT(name string) (NAT, bool) {
	i := slices.IndexFunc(NATs, func(n NAT) bool { return n.Name == name })
	if i < 0 {
		return NAT{}, false
	}
	return NATs[i], true
}

// SecondIP is the server's second address.
const SecondIP = "10.9.0.11"

// natSide is where a NAT stands: on the left with machine a behind it, or on the right with b.
type natSide struct {
	host, router, outer      string // nodes
	inside                   string // segment
	hostIP, gateway, network string
	public                   []string
	carrier                  string // segment between two NATs, and their addresses in it
	carrierIP, carrierGate   string
}

var natSides = [2]natSide{
	{NodeA, "ra", "raa", "left", "10.1.0.2", "10.1.0.1", "10.1.0.0/24", []string{"10.9.0.1", "10.9.0.3"}, "uplinka", "100.64.1.2", "100.64.1.1"},
	{NodeB, "rb", "rbb", "right", "10.2.0.2", "10.2.0.1", "10.2.0.0/24", []string{"10.9.0.2", "10.9.0.4"}, "uplinkb", "100.64.2.2", "100.64.2.1"},
}

// middle is the segment that the server and the NATs' outsides share.
const middle = "middle"

// NATLab is a network with the server (two addresses) in the middle, and a machine behind a NAT on one side or both.
//
//	a 10.1.0.2 ── ra ── 10.9.0.1 ┬ server 10.9.0.10 and .11 ┬ 10.9.0.2 ── rb ── b 10.2.0.2
type NATLab struct {
	*Lab
	users  map[string]*natUser
	routed map[string]bool // routers whose rules for the TUN device stand
}

// BuildNAT builds the network with one NAT (b stays away), or two. The caller closes it.
func BuildNAT(nats ...NAT) (*NATLab, error) {
	lab, err := Build(NATNetwork(nats...))
	if err != nil {
		return nil, err
	}
	l := natsOf(lab)
	for i, n := range nats {
		if err := l.SetNAT(i, n); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// natsOf are the NATs, none yet, of a lab that NATNetwork describes.
func natsOf(lab *Lab) *NATLab {
	return &NATLab{Lab: lab, users: map[string]*natUser{}, routed: map[string]bool{}}
}

// NATNetwork is the network around one or two NATs, without their rules.
func NATNetwork(nats ...NAT) Network {
	server := Node{Name: NodeServer, Legs: []Leg{{middle, ServerIP + "/24 " + SecondIP + "/24"}}}
	network := Network{Segments: []string{middle}}
	for i, n := range nats {
		s := natSides[i]
		addresses := strings.Join(s.public, "/24 ") + "/24"
		network.Segments = append(network.Segments, s.inside)
		network.Nodes = append(network.Nodes, host(s.host, s.inside, s.hostIP, s.gateway))
		// Everybody knows the way in: what stays outside is kept there by rules, as where routing tables are complete.
		server.Routes = append(server.Routes, s.network+" via "+s.public[0])
		inner := router(s.router, "", Leg{s.inside, s.gateway + "/24"})
		outermost := &inner
		if n.Outer != nil {
			network.Segments = append(network.Segments, s.carrier)
			inner.Legs = append(inner.Legs, Leg{s.carrier, s.carrierIP + "/24"})
			inner.Routes = append(inner.Routes, "default via "+s.carrierGate)
			outer := router(s.outer, "", Leg{s.carrier, s.carrierGate + "/24"})
			outermost = &outer
		}
		outermost.Legs = append(outermost.Legs, Leg{middle, addresses})
		if other := 1 - i; other < len(nats) {
			outermost.Routes = append(outermost.Routes, natSides[other].network+" via "+natSides[other].public[0])
		}
		network.Nodes = append(network.Nodes, inner)
		if n.Outer != nil {
			network.Nodes = append(network.Nodes, *outermost)
		}
	}
	network.Nodes = append(network.Nodes, server)
	return network
}

// SetNAT puts another NAT in the place of what stands on that side (0: a's, 1: b's), and forgets all connections. One or two routers must be there for it already.
func (l *NATLab) SetNAT(side int, n NAT) error {
	s := natSides[side]
	if n.Outer == nil {
		return l.setRouter(s.router, place{s.inside, middle, s.hostIP, s.network, s.publicOf(n)}, n)
	}
	err := l.setRouter(s.router, place{s.inside, s.carrier, s.hostIP, s.network, []string{s.carrierIP}}, n)
	return errors.Join(err, l.setRouter(s.outer, place{s.carrier, middle, s.carrierIP, s.carrierIP + "/32", s.publicOf(*n.Outer)}, *n.Outer))
}

// publicOf are the addresses that the NAT has on that side.
func (s natSide) publicOf(n NAT) []string {
	if n.Pool == PoolOne {
		return s.public[:1]
	}
	return s.public
}

// place is what a NAT's rules need to know of where it stands.
type place struct {
	inside, outside string // legs
	host, network   string
	public          []string
}

func (l *NATLab) setRouter(node string, p place, n NAT) error {
	if u := l.users[node]; u != nil {
		delete(l.users, node)
		if err := u.Close(); err != nil {
			return err
		}
	}
	rules := n.Rules
	if n.User != nil {
		rules = userRules
		var public []netip.Addr
		for _, ip := range p.public {
			public = append(public, netip.MustParseAddr(ip))
		}
		if !l.routed[node] {
			// Packets to the router's own public address must not end there: the local table comes after the mark.
			links := fmt.Sprintf("rule add fwmark %d lookup %d pref 10\nrule add pref 100 lookup local\nrule del pref 0\n", tunMark, tunTable)
			if err := run(links, "ip", "-n", l.NS(node), "-batch", "-"); err != nil {
				return err
			}
			l.routed[node] = true
		}
		u, err := startUserNAT(l.NS(node), *n.User, netip.MustParsePrefix(p.network), public)
		if err != nil {
			return err
		}
		l.users[node] = u
	}
	text := fmt.Sprintf("flush ruleset\ndefine inside = %q\ndefine outside = %q\ndefine host = %s\ndefine public = %s\n", p.inside, p.outside, p.host, p.public[0]) + rules
	if err := l.configure(node, "", text); err != nil {
		return err
	}
	return InNamespace(l.NS(node), func() error {
		timeout := n.Timeout
		if timeout == 0 {
			timeout = memory
		}
		seconds := fmt.Sprint(int(timeout.Seconds()))
		return errors.Join(flushConntrack(), sysctl(map[string]string{
			"net/netfilter/nf_conntrack_udp_timeout":        seconds,
			"net/netfilter/nf_conntrack_udp_timeout_stream": seconds,
		}))
	})
}

// Close ends the userspace NATs and removes the network.
func (l *NATLab) Close() error { return errors.Join(l.stop(), l.Lab.Close()) }

// stop ends the userspace NATs.
func (l *NATLab) stop() error {
	var errs []error
	for node, u := range l.users {
		errs = append(errs, u.Close())
		delete(l.users, node)
	}
	return errors.Join(errs...)
}

// Numbers of nfnetlink_conntrack.h.
const (
	nfnlSubsysConntrack = 1
	ctnlMessageDelete   = 2
)

// flushConntrack makes the namespace that the calling thread stands in forget all connections.
func flushConntrack() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	const length = unix.NLMSG_HDRLEN + 4 // and struct nfgenmsg: family, version, resource
	m := make([]byte, length)
	binary.NativeEndian.PutUint32(m, length)
	binary.NativeEndian.PutUint16(m[4:], nfnlSubsysConntrack<<8|ctnlMessageDelete)
	binary.NativeEndian.PutUint16(m[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	m[unix.NLMSG_HDRLEN] = unix.AF_INET
	if err := unix.Sendto(fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 512)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil || n < unix.NLMSG_HDRLEN+4 {
		return fmt.Errorf("flush conntrack: an answer of %d bytes: %w", n, err)
	}
	if code := int32(binary.NativeEndian.Uint32(answer[unix.NLMSG_HDRLEN:])); code != 0 {
		return fmt.Errorf("flush conntrack: %w", unix.Errno(-code))
	}
	return nil
}
