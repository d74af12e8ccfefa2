package signaling

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// The examples in docs/protocol.md are frames that this hub takes and sends, all types of them, and every error has its line.
func TestTheDocumentedProtocolIsThisOne(t *testing.T) {
	text, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(text, -1) {
		frames := json.NewDecoder(bytes.NewReader(block[1]))
		for frames.More() {
			var raw json.RawMessage
			if err := frames.Decode(&raw); err != nil {
				t.Fatalf("%v in %s", err, block[1])
			}
			var client protocol.ClientMessage
			var server protocol.ServerMessage
			switch {
			case strict(raw, &client) == nil:
				seen["client "+string(client.Type)] = true
				if e := check(&client); e != nil && !strings.Contains(string(raw), "…") {
					t.Errorf("%s is refused: %v", raw, e)
				}
			case strict(raw, &server) == nil:
				seen["server "+string(server.Type)] = true
			default:
				t.Errorf("no frame: %s: %v", raw, strict(raw, &server))
			}
		}
	}
	for _, want := range strings.Fields("hello description candidate applied state candidateError sample measurement environment trialError run ack leave") {
		if !seen["client "+want] {
			t.Errorf("no example of the client's %s", want)
		}
	}
	for _, want := range strings.Fields("welcome error start stop snapshot events bye") { // description and candidate read as a client's, too, but for from
		if !seen["server "+want] {
			t.Errorf("no example of the server's %s", want)
		}
	}
	for code := range hints {
		if !bytes.Contains(text, []byte("| `"+code+"` |")) {
			t.Errorf("no line about %s", code)
		}
	}
}

func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
