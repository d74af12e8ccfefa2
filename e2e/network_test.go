package e2e

import "testing"

// Every scenario's network must be buildable and leave nothing behind.
func TestNetworks(t *testing.T) {
	need(t, "ip", "nft")
	for _, s := range Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			l, err := Build(s.Network)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
