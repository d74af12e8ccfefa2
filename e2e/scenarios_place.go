package e2e

import (
	"fmt"
	"slices"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// Scenarios of where a machine stands: interfaces, policies, families, segments.

var placeScenarios = slices.Concat(policyScenarios, interfaceScenarios, segmentScenarios, familyScenarios)

// What a browser was told to do.
var policyScenarios = []Scenario{
	{
		Name:    "host-candidates-suppressed",
		Title:   "two routed segments; a policy of A's Chromium lets it use the public interface only, and so no host candidate",
		Picture: routedPicture,
		Network: twoSegments(""),
		A:       Side{Policies: map[string]any{"WebRtcIPHandling": "default_public_interface_only"}, Preferences: locked("media.peerconnection.ice.no_host", true)},
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeHostSuppressed, STUN: true,
			// From the browser alone it cannot be told from a machine whose policy shows the addresses and that has no default route.
			May:     []protocol.Code{protocol.CodeNoDefaultRoute, protocol.CodeMDNSMasked}, // B's name is the next obstacle
			MustNot: []protocol.Code{protocol.CodeUDPDisabled, protocol.CodeUDPBlocked, protocol.CodeSTUNUnreachable, protocol.CodeSignalingGap},
		},
		Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}}},
	},
	{
		Name:    "host-candidates-suppressed-shown",
		Title:   "the same policy, and A's page may use the camera: a browser without the policy would show all its addresses then",
		Picture: routedPicture,
		Network: twoSegments(""),
		A:       Side{Policies: map[string]any{"WebRtcIPHandling": "default_public_interface_only"}},
		Reveal:  [2]bool{true, false},
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeHostSuppressed, STUN: true,
			May:     []protocol.Code{protocol.CodeNoDefaultRoute, protocol.CodeMDNSMasked}, // the former before
			MustNot: []protocol.Code{protocol.CodeUDPDisabled, protocol.CodeUDPBlocked},
		},
	},
	{
		Name:    "no-default-route-revealed",
		Title:   "two routed segments, A's machine without a default route, its addresses not masked; icescope peer beside A sees the routes",
		Picture: routedPicture,
		Network: noRouteAtA(),
		A:       Side{Revealed: true},
		Beside:  []string{"A"},
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeNoDefaultRoute, STUN: true,
			// Before the peer stands there, a policy explains as much.
			May:     []protocol.Code{protocol.CodeHostSuppressed},
			MustNot: []protocol.Code{protocol.CodeUDPDisabled, protocol.CodeUDPBlocked, protocol.CodeSTUNUnreachable},
		},
	},
	{
		Name:    "no-default-route-no-stun",
		Title:   "no default route, and UDP to the server's ports is dropped as well: not one candidate",
		Picture: routedPicture,
		Network: withRules(noRouteAtA(), "r", drop("udp dport { 3478, 3479 }")),
		Expect: Expect{
			// B stands beside the server and has an address for A, which is enough for both.
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeNoDefaultRoute,
			May:     []protocol.Code{protocol.CodeSTUNUnreachable, protocol.CodeSTUNFiltered, protocol.CodeRelayUnusable},
			MustNot: []protocol.Code{protocol.CodeUDPDisabled, protocol.CodeHostSuppressed, protocol.CodeUDPBlocked},
		},
	},
	{
		Name:    "non-proxied-udp-disabled",
		Title:   "two routed segments; a policy of A's Chromium forbids UDP that no proxy carries",
		Picture: routedPicture,
		Network: twoSegments(""),
		A:       Side{Policies: map[string]any{"WebRtcIPHandling": "disable_non_proxied_udp"}},
		Expect: Expect{
			Needs: protocol.NeedsTURNTCP, Cause: protocol.CodeUDPDisabled,
			MustNot: []protocol.Code{protocol.CodeNoDefaultRoute, protocol.CodeHostSuppressed, protocol.CodeSTUNUnreachable, protocol.CodeUDPBlocked, protocol.CodeMDNSMasked},
		},
	},
	{
		Name:     "firefox-proxy-only",
		Title:    "a preference of A's Firefox forbids what no proxy carries, and there is no proxy: it does not even begin to gather",
		Picture:  routedPicture,
		Network:  twoSegments(""),
		A:        Side{Preferences: locked("media.peerconnection.ice.proxy_only", true)},
		Expect:   Expect{Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true}, // two Chromium know nothing of it
		Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}, Otherwise: &proxyOnlyFirefox}, {Kinds: [2]Kind{Firefox, Firefox}, Otherwise: &proxyOnlyFirefox}},
	},
	{
		Name:    "webrtc-unavailable",
		Title:   "two routed segments; A's browser has no RTCPeerConnection",
		Picture: routedPicture,
		Network: twoSegments(""),
		A: Side{InitScript: `window.RTCPeerConnection = function () { throw new DOMException("Network is down", "InvalidStateError") };`,
			Preferences: locked("media.peerconnection.enabled", false)},
		Expect: Expect{
			Needs: protocol.NeedsUndetermined, Cause: protocol.CodeWebRTCUnavailable,
			MustNot: []protocol.Code{protocol.CodeNoDefaultRoute, protocol.CodeUDPDisabled, protocol.CodeSTUNUnreachable, protocol.CodeUDPBlocked, protocol.CodeMDNSMasked},
		},
		Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}}},
	},
}

