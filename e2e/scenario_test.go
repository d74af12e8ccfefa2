package e2e

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// showpiece is the play whose page is pictured in all its colours and sizes: that takes longer than the play.
const showpiece = "asymmetric-nat"

// Every scenario, with two Chromium and with its variants: what does the report say of a fault that we made ourselves?
func TestScenarios(t *testing.T) {
	need(t, "ip", "nft", "chromium")
	binary, err := Binary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var one sync.Mutex
	var all []Played
	versions := Versions(t.Context(), binary)
	for _, s := range Plays() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel() // as many at once as there are cores: a play is mostly waiting, and each has networks of its own
			played := Company{Binary: binary, Artefacts: filepath.Join("..", "artefacts"), Gallery: s.Name == showpiece}.perform(t.Context(), s)
			for _, wrong := range played.Wrong {
				t.Error(wrong)
			}
			if table := os.Getenv("LAB_TABLE"); table != "" { // docs/lab-table.md, for who wants what the tests have played anyway
				one.Lock()
				defer one.Unlock()
				all = append(all, played)
				if err := WriteTable(table, all, versions); err != nil {
					t.Error(err)
				}
			}
			v := played.Final.Verdict
			t.Logf("needs %s, cause %s, %.1f s to final: %s", v.Needs, v.Cause, played.ToFinal.Seconds(), v.Summary)
		})
	}
}
