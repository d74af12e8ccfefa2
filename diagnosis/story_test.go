package diagnosis_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

var update = flag.Bool("update", false, "write what is diagnosed into the stories")

// A story is one scenario of the lab, recorded from real browsers (or headless peers) behind the kernel's real NAT: testdata/NAME.txtar holds the picture, the
// recording, and what it is diagnosed as. go run ./e2e/cmd/lab -all -stories diagnosis/testdata records them anew.
type story struct {
	name      string
	archive   *txtar.Archive
	recording []protocol.Event
	diagnosis diagnosis.Diagnosis // where a test has made it
}

func stories(t testing.TB) (out []story) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		out = append(out, read(t, f))
	}
	return out
}

// read is one story.
func read(t testing.TB, file string) story {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := story{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), archive: a}
	for line := range bytes.Lines(section(a, "recording.jsonl")) {
		var e protocol.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		s.recording = append(s.recording, e)
	}
	return s
}

func section(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// outline is a diagnosis in the few lines that a reader of the story wants: codes, not sentences.
func outline(d diagnosis.Diagnosis) string {
	var b strings.Builder
	fmt.Fprintf(&b, "needs %s, cause %s, %s, final %t\n", d.Verdict.Needs, orNone(d.Verdict.Cause), d.Verdict.Confidence, d.Verdict.Final)
	for _, t := range d.Trials {
		fmt.Fprintf(&b, "trial %s %s %s\n", t.ID, t.Outcome, t.Reason)
		for _, p := range t.Pairs {
			fmt.Fprintf(&b, "  %s -> %s, %s <- %s\n", p.Local.Type, p.Directions.AToB, p.Remote.Type, p.Directions.BToA)
		}
	}
	for _, p := range d.Peers {
		fmt.Fprintf(&b, "peer %s masked %s translated %s\n", p.ID, three(p.Masked), three(p.NAT.Translated))
	}
	for _, f := range d.Findings {
		fmt.Fprintf(&b, "%s %s %s\n", f.Severity, f.Confidence, f.ID())
	}
	return b.String()
}

func orNone(c protocol.Code) string {
	if c == "" {
		return "none"
	}
	return string(c)
}

func three(b *bool) string {
	if b == nil {
		return "not-known"
	}
	return fmt.Sprint(*b)
}

func TestStories(t *testing.T) {
	all := stories(t)
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			got := outline(diagnosis.Diagnose(s.recording))
			if *update {
				for i := range s.archive.Files {
					if s.archive.Files[i].Name == "diagnosis" {
						s.archive.Files[i].Data = []byte(got)
					}
				}
				if err := os.WriteFile("testdata/"+s.name+".txtar", txtar.Format(s.archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(section(s.archive, "diagnosis")), got); d != "" {
				t.Errorf("-want +got; go test ./diagnosis -update writes it after you have looked at it\n%s", d)
			}
		})
	}
}