var proxyOnlyFirefox = Expect{
	Needs: protocol.NeedsUnreachable, Cause: protocol.CodeUDPDisabled,
	MustNot: []protocol.Code{protocol.CodeNoDefaultRoute, protocol.CodeHostSuppressed, protocol.CodeSTUNUnreachable, protocol.CodeUDPBlocked},
}

// locked is one preference for Firefox's policy.
func locked(name string, value any) map[string]any { return map[string]any{name: value} }

func noRouteAtA() Network {
	n := twoSegments("")
	n.Nodes[0].Routes = []string{"10.9.0.0/24 via 10.1.0.1"}
	return n
}

func withRules(n Network, node, rules string) Network {
	for i := range n.Nodes {
		if n.Nodes[i].Name == node {
			n.Nodes[i].Rules = rules
		}
	}
	return n
}

const twoLegsPicture = `
  a 10.9.0.2 ──┬── server 10.9.0.10   10.9.0.0/24
  b 10.9.0.3 ──┘
  a 10.8.0.2 ──┬── gw 10.8.0.1   10.8.0.0/24: the default route of both, which lets neither reach the other
  b 10.8.0.3 ──┘
`

// twoLegs are two machines on one LAN with the server, whose default route leaves by another interface: its name is the second segment's.
func twoLegs(second string) Network {
	machine := func(name, last string) Node {
		return Node{Name: name, Legs: []Leg{{"lan", "10.9.0." + last + "/24"}, {second, "10.8.0." + last + "/24"}}, Routes: []string{"default via 10.8.0.1"}}
	}
	return Network{
		Segments:    []string{"lan", second},
		FabricRules: isolated(1),
		Nodes: []Node{
			machine("a", "2"), machine("b", "3"),
			{Name: "server", Legs: []Leg{{"lan", ServerIP + "/24"}}},
			{Name: "gw", Legs: []Leg{{second, "10.8.0.1/24"}}},
		},
	}
}

// isolated is a switch or access point that lets A and B, the first two machines, reach all but each other over that leg of theirs: whatever addresses they use, and with
// multicast.
func isolated(leg int) string {
	return fmt.Sprintf(`
table bridge isolation%[1]d {
	chain forward {
		type filter hook forward priority filter
		iifname "p0.%[1]d" oifname "p1.%[1]d" drop
		iifname "p1.%[1]d" oifname "p0.%[1]d" drop
	}
}`, leg)
}

