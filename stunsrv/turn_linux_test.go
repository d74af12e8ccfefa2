package stunsrv

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pion/stun/v3"
)

// inNamespace is an environment variable that tells this process that it runs in a network namespace of its own.
const inNamespace = "ICESCOPE_TEST_NAMESPACE"

// TestTURNBehindNAT: behind a NAT that forwards a range of ports, relays have its address and a port of that range, and two of them on this machine reach each other by it although nothing
// hairpins. On a machine with two addresses each client gets a relay where it came to, and those meet, too.
func TestTURNBehindNAT(t *testing.T) {
	if os.Getenv(inNamespace) == "" { // relays are opened by goroutines of pion's: the whole process must be there
		again := exec.Command("unshare", "-n", os.Args[0], "-test.run=^TestTURNBehindNAT$", "-test.v")
		again.Env = append(os.Environ(), inNamespace+"=1")
		out, err := again.CombinedOutput()
		t.Logf("%s", out)
		switch {
		case err == nil:
		case bytes.Contains(out, []byte("=== RUN")):
			t.Error(err)
		default:
			t.Skipf("no network namespace: %v", err)
		}
		return
	}
	for _, command := range []string{"link set lo up", "link add eth0 type veth peer name far0", "link set eth0 up", "address add 10.77.0.1/24 dev eth0", "address add 10.78.0.1/24 dev eth0"} {
		if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v %s", command, err, out)
		}
	}
	for name, relay := range map[string]netip.Addr{"nat": netip.MustParseAddr("203.0.113.9"), "two addresses": {}} {
		t.Run(name, func(t *testing.T) {
			s := run(t, Config{Primary: []string{":0"}, TURN: &TURNConfig{Relay: relay, Ports: [2]uint16{50000, 50003}}})
			var clients []*rawTURN
			var relays []netip.AddrPort
			for _, ip := range []string{"10.77.0.1", "10.78.0.1"} {
				c := newRawTURN(t, s, "udp", "room")
				c.conn = dialUDP(t, s.at(ip, PrimaryPort))
				clients, relays = append(clients, c), append(relays, c.allocate())
				want := netip.MustParseAddr(ip)
				if relay.IsValid() {
					want = relay
				}
				if at := relays[len(relays)-1]; at.Addr() != want || at.Port() < 50000 || at.Port() > 50003 {
					t.Errorf("a relay at %s, want %s", at, want)
				}
			}
			for i, c := range clients {
				if code, _ := c.ask(stun.MethodChannelBind, attribute(stun.AttrChannelNumber, "\x40\x01\x00\x00"), peerAttribute(relays[1-i])); code != 0 {
					t.Fatalf("channel: %d", code)
				}
			}
			for i, c := range clients {
				if got := exchangeAt(t, c.conn, clients[1-i].conn, "\x40\x01\x00\x05hello\x00\x00\x00"); got != "\x40\x01\x00\x05hello\x00\x00\x00" {
					t.Errorf("%q", got)
				}
			}
			if got := s.TURNStats(); got.DroppedPeer != 0 || got.BytesToClients != 10 {
				t.Errorf("%+v", got)
			}
			for range 2 { // the range has four ports; a NAT forwards each to one relay only
				c := newRawTURN(t, s, "udp", "room")
				c.conn = dialUDP(t, s.at("10.77.0.1", PrimaryPort))
				at := c.allocate()
				if relay.IsValid() && slices.Contains(relays, at) {
					t.Errorf("%s is another's", at)
				}
				relays = append(relays, at)
			}
			over := newRawTURN(t, s, "udp", "room")
			over.conn = dialUDP(t, s.at("10.78.0.1", PrimaryPort))
			over.ask(stun.MethodAllocate, requestedUDP)
			code, _ := over.ask(stun.MethodAllocate, requestedUDP)
			if want := map[bool]stun.ErrorCode{true: stun.CodeInsufficientCapacity, false: 0}[relay.IsValid()]; code != want {
				t.Errorf("a fifth: %d, want %d", code, want)
			}
		})
	}
}

// exchangeAt writes at one end and reads at another.
func exchangeAt(t *testing.T, from, to net.Conn, text string) string {
	t.Helper()
	if _, err := from.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	n, err := to.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}
