package protocol

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// CandidateLine is a candidate-attribute taken apart (RFC 8839 section 5.1; tcptype of RFC 6544 section 4.5).
type CandidateLine struct {
	Foundation     string
	Component      int
	Protocol       string // lower case: "udp" or "tcp"
	Priority       uint32
	Address        string // an IP literal or, masked, a name ending in .local
	Port           int
	Type           string // "host", "srflx", "prflx" or "relay"
	RelatedAddress string // empty: none
	RelatedPort    int    // -1: none
	TCPType        string
	Ufrag          string
}

// MaxCandidateLine is in bytes. Browsers write under 250; the room above is for extensions.
const MaxCandidateLine = 1024

// Masked tells whether the address is an mDNS name (draft-ietf-mmusic-mdns-ice-candidates section 3.1).
func (c CandidateLine) Masked() bool { return IsMDNS(c.Address) }

// IsMDNS tells whether an address is a .local name.
func IsMDNS(address string) bool {
	return len(address) > 6 && strings.EqualFold(address[len(address)-6:], ".local")
}

// ParseCandidate reads one candidate-attribute, with or without "a=" and "candidate:" before it. Unknown extensions are passed over, as RFC 8839 asks.
func ParseCandidate(line string) (CandidateLine, error) {
	var c CandidateLine
	if len(line) > MaxCandidateLine {
		return c, fmt.Errorf("candidate of %d bytes is over the limit of %d", len(line), MaxCandidateLine)
	}
	line = strings.TrimSpace(line)
	if strings.ContainsFunc(line, unicode.IsControl) { // a line break would begin another attribute in the SDP that this goes into
		return c, errors.New("candidate: a control character")
	}
	line = strings.TrimPrefix(line, "a=")
	line = strings.TrimPrefix(line, "candidate:")
	rest := line
	next := func() string {
		var f string
		rest = strings.TrimLeft(rest, " ")
		f, rest, _ = strings.Cut(rest, " ")
		return f
	}
	if c.Foundation = next(); c.Foundation == "" || len(c.Foundation) > 32 {
		return c, fmt.Errorf("candidate: foundation %q is not 1 to 32 characters", c.Foundation)
	}
	component := next()
	var err error
	if c.Component, err = strconv.Atoi(component); err != nil || c.Component < 1 || c.Component > 256 {
		return c, fmt.Errorf("candidate: component %q is not 1 to 256", component)
	}
	if c.Protocol = strings.ToLower(next()); c.Protocol != "udp" && c.Protocol != "tcp" && c.Protocol != "ssltcp" {
		return c, fmt.Errorf("candidate: transport %q is neither udp nor tcp", c.Protocol)
	}
	priority := next()
	p, err := strconv.ParseUint(priority, 10, 32)
	if err != nil {
		return c, fmt.Errorf("candidate: priority %q is not a 32-bit number", priority)
	}
	c.Priority = uint32(p)
	if c.Address = next(); c.Address == "" || len(c.Address) > 255 {
		return c, errors.New("candidate: no address")
	}
	port := next()
	if c.Port, err = parsePort(port); err != nil {
		return c, fmt.Errorf("candidate: port %q is not 0 to 65535", port)
	}
	if typ := next(); typ != "typ" {
		return c, fmt.Errorf("candidate: %q stands where typ should", typ)
	}
	if c.Type = next(); c.Type == "" {
		return c, errors.New("candidate: no type")
	}
	c.RelatedPort = -1
	for rest != "" {
		name := next()
		value := next()
		switch name {
		case "raddr":
			c.RelatedAddress = value
		case "rport":
			if c.RelatedPort, err = parsePort(value); err != nil {
				return c, fmt.Errorf("candidate: rport %q is not 0 to 65535", value)
			}
		case "tcptype":
			c.TCPType = value
		case "ufrag":
			c.Ufrag = value
		}
	}
	return c, nil
}

func parsePort(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err
}

// Preferences takes a candidate's priority apart: type preference (0 to 126), local preference (0 to 65535), component (RFC 8445 section 5.1.2.1).
func Preferences(priority uint32) (typ, local, component int) {
	return int(priority >> 24), int(priority >> 8 & 0xffff), 256 - int(priority&0xff)
}
