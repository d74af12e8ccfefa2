package e2e

import "github.com/icescope/icescope/protocol"

// host is a machine with one leg and a default gateway.
func host(name, segment, address, gateway string) Node {
	return Node{Name: name, Legs: []Leg{{segment, address + "/24"}}, Routes: []string{"default via " + gateway}}
}

// router forwards between its legs.
func router(name, rules string, legs ...Leg) Node {
	return Node{Name: name, Legs: legs, Forward: true, Rules: rules}
}

// masquerade is a NAT as it is sold: it translates what leaves on the leg "out", and lets nothing new in there. The input rule matters: without it
// conntrack keeps an entry for the other side's stray check, and the hole-punching packet then leaves from another port.
func masquerade(out, to string) string {
	return `
table ip nat {
	chain postrouting {
		type nat hook postrouting priority srcnat
		oifname "` + out + `" meta l4proto udp masquerade ` + to + `
		oifname "` + out + `" masquerade
	}
}
table ip filter {
	chain input {
		type filter hook input priority filter
		iifname "` + out + `" meta l4proto udp ct state new drop
	}
}`
}

// closedNAT is masquerade that also forwards nothing new from outside to inside.
func closedNAT(out, to string) string {
	return masquerade(out, to) + `
table ip closed {
	chain forward {
		type filter hook forward priority filter
		iifname "` + out + `" ct state new drop
	}
}`
}

// drop is a stateless filter in a router.
func drop(rule string) string {
	return `
table ip filter {
	chain forward {
		type filter hook forward priority filter
		` + rule + ` drop
	}
}`
}

// twoSegments: a | r | b and the server.
func twoSegments(rules string) Network {
	return Network{
		Segments: []string{"left", "right"},
		Nodes: []Node{
			host("a", "left", "10.1.0.2", "10.1.0.1"),
			host("b", "right", "10.9.0.2", "10.9.0.1"),
			host("server", "right", ServerIP, "10.9.0.1"),
			router("r", rules, Leg{"left", "10.1.0.1/24"}, Leg{"right", "10.9.0.1/24"}),
		},
	}
}

// threeSegments: a, b and the server each behind another leg of r.
func threeSegments(rules string) Network {
	return Network{
		Segments: []string{"left", "right", "middle"},
		Nodes: []Node{
			host("a", "left", "10.1.0.2", "10.1.0.1"),
			host("b", "right", "10.2.0.2", "10.2.0.1"),
			host("server", "middle", ServerIP, "10.9.0.1"),
			router("r", rules, Leg{"left", "10.1.0.1/24"}, Leg{"right", "10.2.0.1/24"}, Leg{"middle", "10.9.0.1/24"}),
		},
	}
}

// seed is two segments with two ways between them: translated one way, plain the other.
func seed() Network {
	return Network{
		Segments: []string{"left", "right"},
		Nodes: []Node{
			host("a", "left", "10.1.0.2", "10.1.0.1"),
			host("b", "right", "10.9.0.2", "10.9.0.254"),
			host("server", "right", ServerIP, "10.9.0.254"),
			router("r1", masquerade("right", ""), Leg{"left", "10.1.0.1/24"}, Leg{"right", "10.9.0.1/24"}),
			router("r2", "", Leg{"left", "10.1.0.254/24"}, Leg{"right", "10.9.0.254/24"}),
		},
	}
}

const seedPicture = `
  a 10.1.0.2 ──┬── r1 (masquerades: a's packets leave as 10.9.0.1) ──┬── b 10.9.0.2
   10.1.0.0/24 │                                                     │   10.9.0.0/24
               └── r2 (only routes: b reaches 10.1.0.2 as it is) ────┴── server 10.9.0.10
`

var asymmetricNAT = Scenario{
	Name:    "asymmetric-nat",
	Title:   "A to B is translated by one router, B to A is routed by another without translation; host addresses masked",
	Picture: seedPicture,
	Network: seed(),
	Expect: Expect{
		Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true,
		Must:    []protocol.Code{protocol.CodeInsecureContext},
		May:     []protocol.Code{protocol.CodeAsymmetricNAT}, // true, and seen where an end shows its address
		MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeSTUNUnreachable, protocol.CodeOneWayBlock, protocol.CodeMDNSMulticastBlocked},
	},
	Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}}, {Kinds: [2]Kind{Firefox, Firefox}}},
}

