package main

import (
	"strings"
	"testing"

	"github.com/icescope/icescope/qr"
)

// TestScan: what is no terminal gets a code only where one was asked for.
func TestScan(t *testing.T) {
	yes, no := true, false
	want, err := qr.New("http://192.0.2.10:8080")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		wanted *bool
		want   string
	}{{"nothing was said", nil, ""}, {"--no-qr", &no, ""}, {"--qr", &yes, want.Text()}} {
		var said strings.Builder
		(&terminal{stderr: &said}).scan("http://192.0.2.10:8080/", c.wanted)
		if said.String() != c.want {
			t.Errorf("%s: %q", c.name, said.String())
		}
	}
}
