package peer

import (
	"slices"
	"strings"
	"testing"
)

const ipv4Routes = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0100000A	0003	0	0	0	00000000	0	0	0
eth1	0000000A	00000000	0001	0	0	0	00FFFFFF	0	0	0
lo	00000000	00000000	0201	0	0	0	00000000	0	0	0
short
`

const ipv6Routes = `20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth1
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth2
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`

func TestDefaultRoutes(t *testing.T) {
	if got := routes(strings.NewReader(ipv4Routes), defaultIPv4); !slices.Equal(got, []string{"eth0"}) {
		t.Errorf("IPv4: %v", got)
	}
	if got := routes(strings.NewReader(ipv6Routes), defaultIPv6); !slices.Equal(got, []string{"eth2"}) {
		t.Errorf("IPv6: %v", got)
	}
}

func FuzzRoutes(f *testing.F) {
	f.Add(ipv4Routes)
	f.Add(ipv6Routes)
	f.Fuzz(func(_ *testing.T, text string) {
		routes(strings.NewReader(text), defaultIPv4)
		routes(strings.NewReader(text), defaultIPv6)
	})
}
