package server

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/icescope/icescope/protocol"
)

// TestPlausible: the order in which addresses are offered to other machines.
func TestPlausible(t *testing.T) {
	want := []string{
		"192.168.1.5 eth0", "10.0.0.5 br0", "100.64.0.5 tun0", "198.51.100.5 eth1", "fd00::5 eth0", "2001:db8::5 eth0", "169.254.3.4 eth2",
		"172.17.0.1 docker0", "172.18.0.1 br-0123456789ab", "192.168.122.1 virbr0", "fd01::1 br-0123456789ab", "127.0.0.1 lo",
	}
	rank := func(line string) int {
		address, device, _ := strings.Cut(line, " ")
		return plausible(netip.MustParseAddr(address), device)
	}
	for i := 1; i < len(want); i++ {
		if rank(want[i-1]) > rank(want[i]) {
			t.Errorf("%s comes before %s", want[i], want[i-1])
		}
	}
	if virtual.MatchString("br-lan") || virtual.MatchString("br0") || virtual.MatchString("bridge0") {
		t.Error("a bridge that someone made by hand counts as virtual")
	}
}

// TestLinks: what the operator says goes first, then what others have come by, then what is likely.
func TestLinks(t *testing.T) {
	r := start(t, func(c *Config) { c.Advertise = "scope.example" })
	s := r.Server
	machine := []netip.Addr{netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("10.1.0.5"), netip.MustParseAddr("172.17.0.1"), netip.MustParseAddr("127.0.0.1")}
	s.urls.machine, s.visited.own = machine, machine
	s.devices = map[netip.Addr]string{machine[0]: "eth0", machine[1]: "eth1", machine[2]: "docker0", machine[3]: "lo"}
	s.visited.note(machine[1], netip.MustParseAddr("10.7.0.9"))
	s.visited.note(machine[0], machine[0])                                              // this machine itself
	s.visited.note(netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("10.7.0.9")) // not an address of ours
	if !s.visited.has(machine[1]) || len(s.visited.seen) != 1 {
		t.Errorf("visited are %v", s.visited.seen)
	}
	var got []string
	for _, link := range s.links() {
		got = append(got, link.Host+" "+string(link.Reach))
		if link.URL == "" || link.SecureURL == "" {
			t.Errorf("%s has no URL over one of both: %+v", link.Host, link)
		}
	}
	want := []string{"scope.example advertised", "127.0.0.1 loopback"} // the test's server is bound to loopback
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Addrs().URLs[0] != s.links()[0].URL {
		t.Errorf("serve prints %s first, the page offers %s", r.Addrs().URLs[0], s.links()[0].URL)
	}
}

func TestReach(t *testing.T) {
	for line, want := range map[string]protocol.Reach{
		"127.0.1.1 lo": protocol.ReachLoopback, "::1 lo": protocol.ReachLoopback, "172.17.0.1 docker0": protocol.ReachVirtual, "10.0.0.5 eth0": protocol.ReachNetwork,
		"172.20.0.1 vEthernet (WSL)": protocol.ReachVirtual, "10.8.0.2 wg0": protocol.ReachNetwork,
	} {
		address, device, _ := strings.Cut(line, " ")
		if got := reach(netip.MustParseAddr(address), device); got != want {
			t.Errorf("%s reaches %s, want %s", line, got, want)
		}
	}
}
