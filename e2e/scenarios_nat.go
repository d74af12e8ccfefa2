package e2e

import (
	"slices"
	"time"

	"github.com/icescope/icescope/protocol"
)

// Scenarios of NAT behaviour. The NATs are those of the table in nats.go; the server has two addresses, so that mapping and filtering can be told.

// natScenarios in the order of reading: two ordinary NATs first.
var natScenarios = []Scenario{
	natOrdinary, natOrdinaryRevealed, natBetweenBlocked,
	natDependentBoth, natDependentOne, natDependentOpen,
	natHairpinUnsupported, natHairpin,
	natOtherRealm, natOtherRealmRevealed, natPool,
	natALG, natALGMapped,
	natShort, natPatient, natUnstable,
	natDouble, natDoubleOneTier,
}

// named is the NAT of that name, or a broken build.
func named(name string) NAT {
	n, ok := FindNAT(name)
	if !ok {
		panic("e2e: no NAT is called " + name)
	}
	return n
}

// between is the scenario's network: a behind the first NAT, b behind the second, the server with two addresses in the middle.
func (s Scenario) between(nats ...NAT) Scenario {
	s.NATs, s.Network = nats, NATNetwork(nats...)
	if s.Picture == "" {
		s.Picture = `
  a 10.1.0.2 ──── ra 10.9.0.1 (` + nats[0].Title + `) ──┬── server 10.9.0.10 and 10.9.0.11
  b 10.2.0.2 ──── rb 10.9.0.2 (` + nats[1].Title + `) ──┘   10.9.0.0/24
`
	}
	return s
}

// plain is a router that translates nothing and lets everything through.
var plain = named("none")

// connects is what is expected of masked browsers behind NATs that let each other through. What is said of NATs beside that would be wrong.
func connects(must ...protocol.Code) Expect {
	e := Expect{Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true, Must: must}
	for _, c := range natCodes {
		if !slices.Contains(must, c) {
			e.MustNot = append(e.MustNot, c)
		}
	}
	return e
}

// fails is what is expected where nothing connects because of cause.
func fails(cause protocol.Code, must ...protocol.Code) Expect {
	e := connects(append(must, cause, protocol.CodeUDPBlocked)...) // seen from the ends it looks the same, so it may be there as possible
	e.Needs, e.Cause, e.STUN, e.Must = protocol.NeedsTURNUDP, cause, false, must
	return e
}

// losesItsRelay is for mappings that a relay over UDP cannot follow either: it knows its client by the address.
func losesItsRelay(e Expect) Expect {
	e.Needs = protocol.NeedsTURNTCP
	e.May = append(e.May, protocol.CodeRelayUnusable) // possible
	return e
}

// uncaused is for who shows its own address, behind a NAT where nobody can reach it. That is how NATs are, and no finding says so.
func uncaused(e Expect) Expect {
	e.Cause = ""
	return e
}

// natCodes are the findings that only scenarios of NATs may bring.
var natCodes = []protocol.Code{
	protocol.CodeDependentBothSides, protocol.CodeDependentOneSide, protocol.CodeHairpinUnsupported, protocol.CodeSTUNInOtherRealm, protocol.CodeSTUNRewritten,
	protocol.CodeShortMappingLifetime, protocol.CodeDoubleNAT, protocol.CodeUnstableMapping, protocol.CodeExpectationFailed,
	protocol.CodeUDPBlocked, protocol.CodeOneWayBlock, protocol.CodeAsymmetricRouting, protocol.CodeAsymmetricNAT,
}

var natOrdinary = Scenario{
	Name:   "nat-ordinary",
	Title:  "both behind ordinary NATs: one mapping for all, and only answers come in",
	Expect: connects(),
}.between(named("eim-apdf"), named("eim-apdf"))

var natOrdinaryRevealed = Scenario{
	Name:   "nat-ordinary-revealed",
	Title:  "the same two NATs, and both browsers show their real addresses, which nobody outside can reach",
	A:      Side{Revealed: true},
	B:      Side{Revealed: true},
	Expect: uncaused(connects()),
}.between(named("eim-apdf"), named("eim-apdf"))

