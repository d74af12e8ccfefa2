package e2e

import (
	"path/filepath"
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
	for _, s := range Plays() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel() // as many at once as there are cores: a play is mostly waiting, and each has networks of its own
			result, err := Run(t.Context(), s, RunOptions{Binary: binary, Artefacts: filepath.Join("..", "artefacts", s.Name), Gallery: s.Name == showpiece})
			if err != nil {
				t.Error(err)
			}
			for _, wrong := range Judge(s, result) {
				t.Error(wrong)
			}
			v := result.Final.Verdict
			t.Logf("needs %s, cause %s, %.1f s to final: %s", v.Needs, v.Cause, result.ToFinal.Seconds(), v.Summary)
		})
	}
}
