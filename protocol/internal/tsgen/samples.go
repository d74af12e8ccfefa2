package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sampleTypes are by the first part of a sample's file name.
var sampleTypes = []struct{ prefix, typ string }{{"client", "ClientMessage"}, {"server", "ServerMessage"}, {"event", "Event"}}

// Samples returns the JSON samples as TypeScript. JSON is TypeScript; as literals, and not as imported JSON, they keep their literal types for "satisfies".
func Samples(dir string) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(header + "import type { ClientMessage, Event, ServerMessage } from \"./protocol.gen\";\n")
	for _, s := range sampleTypes {
		files, err := filepath.Glob(filepath.Join(dir, "testdata", "samples", s.prefix+"-*.json"))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "\nexport const %sSamples = {\n", s.prefix)
		for _, file := range files { // Glob sorts
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			name := strings.TrimSuffix(filepath.Base(file), ".json")
			fmt.Fprintf(&out, "  %q: %s satisfies %s,\n", name, strings.ReplaceAll(strings.TrimSpace(string(data)), "\n", "\n  "), s.typ)
		}
		out.WriteString("};\n")
	}
	return out.Bytes(), nil
}
