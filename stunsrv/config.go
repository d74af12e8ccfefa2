package stunsrv

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"

	"github.com/icescope/icescope/protocol"
)

// NoAlternate as Config.AlternatePort: one port only.
const NoAlternate = -1

// Config says where to listen and whom to tell.
type Config struct {
	// Primary are the addresses to serve over UDP and TCP, as "host:port" with an IP literal or nothing for the host: ":3478" is every address of this
	// machine. All have the same port; port 0 takes a free one.
	Primary []string
	// AlternatePort is the second port on the same addresses, usually 3479; 0 takes a free one, NoAlternate has none.
	AlternatePort int
	// Alternate are the second IPs, at most one a family, each an address of this machine and another than the primary one. With both ports they make the four corners
	// of RFC 5780 section 6.
	Alternate []netip.Addr
	// FindAlternate finds a second address in each family where none is given: an alias of the primary one, on the same interface and in the same prefix, and
	// not a temporary one of IPv6, which only Linux can tell.
	FindAlternate bool
	// Partners are other icescopes as "host" or "host:port", at most one a family, each of which lends its address as the second IP; the port is the primary one unless given.
	// PartnerKey is what they prove themselves with, at least MinPartnerKey characters; empty: none may connect. No alternate is found in a partner's family.
	Partners   []string
	PartnerKey string
	// TURN is the relay on the same ports; nil: there is none.
	TURN *TURNConfig
	// Software is the SOFTWARE attribute of answers (RFC 8489 section 14.14), at most 28 bytes; empty: none.
	Software string
	// OnSighting is told of every request, at most 20 ms late, by one goroutine, never by a read loop. Requests of one source that came in between
	// are one sighting, with their number in Requests. Nil: nobody.
	OnSighting func(protocol.Sighting)
	// AllowLoopbackChecks lets Check send to this machine, for tests. Otherwise a peer could make the server knock at its own services.
	AllowLoopbackChecks bool
	// Log may be nil.
	Log *slog.Logger
}

// places are the addresses to bind, and the primary port. An unspecified address is the wildcard of its family.
func (c Config) places() (hosts []netip.Addr, port uint16, err error) {
	if len(c.Software) > maxSoftware {
		return nil, 0, fmt.Errorf("stunsrv: software %q is over %d bytes", c.Software, maxSoftware)
	}
	if len(c.Primary) == 0 {
		return nil, 0, errors.New(`stunsrv: no address to listen on; try --stun :3478`)
	}
	if c.AlternatePort < NoAlternate || c.AlternatePort > 65535 {
		return nil, 0, fmt.Errorf("stunsrv: alternate port %d is not 0 to 65535", c.AlternatePort)
	}
	for i, text := range c.Primary {
		host, portText, err := net.SplitHostPort(text)
		if err != nil {
			return nil, 0, fmt.Errorf("stunsrv: %w; try --stun :3478 or --stun 192.0.2.1:3478", err)
		}
		n, err := strconv.ParseUint(portText, 10, 16)
		if err != nil {
			return nil, 0, fmt.Errorf("stunsrv: port %q in %q is not 0 to 65535; try --stun :3478", portText, text)
		}
		if i > 0 && uint16(n) != port { // four corners need the same two ports on each address (RFC 5780 section 6)
			return nil, 0, fmt.Errorf("stunsrv: %q has another port than %q; all STUN addresses share one", text, c.Primary[0])
		}
		port = uint16(n)
		if host == "" {
			hosts = append(hosts, netip.IPv4Unspecified(), netip.IPv6Unspecified())
			continue
		}
		addr, err := netip.ParseAddr(host)
		if err != nil {
			return nil, 0, fmt.Errorf("stunsrv: %q is not an IP address; try --stun :%s for every address of this machine", host, portText)
		}
		hosts = append(hosts, addr.Unmap())
	}
	if port != 0 && int(port) == c.AlternatePort {
		return nil, 0, fmt.Errorf("stunsrv: both STUN ports are %d; try another with --stun", port)
	}
	return hosts, port, nil
}