// natBetweenBlocked has a filter in the switch between the two NATs: neither NAT shows it to the server.
var natBetweenBlocked = func() Scenario {
	s := Scenario{
		Name:   "nat-between-blocked",
		Title:  "the same two NATs, and something between them drops UDP from one to the other",
		Expect: fails(protocol.CodeUDPBlocked, protocol.CodeExpectationFailed),
	}.between(named("eim-apdf"), named("eim-apdf"))
	s.Network.FabricRules = `
table bridge filter {
	chain forward {
		type filter hook forward priority filter
		ip saddr { 10.9.0.1, 10.9.0.2 } ip daddr { 10.9.0.1, 10.9.0.2 } meta l4proto udp drop
	}
}`
	return s
}()

var natDependentBoth = Scenario{
	Name:     "nat-dependent-both",
	Title:    "both behind NATs that map anew for each destination",
	Expect:   fails(protocol.CodeDependentBothSides),
	Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}}},
}.between(named("apdm-apdf"), named("apdm-apdf"))

var natDependentOne = Scenario{
	Name:     "nat-dependent-one",
	Title:    "A behind a NAT that maps anew for each destination, B behind an ordinary one that lets only answers in",
	Expect:   fails(protocol.CodeDependentOneSide),
	Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}}},
}.between(named("apdm-apdf"), named("eim-apdf"))

var natDependentOpen = Scenario{
	Name:   "nat-dependent-open",
	Title:  "A behind a NAT that maps anew for each destination, B behind one that lets in whom it has sent to, from any of his ports",
	Expect: connects(),
}.between(named("apdm-apdf"), named("eim-adf"))

// oneNAT is the network with both machines behind the first NAT, on a switch that loses multicast.
func (s Scenario) oneNAT(n NAT) Scenario {
	s.Picture = `
  a 10.1.0.2 ──┬── ra 10.9.0.1 (` + n.Title + `) ──── server 10.9.0.10 and 10.9.0.11
  b 10.1.0.3 ──┘   10.1.0.0/24, whose switch drops mDNS       10.9.0.0/24
`
	s = s.between(n)
	s.Network.Nodes = append(s.Network.Nodes, host("b", "left", "10.1.0.3", "10.1.0.1"))
	s.Network.FabricRules = flatNoMulticast.Network.FabricRules
	return s
}

var natHairpinUnsupported = Scenario{
	Name:   "nat-hairpin-unsupported",
	Title:  "both behind one NAT that does not hairpin; host addresses masked, and multicast does not pass",
	Expect: fails(protocol.CodeHairpinUnsupported),
}.oneNAT(named("eim-apdf"))

var natHairpin = Scenario{
	Name:   "nat-hairpin",
	Title:  "the same behind a NAT that does hairpin",
	Expect: connects(),
}.oneNAT(named("user-hairpin"))

var natOtherRealm = Scenario{
	Name:  "nat-other-realm",
	Title: "one router translates A towards the server to one address, and towards B to another",
	Picture: `
  a 10.1.0.2 ──── r ──── server 10.9.0.10 and 10.9.0.11   10.9.0.0/24, where a is 10.9.0.1
                  └───── b 10.2.0.2                       10.2.0.0/24, where a is 10.2.0.1
`,
	Network: func() Network {
		n := threeSegments(`
table ip nat {
	chain postrouting {
		type nat hook postrouting priority srcnat
		iifname "left" masquerade
	}
}
table ip filter {
	chain input {
		type filter hook input priority filter
		meta l4proto udp ct state new drop
	}
	chain forward {
		type filter hook forward priority filter
		oifname "left" ct state new drop
	}
}`)
		n.Nodes[2].Legs[0].Address += " " + SecondIP + "/24"
		return n
	}(),
	Expect:   connects(protocol.CodeSTUNInOtherRealm),
	Variants: []Variant{{Kinds: [2]Kind{Chromium, Firefox}}},
}

var natOtherRealmRevealed = func() Scenario {
	s := natOtherRealm
	s.Name, s.Title, s.A, s.Variants = "nat-other-realm-revealed", "the same network, and A shows its real address", Side{Revealed: true}, nil
	s.Expect = uncaused(s.Expect)
	return s
}()

