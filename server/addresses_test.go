package server

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/icescope/icescope/protocol"
)

func TestHostOnly(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:8080":          "192.0.2.1",
		"192.0.2.1":               "192.0.2.1",
		"host.example:8080":       "host.example",
		"host":                    "host",
		"[2001:db8::1]:8080":      "2001:db8::1",
		"[2001:db8::1]":           "2001:db8::1",
		"2001:db8::1":             "2001:db8::1",
		"[fe80::1%eth0]:8080":     "fe80::1",
		"[::ffff:192.0.2.1]:8080": "192.0.2.1",
		":8080":                   "",
		"":                        "",
	} {
		if got := hostOnly(in); got != want {
			t.Errorf("hostOnly(%q) is %q, want %q", in, got, want)
		}
	}
}

// TestSTUNURLs: the address that reached the page is the address that works, with the exceptions that stunURLs.hosts names.
func TestSTUNURLs(t *testing.T) {
	machine := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("::1"), netip.MustParseAddr("2001:db8::5")}
	bound := []netip.Addr{netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("10.1.0.5")}
	for _, c := range []struct {
		name string
		urls stunURLs
		page string
		want []string
	}{
		{"the page's address", stunURLs{machine: machine}, "192.0.2.9:8080", []string{"stun:192.0.2.9:3478", "stun:192.0.2.9:3479"}},
		{"the page's name", stunURLs{machine: machine}, "scope.example:8080",
			[]string{"stun:10.0.0.5:3478", "stun:10.0.0.5:3479", "stun:scope.example:3478", "stun:scope.example:3479"}},
		{"IPv6 stands in brackets", stunURLs{machine: machine}, "[2001:db8::9]:8080", []string{"stun:[2001:db8::9]:3478", "stun:[2001:db8::9]:3479"}},
		{"localhost", stunURLs{machine: machine}, "localhost:8080", []string{"stun:10.0.0.5:3478", "stun:10.0.0.5:3479"}},
		{"127.0.0.1", stunURLs{machine: machine}, "127.0.0.1:8080", []string{"stun:10.0.0.5:3478", "stun:10.0.0.5:3479"}},
		{"no network", stunURLs{machine: machine[:1]}, "localhost", []string{"stun:127.0.0.1:3478", "stun:127.0.0.1:3479"}},
		{"nothing at all", stunURLs{}, "", []string{"stun:127.0.0.1:3478", "stun:127.0.0.1:3479"}},
		{"advertised", stunURLs{advertise: "198.51.100.7", machine: machine}, "192.0.2.9", []string{"stun:198.51.100.7:3478", "stun:198.51.100.7:3479"}},
		{"bound to two", stunURLs{bound: bound, machine: machine}, "10.1.0.5:8080",
			[]string{"stun:10.1.0.5:3478", "stun:10.1.0.5:3479", "stun:10.0.0.5:3478", "stun:10.0.0.5:3479"}},
		{"bound elsewhere", stunURLs{bound: bound[:1], machine: machine}, "192.0.2.9", []string{"stun:10.0.0.5:3478", "stun:10.0.0.5:3479"}},
	} {
		c.urls.ports = []uint16{3478, 3479}
		local := netip.MustParseAddr("10.0.0.5") // where the connection ended
		got := c.urls.servers(c.page, local)
		if diff := cmp.Diff([]protocol.ICEServer{{URLs: c.want}}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		for _, u := range got[0].URLs {
			if _, err := protocol.CheckICEURL(u); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}

func TestReachable(t *testing.T) {
	addrs := func(all ...string) (out []netip.Addr) {
		for _, a := range all {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	machine := addrs("127.0.0.1", "10.0.0.5", "::1", "2001:db8::5")
	for _, c := range []struct {
		bound         netip.Addr
		machine, want []netip.Addr
	}{
		{netip.IPv6Unspecified(), machine, addrs("10.0.0.5", "2001:db8::5")},
		{netip.IPv4Unspecified(), machine, addrs("10.0.0.5")},
		{netip.MustParseAddr("127.0.0.1"), machine, addrs("127.0.0.1")},
		{netip.IPv6Unspecified(), addrs("127.0.0.1", "::1"), addrs("127.0.0.1", "::1")},
	} {
		if diff := cmp.Diff(c.want, reachable(c.bound, c.machine), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("bound to %v (-want +got):\n%s", c.bound, diff)
		}
	}
}
