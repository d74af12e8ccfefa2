package e2e

import (
	"slices"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
)

// Scenarios of what happens to packets on the way: sizes, DTLS, loss, a path that is cut.

// between are the packets that r forwards from A's to B's segment or back; what goes to the server, and its relay, is left alone.
const (
	between = `iifname { "left", "right" } oifname { "left", "right" } `
	aToB    = `iifname "left" oifname "right" `
	bToA    = `iifname "right" oifname "left" `
)

// isDTLS is how RFC 7983 tells DTLS from STUN and SRTP: by the first byte of the UDP payload.
const isDTLS = "meta l4proto udp @th,64,8 20-63"

// forwards is a filter with several rules.
func forwards(rules ...string) string {
	sets, chain := "", ""
	for _, r := range rules {
		if strings.HasPrefix(r, "set ") {
			sets += "\t" + r + "\n"
		} else {
			chain += "\t\t" + r + "\n"
		}
	}
	return "\ntable ip path {\n" + sets + "\tchain forward {\n\t\ttype filter hook forward priority 10\n" + chain + "\t}\n}"
}

// pathCodes are the causes of the path; in each scenario all but its own would be wrong.
var pathCodes = []protocol.Code{protocol.CodeMTUBlackHole, protocol.CodeDTLSBlocked, protocol.CodeFingerprintMismatch, protocol.CodePathLost, protocol.CodeLossyPath,
	protocol.CodeSlowFirstPacket, protocol.CodeICECredentialFault}

// notPath are the causes of the path without those that belong here, and the blocks of UDP that they must not be taken for.
func notPath(own ...protocol.Code) []protocol.Code {
	others := slices.Concat(pathCodes, []protocol.Code{protocol.CodeUDPBlocked, protocol.CodeOneWayBlock, protocol.CodeAsymmetricRouting, protocol.CodeAsymmetricNAT,
		protocol.CodeSTUNUnreachable, protocol.CodeCandidateRejected})
	return slices.DeleteFunc(others, func(c protocol.Code) bool { return slices.Contains(own, c) })
}

// rewrites lets a page signal something else than its browser made, as an application does that edits, keeps or mixes up session descriptions.
func rewrites(pattern, with string) string {
	return `
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
	if (typeof data === "string" && data.includes('"sdp"')) data = data.replace(/` + pattern + `/g, ` + with + `);
	return send.call(this, data);
};`
}

var (
	wrongFingerprint = rewrites(`a=fingerprint:sha-256 ..:..`, `"a=fingerprint:sha-256 00:11"`)
	wrongPassword    = rewrites(`a=ice-pwd:....`, `"a=ice-pwd:abcd"`)
	// staleCredentials are those of an older offer: fragment and password, in the description and in the candidates.
	staleCredentials = `
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
	if (typeof data === "string" && (data.includes('"type":"candidate"') || data.includes('"sdp"'))) data = data.replace(/a=ice-ufrag:..../g, "a=ice-ufrag:OLD1").replace(/a=ice-pwd:..../g, "a=ice-pwd:abcd")
		.replace(/ ufrag [^ "]+/g, " ufrag OLD1").replace(/"usernameFragment":"[^"]+"/g, '"usernameFragment":"OLD1"');
	return send.call(this, data);
};`
)

var revealed = Side{Revealed: true}

// smallHandshake turns the key agreement off that makes Chromium's ClientHello longer than a packet.
var smallHandshake = map[string]any{"WebRtcPostQuantumKeyAgreement": false}

// pathScenario has real addresses at both ends, so that what the path does is all that is wrong.
func pathScenario(name, title, rules string, expect Expect) Scenario {
	return Scenario{Name: name, Title: title, Picture: threePicture, Network: threeSegments(rules), A: revealed, B: revealed, Expect: expect}
}

// relayed is what a path leads to that carries checks and nothing else: the relay's way goes through the server.
func relayed(cause protocol.Code) Expect {
	return Expect{Needs: protocol.NeedsTURNUDP, Cause: cause, MustNot: notPath(cause)}
}