var asymmetricNATRevealed = Scenario{
	Name:    "asymmetric-nat-revealed",
	Title:   "the same network, and both browsers show their real addresses",
	Picture: seedPicture,
	Network: seed(),
	A:       Side{Revealed: true},
	B:       Side{Revealed: true},
	Expect: Expect{
		Needs: protocol.NeedsNothing, Host: true, STUN: true,
		Must:    []protocol.Code{protocol.CodeAsymmetricNAT},
		MustNot: []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeUDPBlocked, protocol.CodeOneWayBlock, protocol.CodeAsymmetricRouting},
	},
	Variants: []Variant{{Kinds: [2]Kind{Headless, Chromium}}},
}

const flatPicture = `
  a 10.9.0.2 ──┬── server 10.9.0.10
  b 10.9.0.3 ──┘   10.9.0.0/24
`

// oneSegment gives the server as default gateway: nothing is behind it, but Chromium needs a default route to gather host candidates.
func oneSegment(fabricRules string) Network {
	return Network{
		Segments:    []string{"lan"},
		FabricRules: fabricRules,
		Nodes: []Node{
			host("a", "lan", "10.9.0.2", ServerIP),
			host("b", "lan", "10.9.0.3", ServerIP),
			{Name: "server", Legs: []Leg{{"lan", ServerIP + "/24"}}},
		},
	}
}

var flat = Scenario{
	Name:    "flat",
	Title:   "one segment, masked host addresses, multicast works",
	Picture: flatPicture,
	Network: oneSegment(""),
	Expect: Expect{
		Needs: protocol.NeedsNothing, Host: true, STUN: true,
		MustNot: []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeMDNSMulticastBlocked, protocol.CodeUDPBlocked, protocol.CodeAsymmetricNAT},
	},
	Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}}},
}

var flatNoMulticast = Scenario{
	Name:    "flat-no-multicast",
	Title:   "one segment whose switch drops mDNS (224.0.0.251:5353), masked host addresses",
	Picture: flatPicture,
	Network: oneSegment(`
table bridge filter {
	chain forward {
		type filter hook forward priority filter
		ip daddr 224.0.0.251 udp dport 5353 drop
	}
}`),
	Expect: Expect{
		Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMulticastBlocked, STUN: true,
		MustNot: []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeUDPBlocked, protocol.CodeAsymmetricNAT},
	},
}

const routedPicture = `
  a 10.1.0.2 ──── r ──┬── b 10.9.0.2
   10.1.0.0/24        └── server 10.9.0.10   10.9.0.0/24
`

var routed = Scenario{
	Name:    "routed",
	Title:   "two segments, one router, no NAT; host addresses masked",
	Picture: routedPicture,
	Network: twoSegments(""),
	Expect: Expect{
		Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true,
		MustNot: []protocol.Code{protocol.CodeMDNSMulticastBlocked, protocol.CodeUDPBlocked, protocol.CodeAsymmetricNAT},
	},
}

var routedRevealed = Scenario{
	Name:    "routed-revealed",
	Title:   "two segments, one router, no NAT; both browsers show their real addresses",
	Picture: routedPicture,
	Network: twoSegments(""),
	A:       Side{Revealed: true},
	B:       Side{Revealed: true},
	Expect: Expect{
		Needs: protocol.NeedsNothing, Host: true, STUN: true,
		MustNot: []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeMDNSMulticastBlocked, protocol.CodeUDPBlocked, protocol.CodeAsymmetricNAT},
	},
}

var oneSideNAT = Scenario{
	Name:  "one-side-nat",
	Title: "A behind an ordinary masquerading NAT; B and the server outside, with no way in",
	Picture: `
  a 10.1.0.2 ──── r (masquerades; nothing new comes in) ──┬── b 10.9.0.2
   10.1.0.0/24                                            └── server 10.9.0.10   10.9.0.0/24
`,
	Network: twoSegments(closedNAT("right", "")),
	Expect: Expect{
		Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true,
		MustNot: []protocol.Code{protocol.CodeMDNSMulticastBlocked, protocol.CodeUDPBlocked, protocol.CodeAsymmetricNAT},
	},
}