// Which of its interfaces a browser chose.
var interfaceScenarios = []Scenario{
	{
		Name:    "wrong-interface-chosen",
		Title:   "one LAN, and a management network that has the default route on both machines: masked, a browser offers the management address",
		Picture: twoLegsPicture,
		Network: twoLegs("mgmt"),
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeWrongInterface, STUN: true,
			MustNot: []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeMDNSMulticastBlocked, protocol.CodeUDPBlocked, protocol.CodeClientIsolation, protocol.CodeVPNChosen},
		},
	},
	{
		Name:    "wrong-interface-chosen-policy",
		Title:   "the same machines, and a policy shows their addresses: only those of the default route",
		Picture: twoLegsPicture,
		Network: twoLegs("mgmt"),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeWrongInterface, STUN: true,
			MustNot: []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeUDPBlocked, protocol.CodeClientIsolation, protocol.CodeVPNChosen, protocol.CodeOverlappingSubnets},
		},
	},
	{
		Name:    "wrong-interface-chosen-shown",
		Title:   "the same machines, and both pages may use the camera: all addresses are offered, and the LAN's work",
		Picture: twoLegsPicture,
		Network: twoLegs("mgmt"),
		Reveal:  [2]bool{true, true},
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			Must:    []protocol.Code{protocol.CodeWrongInterface},
			MustNot: []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeUDPBlocked, protocol.CodeClientIsolation, protocol.CodeVPNChosen},
		},
	},
	{
		Name:    "vpn-interface-chosen",
		Title:   "one LAN, and on both machines a VPN that took the default route; icescope peer beside both browsers sees the interfaces",
		Picture: twoLegsPicture,
		Network: twoLegs("tun0"),
		Beside:  []string{"A", "B"},
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeVPNChosen, STUN: true,
			May:     []protocol.Code{protocol.CodeWrongInterface}, // before the peers stand there
			MustNot: []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeUDPBlocked, protocol.CodeClientIsolation},
		},
	},
	{
		Name:  "vpn-full-tunnel",
		Title: "two causes: A's VPN took the default route, and its far end lets A reach the server but not B; icescope peer beside A tries the LAN's interface",
		Picture: `
  a 10.1.0.2 ──── r ───────────────────────────────────────┬── b 10.9.0.2
  a 10.8.0.2 ──── gw (the VPN's end; masquerades) ─────────┴── server 10.9.0.10   10.9.0.0/24
`,
		Network: fullTunnel(),
		Beside:  []string{"A"},
		Expect: Expect{
			Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeVPNChosen,
			Must:    []protocol.Code{protocol.CodeMDNSMasked},
			May:     []protocol.Code{protocol.CodeUDPBlocked},
			MustNot: []protocol.Code{protocol.CodeOneWayBlock, protocol.CodeClientIsolation, protocol.CodeOverlappingSubnets, protocol.CodeAsymmetricNAT},
		},
	},
	{
		Name:    "vpn-full-tunnel-shown",
		Title:   "the same network, and A's page may use the camera: the LAN's address is offered as well, and works",
		Picture: twoLegsPicture,
		Network: fullTunnel(),
		Reveal:  [2]bool{true, false},
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			Must:    []protocol.Code{protocol.CodeWrongInterface},
			May:     []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeMDNSMasked}, // before
			MustNot: []protocol.Code{protocol.CodeOneWayBlock, protocol.CodeClientIsolation, protocol.CodeOverlappingSubnets, protocol.CodeAsymmetricNAT},
		},
	},
	{
		Name:    "two-legs-well",
		Title:   "two machines with two interfaces whose default route is the LAN's own: nothing is wrong",
		Picture: twoLegsPicture,
		Network: twoLegsWell(),
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			MustNot: []protocol.Code{protocol.CodeVPNChosen, protocol.CodeWrongInterface, protocol.CodeVirtualBridge, protocol.CodeOverlappingSubnets},
		},
	},
	{
		Name:    "virtual-bridge-candidates",
		Title:   "two routed segments; both machines have Docker's bridge 172.17.0.1, and all addresses are shown",
		Picture: routedPicture,
		Network: withBridges(twoSegments("")),
		Reveal:  [2]bool{true, true},
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			Must:    []protocol.Code{protocol.CodeVirtualBridge},
			May:     []protocol.Code{protocol.CodeMDNSMasked}, // before
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeOverlappingSubnets, protocol.CodeWrongInterface, protocol.CodeVPNChosen},
		},
	},
}

