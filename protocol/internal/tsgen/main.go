// Command tsgen writes the types of package protocol as TypeScript, so that the page and the server cannot disagree about a frame.
//
// It reads declarations only (go/ast): a struct with json names becomes an interface, a string type with constants a union type and an array of its
// values, and an envelope (a struct whose "type" names one of its other members) a discriminated union. What it does not know is an error, never "any".
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	dir := flag.String("dir", ".", "directory of package protocol")
	out := flag.String("out", "", "file to write; empty: standard output")
	flag.Parse()
	text, err := Generate(*dir)
	if err == nil && *out != "" {
		err = os.WriteFile(*out, text, 0o644)
	} else if err == nil {
		_, err = os.Stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tsgen:", err)
		os.Exit(1)
	}
}
