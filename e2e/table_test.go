package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// The table in docs/ has a line for every scenario, and none for one that is no more.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("../docs/lab-table.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(text), "|---|")
	missing := map[string]bool{}
	for _, s := range Scenarios {
		missing[s.Name] = true
	}
	for line := range strings.Lines(rows) {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		if _, ok := Find(name); !ok && strings.HasPrefix(line, "| ") && name != "**all**" {
			t.Errorf("docs/lab-table.md has %q, which is no scenario; make lab writes it anew", name)
		}
		delete(missing, name)
	}
	for name := range missing {
		t.Errorf("docs/lab-table.md does not have %s; make lab writes it anew", name)
	}
}

func TestProgramme(t *testing.T) {
	all, err := Programme(AllEnds)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, p := range all {
		if names[p.Name] {
			t.Errorf("%s is played twice", p.Name)
		}
		names[p.Name] = true
		if p.Ends() == TwoChromium && p.Weak {
			t.Errorf("%s is weak, and is what the scenario was written for", p.Name)
		}
	}
	elsewhere := 0
	for _, s := range Scenarios {
		for _, e := range AllEnds {
			if !s.A.obeyed(e.kinds()[0]) || !s.B.obeyed(e.kinds()[1]) {
				elsewhere++
			}
		}
	}
	if len(all) < len(Scenarios)*len(AllEnds)-elsewhere || elsewhere == 0 {
		t.Errorf("%d plays of %d scenarios and %d kinds of ends", len(all), len(Scenarios), len(AllEnds))
	}
	if _, err := Programme([]Ends{"safari-one"}); err == nil {
		t.Error("there is no Safari here")
	}
}

// What a step or a program names must be there.
func TestScenariosAreWhole(t *testing.T) {
	for _, s := range Scenarios {
		nodes := map[string]bool{fabric: true}
		for _, n := range s.Network.Nodes {
			nodes[n.Name] = true
		}
		for _, step := range s.Steps {
			if !nodes[step.Node] || step.When != WhenJoined && step.When != WhenSettled && step.When != WhenHeld || step.When == WhenHeld && s.Hold == 0 {
				t.Errorf("%s: a step on %q when %q", s.Name, step.Node, step.When)
			}
		}
		for _, p := range s.Processes {
			if !nodes[p.Node] || len(p.Command) == 0 {
				t.Errorf("%s: a program on %q: %v", s.Name, p.Node, p.Command)
			}
		}
		for _, c := range s.Expect.MustNot {
			for _, known := range s.Expect.known() {
				if c == known {
					t.Errorf("%s: %s is expected and would be wrong", s.Name, c)
				}
			}
		}
	}
}