const threePicture = `
  a 10.1.0.2 ────┐
   10.1.0.0/24   r ──── server 10.9.0.10   10.9.0.0/24
  b 10.2.0.2 ────┘
   10.2.0.0/24
`

var stunUnreachable = Scenario{
	Name:    "stun-unreachable",
	Title:   "UDP to the server's STUN ports is dropped, TCP passes; host addresses masked",
	Picture: threePicture,
	Network: threeSegments(drop("udp dport { 3478, 3479 }")),
	Expect: Expect{
		Needs: protocol.NeedsTURNTCP, Cause: protocol.CodeSTUNUnreachable,
		Must:    []protocol.Code{protocol.CodeMDNSMasked},
		MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeAsymmetricNAT, protocol.CodeOneWayBlock},
	},
}

var udpBlocked = Scenario{
	Name:    "udp-blocked",
	Title:   "UDP between A's and B's segments is dropped both ways; both reach the server",
	Picture: threePicture,
	Network: threeSegments(drop(`iifname { "left", "right" } oifname { "left", "right" } meta l4proto udp`)),
	Expect: Expect{
		Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeUDPBlocked,
		MustNot: []protocol.Code{protocol.CodeSTUNUnreachable, protocol.CodeAsymmetricNAT, protocol.CodeOneWayBlock, protocol.CodeAsymmetricRouting},
	},
}

var oneWayBlock = Scenario{
	Name:    "one-way-block",
	Title:   "UDP from A's to B's segment is dropped, the other way passes; both reach the server",
	Picture: threePicture,
	Network: threeSegments(drop(`iifname "left" oifname "right" meta l4proto udp`)),
	Expect: Expect{
		Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeOneWayBlock,
		MustNot: []protocol.Code{protocol.CodeSTUNUnreachable, protocol.CodeAsymmetricNAT, protocol.CodeUDPBlocked},
	},
	Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}, Weak: true}},
}

var asymmetricRouting = Scenario{
	Name:  "asymmetric-routing",
	Title: "A to B goes through a plain router, B to A through a stateful firewall that never saw the other half",
	Picture: `
  a 10.1.0.2 ──┬── r1 (plain: from a) ──────────────────────────────┬── b 10.9.0.2
   10.1.0.0/24 └── r2 (stateful: from b; only what it has seen) ────┴── server 10.9.0.10 (answers through r1)   10.9.0.0/24
`,
	Network: Network{
		Segments: []string{"left", "right"},
		Nodes: []Node{
			host("a", "left", "10.1.0.2", "10.1.0.1"),
			host("b", "right", "10.9.0.2", "10.9.0.254"),
			host("server", "right", ServerIP, "10.9.0.1"),
			router("r1", "", Leg{"left", "10.1.0.1/24"}, Leg{"right", "10.9.0.1/24"}),
			router("r2", drop(`iifname "right" meta l4proto udp ct state != { established, related }`),
				Leg{"left", "10.1.0.254/24"}, Leg{"right", "10.9.0.254/24"}),
		},
	},
	Expect: Expect{
		Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeAsymmetricRouting,
		MustNot: []protocol.Code{protocol.CodeSTUNUnreachable, protocol.CodeAsymmetricNAT, protocol.CodeUDPBlocked},
	},
	Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}, Weak: true}},
}

