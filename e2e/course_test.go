package e2e

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/icescope/icescope/protocol"
)

// Programs and steps do what they say, on the node that they name, and are gone afterwards.
func TestProgramsAndSteps(t *testing.T) {
	need(t, "ip", "nft", "ss", "python3")
	s := Scenario{
		Network: Network{IPv6: true, Segments: []string{"lan"}, Nodes: []Node{{Name: NodeA, Legs: []Leg{{"lan", "10.9.0.2/24"}}}}},
		Processes: []Process{{
			Node: NodeA, Files: map[string]string{"hello.py": `
import socket, time
print("on air", flush=True)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 3478))
time.sleep(600)
`},
			Command: []string{"python3", "hello.py"}, Ready: "udp/3478",
		}},
		Steps: []Step{
			{When: WhenHeld, Node: "nowhere", IP: []string{"never reached"}},
			{When: WhenJoined, Node: NodeA, After: time.Millisecond, IP: []string{"address add 10.9.0.77/24 dev eth0", "-6 route add default dev eth0", "route add default via 10.9.0.1"}},
			{When: WhenJoined, Node: fabric, Nft: "table bridge lab {\n}\n"},
		},
	}
	l, err := Build(s.Network)
	if err != nil {
		t.Fatal(err)
	}
	b := &Bench{Scenario: s, Lab: l}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := b.begin(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if said := b.programs()["process.1.python3.txt"]; said != "on air\n" {
		t.Errorf("the program's output is %q", said)
	}
	if err := b.steps(t.Context(), WhenJoined); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ns, command, want string
	}{
		{NodeA, "ip address", "10.9.0.77/24"},
		{NodeA, "ip route", "default via 10.9.0.1"},
		{NodeA, "ip -6 route", "default dev eth0"},
		{fabric, "nft list tables", "table bridge lab"},
	} {
		out, err := exec.Command("ip", append([]string{"netns", "exec", l.NS(c.ns)}, strings.Fields(c.command)...)...).Output()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s on %s does not show %q: %v\n%s", c.command, c.ns, c.want, err, out)
		}
	}
	p, err := start(l.NS(NodeA), Process{Command: []string{"sh", "-c", "echo no; exit 3"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	if err := p.ready(t.Context(), l.NS(NodeA), "tcp/1"); err == nil || !strings.Contains(err.Error(), "exit status 3: no") {
		t.Errorf("of a program that ends at once it is said: %v", err)
	}
}

// What comes after the first run, in real browsers: permission is asked for and given.
func TestCourse(t *testing.T) {
	need(t, "ip", "nft", "chromium", "firefox")
	binary, err := Binary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	revealed := routed
	revealed.Name, revealed.Reveal = "course-reveal", [2]bool{true, true}
	for _, c := range []struct {
		name  string
		s     Scenario
		kinds [2]Kind
		check func(r Result) bool
	}{
		{"reveal", revealed, [2]Kind{Firefox, Chromium}, func(r Result) bool {
			return r.Final.Verdict.Needs == protocol.NeedsSTUN && r.Settled.Verdict.Needs == protocol.NeedsNothing &&
				!slices.ContainsFunc(r.Settled.Peers, func(p protocol.PeerReport) bool { return p.Masked == nil || *p.Masked })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Run(t.Context(), Play{Name: c.s.Name, Scenario: c.s, Variant: Variant{Kinds: c.kinds}}, RunOptions{Binary: binary, Artefacts: filepath.Join("..", "artefacts", c.s.Name)})
			if err != nil {
				t.Fatal(err)
			}
			if !c.check(r) {
				t.Errorf("first %+v\nin the end %+v\n", r.Final.Verdict, r.Settled.Verdict)
			}
		})
	}
}
