package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

var natSteps = []protocol.NATStep{
	protocol.StepAddressUDP, protocol.StepAddressTCP, protocol.StepAddressRewrite, protocol.StepMappingAddress, protocol.StepMappingPort, protocol.StepFilterPort,
	protocol.StepFilterAddress, protocol.StepFilterBoth, protocol.StepControl, protocol.StepPreservation, protocol.StepContiguity, protocol.StepHairpin,
	protocol.StepFragments, protocol.StepLifetime,
}

var natResults = []protocol.StepResult{
	protocol.StepAnswered, protocol.StepUnanswered, protocol.StepRefused, protocol.StepSkipped, protocol.StepFailed, protocol.StepRunning,
}

// broken finds what a reader must never see: a key without a sentence, and a placeholder without a value.
var broken = regexp.MustCompile(`\[nat\.|\{[a-zA-Z]+\}|note:`)

// TestLessonIsWhole: every step with every result has a title and a text in every language, on a page (few members are known) and on the command line.
func TestLessonIsWhole(t *testing.T) {
	for _, lang := range catalog.Languages {
		for _, step := range natSteps {
			for _, result := range natResults {
				for _, packet := range []string{"Binding request", "connectivity check", "Binding request, CHANGE-REQUEST change-ip", "Binding request, RESPONSE-PORT after 5s"} {
					n := protocol.NATReport{State: protocol.NATDone, Mapping: protocol.NotMeasurable, Filtering: protocol.NotMeasurable, Tests: []protocol.NATTest{
						{Step: step, Packet: packet, Corner: protocol.CornerSS, To: "192.0.2.1:3478", Result: result, Mapped: "198.51.100.1:1", Error: "one-address"},
					}}
					Lesson(&n, lang)
					if got := n.Tests[0]; got.Title == "" || got.Text == "" || n.Summary == "" || broken.MatchString(got.Title+got.Text+n.Summary) {
						t.Errorf("%s %s %s %s: %q %q %q", lang, step, result, packet, got.Title, got.Text, n.Summary)
					}
				}
			}
		}
	}
}

// TestLessonMeans: the same result means another thing beside other steps.
func TestLessonMeans(t *testing.T) {
	udp := protocol.NATTest{Step: protocol.StepAddressUDP, Transport: "udp", Packet: "Binding request", From: "10.0.0.2:1000", To: "192.0.2.1:3478", Corner: protocol.CornerPP, Result: protocol.StepAnswered, Mapped: "198.51.100.1:1000"}
	silent := protocol.NATTest{Step: protocol.StepFilterBoth, Packet: "Binding request, CHANGE-REQUEST change-ip change-port", Corner: protocol.CornerSS, Result: protocol.StepUnanswered}
	control := func(r protocol.StepResult) protocol.NATTest {
		return protocol.NATTest{Step: protocol.StepControl, Packet: "Binding request", Corner: protocol.CornerSS, Result: r, Mapped: "198.51.100.1:1000"}
	}
	at := func(step protocol.NATStep, corner protocol.Corner, mapped string) protocol.NATTest {
		return protocol.NATTest{Step: step, Packet: "Binding request", Corner: corner, To: "192.0.2.2:3478", Result: protocol.StepAnswered, Mapped: mapped, From: "10.0.0.2:1000"}
	}
	for name, c := range map[string]struct {
		tests []protocol.NATTest
		want  string // in the text of the second
	}{
		"a silence with its control":   {[]protocol.NATTest{udp, silent, control(protocol.StepAnswered)}, "and it counts"},
		"a silence without":            {[]protocol.NATTest{udp, silent, control(protocol.StepUnanswered)}, "proves nothing"},
		"a silence before its control": {[]protocol.NATTest{udp, silent}, "for the control to say"},
		"half a control":               {[]protocol.NATTest{udp, silent, control(protocol.StepAnswered), control(protocol.StepFailed)}, "proves nothing"},
		"another corner's control":     {[]protocol.NATTest{udp, silent, {Step: protocol.StepControl, Corner: protocol.CornerPS, Result: protocol.StepAnswered}}, "for the control to say"},
		"the same mapping":             {[]protocol.NATTest{udp, at(protocol.StepMappingAddress, protocol.CornerSP, "198.51.100.1:1000")}, "as well"},
		"another mapping":              {[]protocol.NATTest{udp, at(protocol.StepMappingAddress, protocol.CornerSP, "198.51.100.1:1001")}, "maps anew"},
		"another outside IP":           {[]protocol.NATTest{udp, at(protocol.StepMappingAddress, protocol.CornerSP, "198.51.100.2:1000")}, "does not prove"},
		"one IP, another outside IP":   {[]protocol.NATTest{udp, at(protocol.StepMappingPort, protocol.CornerPS, "198.51.100.2:1000")}, "does not prove"},
		"a translated server's silence": {[]protocol.NATTest{udp, silent, {Step: protocol.StepControl, Corner: protocol.CornerSS, Result: protocol.StepSkipped, Error: "server-translated"}},
			"other than this corner's"},
		"one IP, the same":   {[]protocol.NATTest{udp, at(protocol.StepMappingPort, protocol.CornerPS, "198.51.100.1:1000")}, "does not name"},
		"TCP by another way": {[]protocol.NATTest{udp, at(protocol.StepAddressTCP, protocol.CornerPP, "203.0.113.1:5")}, "another outside address"},
		"TCP by the same":    {[]protocol.NATTest{udp, at(protocol.StepAddressTCP, protocol.CornerPP, "198.51.100.1:5")}, "not of a listener"},
		"a kept port":        {[]protocol.NATTest{udp, at(protocol.StepPreservation, protocol.CornerPP, "198.51.100.1:1000")}, "kept"},
		"rewritten":          {[]protocol.NATTest{udp, at(protocol.StepAddressRewrite, protocol.CornerPP, "10.0.0.2:1000")}, "ALG"},
	} {
		n := protocol.NATReport{Tests: c.tests}
		Lesson(&n, protocol.English)
		if got := n.Tests[1].Text; !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q in it", name, got, c.want)
		}
		if n.Summary != "" {
			t.Errorf("a summary while it is measured: %q", n.Summary)
		}
	}
}

