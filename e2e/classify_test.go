package e2e

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/icescope/icescope/protocol"
)

// What the tools print is understood: lines of coturn 4.6.1, stun-client 0.97 and pion/stun v3.1.7.
func TestForeignAnswers(t *testing.T) {
	for _, c := range []struct {
		name string
		got  NATAnswer
		want string
	}{
		{"coturn", parseCoturn("NAT with Endpoint Independent Mapping!\n====\nNAT with Address and Port Dependent Filtering!\n"), "EIM-APDF"},
		{"coturn, silent", parseCoturn("STUN receive timeout..\n"), ""},
		{"coturn, half", parseCoturn("NAT with Address Dependent Mapping!\nSTUN receive timeout..\n"), "ADM-?"},
		{"pion", parsePion(" WARNING: 2026/11/21 10:37:42 => NAT mapping behavior: address and port dependent\n WARNING: => NAT filtering behavior: address dependent\n"), "APDM-ADF"},
		{"stun", parseSTUN("STUN client version 0.97\nPrimary: Open\t\nReturn value is 0x000001\n"), "Open Internet"},
		{"stun, NAT", parseSTUN("Primary: Independent Mapping, Port Dependent Filter, preserves ports, no hairpin\t\n"), "Port Restricted Cone"},
		{"stun, dependent", parseSTUN("Primary: Dependent Mapping, random port, no hairpin\t\n"), "Symmetric"},
		{"stun, blocked", parseSTUN("Primary: Blocked or could not reach STUN server\t\n"), "UDP Blocked"},
	} {
		if c.got.String() != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
	if a, err := parseCLI([]byte(`{"nat":{"mapping":"address-dependent","filtering":"not-measurable","translated":true},"rewritten":false}`)); err != nil || a.String() != "ADM-n/m" || !*a.Translated || *a.Rewritten {
		t.Errorf("%v %v", a, err)
	}
	if _, err := parseCLI([]byte("no answer")); err == nil {
		t.Error("text is no JSON")
	}
}

func TestGrade(t *testing.T) {
	yes, no := true, false
	ordinary, unstable, lies := theNAT(t, "eim-apdf"), theNAT(t, "unstable"), theNAT(t, "alg-xor")
	for _, c := range []struct {
		nat  NAT
		a    NATAnswer
		want Grade
	}{
		{ordinary, NATAnswer{Mapping: eim, Filtering: apdf, Translated: &yes, RFC3489: protocol.ClassicPortRestricted}, Right},
		{ordinary, NATAnswer{Mapping: eim}, Right}, // it says nothing about filtering
		{ordinary, NATAnswer{Mapping: eim, Filtering: protocol.NotMeasurable}, NotMeasured},
		{ordinary, NATAnswer{Mapping: protocol.NotMeasurable, Filtering: eif}, Wrong},
		{ordinary, NATAnswer{Mapping: eim, Filtering: apdf, Translated: &no}, Wrong},
		{ordinary, NATAnswer{Mapping: eim, Filtering: apdf, Rewritten: &yes}, Wrong},
		{ordinary, NATAnswer{RFC3489: protocol.ClassicSymmetric}, Wrong},
		{ordinary, NATAnswer{}, NotMeasured},
		{unstable, NATAnswer{Mapping: protocol.NotMeasurable, Filtering: protocol.NotMeasurable}, RightBlind},
		{lies, NATAnswer{Client: ClientFirefox, Mapping: protocol.NotMeasurable, Filtering: protocol.NotMeasurable}, RightBlind},
		{lies, NATAnswer{Client: ClientCLI, Mapping: protocol.NotMeasurable, Filtering: apdf}, NotMeasured},
		{unstable, NATAnswer{Mapping: eim, Filtering: apdf}, Wrong},
		{lies, NATAnswer{Mapping: eim, Filtering: apdf, Translated: &no, RFC3489: protocol.ClassicFirewall}, Right},
	} {
		if g, why := c.nat.Grade(c.a); g != c.want {
			t.Errorf("%s, %+v: %s (%s), want %s", c.nat.Name, c.a, g, why, c.want)
		}
	}
}

func theNAT(t *testing.T, name string) NAT {
	t.Helper()
	n, ok := FindNAT(name)
	if !ok {
		t.Fatalf("there is no NAT %q", name)
	}
	return n
}

func TestNATTable(t *testing.T) {
	n := theNAT(t, "eim-apdf")
	right, wrong := NATAnswer{Mapping: eim, Filtering: apdf, Took: time.Second}, NATAnswer{Mapping: adm, Filtering: apdf, Took: 3 * time.Second, Said: "two\nlines"}
	table := NATTable([]NATAnswers{
		{NAT: n, Client: ClientCLI, Answers: []NATAnswer{right, right}},
		{NAT: n, Client: ClientPion, Answers: []NATAnswer{right, wrong}},
		{NAT: n, Client: ClientSTUN, Errors: []string{"gone", "gone"}},
	}, 2)
	for _, want := range []string{
		"| `eim-apdf` | Linux: EIM-APDF | EIM-APDF | right | 1 right, 1 **wrong** ADM-APDF | **wrong** |",
		"| 1.00 s, 1.00 s | 2.00 s, 3.00 s | – |",
		"- `eim-apdf`, pion: wrong: mapping is endpoint-independent, not address-dependent (ADM-APDF): two lines",
		"- `eim-apdf`, stun-client: gone",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
}

// ciNATs are what the browsers are asked of in every test: each behaviour, as Linux has it where there is one, and what is particular. make lab-nat asks of all.
var ciNATs = []string{"none", "firewall", "eim-eif", "eim-adf", "eim-apdf", "adm-adf", "apdm-apdf", "user-apdm-eif", "unstable"}

// The command line is right about every NAT, and both browsers about a choice of them.
func TestNATClients(t *testing.T) {
	need(t, "ip", "nft", "chromium", "firefox-esr")
	dir := t.TempDir()
	binary, err := Binary(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range OwnClients {
		t.Run(string(c), func(t *testing.T) {
			t.Parallel()
			nats := NATs
			if c != ClientCLI {
				nats = nil
				for _, name := range ciNATs {
					nats = append(nats, theNAT(t, name))
				}
			}
			if err := AskAll(t.Context(), nats, []Client{c}, 1, binary, dir, func(all []NATAnswers) {
				for _, bad := range all[0].Bad() {
					t.Errorf("%s: %s", all[0].NAT.Name, bad)
				}
				for _, a := range all[0].Answers {
					t.Logf("%s: %s after %v", all[0].NAT.Name, a, a.Took)
				}
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// A corner of the grid: what two NATs let one expect comes about, an open pair, one that must punch, and one that cannot meet.
func TestGrid(t *testing.T) {
	need(t, "ip", "nft", "chromium")
	binary, err := Binary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	nats := []NAT{theNAT(t, "eim-apdf"), theNAT(t, "apdm-apdf")}
	outcomes := map[[2]string]protocol.Outcome{}
	if err := Grid(ctx, nats, nats, binary, func(c GridCell) {
		t.Logf("%s, %s: %s, %s first, %.1f s", c.A.Name, c.B.Name, c, c.First, c.Took.Seconds())
		if outcomes[[2]string{c.A.Name, c.B.Name}] = c.Outcome; c.Contradicts() {
			t.Errorf("%s and %s: %+v", c.A.Name, c.B.Name, c)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for pair, outcome := range outcomes {
		punches := pair[0] == "eim-apdf" && pair[1] == "eim-apdf"
		if (outcome == protocol.OutcomeConnected) != punches {
			t.Errorf("%v: %s", pair, outcome)
		}
	}
}

func TestGridTable(t *testing.T) {
	a, b := theNAT(t, "eim-apdf"), theNAT(t, "apdm-apdf")
	yes, no := true, false
	table := GridTable([]GridCell{
		{A: a, B: a, Expected: &yes, Outcome: protocol.OutcomeConnected},
		{A: a, B: b, Expected: &no, Outcome: protocol.OutcomeFailed},
		{A: b, B: a, Expected: nil, Outcome: protocol.OutcomeFailed},
		{A: b, B: b, Expected: &yes, Outcome: protocol.OutcomeFailed},
		{A: b, B: theNAT(t, "none"), Error: os.ErrDeadlineExceeded},
	})
	for _, want := range []string{
		"| A \\ B | eim-apdf | apdm-apdf | none |", "| **eim-apdf** | yes | no | – |", "| **apdm-apdf** | either / no | **yes / no** | **error** |",
		"5 pairs, 2 contradictions", "- `apdm-apdf` and `none`: i/o timeout",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
}