func twoLegsWell() Network {
	n := twoLegs("mgmt")
	n.Nodes[0].Routes, n.Nodes[1].Routes = []string{"default via " + ServerIP}, []string{"default via " + ServerIP}
	return n
}

// fullTunnel: what A sends goes through the tunnel unless it is bound to the LAN's address, as Windows sends it.
func fullTunnel() Network {
	return Network{
		Segments: []string{"lan", "tun0", "right"},
		Nodes: []Node{
			{Name: "a", Legs: []Leg{{"lan", "10.1.0.2/24"}, {"tun0", "10.8.0.2/24"}},
				Routes: []string{"default via 10.8.0.1", "default via 10.1.0.1 table 100\nrule add from 10.1.0.2 lookup 100"}},
			host("b", "right", "10.9.0.2", "10.9.0.1"),
			host("server", "right", ServerIP, "10.9.0.1"),
			router("r", "", Leg{"lan", "10.1.0.1/24"}, Leg{"right", "10.9.0.1/24"}),
			router("gw", closedNAT("right", "")+`
table ip tunnel {
	chain forward {
		type filter hook forward priority filter
		ip daddr 10.9.0.2 drop
	}
}`, Leg{"tun0", "10.8.0.1/24"}, Leg{"right", "10.9.0.3/24"}),
		},
	}
}

// withBridges gives a and b a bridge as Docker makes it, each its own, with the same address.
func withBridges(n Network) Network {
	for i, name := range []string{"docker0", "docker1"} {
		n.Segments = append(n.Segments, name)
		n.Nodes[i].Legs = append(n.Nodes[i].Legs, Leg{name, "172.17.0.1/16"})
	}
	return n
}

const overlapPicture = `
  a 192.168.1.2 ──── ra (masquerades) 10.9.0.1 ──┬── server 10.9.0.10   10.9.0.0/24
  b 192.168.1.3 ──── rb (masquerades) 10.9.0.2 ──┘
`

// overlapping are two sites with the same prefix, each behind its own NAT. Whoever stands near A has the address of B.
func overlapping(near ...Node) Network {
	return Network{
		Segments: []string{"left", "right", "middle"},
		Nodes: append([]Node{
			host("a", "left", "192.168.1.2", "192.168.1.1"),
			host("b", "right", "192.168.1.3", "192.168.1.1"),
			{Name: "server", Legs: []Leg{{"middle", ServerIP + "/24"}}},
			router("ra", closedNAT("middle", ""), Leg{"left", "192.168.1.1/24"}, Leg{"middle", "10.9.0.1/24"}),
			router("rb", closedNAT("middle", ""), Leg{"right", "192.168.1.1/24"}, Leg{"middle", "10.9.0.2/24"}),
		}, near...),
	}
}

