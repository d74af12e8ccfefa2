package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// Every scenario's network must be buildable, have a carrier on every leg at once, and leave nothing behind.
func TestNetworks(t *testing.T) {
	need(t, "ip", "nft")
	for _, s := range Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			l, err := Build(s.Network)
			if err != nil {
				t.Fatal(err)
			}
			for _, node := range s.Network.Nodes {
				out, err := exec.Command("ip", "-n", l.NS(node.Name), "-o", "link", "show", "type", "veth").Output()
				if up := strings.Count(string(out), "state UP"); err != nil || up != len(node.Legs) {
					t.Errorf("%s: %d of %d legs have a carrier: %v\n%s", node.Name, up, len(node.Legs), err, out)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