// TestLessonTwice: writing the sentences again changes nothing; a page's report is made anew with each event.
func TestLessonTwice(t *testing.T) {
	n := protocol.NATReport{State: protocol.NATDone, Mapping: protocol.EndpointIndependent, Filtering: protocol.AddressDependent, Evidence: []string{"note:ignored 3 192.0.2.9:9"},
		Tests: []protocol.NATTest{{Step: protocol.StepFilterPort, Result: protocol.StepAnswered}}}
	Lesson(&n, protocol.English)
	before := fmt.Sprint(n)
	Lesson(&n, protocol.English)
	if len(n.Evidence) != 1 || !strings.Contains(n.Evidence[0], "192.0.2.9:9") || fmt.Sprint(n) != before {
		t.Errorf("%s, then %+v", before, n)
	}
}

// TestNATSummaries: every classification ends in who may call, in every language.
func TestNATSummaries(t *testing.T) {
	all := []protocol.Behavior{protocol.EndpointIndependent, protocol.AddressDependent, protocol.AddressAndPortDependent, protocol.NotMeasurable}
	truth, lie := true, false
	for _, lang := range catalog.Languages {
		for _, translated := range []*bool{nil, &truth, &lie} {
			for _, m := range all {
				for _, f := range all {
					r := protocol.NATResult{Server: "192.0.2.1:3478", UDPAddress: "198.51.100.1:1", NAT: protocol.NATReport{State: protocol.NATDone, Translated: translated, Mapping: m, Filtering: f,
						RFC3489: protocol.Classic(translated, m, f), Callers: protocol.CallersOf(m, f), Tests: []protocol.NATTest{{Step: protocol.StepAddressUDP, Result: protocol.StepAnswered, Mapped: "198.51.100.1:1"}}}}
					Lesson(&r.NAT, lang)
					for _, explain := range []bool{false, true} {
						if text := NATText(r, lang, explain); broken.MatchString(text) || !strings.Contains(text, r.NAT.Summary) || r.NAT.Summary == "" {
							t.Errorf("%s", text)
						}
					}
				}
			}
		}
	}
}
