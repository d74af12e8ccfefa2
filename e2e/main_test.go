package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getuid() == 0 {
		if err := CleanLeftovers(); err != nil {
			fmt.Fprintln(os.Stderr, "e2e: leftovers of a dead lab stay:", err)
		}
	}
	os.Exit(m.Run())
}

// need skips, and says why, where root or a program is missing. Under CI nothing may be skipped.
func need(t *testing.T, programs ...string) {
	t.Helper()
	missing := ""
	if os.Getuid() != 0 {
		missing = "root"
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing = p
		}
	}
	switch {
	case missing == "":
	case os.Getenv("CI") == "true":
		t.Fatalf("the lab needs %s, and CI must not skip it", missing)
	default:
		t.Skipf("the lab needs %s: not here, so this is not tested", missing)
	}
}