func wellConnected(must ...protocol.Code) Expect {
	return Expect{Needs: protocol.NeedsNothing, Host: true, STUN: true, Must: must, MustNot: notPath(must...)}
}

// firefoxOne counts no packets and no requests, so that the cause may stay unnamed.
var firefoxOne = Variant{Kinds: [2]Kind{Firefox, Chromium}, Weak: true}

var pathScenarios = []Scenario{
	with(pathScenario("mtu-black-hole", "packets over 1200 bytes vanish between A's and B's segments, and nobody says so",
		forwards(between+"meta l4proto udp meta length > 1200 drop"), relayed(protocol.CodeMTUBlackHole)), firefoxOne),
	with(pathScenario("mtu-black-hole-small", "packets over 576 bytes vanish between A's and B's segments",
		forwards(between+"meta l4proto udp meta length > 576 drop"), relayed(protocol.CodeMTUBlackHole)), firefoxOne),
	with(pathScenario("mtu-black-hole-one-way", "packets over 1000 bytes from A to B vanish; those from B to A pass",
		forwards(aToB+"meta l4proto udp meta length > 1000 drop"), relayed(protocol.CodeMTUBlackHole)), firefoxOne),
	func() Scenario {
		s := pathScenario("mtu-black-hole-beside", "packets over 1200 bytes vanish, and icescope peer on B's machine tries size by size",
			forwards(between+"meta l4proto udp meta length > 1200 drop"), relayed(protocol.CodeMTUBlackHole))
		s.Beside = []string{"B"}
		return s
	}(),
	func() Scenario {
		s := pathScenario("mtu-black-hole-data", "packets over 1100 bytes vanish; a policy makes the handshake small, so that DTLS gets through and data does not",
			forwards(between+"meta l4proto udp meta length > 1100 drop"), wellConnected(protocol.CodeMTUBlackHole))
		s.A.Policies, s.B.Policies = smallHandshake, smallHandshake
		s.Expect.MustNot = notPath(protocol.CodeMTUBlackHole, protocol.CodeLossyPath) // possible as well: of what was lost the size is all that is known
		return s
	}(),
	with(pathScenario("dtls-blocked", "a filter drops DTLS of any size between A's and B's segments; STUN passes",
		forwards(between+isDTLS+" drop"), relayed(protocol.CodeDTLSBlocked)), firefoxOne),
	with(pathScenario("dtls-blocked-one-way", "a filter drops DTLS of any size from A to B; STUN passes",
		forwards(aToB+isDTLS+" drop"), relayed(protocol.CodeDTLSBlocked)), firefoxOne),
	with(Scenario{Name: "dtls-blocked-masked", Title: "a filter drops DTLS between the two segments, and the host addresses are masked: two causes at once", Picture: threePicture,
		Network: threeSegments(forwards(between + isDTLS + " drop")),
		Expect: Expect{Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeDTLSBlocked, Must: []protocol.Code{protocol.CodeMDNSMasked},
			MustNot: notPath(protocol.CodeDTLSBlocked)}}),
	with(signaled("dtls-fingerprint-mismatch", "A's application signals another certificate fingerprint than its browser made", wrongFingerprint,
		protocol.CodeFingerprintMismatch), firefoxOne, Variant{Kinds: [2]Kind{Chromium, Firefox}}),
	with(refused(signaled("ice-credentials-stale", "A's application signals the ICE credentials of an older offer", staleCredentials, protocol.CodeICECredentialFault)), firefoxOne),
	with(signaled("ice-password-wrong", "A's application signals another ICE password than its browser made", wrongPassword, protocol.CodeICECredentialFault)),
	bothSignal(signaled("ice-password-wrong-both", "both applications signal other ICE passwords than their browsers made", wrongPassword, protocol.CodeICECredentialFault)),
	cut("path-cut", "the path is cut both ways for 15 s in the middle of a connection", between, 15*time.Second, protocol.CodePathLost),
	cut("path-cut-one-way", "packets from A to B are dropped for 15 s in the middle of a connection; those from B to A pass", aToB, 15*time.Second, protocol.CodePathLost),
	cut("path-cut-for-good", "the path is cut both ways in the middle of a connection, and stays so", between, 0, protocol.CodePathLost),
	cut("path-held", "the same, and nothing is cut", "", 0),
	with(pathScenario("lossy-path-20", "every fifth packet between the two segments is lost", forwards(between+"meta l4proto udp numgen random mod 100 < 20 drop"),
		wellConnected(protocol.CodeLossyPath)), firefoxOne),
	with(pathScenario("lossy-path-5", "every twentieth packet between the two segments is lost", forwards(between+"meta l4proto udp numgen random mod 100 < 5 drop"),
		wellConnected(protocol.CodeLossyPath)), firefoxOne),
	congested,
	with(pathScenario("slow-first-packet", "the first packets of each flow between the two segments are lost",
		forwards(firstPackets, between+"meta l4proto udp update @flows { ip saddr . udp sport . ip daddr . udp dport quota until 3000 bytes } drop"),
		wellConnected(protocol.CodeSlowFirstPacket)), firefoxOne),
	with(pathScenario("lossy-one-way", "packets from A to B are dropped, and every fifth of those from B to A is lost: two causes at once",
		forwards(aToB+"meta l4proto udp drop", bToA+"meta l4proto udp numgen random mod 100 < 20 drop"),
		Expect{Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeOneWayBlock, Must: []protocol.Code{protocol.CodeLossyPath}, MustNot: notPath(protocol.CodeOneWayBlock, protocol.CodeLossyPath)})),
}