// Who stands in which segment.
var segmentScenarios = []Scenario{
	{
		Name:    "overlapping-subnets",
		Title:   "two sites with the same private prefix behind their own NATs, addresses shown: each looks for the other in its own segment",
		Picture: overlapPicture,
		Network: overlapping(),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeOverlappingSubnets, STUN: true,
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeClientIsolation, protocol.CodeVirtualBridge, protocol.CodeHairpinUnsupported},
		},
	},
	{
		Name:    "overlapping-subnets-taken",
		Title:   "the same, and beside A stands another machine that has B's address",
		Picture: overlapPicture + "  c 192.168.1.3 in A's segment\n",
		Network: overlapping(Node{Name: "c", Legs: []Leg{{"left", "192.168.1.3/24"}}}),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeOverlappingSubnets, STUN: true,
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeClientIsolation, protocol.CodeVirtualBridge},
		},
	},
	{
		Name:    "flat-revealed",
		Title:   "one segment, addresses shown: the same subnet because it is one",
		Picture: flatPicture,
		Network: oneSegment(""),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			MustNot: []protocol.Code{protocol.CodeOverlappingSubnets, protocol.CodeClientIsolation, protocol.CodeUDPBlocked},
		},
	},
	{
		Name:    "client-isolation",
		Title:   "one segment whose access point keeps its clients apart; host addresses masked",
		Picture: flatPicture,
		Network: oneSegment(isolated(0)),
		Expect: Expect{
			Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeClientIsolation,
			Must:    []protocol.Code{protocol.CodeMDNSMulticastBlocked},
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeMDNSMasked, protocol.CodeOverlappingSubnets, protocol.CodeOSPermission},
		},
		Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}}},
	},
	{
		Name:    "client-isolation-revealed",
		Title:   "one segment whose access point keeps its clients apart; addresses shown",
		Picture: flatPicture,
		Network: oneSegment(isolated(0)),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeClientIsolation,
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeMDNSMasked, protocol.CodeOverlappingSubnets, protocol.CodeOSPermission},
		},
	},
	{
		Name:    "flat-one-way-block",
		Title:   "one segment, and B's own firewall lets nothing new in; addresses shown",
		Picture: flatPicture,
		Network: withRules(oneSegment(""), "b", `
table ip filter {
	chain input {
		type filter hook input priority filter
		ip saddr 10.9.0.2 meta l4proto udp drop
	}
}`),
		A: Side{Revealed: true},
		B: Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeOneWayBlock,
			MustNot: []protocol.Code{protocol.CodeClientIsolation, protocol.CodeUDPBlocked, protocol.CodeOverlappingSubnets},
		},
	},
	{
		Name:    "masked-and-one-way",
		Title:   "two causes: host addresses masked across segments, and UDP from A's to B's segment dropped",
		Picture: routedPicture,
		Network: twoSegments(drop(`ip saddr 10.1.0.2 ip daddr 10.9.0.2 meta l4proto udp`)),
		Expect: Expect{
			Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeOneWayBlock,
			Must:    []protocol.Code{protocol.CodeMDNSMasked},
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeClientIsolation, protocol.CodeMDNSMulticastBlocked},
		},
	},
	{
		Name:    "wrong-interface-and-udp-blocked",
		Title:   "two causes: both browsers offer the management address, and the LAN drops UDP between the two",
		Picture: twoLegsPicture,
		Network: twoLegsBlocked(),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeClientIsolation,
			Must:    []protocol.Code{protocol.CodeWrongInterface},
			MustNot: []protocol.Code{protocol.CodeMDNSMasked},
		},
	},
	{
		Name:  "link-local-only",
		Title: "one segment without DHCP: A has given itself an address of 169.254.0.0/16, B has a proper one",
		Picture: `
  a 169.254.3.4 ──┬── server 10.9.0.10, 169.254.9.10
  b 10.9.0.3 ─────┘   10.9.0.0/24
`,
		Network: linkLocal(),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeLinkLocalOnly,
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeClientIsolation, protocol.CodeOneWayBlock},
		},
	},
}

func twoLegsBlocked() Network {
	n := twoLegs("mgmt")
	n.FabricRules += isolated(0)
	return n
}

// linkLocal is a segment on which A got no lease. The page opens, because its machine looks for the server on the link.
func linkLocal() Network {
	n := oneSegment("")
	n.Nodes[0].Legs[0].Address = "169.254.3.4/16"
	n.Nodes[0].Routes = []string{"default dev eth0"}
	n.Nodes[2].Legs[0].Address += " 169.254.9.10/16"
	return n
}

