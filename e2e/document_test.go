package e2e

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the scenarios into docs/lab.md")

// The document lists the scenarios as they are.
func TestDocument(t *testing.T) {
	const path, begin, end = "../docs/lab.md", "<!-- scenarios: go test ./e2e -run TestDocument -update -->\n\n", "<!-- end of the scenarios -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the scenarios, between %q and %q", path, begin, end)
	}
	want := before + begin + Markdown() + end + after
	switch {
	case want == string(text):
	case *update:
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s does not list the scenarios as they are; go test ./e2e -run TestDocument -update writes it", path)
	}
}
