package diagnosis_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// proved are the causes that this version finds, with what they are most easily taken for: scenarios in which the rule must stay silent.
var proved = []struct {
	code     protocol.Code
	lookLike string
}{
	{protocol.CodeMDNSMasked, "flat-no-multicast"},
	{protocol.CodeMDNSMulticastBlocked, "routed"},
	{protocol.CodeNoDefaultRoute, "routed"},
	{protocol.CodeNoNATToServer, "one-way-block"},
	{protocol.CodeSTUNUnreachable, "udp-blocked"},
	{protocol.CodeUDPBlocked, "one-way-block"},
	{protocol.CodeOneWayBlock, "asymmetric-routing"},
	{protocol.CodeAsymmetricNAT, "one-side-nat"},
	{protocol.CodeAsymmetricRouting, "one-way-block"},
	{protocol.CodeSignalingGap, "routed"},
	{protocol.CodeCandidateRejected, "signaling-gap"},
	{protocol.CodeInsecureContext, ""}, // the lab's other pages are all over HTTP; e2e TestPage looks at one over HTTPS
	{protocol.CodeDeadICEServer, "routed"},
	{protocol.CodeDependentBothSides, "nat-dependent-open nat-between-blocked"},
	{protocol.CodeDependentOneSide, "nat-dependent-open nat-between-blocked"},
	{protocol.CodeHairpinUnsupported, "nat-hairpin nat-between-blocked"},
	{protocol.CodeSTUNInOtherRealm, "asymmetric-nat nat-pool"},
	{protocol.CodeSTUNRewritten, "nat-alg-mapped-firefox-one nat-other-realm"},
	{protocol.CodeShortMappingLifetime, "nat-patient nat-unstable"},
	{protocol.CodeUnstableMapping, "nat-dependent-both nat-short-lifetime"},
	{protocol.CodeDoubleNAT, "nat-double-one-tier"},
	{protocol.CodeExpectationFailed, "nat-ordinary"},
	{protocol.CodeMTUBlackHole, "dtls-blocked lossy-path-20 congested"},
	{protocol.CodeDTLSBlocked, "mtu-black-hole dtls-fingerprint-mismatch ice-password-wrong"},
	{protocol.CodeFingerprintMismatch, "dtls-blocked mtu-black-hole"},
	{protocol.CodeICECredentialFault, "udp-blocked one-way-block"},
	{protocol.CodePathLost, "path-held"},
	{protocol.CodeLossyPath, "path-held slow-first-packet"},
	{protocol.CodeSlowFirstPacket, "lossy-path-20 nat-ordinary"},
	{protocol.CodeRelayUnusable, "relay-works relay-works-firefox-one relay-masked"},
	{protocol.CodeRelayCannotReach, "relay-denied relay-unroutable"},
	{protocol.CodeICETCPImpossible, "ice-tcp-headless-one"},
	{protocol.CodeDNSFailure, "dead-and-refused"},
	{protocol.CodeSTUNFiltered, "http-proxy-beside-udp relay-works"},
	{protocol.CodeHTTPProxyOnly, "http-proxy-beside-udp stun-unreachable"},
}

// TestFindingsAreProved: each rule fires in a recording of the lab, and stays silent in the one that looks most like it. docs/findings.md is written from that.
func TestFindingsAreProved(t *testing.T) {
	fires := map[protocol.Code][]string{}
	all := stories(t)
	for i := range all {
		all[i].diagnosis = diagnosis.Diagnose(all[i].recording)
		for _, f := range all[i].diagnosis.Findings {
			if !slices.Contains(fires[f.Code], all[i].name) {
				fires[f.Code] = append(fires[f.Code], all[i].name)
			}
		}
	}
	for _, p := range proved {
		if len(fires[p.code]) == 0 && !catalog.Has("finding."+string(p.code)+".ground") {
			t.Errorf("%s fires in no recording", p.code)
		}
		for _, name := range strings.Fields(p.lookLike) {
			if slices.Contains(fires[p.code], name) {
				t.Errorf("%s fires in %s, which only looks like it", p.code, name)
			}
			if !slices.ContainsFunc(all, func(s story) bool { return s.name == name }) {
				t.Errorf("%s looks like %s, and there is no such recording", p.code, name)
			}
		}
	}
	for _, lang := range catalog.Languages {
		file := "../docs/findings.md"
		if lang != protocol.English {
			file = "../docs/findings." + string(lang) + ".md"
		}
		doc := findingsDocument(all, fires, lang)
		if *update {
			if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if have, _ := os.ReadFile(file); string(have) != doc {
			t.Errorf("%s is stale; go test ./diagnosis -update writes it", file)
		}
	}
}
