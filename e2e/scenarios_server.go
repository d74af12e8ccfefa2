package e2e

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what TURN REST services sign with
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/icescope/icescope/protocol"
)

// Scenarios of what servers and proxies do: relays, names, filters of STUN. Between A and B no UDP passes in them, so that a relay is what they need.

var serverScenarios = []Scenario{
	relayWorks, relayCredentials, relayExpired, relayQuota, relayDenied, relayUnroutable, relaySilent, relayOff,
	relayMasked, relayRevealed,
	iceTCPImpossible, iceTCP,
	dnsName, deadAndRefused,
	stunFiltered, stunLimited,
	stunUnreachableOne, onlyThePage,
	proxyOnly, proxyBesideUDP,
}

// turnIP is where the lab's coturn stands, a machine of its own beside the server.
const turnIP = "10.9.0.20"

// betweenBlocked drops UDP from A's to B's segment and back.
const betweenBlocked = `iifname { "left", "right" } oifname { "left", "right" } meta l4proto udp`

const relayPicture = `
  a 10.1.0.2 ────┐                ┌── server 10.9.0.10
   10.1.0.0/24   r (drops a ↔ b) ─┤    10.9.0.0/24
  b 10.2.0.2 ────┘                └── turn 10.9.0.20 (coturn)
   10.2.0.0/24
`

// coturn on the node "turn", with its own options.
func coturn(options ...string) Process {
	return Process{Node: "turn", Ready: "udp/3478", Command: slices.Concat([]string{"turnserver", "-n", "--listening-ip=" + turnIP, "--listening-port=3478",
		"--no-tls", "--no-dtls", "--no-cli", "--no-rfc5780", "--log-file=stdout", "--pidfile=turnserver.pid", "--userdb=users.db"}, options)}
}

// A user that never changes, and the REST scheme.
var (
	fixedUser = []string{"--lt-cred-mech", "--realm=lab", "--user=alice:secret"}
	restUser  = []string{"--use-auth-secret", "--static-auth-secret=lab", "--realm=lab"}
)

func turnServers(user, password string, more ...string) string {
	list := `{"urls":"turn:` + turnIP + `:3478","username":"` + user + `","credential":"` + password + `"}`
	for _, m := range more {
		list += `,{"urls":"` + m + `"}`
	}
	return "[" + list + "]"
}

