package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// TestParseCandidate reads candidate-attributes (RFC 8839 section 5.1) as the RFC's own examples, Chromium, Firefox and pion write them.
func TestParseCandidate(t *testing.T) {
	type line = protocol.CandidateLine
	for name, test := range map[string]struct {
		line string
		want line
	}{
		"RFC 8839 section 5.1, host": {
			"a=candidate:1 1 UDP 2130706431 203.0.113.141 8998 typ host",
			line{Foundation: "1", Component: 1, Protocol: "udp", Priority: 2130706431, Address: "203.0.113.141", Port: 8998, Type: "host", RelatedPort: -1},
		},
		"RFC 8839 section 5.1, srflx": {
			"a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998",
			line{Foundation: "2", Component: 1, Protocol: "udp", Priority: 1694498815, Address: "192.0.2.3", Port: 45664, Type: "srflx", RelatedAddress: "203.0.113.141", RelatedPort: 8998},
		},
		"RFC 6544 section 4.5, TCP active": {
			"candidate:1 1 TCP 2128609279 10.0.1.1 9 typ host tcptype active",
			line{Foundation: "1", Component: 1, Protocol: "tcp", Priority: 2128609279, Address: "10.0.1.1", Port: 9, Type: "host", RelatedPort: -1, TCPType: "active"},
		},
		"Chromium, masked": {
			"candidate:3458228781 1 udp 2113937151 0e5bf376-4bde-4879-b6bc-42cd7bf74284.local 52840 typ host generation 0 ufrag 1ZMK network-cost 999",
			line{Foundation: "3458228781", Component: 1, Protocol: "udp", Priority: 2113937151, Address: "0e5bf376-4bde-4879-b6bc-42cd7bf74284.local", Port: 52840, Type: "host", RelatedPort: -1, Ufrag: "1ZMK"},
		},
		"Chromium, srflx while masked": {
			"candidate:842163049 1 udp 1677729535 10.9.0.1 41823 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag a/+9 network-cost 999",
			line{Foundation: "842163049", Component: 1, Protocol: "udp", Priority: 1677729535, Address: "10.9.0.1", Port: 41823, Type: "srflx", RelatedAddress: "0.0.0.0", RelatedPort: 0, Ufrag: "a/+9"},
		},
		"Firefox, without the prefix": {
			"0 1 UDP 2122187007 2001:db8::7 51820 typ host",
			line{Foundation: "0", Component: 1, Protocol: "udp", Priority: 2122187007, Address: "2001:db8::7", Port: 51820, Type: "host", RelatedPort: -1},
		},
		"pion, prflx": {
			" candidate:1 2 udp 0 ::1 0 typ prflx raddr :: rport 65535 ",
			line{Foundation: "1", Component: 2, Protocol: "udp", Address: "::1", Type: "prflx", RelatedAddress: "::", RelatedPort: 65535},
		},
		"extensions without a value, and a name where a value stands": {
			"candidate:1 1 udp 1 192.0.2.1 1 typ relay x-flag",
			line{Foundation: "1", Component: 1, Protocol: "udp", Priority: 1, Address: "192.0.2.1", Port: 1, Type: "relay", RelatedPort: -1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := protocol.ParseCandidate(test.line)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("\n got %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestParseCandidateRefuses(t *testing.T) {
	for name, line := range map[string]string{
		"empty":                   "",
		"prefix only":             "candidate:",
		"foundation of 33":        "candidate:" + strings.Repeat("f", 33) + " 1 udp 1 192.0.2.1 1 typ host",
		"component 0":             "candidate:1 0 udp 1 192.0.2.1 1 typ host",
		"component 257":           "candidate:1 257 udp 1 192.0.2.1 1 typ host",
		"transport sctp":          "candidate:1 1 sctp 1 192.0.2.1 1 typ host",
		"priority over 32 bits":   "candidate:1 1 udp 4294967296 192.0.2.1 1 typ host",
		"priority negative":       "candidate:1 1 udp -1 192.0.2.1 1 typ host",
		"port 65536":              "candidate:1 1 udp 1 192.0.2.1 65536 typ host",
		"no typ":                  "candidate:1 1 udp 1 192.0.2.1 1 host",
		"no type":                 "candidate:1 1 udp 1 192.0.2.1 1 typ",
		"rport not a number":      "candidate:1 1 udp 1 192.0.2.1 1 typ srflx raddr 192.0.2.2 rport x",
		"longer than the limit":   "candidate:1 1 udp 1 192.0.2.1 1 typ host x " + strings.Repeat("x", protocol.MaxCandidateLine),
		"address longer than 255": "candidate:1 1 udp 1 " + strings.Repeat("a", 256) + " 1 typ host",
		"another attribute":       "a=end-of-candidates",
		"two lines":               "candidate:1 1 udp 1 192.0.2.1 1 typ host\r\na=ice-pwd:stolen",
		"a tab instead of spaces": "candidate:1\t1\tudp\t1\t192.0.2.1\t1\ttyp\thost",
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := protocol.ParseCandidate(line); err == nil {
				t.Errorf("read as %+v", c)
			}
		})
	}
}

// TestPreferences takes the priority of RFC 8839's host example apart: 126 is what RFC 8445 section 5.1.2.2 recommends for host candidates.
func TestPreferences(t *testing.T) {
	if typ, local, component := protocol.Preferences(2130706431); typ != 126 || local != 65535 || component != 1 {
		t.Errorf("got %d, %d, %d", typ, local, component)
	}
}

func TestIsMDNS(t *testing.T) {
	for address, want := range map[string]bool{"a.local": true, "A.LOCAL": true, ".local": false, "local": false, "192.0.2.1": false, "a.local.": false, "": false} {
		if got := protocol.IsMDNS(address); got != want {
			t.Errorf("IsMDNS(%q) = %t", address, got)
		}
	}
}

// FuzzCandidate: what was read, written again by the grammar, reads the same.
func FuzzCandidate(f *testing.F) {
	f.Add("candidate:842163049 1 udp 1677729535 10.9.0.1 41823 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag a/+9 network-cost 999")
	f.Add("a=candidate:1 1 TCP 2128609279 2001:db8::1 9 typ host tcptype active")
	f.Add("candidate:1 1 udp 1 x.local 1 typ relay x-flag")
	f.Fuzz(func(t *testing.T, line string) {
		c, err := protocol.ParseCandidate(line)
		if err != nil {
			return
		}
		again, err := protocol.ParseCandidate(write(c))
		if err != nil {
			t.Fatalf("%q was read as %+v, and then not as %q: %v", line, c, write(c), err)
		}
		if c != again {
			t.Errorf("%q\nfirst %+v\nthen  %+v", line, c, again)
		}
	})
}

func write(c protocol.CandidateLine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "candidate:%s %d %s %d %s %d typ %s", c.Foundation, c.Component, c.Protocol, c.Priority, c.Address, c.Port, c.Type)
	if c.RelatedAddress != "" {
		fmt.Fprintf(&b, " raddr %s", c.RelatedAddress)
	}
	if c.RelatedPort >= 0 {
		fmt.Fprintf(&b, " rport %d", c.RelatedPort)
	}
	if c.TCPType != "" {
		fmt.Fprintf(&b, " tcptype %s", c.TCPType)
	}
	if c.Ufrag != "" {
		fmt.Fprintf(&b, " ufrag %s", c.Ufrag)
	}
	return b.String()
}
