package stunsrv

import (
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// enterNamespace puts this test into a network namespace of its own, and carries out ip commands there. Sockets that the test opens stay in it. The thread is
// never given back, so it ends with the test's goroutine.
func enterNamespace(t *testing.T, commands ...string) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace: %v", err)
	}
	for _, command := range append([]string{"link set lo up"}, commands...) {
		if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			t.Skipf("ip %s: %v %s", command, err, out)
		}
	}
}

// TestAlias: a machine with an alias in both families, and a bridge beside them. The aliases are found, or named; every row of table 1 comes from where
// it should, on a wildcard and on bound sockets.
func TestAlias(t *testing.T) {
	eth0 := []string{
		"link add eth0 type veth peer name far0", "link set eth0 up", "address add 10.77.0.1/24 dev eth0", "address add 10.77.0.2/24 dev eth0", "address add 10.77.0.3/32 dev eth0",
		"-6 address add 2001:db8:77::2/64 dev eth0 nodad", "-6 address add 2001:db8:77::1/64 dev eth0 nodad",
	}
	bridge := []string{"link add bridge0 type veth peer name far1", "link set bridge0 up", "address add 172.17.0.1/16 dev bridge0"}
	first4, second4 := netip.MustParseAddr("10.77.0.1"), netip.MustParseAddr("10.77.0.2")
	first6, second6 := netip.MustParseAddr("2001:db8:77::1"), netip.MustParseAddr("2001:db8:77::2")
	for name, config := range map[string]Config{
		"bound, found":    {Primary: []string{"10.77.0.1:0", "[2001:db8:77::1]:0"}, FindAlternate: true},
		"bound, named":    {Primary: []string{"10.77.0.1:0", "[2001:db8:77::1]:0"}, Alternate: []netip.Addr{second4, second6}},
		"wildcard, found": {Primary: []string{":0"}, FindAlternate: true, Alternate: []netip.Addr{second6}},
		"wildcard, named": {Primary: []string{":0"}, Alternate: []netip.Addr{second6, second4}},
	} {
		t.Run(name, func(t *testing.T) {
			enterNamespace(t, append(eth0, bridge...)...)
			s := run(t, config)
			everyRow(t, s, []netip.Addr{first4, second4})
			everyRow(t, s, []netip.Addr{first6, second6})
			if len(s.Corners()) != 2 {
				t.Errorf("%+v", s.Corners())
			}
			third := s.at("172.17.0.1", AlternatePort) // a third address counts as a primary one, where it is served
			want := Corners{third, s.at("172.17.0.1", PrimaryPort), s.at("10.77.0.2", AlternatePort), s.at("10.77.0.2", PrimaryPort)}
			if strings.HasPrefix(name, "bound") {
				want = Corners{}
			}
			if got := s.CornersFrom(third); got != want {
				t.Errorf("%+v", got)
			}
		})
	}
	t.Run("the bridge is first", func(t *testing.T) {
		enterNamespace(t, append(bridge, eth0...)...)
		s := run(t, Config{Primary: []string{":0"}, FindAlternate: true})
		for _, set := range s.Corners() {
			if (set.Secondary != "") != (set.Primary == first6.String()) { // the bridge has no IPv6
				t.Errorf("found %+v", set)
			}
		}
	})
}

// TestFragmentsLeave: PADDING as long as the MTU makes an answer that leaves in two fragments, and arrives.
func TestFragmentsLeave(t *testing.T) {
	enterNamespace(t, "link set lo mtu 1500")
	s := run(t, Config{})
	request := bindingRequest(t, attribute(0x26, strings.Repeat("x", 1500)))
	answer := exchange(t, dialUDP(t, s.Addrs()[0]), request.Raw)
	mapped(t, answer, request)
	if len(answer) <= 1500 {
		t.Errorf("%d bytes", len(answer))
	}
}
