package diagnosis

import (
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// A recording may be imported: made of what browsers had logged by themselves. No server was there then, so that there are no sightings, no checks, no NAT; statistics came once a
// second, or once at the end; and of an end that left no log there is only what the other one was told. None of what is missing there is evidence.

// imported tells whether this recording is one.
func (f *Fold) imported() bool { return f.room.Imported != nil }

// unheard: is it unknown what arrived at this end, so that "nothing arrived" cannot be said of it?
func (n *end) unheard() bool {
	return n.peer.joined.Unlogged || n.imported && (!n.counters || n.firstSample < 0)
}

// trust is how far a rule is believed in an imported recording.
type trust int8

const (
	// distrusted: it reads what a server has to see, or takes its absence for evidence.
	distrusted trust = iota
	// guessed: at most possible. What would raise it, or would name another cause, cannot be in a log.
	guessed
	// tallied: it stands on what both ends counted. Likely at most, since the two were not sampled side by side; possible where one end left no log.
	tallied
	// worded: it stands on the very words of an end, which are as good in a log. What is not certain of it is as guessed.
	worded
)

// trusted is for every rule; trusted_test.go holds that none is left out.
var trusted = map[protocol.Code]trust{
	protocol.CodeWebRTCUnavailable:    distrusted, // the page's word, which no log has
	protocol.CodeICECredentialFault:   worded,     // the description and the statistics name two fragments
	protocol.CodeFingerprintMismatch:  worded,     // likewise two certificates
	protocol.CodeSignalingGap:         tallied,    // the log of Chromium has every candidate that was gathered, and every one that was given
	protocol.CodeCandidateRejected:    guessed,    // one sample a second may have missed it
	protocol.CodeSTUNRewritten:        distrusted,
	protocol.CodeUnstableMapping:      distrusted,
	protocol.CodeMTUBlackHole:         tallied,
	protocol.CodeDTLSBlocked:          tallied,
	protocol.CodeBrowserBlocked:       distrusted,
	protocol.CodeAsymmetricNAT:        guessed, // counters of two ends that lie up to a second apart prove no single answer
	protocol.CodeDependentBothSides:   guessed,
	protocol.CodeDependentOneSide:     guessed,
	protocol.CodeHairpinUnsupported:   guessed,
	protocol.CodeSTUNInOtherRealm:     distrusted,
	protocol.CodeOverlappingSubnets:   guessed,
	protocol.CodeVPNChosen:            guessed,
	protocol.CodeWrongInterface:       guessed,
	protocol.CodeIPv6Broken:           tallied,
	protocol.CodeLinkLocalOnly:        guessed,
	protocol.CodeOSPermission:         guessed,
	protocol.CodeClientIsolation:      guessed,
	protocol.CodeAsymmetricRouting:    distrusted,
	protocol.CodeOneWayBlock:          guessed, // only a server tells it from asymmetric-routing
	protocol.CodeUDPBlocked:           guessed, // NATs that nobody measured explain as much
	protocol.CodeUDPDisabled:          worded,
	protocol.CodeHTTPProxyOnly:        distrusted,
	protocol.CodeSTUNFiltered:         distrusted,
	protocol.CodeSTUNUnreachable:      distrusted,
	protocol.CodeHostSuppressed:       guessed,
	protocol.CodeNoDefaultRoute:       guessed,
	protocol.CodeMDNSMulticastBlocked: guessed,
	protocol.CodeMDNSMasked:           guessed, // in one segment it is mdns-multicast-blocked, and only a server sees that
	protocol.CodeRelayCannotReach:     tallied,
	protocol.CodeRelayUnusable:        worded, // the relay's own refusal
	protocol.CodeDNSFailure:           worded,
	protocol.CodeDeadICEServer:        worded,
	protocol.CodeICETCPImpossible:     tallied,
	protocol.CodeVirtualBridge:        guessed,
	protocol.CodePathLost:             guessed, // whoever hangs up looks the same
	protocol.CodeLossyPath:            guessed,
	protocol.CodeSlowFirstPacket:      guessed,
	protocol.CodeInsecureContext:      distrusted,
	protocol.CodeShortMappingLifetime: distrusted,
	protocol.CodeDoubleNAT:            distrusted,
	protocol.CodeExpectationFailed:    distrusted,
	protocol.CodeNoNATToServer:        distrusted,
}

// believe takes back what an imported recording cannot carry.
func (f *Fold) believe(all []Finding) []Finding {
	if !f.imported() {
		return all
	}
	one := slices.ContainsFunc(f.peers, func(p *peer) bool { return p.joined.Unlogged })
	all = slices.DeleteFunc(all, func(x Finding) bool { return trusted[x.Code] == distrusted })
	for i := range all {
		x := &all[i]
		most := protocol.Possible
		switch t := trusted[x.Code]; {
		case t == worded && x.Confidence == protocol.Certain:
			continue
		case t == tallied && !one:
			most = protocol.Likely
		}
		if confidenceOrder(x.Confidence) < confidenceOrder(most) {
			x.Confidence = most
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.imported")))
		}
	}
	return all
}

// neededBy is what a connection over servers of all kinds has shown to be enough: the cheapest that its selected pair needs. The browser prefers pairs without a relay, and
// without a server, so that a dearer one says that the cheaper did not do in time.
func (t *trial) neededBy() protocol.Needs {
	for _, n := range t.ends() {
		switch p := n.selectedPair(); {
		case p == nil:
		case p.local.Type == "relay" && (p.local.RelayProtocol == "tcp" || p.local.RelayProtocol == "tls"):
			return protocol.NeedsTURNTCP
		case p.local.Type == "relay" || p.remote.Type == "relay":
			return protocol.NeedsTURNUDP
		case p.local.Type == "host" && p.remote.Type == "host":
			return protocol.NeedsNothing
		default:
			return protocol.NeedsSTUN
		}
	}
	return protocol.NeedsUndetermined
}

// onlyCustom is the newest trial of an imported recording whose application had servers of more than one kind, where nothing else was tried; nil: something was.
func (f *Fold) onlyCustom() *trial {
	if !f.imported() || slices.ContainsFunc(f.trials, func(t *trial) bool { return t.kind != protocol.TrialCustom }) {
		return nil
	}
	return f.newestTrial(protocol.TrialCustom)
}

// seenAt is the address that a server saw the peer at, for a sentence.
func (f *Fold) seenAt(p *peer) string {
	if at := f.outside(p); at.IsValid() {
		return at.String()
	}
	return "@place.not-seen"
}
