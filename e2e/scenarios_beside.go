package e2e

import "github.com/icescope/icescope/protocol"

// Scenarios in which icescope peer stands beside a browser, and tells the program from the machine.

var besideScenarios = []Scenario{hostFirewallBrowser, hostFirewallMachine}

// browserPorts are those of a browser whose policy narrows them, so that a rule for its program can be played as one for its ports.
const browserPorts = "50000-50099"

// firewalled is routedRevealed with a host firewall on b.
func firewalled(rule string) Network {
	n := twoSegments("")
	n.Nodes[1].Rules = `
table ip filter {
	chain input {
		type filter hook input priority filter
		` + rule + ` drop
	}
	chain output {
		type filter hook output priority filter
		` + "meta l4proto udp udp sport " + browserPorts + " ip daddr != " + ServerIP + ` drop
	}
}`
	return n
}

var hostFirewallBrowser = Scenario{
	Name:    "host-firewall-browser",
	Title:   "B's host firewall stops the browser (by its ports) and no other program; both show their real addresses; icescope peer stands beside B",
	Picture: routedPicture,
	Network: firewalled("udp dport " + browserPorts + " ip saddr != " + ServerIP),
	A:       Side{Revealed: true},
	B:       Side{Revealed: true, Policies: map[string]any{"WebRtcUdpPortRange": browserPorts}},
	Beside:  []string{"B"},
	Expect: Expect{
		Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeBrowserBlocked,
		May:     []protocol.Code{protocol.CodeUDPBlocked},
		MustNot: []protocol.Code{protocol.CodeAsymmetricNAT, protocol.CodeMDNSMasked, protocol.CodeSTUNUnreachable},
	},
}

var hostFirewallMachine = func() Scenario {
	s := hostFirewallBrowser
	s.Name = "host-firewall-machine"
	s.Title = "B's host firewall stops all UDP from A's machine; icescope peer beside B fails as well"
	s.Network = twoSegments("")
	s.Network.Nodes[1].Rules = `
table ip filter {
	chain input {
		type filter hook input priority filter
		ip saddr 10.1.0.2 meta l4proto udp drop
	}
}`
	s.B.Policies = nil
	s.Expect = Expect{
		Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeOneWayBlock,
		MustNot: []protocol.Code{protocol.CodeBrowserBlocked, protocol.CodeAsymmetricNAT, protocol.CodeUDPBlocked},
	}
	return s
}()