// IPv4 and IPv6.
var familyScenarios = []Scenario{
	{
		Name:    "ipv6-broken",
		Title:   "two routed segments with both families; the router drops IPv6 between them; host addresses masked",
		Picture: dualPicture,
		Network: dualStack(dropIPv6),
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true,
			May:     []protocol.Code{protocol.CodeIPv6Broken}, // true, and seen where an end shows its addresses
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeOneWayBlock, protocol.CodeMDNSMulticastBlocked, protocol.CodeWrongInterface, protocol.CodeSTUNUnreachable},
		},
	},
	{
		Name:    "ipv6-broken-revealed",
		Title:   "two routed segments with both families; the router drops IPv6 between them; addresses shown",
		Picture: dualPicture,
		Network: dualStack(dropIPv6),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			Must:    []protocol.Code{protocol.CodeIPv6Broken},
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeOneWayBlock, protocol.CodeMDNSMasked, protocol.CodeWrongInterface, protocol.CodeVPNChosen},
		},
	},
	{
		Name:    "ipv6-broken-flat",
		Title:   "one segment with both families whose switch drops IPv6 between the two; host addresses masked",
		Picture: dualFlatPicture,
		Network: dualFlat(`
table bridge six {
	chain forward {
		type filter hook forward priority filter
		ip6 saddr fd00:9::2 ip6 daddr fd00:9::3 drop
		ip6 saddr fd00:9::3 ip6 daddr fd00:9::2 drop
	}
}`),
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			Must:    []protocol.Code{protocol.CodeIPv6Broken},
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeOneWayBlock, protocol.CodeMDNSMasked, protocol.CodeMDNSMulticastBlocked, protocol.CodeWrongInterface, protocol.CodeClientIsolation},
		},
	},
	{
		Name:    "ipv6-half",
		Title:   "two routed segments; a router advertised IPv6 to A and leads nowhere with it, B has IPv4 only; addresses shown",
		Picture: dualPicture,
		Network: halfIPv6(),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			MustNot: []protocol.Code{protocol.CodeIPv6Broken, protocol.CodeUDPBlocked, protocol.CodeOneWayBlock, protocol.CodeMDNSMasked, protocol.CodeWrongInterface},
		},
	},
	{
		Name:    "ipv6-no-way-back",
		Title:   "two routed segments with both families; B has no route for IPv6, so that A's packets arrive and B's answers do not leave; addresses shown",
		Picture: dualPicture,
		Network: withoutRoute(dualStack(""), "b", "-6 default via fd00:9::1"),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeOneWayBlock, protocol.CodeMDNSMasked, protocol.CodeWrongInterface},
		},
	},
	{
		Name:    "dual-stack",
		Title:   "two routed segments with both families, both alive; addresses shown",
		Picture: dualPicture,
		Network: dualStack(""),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			MustNot: []protocol.Code{protocol.CodeIPv6Broken, protocol.CodeUDPBlocked, protocol.CodeMDNSMasked, protocol.CodeWrongInterface},
		},
	},
	{
		Name:    "dual-stack-flat",
		Title:   "one segment with both families, both alive; host addresses masked",
		Picture: dualFlatPicture,
		Network: dualFlat(""),
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			MustNot: []protocol.Code{protocol.CodeIPv6Broken, protocol.CodeUDPBlocked, protocol.CodeMDNSMasked, protocol.CodeWrongInterface},
		},
	},
	{
		Name:    "ipv6-only",
		Title:   "two routed segments with IPv6 alone; host addresses masked",
		Picture: sixPicture,
		Network: ipv6Only(dualStack("")),
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true,
			MustNot: []protocol.Code{protocol.CodeIPv6Broken, protocol.CodeUDPBlocked, protocol.CodeMDNSMulticastBlocked, protocol.CodeLinkLocalOnly, protocol.CodeNoDefaultRoute,
				protocol.CodeHostSuppressed, protocol.CodeSTUNUnreachable},
		},
		Variants: []Variant{{Kinds: [2]Kind{Firefox, Chromium}}},
	},
	{
		Name:    "ipv6-only-revealed",
		Title:   "two routed segments with IPv6 alone; addresses shown",
		Picture: sixPicture,
		Network: ipv6Only(dualStack("")),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			MustNot: []protocol.Code{protocol.CodeIPv6Broken, protocol.CodeUDPBlocked, protocol.CodeMDNSMasked, protocol.CodeLinkLocalOnly, protocol.CodeNoDefaultRoute},
		},
	},
	{
		Name:    "ipv6-only-flat",
		Title:   "one segment with IPv6 alone; Chromium cannot mask its addresses there, and offers none",
		Picture: sixPicture,
		Network: ipv6Only(dualFlat("")),
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true,
			MustNot: []protocol.Code{protocol.CodeIPv6Broken, protocol.CodeUDPBlocked, protocol.CodeMDNSMulticastBlocked, protocol.CodeNoDefaultRoute, protocol.CodeLinkLocalOnly},
		},
	},
	{
		Name:    "ipv6-only-udp-blocked",
		Title:   "two routed segments with IPv6 alone, UDP between them dropped; addresses shown",
		Picture: sixPicture,
		Network: ipv6Only(dualStack(dropUDPBetween)),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeUDPBlocked,
			MustNot: []protocol.Code{protocol.CodeIPv6Broken, protocol.CodeOneWayBlock, protocol.CodeMDNSMasked, protocol.CodeClientIsolation, protocol.CodeLinkLocalOnly},
		},
	},
	{
		Name:    "asymmetric-nat-ipv6",
		Title:   "the first scenario's network with IPv6 alone: A to B is translated, B to A is routed; host addresses masked",
		Picture: seedPicture,
		Network: ipv6Only(seedIPv6()),
		Expect: Expect{
			Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true,
			May:     []protocol.Code{protocol.CodeAsymmetricNAT}, // true, and seen where an end shows its addresses
			MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeSTUNUnreachable, protocol.CodeOneWayBlock, protocol.CodeMDNSMulticastBlocked, protocol.CodeIPv6Broken},
		},
	},
	{
		Name:    "asymmetric-nat-ipv6-revealed",
		Title:   "the same, and both browsers show their real addresses",
		Picture: seedPicture,
		Network: ipv6Only(seedIPv6()),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsNothing, Host: true, STUN: true,
			Must:    []protocol.Code{protocol.CodeAsymmetricNAT},
			MustNot: []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeUDPBlocked, protocol.CodeOneWayBlock, protocol.CodeAsymmetricRouting, protocol.CodeIPv6Broken},
		},
	},
	{
		Name:    "ipv6-udp-blocked",
		Title:   "two routed segments with both families; UDP between them is dropped in both; addresses shown",
		Picture: dualPicture,
		Network: dualStack(dropUDPBetween),
		A:       Side{Revealed: true},
		B:       Side{Revealed: true},
		Expect: Expect{
			Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeUDPBlocked,
			MustNot: []protocol.Code{protocol.CodeIPv6Broken, protocol.CodeOneWayBlock, protocol.CodeMDNSMasked, protocol.CodeWrongInterface},
		},
	},
}

