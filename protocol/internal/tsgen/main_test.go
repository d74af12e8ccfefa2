package main

import (
	"bytes"
	"os"
	"testing"
)

func TestGeneratedIsFresh(t *testing.T) {
	for file, generate := range map[string]func(string) ([]byte, error){
		"../../../web/src/protocol.gen.ts":         Types,
		"../../../web/src/protocol.samples.gen.ts": Samples,
	} {
		want, err := generate("../..")
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run go generate ./protocol", file)
		}
	}
}
