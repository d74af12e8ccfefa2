package diagnosis

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// rule looks for one cause. It returns a finding for each place where the cause is seen.
type rule struct {
	code  protocol.Code
	check func(*Fold) []Finding
}

// rules, in the order in which they name a verdict's cause where the evidence is equally good: the more specific mechanism first. What only hides the addresses
// comes after what was seen on the way between them.
var rules = []rule{
	{protocol.CodeWebRTCUnavailable, webrtcUnavailable},
	{protocol.CodeICECredentialFault, iceCredentialFault},
	{protocol.CodeFingerprintMismatch, fingerprintMismatch},
	{protocol.CodeSignalingGap, signalingGap},
	{protocol.CodeCandidateRejected, candidateRejected},
	{protocol.CodeSTUNRewritten, stunRewritten},
	{protocol.CodeUnstableMapping, unstableMapping},
	{protocol.CodeMTUBlackHole, pathMTUBlackHole},
	{protocol.CodeDTLSBlocked, dtlsBlocked},
	{protocol.CodeBrowserBlocked, browserBlocked},
	{protocol.CodeAsymmetricNAT, asymmetricNAT},
	{protocol.CodeDependentBothSides, dependentBothSides},
	{protocol.CodeDependentOneSide, dependentOneSide},
	{protocol.CodeHairpinUnsupported, hairpinUnsupported},
	{protocol.CodeSTUNInOtherRealm, stunInOtherRealm},
	{protocol.CodeOverlappingSubnets, overlappingSubnets},
	{protocol.CodeVPNChosen, vpnChosen},
	{protocol.CodeWrongInterface, wrongInterface},
	{protocol.CodeIPv6Broken, ipv6Broken},
	{protocol.CodeLinkLocalOnly, linkLocalOnly},
	{protocol.CodeOSPermission, osPermission},
	{protocol.CodeClientIsolation, clientIsolation},
	{protocol.CodeAsymmetricRouting, asymmetricRouting},
	{protocol.CodeOneWayBlock, oneWayBlock},
	{protocol.CodeUDPBlocked, udpBlocked},
	{protocol.CodeUDPDisabled, udpDisabled},
	{protocol.CodeHTTPProxyOnly, httpProxyOnly},
	{protocol.CodeSTUNFiltered, stunFiltered},
	{protocol.CodeSTUNUnreachable, stunUnreachable},
	{protocol.CodeHostSuppressed, hostSuppressed},
	{protocol.CodeNoDefaultRoute, noDefaultRoute},
	{protocol.CodeMDNSMulticastBlocked, mdnsMulticastBlocked},
	{protocol.CodeMDNSMasked, mdnsMasked},
	{protocol.CodeRelayCannotReach, relayCannotReach},
	{protocol.CodeRelayUnusable, relayUnusable},
	{protocol.CodeDNSFailure, dnsFailure},
	{protocol.CodeDeadICEServer, deadICEServer},
	{protocol.CodeICETCPImpossible, iceTCPImpossible},
	{protocol.CodeVirtualBridge, virtualBridge},
	{protocol.CodePathLost, pathLost},
	{protocol.CodeLossyPath, lossyPath},
	{protocol.CodeSlowFirstPacket, slowFirstPacket},
	{protocol.CodeInsecureContext, insecureContext},
	{protocol.CodeShortMappingLifetime, shortMappingLifetime},
	{protocol.CodeDoubleNAT, doubleNAT},
	{protocol.CodeExpectationFailed, expectationContradicted},
	{protocol.CodeNoNATToServer, noNATToServer},
}

func rank(c protocol.Code) int {
	return slices.IndexFunc(rules, func(r rule) bool { return r.code == c })
}

// Findings applies every rule, the most important first; those of earlier runs last.
func (f *Fold) findings() []Finding {
	var all []Finding
	for _, r := range rules {
		for _, x := range r.check(f) {
			x.Code = r.code
			key := "finding." + string(r.code)
			x.Title = catalog.T(key + ".title")
			args := x.Summary.Args
			x.Summary = catalog.Text{Key: key + ".summary" + x.Summary.Key, Args: args}
			x.Remedy = catalog.Text{Key: key + ".remedy" + x.Remedy.Key, Args: args}
			// Causes that others resemble have a sentence that names the experiment which separates them.
			if experiment := key + ".experiment"; x.Confidence != protocol.Certain && x.Experiment.Key == "" && catalog.Has(experiment) {
				x.Experiment = catalog.Text{Key: experiment, Args: args}
			}
			all = append(all, x)
		}
	}
	all = f.believe(f.doubt(all))
	slices.SortStableFunc(all, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(f.old(x), f.old(y)), cmp.Compare(severityOrder(x.Severity), severityOrder(y.Severity)),
			cmp.Compare(confidenceOrder(x.Confidence), confidenceOrder(y.Confidence)), cmp.Compare(rank(x.Code), rank(y.Code)))
	})
	return all
}

func (f *Fold) old(x Finding) int {
	if x.Run != 0 && x.Run != f.newest(x.Trial) {
		return 1
	}
	return 0
}

func severityOrder(s protocol.Severity) int {
	return slices.Index([]protocol.Severity{protocol.SeverityError, protocol.SeverityWarning, protocol.SeverityInfo}, s)
}

func confidenceOrder(c protocol.Confidence) int {
	return slices.Index([]protocol.Confidence{protocol.Certain, protocol.Likely, protocol.Possible}, c)
}

// name is what a person calls the peer: its label and its letter.
func (p *peer) name() string {
	letter := strings.ToUpper(p.id)
	if l := p.joined.Label; l != "" && !strings.EqualFold(l, letter) {
		return letter + " (" + l + ")"
	}
	return letter
}

func itoa(n int) string     { return strconv.Itoa(n) }
func itoa64(n int64) string { return strconv.FormatInt(n, 10) }

// failed: did the trial end without a connection?
func (t *trial) failed() bool {
	return t.stop != nil && (t.stop.Outcome == protocol.OutcomeFailed || t.stop.Outcome == protocol.OutcomeStuck)
}

// connected: did both ends connect, or one while the other only hides it? The data channel's answer proves both directions.
func (t *trial) connected() bool {
	return t.stop != nil && t.stop.Outcome == protocol.OutcomeConnected || t.both((*end).connected) || t.either(func(n *end) bool { return n.data != nil })
}

// severity of what breaks this trial: an error where it did, a warning where the trial found another way.
func (t *trial) severity() protocol.Severity {
	if t.connected() {
		return protocol.SeverityWarning
	}
	return protocol.SeverityError
}

func addEvents(list []int, more ...int) []int {
	for _, e := range more {
		if e >= 0 && !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	slices.Sort(list)
	return list
}

func note(text catalog.Text, events ...int) Evidence {
	return Evidence{Text: text, Events: addEvents([]int{}, events...)}
}
