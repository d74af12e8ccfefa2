package e2e

import (
	"path/filepath"
	"slices"
	"testing"
)

// long are the scenarios whose reports take most paper; lab -paper prints all of them.
var long = []string{"ice-password-wrong-both", "relay-denied", "dead-and-refused", "vpn-full-tunnel"}

// A report opens from a file, in both languages, and takes few sheets.
func TestPaper(t *testing.T) {
	need(t, "chromium")
	prints := 0
	err := Paper(t.Context(), filepath.FromSlash("../diagnosis/testdata"), filepath.Join("..", "artefacts", "paper"), func(s string) bool { return slices.Contains(long, s) }, func(p Printed) {
		prints++
		if p.Pages < 1 || p.Pages > MostSheets {
			t.Errorf("%s in %s takes %d sheets, not 1 to %d: %s", p.Scenario, p.Lang, p.Pages, MostSheets, p.File)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if prints != 2*len(long) {
		t.Errorf("%d reports were printed, not %d: where are their recordings?", prints, 2*len(long))
	}
}