const dualPicture = `
  a 10.1.0.2, fd00:1::2 ──── r ──┬── b 10.9.0.2, fd00:9::2
                                 └── server 10.9.0.10, fd00:9::10
`

const dualFlatPicture = `
  a 10.9.0.2, fd00:9::2 ──┬── server 10.9.0.10, fd00:9::10
  b 10.9.0.3, fd00:9::3 ──┘
`

const dropIPv6 = `
table ip6 filter {
	chain forward {
		type filter hook forward priority filter
		ip6 saddr fd00:1::2 ip6 daddr fd00:9::2 drop
		ip6 saddr fd00:9::2 ip6 daddr fd00:1::2 drop
	}
}`

const dropUDPBetween = `
table inet filter {
	chain forward {
		type filter hook forward priority filter
		ip6 daddr != fd00:9::10 ip6 saddr != fd00:9::10 meta l4proto udp drop
		ip daddr != 10.9.0.10 ip saddr != 10.9.0.10 meta l4proto udp drop
	}
}`

// dualStack is twoSegments with unique local addresses beside those of IPv4.
func dualStack(rules string) Network {
	n := twoSegments(rules)
	n.IPv6 = true
	for i, address := range []string{"fd00:1::2/64", "fd00:9::2/64", "fd00:9::10/64"} {
		n.Nodes[i].Legs[0].Address += " " + address
		n.Nodes[i].Routes = append(n.Nodes[i].Routes, "-6 default via "+[]string{"fd00:1::1", "fd00:9::1", "fd00:9::1"}[i])
	}
	r := &n.Nodes[3]
	r.Legs[0].Address += " fd00:1::1/64"
	r.Legs[1].Address += " fd00:9::1/64"
	return n
}

