package protocol_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// TestSamples decodes each sample strictly and encodes it again: a member that a type does not know, or that is lost on the way, fails. The page's side of
// the same samples is web/src/protocol.samples.gen.ts, which tsc checks.
func TestSamples(t *testing.T) {
	files, err := filepath.Glob("testdata/samples/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var value any
			switch direction, _, _ := strings.Cut(name, "-"); direction {
			case "client":
				value = new(protocol.ClientMessage)
			case "server":
				value = new(protocol.ServerMessage)
			case "event":
				value = new(protocol.Event)
			default:
				t.Fatalf("%s is neither client-, server- nor event-", name)
			}
			d := json.NewDecoder(bytes.NewReader(data))
			d.DisallowUnknownFields()
			if err := d.Decode(value); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := plain(t, again), plain(t, data); !reflect.DeepEqual(got, want) {
				t.Errorf("decoded and encoded again:\n got %s\nwant %s", again, data)
			}
		})
	}
}

func plain(t *testing.T, data []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
