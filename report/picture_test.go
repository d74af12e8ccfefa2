package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// The pictures of these stories of the lab are looked at and kept: testdata/picture/NAME.LANG.txt is the one in words and in characters, NAME.json the model that
// the page's tests draw too, NAME.svg what the HTML report draws of it.
var pictured = []string{
	"flat-revealed", "routed", "one-side-nat", "asymmetric-nat", "asymmetric-nat-revealed", "nat-ordinary", "nat-double", "nat-hairpin-unsupported", "udp-blocked", "one-way-block", "relay-works", "dtls-blocked",
	"ipv6-only-revealed", "stun-unreachable", "vpn-interface-chosen", "client-isolation", "http-proxy-only", "nat-alg", "signaling-gap", "nat-hairpin",
}

func recorded(t testing.TB, name string) []protocol.Event {
	t.Helper()
	a, err := txtar.ParseFile("../diagnosis/testdata/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	var events []protocol.Event
	for _, f := range a.Files {
		if f.Name != "recording.jsonl" {
			continue
		}
		for line := range bytes.Lines(f.Data) {
			var e protocol.Event
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
	}
	return events
}

// alone is the beginning of a recording, before the second peer.
func alone(events []protocol.Event) []protocol.Event {
	joined := 0
	for i, e := range events {
		if e.Joined != nil {
			if joined++; joined == 2 {
				return events[:i]
			}
		}
	}
	return events
}

func pictures(t testing.TB, visit func(name string, d diagnosis.Diagnosis)) {
	for _, name := range pictured {
		visit(name, diagnosis.Diagnose(recorded(t, name)))
	}
	visit("alone", diagnosis.Diagnose(alone(recorded(t, "routed"))))
}

func TestPictures(t *testing.T) {
	pictures(t, func(name string, d diagnosis.Diagnosis) {
		for _, lang := range catalog.Languages {
			r := Make(d, Options{Lang: lang})
			golden(t, "picture/"+name+"."+string(lang)+".txt", []byte(pictureText(r.Picture)+"\n"+strings.Join(r.Picture.Text, "\n")+"\n"))
			if lang != protocol.English {
				continue
			}
			model, err := json.MarshalIndent(r.Picture, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "picture/"+name+".json", append(model, '\n'))
			page := HTML(r)
			from, to := strings.Index(page, "<svg"), strings.LastIndex(page, "</svg>")
			golden(t, "picture/"+name+".svg", []byte(page[from:to+6]+"\n"))
		}
	})
}

func painted(t *testing.T, name string) *protocol.Picture {
	t.Helper()
	return Make(diagnosis.Diagnose(recorded(t, name)), Options{Lang: protocol.English}).Picture
}

// What was found in an older run is still so where its trial is the one that is drawn.
func TestPictureKeepsWhatAnOlderRunFound(t *testing.T) {
	for _, name := range []string{"udp-blocked", "dns-name", "relay-works"} {
		for _, n := range painted(t, name).Nodes {
			if n.ID == betweenNode && n.State != protocol.NodeFiltered {
				t.Errorf("%s: what lies between is %s", name, n.State)
			}
		}
	}
}

func TestPictureShowsTheLastResort(t *testing.T) {
	for name, want := range map[string][]protocol.TrialKind{
		"only-the-page": {protocol.TrialSTUN, protocol.TrialRelayTCP}, // unreachable
		"udp-blocked":   {protocol.TrialHost, protocol.TrialSTUN},     // no relay was tried
		"relay-works":   {protocol.TrialSTUN, protocol.TrialRelayUDP},
	} {
		if got := telling(painted(t, name)); !slices.Equal(got, want) {
			t.Errorf("%s shows %v, want %v", name, got, want)
		}
	}
}

func TestPictureShowsWhatChangesPackets(t *testing.T) {
	for name, want := range map[string]protocol.NodeKind{"http-proxy-only": protocol.NodeProxy, "http-proxy-beside-udp": protocol.NodeProxy, "nat-alg": protocol.NodeGateway, "nat-alg-mapped": protocol.NodeGateway} {
		if !slices.ContainsFunc(painted(t, name).Nodes, func(n protocol.PictureNode) bool { return n.Kind == want && n.Of == "a" && n.Sentence != "" }) {
			t.Errorf("%s shows no %s before a", name, want)
		}
	}
	for _, w := range painted(t, "signaling-gap").Ways {
		for _, a := range w.Arrows {
			if w.Kind == protocol.TrialSTUN && !strings.Contains(a.Label, "candidates lost") {
				t.Errorf("signaling-gap: %s says %q", a.ID, a.Label)
			}
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text string
		room int
		want []string
	}{
		{"arrives, answered", 200, []string{"arrives, answered"}},
		{"arrives, answered", 80, []string{"arrives,", "answered"}},
		{"別の場所から応答あり", 96, []string{"別の場所から", "応答あり"}},                   // between phrases
		{"届き、応答あり", 25, []string{"届", "き、", "応答", "あり"}},                 // no line begins with a comma
		{"途中でパケットが破棄されている", 70, []string{"途中で", "パケットが", "破棄されて", "いる"}}, // one that is longer than a line
		{"送信なし：\u200b候補が消失", 100, []string{"送信なし：", "候補が消失"}},
		{"x", 1, []string{"x…"}},
		{"", 10, nil},
	} {
		if got := wrap(c.text, c.room, 12, 4); !slices.Equal(got, c.want) {
			t.Errorf("%q in %d is %q, want %q", c.text, c.room, got, c.want)
		}
	}
}
