package e2e

import (
	"slices"
	"time"

	"github.com/icescope/icescope/protocol"
)

// Scenario is one network with a known fault, and what icescope must say of it.
type Scenario struct {
	Name    string
	Title   string // one sentence for a person
	Picture string
	Network Network
	// NATs, one or two, stand in the network that NATNetwork made for them: a behind the first, b behind the second.
	NATs []NAT
	// Serve are more flags for the server.
	Serve []string
	// Alone is how long A waits before B opens the page.
	Alone time.Duration
	// A and B are the pages; A joins first. Both stand on the nodes of the same names ("a", "b").
	A, B Side
	// ICEServers is pasted for the trial "custom"; empty: not tried.
	ICEServers string
	// Processes run on nodes of the network while the scenario is played: a TURN server, a proxy.
	Processes []Process
	// Steps happen while the trials run, in this order.
	Steps []Step
	// Hold asks for a run of Trials (empty: stun) that is kept up for so long, after the first run is settled. Steps with When "held" happen then.
	Hold   time.Duration
	Trials []protocol.TrialKind
	// Reveal lets A's and B's pages show their addresses after the first verdict, as a person would with the page's button, and waits for the run that follows. The
	// pages are opened as secure contexts then.
	Reveal [2]bool
	// Beside starts icescope peer --beside on the nodes of these ends ("A", "B") after the first run is settled, and waits for its trials.
	Beside []string
	Expect Expect
	// Variants are played beside two Chromium.
	Variants []Variant
}

// Variant is a scenario with other ends.
type Variant struct {
	Kinds [2]Kind
	// Weak: these ends hide what the cause is known from, or are another matter: weaklyRight says what the report may say then.
	Weak bool
	// Otherwise is what these ends lead to, where it is another verdict.
	Otherwise *Expect
}

// Side is what is particular about one end.
type Side struct {
	// Revealed turns the mDNS masking of host addresses off, as a company's browser policy would.
	Revealed bool
	// InitScript runs in the page before any other script.
	InitScript string
	// Policies are Chromium's managed policies, as a company's administrator would set them (chrome://policy).
	Policies map[string]any
	// Preferences are set and locked by Firefox's enterprise policy "Preferences".
	Preferences map[string]any
	// Proxy is host:port of an HTTP proxy that the browser uses for everything; empty: none.
	Proxy string
	// PeerFlags are more flags for icescope peer where it stands at this end.
	PeerFlags []string
}

// Process is a program on a node.
type Process struct {
	Node    string
	Command []string
	// Files are written into the directory that the program runs in, by name.
	Files map[string]string
	// Ready is a port "udp/3478" or "tcp/3128" that is waited for; empty: nothing.
	Ready string
}

// Step is a change of the network in mid-course.
type Step struct {
	// When is "joined" (both stand in the room), "settled" (no trial is out any more) or "held" (a held trial is connected and measured).
	When  string
	After time.Duration // after that
	Node  string        // a node, or "fabric"
	Nft   string        // a script for nft -f -
	IP    []string      // lines for ip -batch -
}

// Expect is what the final report must say. The counters that prove the network itself are in the lab's own test.
type Expect struct {
	Needs protocol.Needs
	Cause protocol.Code
	// Must are findings that have to be there beside the cause, MustNot those that would be wrong here.
	Must, MustNot []protocol.Code
	// May are findings that are true here though the scenario is not about them. What is certain, an error or a warning, and none of Cause, Must and May is wrong.
	May []protocol.Code
	// Host and STUN tell whether these trials connect between two Chromium.
	Host, STUN bool
}

// The nodes that every scenario has.
const (
	NodeA      = "a"
	NodeB      = "b"
	NodeServer = "server"
)

// ServerIP is the server's address in every scenario, so that a page's URL is always the same.
const ServerIP = "10.9.0.10"

// Scenarios in the order of reading: the seed first.
var Scenarios = slices.Concat([]Scenario{
	asymmetricNAT, asymmetricNATRevealed,
	flat, flatNoMulticast,
	routed, routedRevealed,
	oneSideNAT,
	stunUnreachable, udpBlocked, oneWayBlock, asymmetricRouting,
	noDefaultRoute,
	signalingGap, candidateRejected, deadICEServer,
}, natScenarios, pathScenarios, placeScenarios, serverScenarios, besideScenarios)

// Find returns the scenario of that name.
func Find(name string) (Scenario, bool) {
	for _, s := range Scenarios {
		if s.Name == name {
			return s, true
		}
	}
	return Scenario{}, false
}
