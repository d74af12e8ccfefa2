package stunsrv

import (
	"net/netip"
	"testing"

	"github.com/pion/stun/v3"
)

// TestTURNPermissionsAreBounded: an allocation has permissions for some peers, not for all of the network, and its end gives them back.
func TestTURNPermissionsAreBounded(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			s := run(t, Config{TURN: &TURNConfig{}})
			c := newRawTURN(t, s, network, "room")
			c.allocate()
			peer := func(i int) stun.Setter {
				return peerAttribute(netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), 5000))
			}
			for i := range maxPermissions {
				if code, _ := c.ask(stun.MethodCreatePermission, peer(i)); code != 0 {
					t.Fatalf("permission %d: %d", i, code)
				}
			}
			if code, _ := c.ask(stun.MethodCreatePermission, peer(maxPermissions)); code != stun.CodeForbidden {
				t.Errorf("one too many: %d", code)
			}
			if code, _ := c.ask(stun.MethodCreatePermission, peer(0)); code != 0 {
				t.Errorf("again: %d", code)
			}
			if code, _ := c.ask(stun.MethodRefresh, attribute(stun.AttrLifetime, "\x00\x00\x00\x00")); code != 0 {
				t.Fatalf("giving back: %d", code)
			}
			within(t, func() bool {
				s.turn.relays.mu.Lock()
				defer s.turn.relays.mu.Unlock()
				return len(s.turn.relays.permits) == 0
			})
		})
	}
}
