package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// What does the report say of a fault that we made ourselves? One play at a time: two machines of two people do not share two cores with two others.
func TestScenarios(t *testing.T) {
	need(t, "ip", "nft", "chromium")
	binary, err := Binary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var all []Played
	versions := Versions(t.Context(), binary)
	plays := Tested()
	if os.Getenv("LAB_PLAYS") == "all" {
		plays = Plays()
	}
	for _, s := range plays {
		t.Run(s.Name, func(t *testing.T) {
			played := Company{Binary: binary, Artefacts: filepath.Join("..", "artefacts")}.perform(t.Context(), s)
			for _, wrong := range played.Wrong {
				t.Error(wrong)
			}
			if table := os.Getenv("LAB_TABLE"); table != "" { // docs/lab-table.md, for who wants what the tests have played anyway
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
