// Command tsgen writes the types of package protocol as TypeScript, so that the page and the server cannot disagree about a frame.
//
// It reads declarations only (go/ast): a struct with json names becomes an interface, a string type with constants a union type and an array of its
// values, and an envelope (a struct whose "type" names one of its other members) a discriminated union. What it does not know is an error, never "any".
// The JSON samples of testdata become typed literals, so that tsc decodes them as strictly as the Go test does.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("dir", ".", "directory of package protocol")
	out := flag.String("out", "../web/src", "directory to write protocol.gen.ts and protocol.samples.gen.ts to")
	flag.Parse()
	if err := run(*dir, *out); err != nil {
		fmt.Fprintln(os.Stderr, "tsgen:", err)
		os.Exit(1)
	}
}

func run(dir, out string) error {
	types, err := Types(dir)
	if err != nil {
		return err
	}
	samples, err := Samples(dir)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "protocol.gen.ts"), types, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "protocol.samples.gen.ts"), samples, 0o644)
}