// restServers signs a user name as TURN REST services do.
func restServers(secret string, until int64) string {
	user := fmt.Sprintf("%d:alice", until)
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(user))
	return turnServers(user, base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// relayNetwork is threeSegments with coturn's machine.
func relayNetwork(rules string) Network {
	n := threeSegments(rules)
	n.Nodes = append(n.Nodes, host("turn", "middle", turnIP, "10.9.0.1"))
	return n
}

// needsRelay is what is expected where the pasted relay is of no use and this server's own is.
func needsRelay(must ...protocol.Code) Expect {
	return Expect{
		Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeUDPBlocked, Must: must,
		MustNot: slices.DeleteFunc([]protocol.Code{protocol.CodeRelayUnusable, protocol.CodeRelayCannotReach, protocol.CodeDNSFailure, protocol.CodeDeadICEServer, protocol.CodeSTUNFiltered,
			protocol.CodeSTUNUnreachable, protocol.CodeHTTPProxyOnly, protocol.CodeOneWayBlock, protocol.CodeAsymmetricNAT, protocol.CodeAsymmetricRouting},
			func(c protocol.Code) bool { return slices.Contains(must, c) }),
		May: []protocol.Code{protocol.CodeMDNSMasked},
	}
}

var withFirefox = []Variant{{Kinds: [2]Kind{Firefox, Chromium}}}

var relayWorks = Scenario{
	Name: "relay-works", Title: "UDP between A and B is dropped; the pasted TURN server does its work", Picture: relayPicture,
	Network: relayNetwork(drop(betweenBlocked)), Processes: []Process{coturn(fixedUser...)}, ICEServers: turnServers("alice", "secret"),
	Expect: needsRelay(), Variants: withFirefox,
}

var relayCredentials = Scenario{
	Name: "relay-credentials", Title: "the same, with a wrong password", Picture: relayPicture,
	Network: relayNetwork(drop(betweenBlocked)), Processes: []Process{coturn(fixedUser...)}, ICEServers: turnServers("alice", "wrong"),
	Expect: needsRelay(protocol.CodeRelayUnusable), Variants: withFirefox,
}

var relayExpired = Scenario{
	Name: "relay-expired", Title: "the same, with short-lived credentials whose time is over", Picture: relayPicture,
	Network: relayNetwork(drop(betweenBlocked)), Processes: []Process{coturn(restUser...)}, ICEServers: restServers("lab", 1_700_000_000),
	Expect: needsRelay(protocol.CodeRelayUnusable),
}

var relayQuota = Scenario{
	Name: "relay-quota", Title: "the same, and the TURN server gives a user one allocation only", Picture: relayPicture,
	Network: relayNetwork(drop(betweenBlocked)), Processes: []Process{coturn(append(fixedUser, "--user-quota=1")...)}, ICEServers: turnServers("alice", "secret"),
	Expect: func() Expect {
		e := needsRelay(protocol.CodeRelayUnusable)
		// One end comes first and has its relay. Where the other gives .local names alone, as Firefox does, the relay cannot ask them either.
		e.MustNot = slices.DeleteFunc(e.MustNot, func(c protocol.Code) bool { return c == protocol.CodeRelayCannotReach })
		e.May = append(e.May, protocol.CodeRelayCannotReach)
		return e
	}(),
}

var relayDenied = Scenario{
	Name: "relay-denied", Title: "the same, and the TURN server denies private addresses as peers, as sample configurations do", Picture: relayPicture,
	Network: relayNetwork(drop(betweenBlocked)), Processes: []Process{coturn(append(fixedUser, "--denied-peer-ip=10.0.0.0-10.255.255.255")...)},
	ICEServers: turnServers("alice", "secret"),
	Expect:     needsRelay(protocol.CodeRelayUnusable), Variants: withFirefox,
}

// unroutedIP is an address of the TURN machine that no router knows.
const unroutedIP = "172.31.9.20"

// relayUnroutable: where both ends use the relay it joins its two addresses inside itself. What it tells is worthless where one end has to reach it from outside.
var relayUnroutable = Scenario{
	Name: "relay-unroutable", Title: "only B reaches the TURN server, and it gives out an address of a network that nobody knows a way to",
	Picture: relayPicture,
	Network: func() Network {
		n := relayNetwork(drop(betweenBlocked + " drop\n\t\t" + `iifname "left" ip daddr ` + turnIP + " udp dport 3478"))
		n.Nodes[len(n.Nodes)-1].Legs[0].Address += " " + unroutedIP + "/32"
		return n
	}(),
	Processes:  []Process{coturn(append(fixedUser, "--relay-ip="+unroutedIP)...)},
	ICEServers: turnServers("alice", "secret", "stun:"+ServerIP+":3478"),
	Expect:     needsRelay(protocol.CodeRelayUnusable),
}

var relaySilent = Scenario{
	Name: "relay-silent", Title: "the pasted TURN server does not answer", Picture: relayPicture,
	Network: relayNetwork(drop(betweenBlocked + " drop\n\t\tip daddr " + turnIP)), ICEServers: turnServers("alice", "secret"),
	Expect: needsRelay(protocol.CodeRelayUnusable), Variants: withFirefox,
}

var relayOff = Scenario{
	Name: "relay-off", Title: "UDP between A and B is dropped, and this server relays nothing", Picture: relayPicture,
	Network: relayNetwork(drop(betweenBlocked)), Serve: []string{"--no-turn"},
	Expect: func() Expect {
		e := needsRelay()
		e.Needs = protocol.NeedsUndetermined
		return e
	}(),
}

// udpOut drops A's UDP to the server's machines.
const udpOut = `iifname "left" oifname "middle" meta l4proto udp`

// masked is what follows where A gets no UDP out and hides its addresses.
var masked = Expect{
	Needs: protocol.NeedsTURNTCP, Cause: protocol.CodeSTUNUnreachable,
	Must:    []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeRelayCannotReach},
	MustNot: []protocol.Code{protocol.CodeAsymmetricNAT, protocol.CodeOneWayBlock, protocol.CodeHTTPProxyOnly, protocol.CodeDNSFailure},
	May:     []protocol.Code{protocol.CodeRelayUnusable, protocol.CodeSTUNFiltered, protocol.CodeUDPBlocked},
}

var relayMasked = Scenario{
	Name: "relay-masked", Title: "A gets no UDP out and gives nothing but .local names; only B has a relay", Picture: relayPicture,
	Network: relayNetwork(drop(betweenBlocked + " drop\n\t\t" + udpOut + " udp dport 3478-3479")), Processes: []Process{coturn(fixedUser...)},
	ICEServers: turnServers("alice", "secret"), Expect: masked,
}

