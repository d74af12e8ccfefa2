package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The rules of the terminal:
//
//   - What was asked for goes to stdout, and nothing else does. All that is said on the way goes to stderr.
//   - What is said begins with "icescope: ", has no capital and no full stop. An error may carry hints, each a line of its own.
//   - With --json, stdout is JSON and nothing else.

// The exit codes that all subcommands share. diagnose and peer answer with their verdict from 10 on (peer.ExitCode).
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// exitCode is an error that is no failure: the exit code is the answer.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// code makes an exit code an error, and 0 none.
func code(c int) error {
	if c == exitOK {
		return nil
	}
	return exitCode(c)
}

// terminal is where a subcommand writes.
type terminal struct {
	stdout, stderr io.Writer
}

// say tells the person in front of it what happens.
func (t *terminal) say(format string, args ...any) {
	fmt.Fprintf(t.stderr, "icescope: "+format+"\n", args...)
}

// printJSON answers a program.
func (t *terminal) printJSON(v any) error {
	encoder := json.NewEncoder(t.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// hinted is an error that says what to try.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

func withHint(err error, hint string) error { return hinted{err, hint} }

// complain writes an error and its hints.
func complain(stderr io.Writer, err error) {
	fmt.Fprintf(stderr, "icescope: error: %v\n", err)
	for h, ok := errors.AsType[hinted](err); ok; h, ok = errors.AsType[hinted](h.error) {
		fmt.Fprintf(stderr, "icescope: hint: %s\n", h.hint)
	}
}
