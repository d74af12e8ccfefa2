package diagnosis_test

import (
	"fmt"
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
}

// TestFindingsAreProved: each rule fires in a recording of the lab, and stays silent in the one that looks most like it. docs/findings.md is written from that.
func TestFindingsAreProved(t *testing.T) {
	fires := map[protocol.Code][]string{}
	all := stories(t)
	for _, s := range all {
		for _, f := range diagnosis.Diagnose(s.recording).Findings {
			if !slices.Contains(fires[f.Code], s.name) {
				fires[f.Code] = append(fires[f.Code], s.name)
			}
		}
	}
	var doc strings.Builder
	doc.WriteString("# Findings\n\nWhat icescope can find, by its stable code. Written by `go test ./diagnosis -update` from the catalog and from the lab's recordings in\n" +
		"`diagnosis/testdata`: a cause stands here because real browsers behind the kernel's NAT made its rule fire, and because a scenario that looks alike did not.\n")
	for _, p := range proved {
		if len(fires[p.code]) == 0 {
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
		say := func(part string) string { return catalog.T("finding." + string(p.code) + part).In(protocol.English) }
		fmt.Fprintf(&doc, "\n## %s\n\n**%s.** %s\n\n**What to change:** %s\n\n", p.code, say(".title"), plain(say(".summary")), plain(say(".remedy")))
		if e := say(".experiment"); !strings.HasPrefix(e, "[") {
			fmt.Fprintf(&doc, "**The experiment that tells more:** %s\n\n", plain(e))
		}
		fmt.Fprintf(&doc, "Seen in: %s.", strings.Join(fires[p.code], ", "))
		if p.lookLike != "" {
			fmt.Fprintf(&doc, " Looks alike, and is not it: %s.", strings.Join(strings.Fields(p.lookLike), ", "))
		}
		doc.WriteString("\n")
	}
	const file = "../docs/findings.md"
	if *update {
		if err := os.WriteFile(file, []byte(doc.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, _ := os.ReadFile(file); string(have) != doc.String() {
		t.Errorf("%s is stale; go test ./diagnosis -update writes it", file)
	}
}

// plain names the placeholders of a sentence for a reader who has no peers yet.
func plain(s string) string {
	return strings.NewReplacer("{", "‹", "}", "›").Replace(s)
}