var noDefaultRoute = Scenario{
	Name:    "no-default-route",
	Title:   "two routed segments whose machines have a route to each other and no default route",
	Picture: routedPicture,
	Network: Network{
		Segments: []string{"left", "right"},
		Nodes: []Node{
			{Name: "a", Legs: []Leg{{"left", "10.1.0.2/24"}}, Routes: []string{"10.9.0.0/24 via 10.1.0.1"}},
			{Name: "b", Legs: []Leg{{"right", "10.9.0.2/24"}}, Routes: []string{"10.1.0.0/24 via 10.9.0.1"}},
			{Name: "server", Legs: []Leg{{"right", ServerIP + "/24"}}, Routes: []string{"10.1.0.0/24 via 10.9.0.1"}},
			router("r", "", Leg{"left", "10.1.0.1/24"}, Leg{"right", "10.9.0.1/24"}),
		},
	},
	Expect: Expect{
		Needs: protocol.NeedsSTUN, Cause: protocol.CodeNoDefaultRoute, STUN: true,
		MustNot: []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeUDPBlocked, protocol.CodeAsymmetricNAT, protocol.CodeSTUNUnreachable},
	},
	// Firefox has a host candidate all the same, under a name that nobody can look up across the router. Beside a Chromium that is the next obstacle; two Firefox do not
	// miss the route.
	Variants: []Variant{
		{Kinds: [2]Kind{Firefox, Chromium}, Otherwise: firefoxWithoutRoute(protocol.CodeNoDefaultRoute)},
		{Kinds: [2]Kind{Firefox, Firefox}, Otherwise: firefoxWithoutRoute(protocol.CodeMDNSMasked)},
	},
}

func firefoxWithoutRoute(cause protocol.Code) *Expect {
	return &Expect{
		Needs: protocol.NeedsSTUN, Cause: cause, STUN: true, May: []protocol.Code{protocol.CodeMDNSMasked},
		MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeAsymmetricNAT, protocol.CodeSTUNUnreachable},
	}
}

// swallowSRFLX is signaling that filters: server-reflexive candidates never leave the page.
const swallowSRFLX = `
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
	if (typeof data === "string" && data.includes('"type":"candidate"') && data.includes("typ srflx")) return;
	return send.call(this, data);
};`

var signalingGap = Scenario{
	Name:    "signaling-gap",
	Title:   "two routed segments; the signaling loses the srflx candidates of both pages",
	Picture: routedPicture,
	Network: twoSegments(""),
	A:       Side{InitScript: swallowSRFLX},
	B:       Side{InitScript: swallowSRFLX},
	Expect: Expect{
		Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeSignalingGap,
		MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeAsymmetricNAT, protocol.CodeSTUNUnreachable},
	},
}

// lowPorts are under 1024, where Chromium silently throws a remote candidate away.
const lowPorts = "to :600-900"

var candidateRejected = Scenario{
	Name:  "candidate-rejected",
	Title: "both ends behind NATs that translate to ports under 1024, which Chromium rejects in silence",
	Picture: `
  a 10.1.0.2 ──── ra (masquerades to 10.9.0.1:600-900) ──┬── server 10.9.0.10   10.9.0.0/24
  b 10.2.0.2 ──── rb (masquerades to 10.9.0.2:600-900) ──┘
`,
	Network: Network{
		Segments: []string{"left", "right", "middle"},
		Nodes: []Node{
			host("a", "left", "10.1.0.2", "10.1.0.1"),
			host("b", "right", "10.2.0.2", "10.2.0.1"),
			{Name: "server", Legs: []Leg{{"middle", ServerIP + "/24"}}},
			router("ra", closedNAT("middle", lowPorts), Leg{"left", "10.1.0.1/24"}, Leg{"middle", "10.9.0.1/24"}),
			router("rb", closedNAT("middle", lowPorts), Leg{"right", "10.2.0.1/24"}, Leg{"middle", "10.9.0.2/24"}),
		},
	},
	Expect: Expect{
		Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeCandidateRejected,
		MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeAsymmetricNAT, protocol.CodeSTUNUnreachable},
	},
}

// deadSTUN is routed to r and dropped there, as a public server is in a closed network. It stands alone in the pasted list: beside a server that
// answers, the connection is made in a tenth of a second, gathering ends with it, and no browser ever says that the other one is dead.
const deadSTUN = "10.66.0.1"

var deadICEServer = Scenario{
	Name:       "dead-ice-server",
	Title:      "two routed segments; the pasted iceServers name a STUN server that never answers beside our own",
	Picture:    routedPicture,
	Network:    twoSegments(drop("ip daddr " + deadSTUN)),
	ICEServers: `[{"urls":"stun:` + deadSTUN + `:3478"},{"urls":"stun:` + ServerIP + `:3478"}]`,
	Expect: Expect{
		Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true,
		Must:    []protocol.Code{protocol.CodeDeadICEServer},
		MustNot: []protocol.Code{protocol.CodeSTUNUnreachable, protocol.CodeUDPBlocked},
	},
}
