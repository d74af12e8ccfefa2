package stunsrv

import (
	"net/netip"
	"strings"
	"testing"
)

func TestPairs(t *testing.T) {
	machine := func(list ...string) (out []onInterface) {
		index := 1
		for _, text := range list {
			if text == "|" { // the next interface
				index++
				continue
			}
			prefix, fleeting := strings.CutSuffix(text, " fleeting")
			out = append(out, onInterface{index, netip.MustParsePrefix(prefix), fleeting})
		}
		return out
	}
	// eth0 has an alias, a virtual address, and another network; docker0 and a VPN stand beside it.
	usual := machine("127.0.0.1/8", "::1/128", "|", "10.0.0.5/24", "10.0.0.9/32", "10.0.0.6/24", "192.168.7.1/24", "2001:db8::5/64", "2001:db8::6/64", "fe80::5/64",
		"|", "172.17.0.1/16", "172.17.0.2/16", "|", "10.8.0.2/24", "10.8.0.3/24")
	private := machine("2001:db8::1/64", "2001:db8::3/128", "2001:db8:1::1/64", "fe80::1/64", "2001:db8::2/64 fleeting")
	one := machine("127.0.0.1/8", "|", "10.0.0.5/24", "10.0.0.9/32", "|", "10.0.0.7/24", "172.17.0.1/16", "172.17.0.2/16")
	for name, c := range map[string]struct {
		hosts, alternate string
		find             bool
		machine          []onInterface
		want             string // pairs of IPv4 and IPv6, or part of the error
	}{
		"none":                     {"0.0.0.0 ::", "", false, usual, "- -"},
		"given":                    {"0.0.0.0 ::", "10.0.0.6", false, usual, "10.0.0.5,10.0.0.6 -"},
		"the first is given":       {"0.0.0.0", "10.0.0.5", false, usual, "10.0.0.6,10.0.0.5 -"},
		"both families":            {"0.0.0.0 ::", "2001:db8::6 10.0.0.6", false, usual, "10.0.0.5,10.0.0.6 2001:db8::5,2001:db8::6"},
		"mapped":                   {"0.0.0.0", "::ffff:10.0.0.6", false, usual, "10.0.0.5,10.0.0.6 -"},
		"same interface":           {"0.0.0.0", "192.168.7.1", false, usual, "10.0.0.5,192.168.7.1 -"},
		"of another interface":     {"0.0.0.0", "10.8.0.3", false, usual, "10.8.0.2,10.8.0.3 -"},
		"loopback":                 {"0.0.0.0 ::", "127.0.0.2", false, usual, "127.0.0.1,127.0.0.2 -"},
		"bound":                    {"192.168.7.1 10.0.0.5", "10.0.0.6", false, usual, "10.0.0.5,10.0.0.6 -"},
		"bound elsewhere":          {"172.17.0.1", "10.0.0.6", false, usual, "172.17.0.1,10.0.0.6 -"},
		"bound to both":            {"10.0.0.5 10.0.0.6", "10.0.0.6", false, usual, "10.0.0.5,10.0.0.6 -"},
		"machine not known":        {"10.0.0.5", "10.0.0.6", false, nil, "10.0.0.5,10.0.0.6 -"},
		"found":                    {"0.0.0.0 ::", "", true, usual, "10.0.0.5,10.0.0.6 2001:db8::5,2001:db8::6"},
		"found, IPv4 alone":        {"0.0.0.0", "", true, usual, "10.0.0.5,10.0.0.6 -"},
		"temporary":                {"::", "", true, private, "- -"},
		"temporary, bound":         {"2001:db8::2", "", true, private, "- -"},
		"temporary, named":         {"::", "2001:db8::2", true, private, "- 2001:db8::1,2001:db8::2"},
		"beside a temporary one":   {"::", "2001:db8::1", true, private, "- 2001:db8::2,2001:db8::1"},
		"found beside bound":       {"10.0.0.6", "", true, usual, "10.0.0.6,10.0.0.5 -"},
		"given before found":       {"0.0.0.0", "192.168.7.1", true, usual, "10.0.0.5,192.168.7.1 -"},
		"one given, other found":   {"0.0.0.0 ::", "2001:db8::6", true, usual, "10.0.0.5,10.0.0.6 2001:db8::5,2001:db8::6"},
		"nothing to find":          {"0.0.0.0 ::", "", true, one, "- -"},
		"nothing beside bound":     {"192.168.7.1", "", true, usual, "- -"},
		"loopback is not searched": {"127.0.0.1", "", true, usual, "- -"},
		"machine not known, find":  {"0.0.0.0", "", true, nil, "- -"},
		"same as primary":          {"10.0.0.5", "10.0.0.5", false, usual, "other than that of --stun"},
		"other family":             {"10.0.0.5", "2001:db8::6", false, usual, "other than that of --stun"},
		"not ours":                 {"0.0.0.0", "10.0.0.77", false, usual, "no interface of this machine has the second STUN address 10.0.0.77"},
		"two of a family":          {"0.0.0.0", "10.0.0.6 192.168.7.1", false, usual, "of one family"},
		"unspecified":              {"0.0.0.0", "0.0.0.0", false, usual, "--stun-alt-ip"},
		"link-local":               {"::", "fe80::5", false, usual, "--stun-alt-ip"},
		"multicast":                {"0.0.0.0", "224.0.0.1", false, usual, "--stun-alt-ip"},
	} {
		config := Config{FindAlternate: c.find}
		for _, a := range strings.Fields(c.alternate) {
			config.Alternate = append(config.Alternate, netip.MustParseAddr(a))
		}
		var hosts []netip.Addr
		for _, h := range strings.Fields(c.hosts) {
			hosts = append(hosts, netip.MustParseAddr(h))
		}
		found, err := config.pairs(hosts, c.machine)
		var got []string
		for _, p := range found {
			if p == nil {
				got = append(got, "-")
			} else {
				got = append(got, p.primary.String()+","+p.secondary.String())
			}
		}
		if said := strings.Join(got, " "); err == nil && said != c.want || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "try --stun-alt-ip") && !strings.Contains(err.Error(), "with --stun-alt-ip")) {
			t.Errorf("%s: %s, %v; want %s", name, said, err, c.want)
		}
	}
}