var relayRevealed = Scenario{
	Name: "relay-revealed", Title: "the same, and A shows its address: one relay is enough", Picture: relayPicture, A: Side{Revealed: true},
	Network: relayMasked.Network, Processes: relayMasked.Processes, ICEServers: relayMasked.ICEServers,
	Expect: Expect{Needs: protocol.NeedsTURNTCP, Cause: protocol.CodeSTUNUnreachable, Must: masked.Must[:0], MustNot: append([]protocol.Code{protocol.CodeRelayCannotReach}, masked.MustNot...),
		May: append([]protocol.Code{protocol.CodeMDNSMasked}, masked.May...)},
}

// iceTCP is lost on two browsers; icescope peer waits for the connection. Chromium has TCP candidates only where the page may see the interfaces.
var iceTCPImpossible = Scenario{
	Name: "ice-tcp-impossible", Title: "UDP between A and B is dropped, TCP passes; both browsers are allowed to show their addresses", Picture: threePicture,
	Network: threeSegments(drop(betweenBlocked)), Reveal: [2]bool{true, true},
	Expect: needsRelay(protocol.CodeICETCPImpossible),
}

var iceTCP = Scenario{
	Name: "ice-tcp", Title: "UDP between A and B is dropped, TCP passes; both show their addresses", Picture: threePicture,
	Network: threeSegments(drop(betweenBlocked)), A: Side{Revealed: true, PeerFlags: []string{"--ice-tcp"}}, B: Side{Revealed: true},
	Expect: needsRelay(),
	Variants: []Variant{
		{Kinds: [2]Kind{Firefox, Chromium}, Otherwise: new(needsRelay(protocol.CodeICETCPImpossible))},
		{Kinds: [2]Kind{Headless, Chromium}, Otherwise: &Expect{Needs: protocol.NeedsNothing, MustNot: []protocol.Code{protocol.CodeICETCPImpossible}, Host: true}},
	},
}

var dnsName = Scenario{
	Name: "dns-name", Title: "the pasted servers have names, and no DNS server is in reach", Picture: relayPicture,
	Network:    relayNetwork(drop(betweenBlocked)),
	Processes:  []Process{coturn(fixedUser...)},
	ICEServers: `[{"urls":["stun:stun.plant.example:3478","turn:turn.plant.example:3478"],"username":"alice","credential":"secret"}]`,
	Expect:     needsRelay(protocol.CodeDNSFailure),
	Variants:   withFirefox,
}

var deadAndRefused = Scenario{
	Name: "dead-and-refused", Title: "two faults in one list: a STUN server that never answers, and a TURN server with a wrong password", Picture: relayPicture,
	Network: relayNetwork(drop(betweenBlocked + " drop\n\t\tip daddr " + deadSTUN)), Processes: []Process{coturn(fixedUser...)},
	ICEServers: turnServers("alice", "wrong", "stun:"+deadSTUN+":3478"),
	Expect:     needsRelay(protocol.CodeRelayUnusable, protocol.CodeDeadICEServer),
}

// stunCookie is the magic cookie of STUN at its place in a UDP packet (RFC 8489 section 5).
const stunCookie = "meta l4proto udp @th,96,32 0x2112a442"

var filterPicture = `
  a 10.1.0.2 ──── r (knows STUN and drops it) ──┬── server 10.9.0.10   10.9.0.0/24
   10.1.0.0/24    │                             │
  b 10.2.0.2 ─────┘                             10.2.0.0/24
`

// filtered is what icescope peer lets one say of a filter of STUN. With browsers alone it is one with a closed port.
func filtered() Expect {
	return Expect{
		Needs: protocol.NeedsTURNTCP, Cause: protocol.CodeSTUNFiltered,
		MustNot: []protocol.Code{protocol.CodeAsymmetricNAT, protocol.CodeHTTPProxyOnly, protocol.CodeRelayUnusable},
		May:     []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeSTUNUnreachable, protocol.CodeUDPBlocked},
	}
}

var stunFiltered = Scenario{
	Name: "stun-filtered", Title: "what leaves A's segment is looked into, and STUN is dropped; other UDP passes", Picture: filterPicture,
	Network: threeSegments(drop(`iifname "left" ` + stunCookie)), Beside: []string{"A"},
	Expect:   filtered(),
	Variants: []Variant{{Kinds: [2]Kind{Headless, Chromium}}},
}

