package signaling

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// After the tests nobody is left running: whoever starts a goroutine waits for it.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" { // the fuzzing engine leaves goroutines of its own
		os.Exit(code)
	}
	if code == 0 && !settles(func() bool { return runtime.NumGoroutine() <= before }) {
		buf := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "%d goroutines before, %d after:\n%s\n", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		code = 1
	}
	os.Exit(code)
}

// settles looks until something is so, for what nobody can wait for: other libraries' goroutines, and memory.
func settles(is func() bool) bool {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for range 2000 {
		if is() {
			return true
		}
		<-ticker.C
	}
	return false
}
