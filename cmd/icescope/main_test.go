package main

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"icescope": main})
}

// TestScripts: each behaviour of the command line is a script that anyone can read.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/config")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exitcode": exitCodeIs,
			"address":  address,
			"get":      get,
			"getroom":  getRoom,
		},
	})
}

// exitCodeIs runs icescope and wants one exit code: exitcode 14 diagnose x.jsonl. What it writes is compared as after exec.
func exitCodeIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode CODE ARGS...")
	}
	ts.Check(os.WriteFile(ts.MkAbs("exit.sh"), []byte("icescope \"$@\"\necho $? >exit\n"), 0o600))
	ts.Check(ts.Exec("sh", append([]string{"exit.sh"}, args[1:]...)...))
	if got := ts.ReadFile("exit"); got != args[0]+"\n" {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// startWait is for a server on a busy machine to write its first lines.
const startWait = 20 * time.Second

// address waits until a file holds the addresses that `serve --json` writes, and puts one of them, or the first of a list, into the environment: address FILE MEMBER NAME.
func address(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: address FILE MEMBER NAME")
	}
	member := regexp.MustCompile(`"` + args[1] + `": (?:\[\s*)?"([^"]+)"`)
	for deadline := time.Now().Add(startWait); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) { // another process: no event to wait for
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if m := member.FindSubmatch(text); err == nil && m != nil {
			ts.Setenv(args[2], string(m[1]))
			return
		}
	}
	ts.Fatalf("%s holds no %q", args[0], args[1])
}

// get writes the answer to a request into a file: get METHOD URL FILE.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: get METHOD URL FILE")
	}
	request, err := http.NewRequest(args[0], args[1], nil)
	ts.Check(err)
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), body, 0o600))
}

// getRoom is get with a URL that begins with a file's text: getroom FILE PATH INTO.
func getRoom(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: getroom FILE PATH INTO")
	}
	get(ts, false, []string{http.MethodGet, strings.TrimSpace(ts.ReadFile(args[0])) + "/" + args[1], args[2]})
}
