package natprobe

import (
	"net/netip"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// TestMappingOfViews: what the corners saw, as letters for the outside IP and digits for the port, and what follows. Another IP alone proves nothing.
func TestMappingOfViews(t *testing.T) {
	const eim, adm, apdm, nm = protocol.EndpointIndependent, protocol.AddressDependent, protocol.AddressAndPortDependent, protocol.NotMeasurable
	place := func(s string) netip.AddrPort {
		if s == "-" {
			return netip.AddrPort{}
		}
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, s[0]}), uint16(s[1]))
	}
	for _, c := range []struct {
		pp, ps, sp, ss string
		want           protocol.Behavior
	}{
		{"a1", "-", "a1", "a1", eim},
		{"a1", "a1", "a1", "a1", eim},
		{"a1", "-", "a2", "a2", adm},
		{"a1", "-", "a2", "a3", apdm},
		{"a1", "-", "a1", "a2", apdm},
		{"a1", "a2", "-", "-", apdm},
		{"a1", "a1", "-", "-", nm},
		{"a1", "b2", "-", "-", nm}, // a pool, or something that translates for the server
		{"-", "a1", "a1", "a1", nm},
		{"a1", "-", "a1", "-", nm},
		{"a1", "a1", "b1", "b1", nm}, // two paths, or a pool
		{"a1", "a1", "b1", "b2", nm}, // the NAT before the other IP is symmetric, the one before the first is not
		{"a1", "a2", "b1", "b1", apdm},
		{"a1", "a2", "b1", "b2", apdm},
		{"a1", "b2", "b3", "a4", apdm}, // a symmetric NAT with a pool
		{"a1", "-", "b1", "b2", nm},
		{"a1", "a1", "a1", "b1", nm},
		{"a1", "a1", "a2", "b2", nm},
	} {
		f := findings{pp: place(c.pp), ps: place(c.ps), sp: place(c.sp), ss: place(c.ss)}
		if got := f.mappingBehavior(); got != c.want {
			t.Errorf("PP %s, PS %s, SP %s, SS %s: %s, want %s", c.pp, c.ps, c.sp, c.ss, got, c.want)
		}
	}
}
