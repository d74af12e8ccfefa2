package peer_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain checks that no goroutine of ours or of pion's is left after the tests: whoever starts one waits for it.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leftOver(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left after the tests:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// leftOver gives goroutines that are just returning a moment, then names the others.
func leftOver() string {
	const moment, looks = 20 * time.Millisecond, 50
	var left []string
	tick := time.NewTicker(moment)
	defer tick.Stop()
	for range looks {
		buf := make([]byte, 1<<20)
		left = nil
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "github.com/") && !strings.Contains(g, "peer_test.TestMain") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return ""
		}
		<-tick.C
	}
	return strings.Join(left, "\n\n")
}
