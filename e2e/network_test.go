package e2e

import (
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
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

// IPv6 must be usable at once, through a router, and be off where it was not asked for.
func TestIPv6(t *testing.T) {
	need(t, "ip")
	l, err := Build(Network{
		IPv6:     true,
		Segments: []string{"left", "right"},
		Nodes: []Node{
			{Name: "a", Legs: []Leg{{"left", "10.1.0.2/24 fd00:1::2/64"}}, Routes: []string{"default via 10.1.0.1", "-6 default via fd00:1::1"}},
			{Name: "b", Legs: []Leg{{"right", "fd00:9::2/64"}}, Routes: []string{"-6 default via fd00:9::1"}},
			router("r", "", Leg{"left", "10.1.0.1/24 fd00:1::1/64"}, Leg{"right", "fd00:9::1/64"}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	var at net.PacketConn
	if err := InNamespace(l.NS("b"), func() (err error) {
		at, err = net.ListenPacket("udp6", "[fd00:9::2]:9000")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	from, err := NetnsDial(l.NS("a"))(t.Context(), "udp6", "[fd00:9::2]:9000")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	if _, err := from.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := at.SetReadDeadline(time.Now().Add(stepDeadline)); err != nil {
		t.Fatal(err)
	}
	if _, who, err := at.ReadFrom(make([]byte, 16)); err != nil || !strings.HasPrefix(who.String(), "[fd00:1::2]:") {
		t.Errorf("a packet from a through r came from %v: %v", who, err)
	}
	plain, err := Build(oneSegment(""))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if out, err := exec.Command("ip", "-6", "-n", plain.NS("a"), "address").Output(); err != nil || len(out) > 0 {
		t.Errorf("IPv6 is on where it was not asked for: %v\n%s", err, out)
	}
}