// natPool: an address that depends on the destination, as everything of such a mapping does.
var natPool = Scenario{
	Name:   "nat-pool",
	Title:  "A behind a NAT with two public addresses that gives each mapping the next one, and maps by destination; B behind nothing; A shows its real address",
	A:      Side{Revealed: true},
	Expect: uncaused(connects()),
}.between(NAT{Title: "two public addresses, each mapping gets the next", User: &UserNAT{Mapping: adm, Filtering: apdf, Arbitrary: true}, Translated: true, Mapping: adm, Filtering: apdf, Pool: PoolArbitrary}, plain)

var natALG = Scenario{
	Name:     "nat-alg",
	Title:    "A behind a NAT whose ALG writes the inside address into every answer of STUN",
	Expect:   fails(protocol.CodeSTUNRewritten),
	Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}}},
}.between(named("alg-xor"), named("eim-apdf"))

var natALGMapped = Scenario{
	Name:     "nat-alg-mapped",
	Title:    "the same ALG, of the time before XOR-MAPPED-ADDRESS: Chromium believes MAPPED-ADDRESS, Firefox does not",
	Expect:   fails(protocol.CodeSTUNRewritten),
	Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}, Otherwise: new(connects())}},
}.between(named("alg-mapped"), named("eim-apdf"))

// keepalive is longer than the 10 s after which Chromium repeats its STUN requests.
const keepalive = 12 * time.Second

var natShort = Scenario{
	Name:   "nat-short-lifetime",
	Title:  "A waits alone behind a NAT that forgets a silent mapping after 5 s",
	Alone:  keepalive,
	Expect: connects(protocol.CodeShortMappingLifetime),
}.between(forgetting(), named("eim-apdf"))

// forgetting forgets before Chromium repeats its requests, and not while two browsers on a busy machine hand each other their candidates.
func forgetting() NAT {
	n := named("user-short")
	user := *n.User
	user.Timeout = 5 * time.Second
	n.User, n.Timeout, n.Title = &user, user.Timeout, "userspace, forgets a silent mapping after 5 s"
	return n
}

var natPatient = Scenario{
	Name:   "nat-patient",
	Title:  "A waits alone behind a NAT that maps by destination to any port, and forgets nothing",
	Alone:  keepalive,
	Expect: connects(),
}.between(named("user-apdm-eif"), plain)

var natUnstable = Scenario{
	Name:     "nat-unstable",
	Title:    "A behind a NAT that changes a mapping's port after every packet",
	Expect:   losesItsRelay(fails(protocol.CodeUnstableMapping)),
	Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}}},
}.between(named("unstable"), plain)

// serverTier is the server's address between the two NATs.
const serverTier = "100.64.1.10"

var natDouble = func() Scenario {
	s := Scenario{
		Name:  "nat-double",
		Title: "A behind two NATs; the server has an address outside of each",
		Picture: `
  a 10.1.0.2 ──── ra 100.64.1.2 ──┬── raa 10.9.0.1 ──┬── server 10.9.0.10, and 100.64.1.10 between the NATs
                                  └── (server)       └── rb 10.9.0.2 ──── b 10.2.0.2
`,
		Serve:  []string{"--stun-alt-ip=" + serverTier},
		Expect: connects(protocol.CodeDoubleNAT),
	}.between(named("double"), named("eim-apdf"))
	server := &s.Network.Nodes[len(s.Network.Nodes)-1]
	server.Legs = []Leg{{middle, ServerIP + "/24"}, {natSides[0].carrier, serverTier + "/24"}}
	for i := range s.Network.Nodes {
		if n := &s.Network.Nodes[i]; n.Name == natSides[1].router {
			n.Routes = append(n.Routes, "100.64.1.0/24 via "+ServerIP) // the server answers for all its addresses on every leg
		}
	}
	return s
}()

var natDoubleOneTier = Scenario{
	Name:   "nat-double-one-tier",
	Title:  "the same two NATs, and a server that stands outside of both only",
	Expect: connects(),
}.between(named("double"), named("eim-apdf"))
