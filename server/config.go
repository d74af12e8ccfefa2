package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/stunsrv"
)

// Config says what to serve, and where.
type Config struct {
	// HTTP and HTTPS are addresses to listen on, as net.Listen takes them; port 0 takes a free one. HTTPS empty: not served.
	HTTP, HTTPS string
	// STUN are the addresses of the STUN server, as stunsrv.Config.Primary. STUNAltPort is the second port on them; 0: the one after the first, or a
	// free one where the first is.
	STUN        []string
	STUNAltPort int
	// STUNAltIP are the second IPs of the STUN server (RFC 5780 section 6), at most one a family; none: one is found where the machine has a usable one.
	STUNAltIP []string
	// STUNPartner are other icescopes, each of which lends its address as the second IP; STUNPartnerKey is what all of them know. As stunsrv.Config.Partners and PartnerKey.
	STUNPartner    []string
	STUNPartnerKey string

	// NoTURN turns the relay off. TURNSecret is what its credentials are made with; empty: one of this process. TURNPorts is the range of its ports, "MIN-MAX"; empty: that of
	// stunsrv.
	NoTURN                bool
	TURNSecret, TURNPorts string

	// Advertise is the host in the STUN and TURN URLs in place of the one that a page was opened with; an IP address is also the one of the relays.
	Advertise string
	// OpenRooms is signaling.Config.OpenRooms.
	OpenRooms bool
	// NoDirectCheck keeps the session from sending connectivity checks of the server's own.
	NoDirectCheck bool
	// NoNATCheck keeps it from measuring the filtering of browsers' NATs, which takes checks to the address that STUN saw them come from.
	NoNATCheck bool

	// TLSCert and TLSKey are files (PEM) of the operator's own. Without them the server signs its own certificate and keeps it in TLSDir; empty: in the
	// user's configuration directory.
	TLSCert, TLSKey, TLSDir string

	// Data is the directory in which finished reports are kept; empty: in memory. KeepFor and KeepBytes are archive.Config's. NoList keeps the list of them from being read.
	Data      string
	KeepFor   time.Duration
	KeepBytes int64
	NoList    bool

	// Lang is the language of reports that are asked for without one; empty: English.
	Lang protocol.Lang
	// Version is this program's.
	Version string
	// Logger; nil: nothing is logged.
	Logger *slog.Logger
}

// validate fills in what follows from the rest.
func (c *Config) validate() error {
	if c.HTTP == "" {
		return errors.New("no address for HTTP; try --http :8080")
	}
	if len(c.STUN) == 0 {
		return errors.New("no address for STUN; try --stun :3478")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("a certificate needs its key: give --tls-cert and --tls-key together")
	}
	if c.Advertise != "" {
		if _, err := protocol.CheckICEURL("stun:" + net.JoinHostPort(hostOnly(c.Advertise), "3478")); err != nil {
			return fmt.Errorf("--advertise: %w", err)
		}
	}
	if c.STUNAltPort == 0 {
		_, text, err := net.SplitHostPort(c.STUN[0])
		if err != nil {
			return fmt.Errorf("--stun: %w; try --stun :3478", err)
		}
		if port, err := strconv.Atoi(text); err == nil && port > 0 {
			c.STUNAltPort = c.beside(port)
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// beside is the port after the STUN port, or the next that the page does not take: STUN is served over TCP on the same numbers.
func (c *Config) beside(port int) int {
	for alt := port + 1; alt <= 65535; alt++ {
		if !taken(alt, c.HTTP) && !taken(alt, c.HTTPS) {
			return alt
		}
	}
	return port - 1
}

func taken(port int, listen string) bool {
	_, text, err := net.SplitHostPort(listen)
	return err == nil && text == strconv.Itoa(port)
}

func (c *Config) stun() (stunsrv.Config, error) {
	s := stunsrv.Config{Primary: c.STUN, AlternatePort: c.STUNAltPort, FindAlternate: true, Partners: c.STUNPartner, PartnerKey: c.STUNPartnerKey, Software: "icescope",
		Log: c.Logger}
	for _, text := range c.STUNAltIP {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return s, fmt.Errorf("--stun-alt-ip: %q is not an IP address; try one that `ip address` shows", text)
		}
		s.Alternate = append(s.Alternate, addr.Unmap())
	}
	if c.NoTURN {
		return s, nil
	}
	s.TURN = &stunsrv.TURNConfig{Secret: c.TURNSecret}
	if addr, err := netip.ParseAddr(hostOnly(c.Advertise)); err == nil {
		s.TURN.Relay = addr.Unmap()
	}
	if c.TURNPorts != "" {
		first, last, _ := strings.Cut(c.TURNPorts, "-")
		for i, text := range []string{first, last} {
			port, err := strconv.ParseUint(text, 10, 16)
			if err != nil {
				return s, fmt.Errorf("--turn-ports: %q is no range of ports; try 49152-49252", c.TURNPorts)
			}
			s.TURN.Ports[i] = uint16(port)
		}
	}
	return s, nil
}