// dualFlat is oneSegment with both families.
func dualFlat(fabricRules string) Network {
	n := oneSegment(fabricRules)
	n.IPv6 = true
	for i, address := range []string{"fd00:9::2/64", "fd00:9::3/64", "fd00:9::10/64"} {
		n.Nodes[i].Legs[0].Address += " " + address
		if i < 2 {
			n.Nodes[i].Routes = append(n.Nodes[i].Routes, "-6 default via fd00:9::10")
		}
	}
	return n
}

// halfIPv6: B and the server know IPv4 only.
func halfIPv6() Network {
	n := dualStack(dropIPv6)
	for _, i := range []int{1, 2} {
		n.Nodes[i].Legs[0].Address = []string{"", "10.9.0.2/24", ServerIP + "/24"}[i]
		n.Nodes[i].Routes = []string{"default via 10.9.0.1"}
	}
	return n
}

func withoutRoute(n Network, node, route string) Network {
	for i := range n.Nodes {
		if n.Nodes[i].Name == node {
			n.Nodes[i].Routes = slices.DeleteFunc(n.Nodes[i].Routes, func(r string) bool { return r == route })
		}
	}
	return n
}

const sixPicture = "\n  as in the scenarios of both families, without the addresses of IPv4\n"

// ipv6Only takes the addresses and routes of IPv4 away.
func ipv6Only(n Network) Network {
	for i := range n.Nodes {
		node := &n.Nodes[i]
		if node.Name == NodeServer {
			continue // its own address of IPv4 is for the lab to speak with it
		}
		for j := range node.Legs {
			node.Legs[j].Address = strings.Join(slices.DeleteFunc(strings.Fields(node.Legs[j].Address), func(a string) bool { return !strings.Contains(a, ":") }), " ")
		}
		node.Routes = slices.DeleteFunc(node.Routes, func(r string) bool { return !strings.HasPrefix(r, "-6 ") })
	}
	return n
}

// seedIPv6 is seed with unique local addresses beside those of IPv4.
func seedIPv6() Network {
	n := seed()
	n.IPv6 = true
	for i, address := range []string{"fd00:1::2/64", "fd00:9::2/64", "fd00:9::10/64"} {
		n.Nodes[i].Legs[0].Address += " " + address
		n.Nodes[i].Routes = append(n.Nodes[i].Routes, "-6 default via "+[]string{"fd00:1::1", "fd00:9::254", "fd00:9::254"}[i])
	}
	for i, last := range []string{"1", "254"} {
		r := &n.Nodes[3+i]
		r.Legs[0].Address += " fd00:1::" + last + "/64"
		r.Legs[1].Address += " fd00:9::" + last + "/64"
	}
	n.Nodes[3].Rules += strings.ReplaceAll(masquerade("right", ""), "table ip ", "table ip6 ")
	return n
}