// TestAlternateErrors: what only the sockets can tell.
func TestAlternateErrors(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		says   string
	}{
		"not ours": {Config{Primary: []string{":0"}, Alternate: []netip.Addr{netip.MustParseAddr("203.0.113.7")}}, "no interface"},
		"same":     {Config{Primary: []string{"127.0.0.1:0"}, Alternate: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}, "--stun-alt-ip"},
		"invalid":  {Config{Primary: []string{":0"}, Alternate: []netip.Addr{{}}}, "--stun-alt-ip"},
	} {
		if s, err := Listen(c.config); err == nil {
			s.Close()
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCornersOneIP: the second port alone is told of; with neither there is nothing to tell.
func TestCornersOneIP(t *testing.T) {
	s := run(t, Config{})
	at := s.at("127.0.0.1", PrimaryPort)
	got := s.Corners()
	if len(got) != 1 || got[0].Primary != "127.0.0.1" || got[0].Secondary != "" || got[0].SecondaryPort != int(s.Port(AlternatePort)) {
		t.Errorf("%+v", got)
	}
	if want := (Corners{PP: at, PS: s.at("127.0.0.1", AlternatePort)}); s.CornersFrom(at) != want {
		t.Errorf("%+v", s.CornersFrom(at))
	}
	for _, not := range []string{"127.0.0.1:1", "127.0.0.2:3478", "[::1]:3478"} {
		if c := s.CornersFrom(netip.MustParseAddrPort(not)); c != (Corners{}) {
			t.Errorf("%s: %+v", not, c)
		}
	}
	if c := run(t, Config{AlternatePort: NoAlternate}).Corners(); c != nil {
		t.Errorf("%+v", c)
	}
	for _, c := range run(t, Config{Primary: []string{":0"}}).Corners() {
		if ip := netip.MustParseAddr(c.Primary); ip.IsLinkLocalUnicast() {
			t.Errorf("%+v", c)
		}
	}
}