func TestJudge(t *testing.T) {
	type trial = protocol.TrialReport
	report := func(needs protocol.Needs, cause protocol.Code, c protocol.Confidence, ways ...protocol.TrialKind) protocol.Report {
		r := protocol.Report{Verdict: protocol.Verdict{Needs: needs, Cause: cause, Confidence: c, Final: true}}
		for _, k := range ways {
			r.Trials = append(r.Trials, trial{Kind: k, Outcome: protocol.OutcomeConnected})
		}
		return r
	}
	with := func(r protocol.Report, code protocol.Code, s protocol.Severity, c protocol.Confidence) protocol.Report {
		r.Findings = append(r.Findings, protocol.Finding{Code: code, Severity: s, Confidence: c})
		return r
	}
	strict := Play{Scenario: Scenario{A: Side{Revealed: true}, B: Side{Revealed: true}, Expect: Expect{
		Needs: protocol.NeedsTURNUDP, Cause: protocol.CodeOneWayBlock, May: []protocol.Code{protocol.CodeDoubleNAT}, MustNot: []protocol.Code{protocol.CodeUDPBlocked},
	}}, Variant: Variant{Kinds: TwoChromium.kinds()}}
	weak, changing, masked := strict, strict, strict
	weak.Weak = true
	changing.Steps = []Step{{When: WhenSettled}}
	masked.A.Revealed = false
	good := report(protocol.NeedsTURNUDP, protocol.CodeOneWayBlock, protocol.Certain, protocol.TrialRelayUDP)
	better := report(protocol.NeedsSTUN, "", "", protocol.TrialSTUN, protocol.TrialRelayUDP)
	for _, c := range []struct {
		name           string
		play           Play
		final, settled protocol.Report
		wrong          int
	}{
		{"as expected", strict, good, good, 0},
		{"another cause", strict, report(protocol.NeedsTURNUDP, protocol.CodeMDNSMasked, protocol.Likely, protocol.TrialRelayUDP), good, 2}, // and it changed
		{"changed", strict, good, better, 1},
		{"changed by the scenario", changing, better, good, 0},
		{"weak: silent", weak, report(protocol.NeedsUndetermined, "", ""), report(protocol.NeedsUndetermined, "", ""), 0},
		{"weak: possible", weak, report(protocol.NeedsUndetermined, protocol.CodeMDNSMasked, protocol.Possible), report(protocol.NeedsUndetermined, protocol.CodeMDNSMasked, protocol.Possible), 0},
		{"weak: likely", weak, report(protocol.NeedsUndetermined, protocol.CodeMDNSMasked, protocol.Likely), report(protocol.NeedsUndetermined, protocol.CodeMDNSMasked, protocol.Likely), 1},
		{"weak: likely and known", weak, report(protocol.NeedsUndetermined, protocol.CodeDoubleNAT, protocol.Likely), report(protocol.NeedsUndetermined, protocol.CodeDoubleNAT, protocol.Likely), 0},
		{"weak: needs less", weak, better, better, 0},
		{"weak: needs what did not connect", weak, report(protocol.NeedsSTUN, "", "", protocol.TrialRelayUDP), report(protocol.NeedsSTUN, "", "", protocol.TrialRelayUDP), 1},
		{"weak: needs more than connected", weak, report(protocol.NeedsTURNUDP, "", "", protocol.TrialSTUN), report(protocol.NeedsTURNUDP, "", "", protocol.TrialSTUN), 1},
		{"info is free", strict, good, with(good, protocol.CodeNoNATToServer, protocol.SeverityInfo, protocol.Certain), 0},
		{"certain and wrong", strict, good, with(good, protocol.CodeAsymmetricNAT, protocol.SeverityWarning, protocol.Certain), 1},
		{"certain for a moment", strict, with(good, protocol.CodeAsymmetricNAT, protocol.SeverityWarning, protocol.Certain), good, 1},
		{"a likely warning", strict, good, with(good, protocol.CodeAsymmetricNAT, protocol.SeverityWarning, protocol.Likely), 0},
		{"a likely error", weak, good, with(good, protocol.CodeAsymmetricNAT, protocol.SeverityError, protocol.Likely), 1},
		{"a known one", strict, good, with(good, protocol.CodeDoubleNAT, protocol.SeverityError, protocol.Certain), 0},
		{"would be wrong", strict, good, with(good, protocol.CodeUDPBlocked, protocol.SeverityInfo, protocol.Possible), 1},
		{"weak: would be wrong", weak, good, with(good, protocol.CodeUDPBlocked, protocol.SeverityInfo, protocol.Possible), 0},
		{"masked", strict, good, with(good, protocol.CodeMDNSMasked, protocol.SeverityError, protocol.Certain), 1},
		{"masked indeed", masked, good, with(good, protocol.CodeMDNSMasked, protocol.SeverityError, protocol.Certain), 0},
	} {
		if wrong := Judge(c.play, Result{Final: c.final, Settled: c.settled}); len(wrong) != c.wrong {
			t.Errorf("%s: %d complaints, want %d: %q", c.name, len(wrong), c.wrong, wrong)
		}
	}
}

// What is not played again stays in the table.
func TestTableIsKept(t *testing.T) {
	play := func(name string, needs protocol.Needs) Played {
		s, _ := Find(name)
		return Played{Play: Play{Name: name, Scenario: s, Variant: Variant{Kinds: [2]Kind{Chromium, Chromium}}},
			Result: Result{Settled: protocol.Report{Verdict: protocol.Verdict{Needs: needs, Cause: s.Expect.Cause}}, Final: protocol.Report{Verdict: protocol.Verdict{Needs: needs, Cause: s.Expect.Cause}}}}
	}
	first := Table("", []Played{play("flat", "nothing"), play("flat", "nothing"), play("routed", "stun")}, nil)
	second := Table(first, []Played{play("routed", "stun"), play("routed", "stun")}, nil)
	for _, want := range []string{"| flat | `nothing` | right: `nothing`, nothing sure, never final<br>right: ", "4 right, 0 weaker, 0 wrong (0 certain and wrong)"} {
		if !strings.Contains(second, want) {
			t.Errorf("the table has no %q:\n%s", want, second[:min(len(second), 1500)])
		}
	}
}