// firstPackets counts the bytes of each flow that were dropped.
const firstPackets = `set flows {
		type ipv4_addr . inet_service . ipv4_addr . inet_service
		flags dynamic
		size 4096
	}`

func with(s Scenario, v ...Variant) Scenario {
	s.Variants = v
	return s
}

// signaled is an open path between two ends, of which A's application changes what it signals.
func signaled(name, title, script string, cause protocol.Code) Scenario {
	s := pathScenario(name, title, "", Expect{Needs: protocol.NeedsUnreachable, Cause: cause, MustNot: notPath(cause)})
	s.A.InitScript = script
	return s
}

// refused: Firefox has a longer fragment, of which staleCredentials changes the beginning, so that its candidates are of none that its description has. Another Firefox refuses them.
func refused(s Scenario) Scenario {
	s.Expect.May = append(s.Expect.May, protocol.CodeSignalingGap)
	return s
}

func bothSignal(s Scenario) Scenario {
	s.B.InitScript = s.A.InitScript
	return s
}

// cut holds a connection for half a minute and drops packets in its midst, for a while or for good (0).
func cut(name, title, which string, length time.Duration, must ...protocol.Code) Scenario {
	s := pathScenario(name, title, "", wellConnected(must...))
	s.Hold = 35 * time.Second
	if which != "" {
		s.Steps = append(s.Steps, Step{When: "held", After: 3 * time.Second, Node: "r", Nft: forwards(which + "meta l4proto udp drop")})
	}
	if length > 0 {
		s.Steps = append(s.Steps, Step{When: "held", After: 3*time.Second + length, Node: "r", Nft: "delete table ip path"})
	}
	return s
}

// congested is a link that is slow and has a short queue: what is lost there is lost by the measuring itself.
var congested = func() Scenario {
	s := pathScenario("congested", "a link of 5 Mbit/s with a short queue: the burst of the measurement overflows it, and nothing else is lost", "", wellConnected())
	s.Expect.Must = nil
	s.Expect.MustNot = slices.DeleteFunc(s.Expect.MustNot, func(c protocol.Code) bool { return c == protocol.CodeLossyPath }) // possible at most
	s.Processes = []Process{
		{Node: "r", Command: []string{"tc", "qdisc", "add", "dev", "right", "root", "tbf", "rate", "5mbit", "burst", "10kb", "limit", "20kb"}},
		{Node: "r", Command: []string{"tc", "qdisc", "add", "dev", "left", "root", "tbf", "rate", "5mbit", "burst", "10kb", "limit", "20kb"}},
	}
	return s
}()
