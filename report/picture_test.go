package report

import (
	"bytes"
	"encoding/json"
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
	"ipv6-only-revealed", "stun-unreachable", "vpn-interface-chosen", "client-isolation",
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