var stunLimited = Scenario{
	Name: "stun-limited", Title: "the same, but the first few STUN packets pass", Picture: filterPicture,
	Network: threeSegments(drop(`iifname "left" ` + stunCookie + " limit rate over 2/minute burst 3 packets")), Beside: []string{"A"},
	Expect:   filtered(),
	Variants: []Variant{{Kinds: [2]Kind{Headless, Chromium}}},
}

var stunUnreachableOne = Scenario{
	Name: "stun-unreachable-one", Title: "UDP from A's segment to the server's STUN ports is dropped; B reaches them; host addresses masked", Picture: threePicture,
	Network: threeSegments(drop(`iifname "left" udp dport { 3478, 3479 }`)),
	Expect: Expect{
		// B learns its address, and that is enough: A's checks to it are answered, and A is known by them (a peer-reflexive candidate).
		Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true,
		Must:    []protocol.Code{protocol.CodeSTUNUnreachable},
		MustNot: []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeAsymmetricNAT, protocol.CodeOneWayBlock, protocol.CodeRelayUnusable},
	},
	Variants: withFirefox,
}

var onlyThePage = Scenario{
	Name: "only-the-page", Title: "A reaches the page's port of the server and nothing else", Picture: threePicture,
	Network: threeSegments(drop(`iifname "left" tcp dport != 8080 drop
		iifname "left" meta l4proto udp`)),
	Expect: Expect{
		Needs: protocol.NeedsUnreachable, Cause: protocol.CodeSTUNUnreachable,
		MustNot: []protocol.Code{protocol.CodeAsymmetricNAT, protocol.CodeOneWayBlock, protocol.CodeRelayUnusable},
		May:     []protocol.Code{protocol.CodeMDNSMasked},
	},
	Variants: withFirefox,
}

const proxyPort = "3128"

// proxyNetwork has a proxy between A's segment and the server's; rules are those of r.
func proxyNetwork(rules string) Network {
	n := threeSegments(rules)
	n.Nodes = append(n.Nodes, Node{Name: "proxy", Legs: []Leg{{"left", "10.1.0.8/24"}, {"middle", "10.9.0.8/24"}}})
	return n
}

const proxyPicture = `
  a 10.1.0.2 ──┬── proxy 10.1.0.8, 10.9.0.8 (HTTP and CONNECT) ──┬── server 10.9.0.10   10.9.0.0/24
   10.1.0.0/24 └── r ────────────────────────────────────────────┘
  b 10.2.0.2 ──────┘   10.2.0.0/24
`

var proxyOnly = Scenario{
	Name: "http-proxy-only", Title: "nothing leads out of A's segment but an HTTP proxy", Picture: proxyPicture,
	Network: proxyNetwork(drop(`iifname "left"`)), Processes: []Process{proxyProcess("proxy", proxyPort)}, A: Side{Proxy: "10.1.0.8:" + proxyPort},
	Expect: Expect{
		Needs: protocol.NeedsTURNTCP, Cause: protocol.CodeHTTPProxyOnly,
		MustNot: []protocol.Code{protocol.CodeAsymmetricNAT, protocol.CodeOneWayBlock, protocol.CodeRelayUnusable},
		May:     []protocol.Code{protocol.CodeMDNSMasked, protocol.CodeSTUNUnreachable, protocol.CodeSTUNFiltered},
	},
	Variants: withFirefox,
}

var proxyBesideUDP = Scenario{
	Name: "http-proxy-beside-udp", Title: "A's browser takes an HTTP proxy for its pages, and UDP passes beside it", Picture: proxyPicture,
	Network: proxyNetwork(drop(`iifname "left" meta l4proto tcp`)), Processes: []Process{proxyProcess("proxy", proxyPort)}, A: Side{Proxy: "10.1.0.8:" + proxyPort},
	Expect: Expect{
		Needs: protocol.NeedsSTUN, Cause: protocol.CodeMDNSMasked, STUN: true,
		May:     []protocol.Code{protocol.CodeRelayUnusable}, // icescope peer takes no proxy to a TURN server, and TCP beside it is dropped
		MustNot: []protocol.Code{protocol.CodeHTTPProxyOnly, protocol.CodeSTUNUnreachable, protocol.CodeSTUNFiltered, protocol.CodeUDPBlocked},
	},
	Variants: withFirefox,
}
