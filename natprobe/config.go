package natprobe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/icescope/icescope/protocol"
)

// DefaultPort is where STUN servers wait (RFC 8489 section 8).
const DefaultPort = 3478

// DefaultMaxLifetime is the longest pause that the lifetime search tries: RFC 4787 REQ-5 recommends five minutes, and a mapping that lives longer needs no care.
const DefaultMaxLifetime = 5 * time.Minute

// minMaxLifetime keeps the pauses longer than the time that a packet takes.
const minMaxLifetime = 4 * time.Second

// Config says whom to ask and what.
type Config struct {
	// Server is HOST or HOST:PORT; the port is DefaultPort where none is given.
	Server string
	// Family is 4 or 6, or 0 for IPv4 where the server has it.
	Family int
	// Hairpin sends packets from this machine to itself by way of its NAT. Off unless asked: intrusion detection takes them for a LAND attack.
	Hairpin bool
	// Lifetime searches for how long a mapping lives; it takes up to about twice MaxLifetime.
	Lifetime bool
	// MaxLifetime is the longest pause that is tried; 0 means DefaultMaxLifetime.
	MaxLifetime time.Duration
	// Version is this program's, for the result.
	Version string
	// OnTest is told of each step when it is done, and of long ones when they begin (protocol.StepRunning). Calls do not overlap. Nil: nobody.
	OnTest func(protocol.NATTest)
	// OnProgress is told how much of the lifetime search's time has passed. Calls do not overlap. Nil: nobody.
	OnProgress func(done, total time.Duration)
	// Resolver finds the server's addresses; nil means net.DefaultResolver.
	Resolver *net.Resolver
	// Network makes the sockets; nil means those of this machine.
	Network Network
}

// Network is what a probe needs of the machine that it runs on. Tests put a simulated NAT here.
type Network interface {
	// ListenPacket opens a UDP socket on an address of this machine; port 0 takes a fresh one.
	ListenPacket(local netip.AddrPort) (net.PacketConn, error)
	// DialTCP connects to the server.
	DialTCP(ctx context.Context, server netip.AddrPort) (net.Conn, error)
	// Source is the address of this machine that packets to the server leave from.
	Source(server netip.AddrPort) (netip.Addr, error)
	// Own are all addresses of this machine.
	Own() ([]netip.Addr, error)
	// MTU is that of the interface with this address; 0 where it is not known.
	MTU(local netip.Addr) int
}

// resolve finds the server's address. IPv4 comes first: that is where NATs are.
func (c Config) resolve(ctx context.Context) (netip.AddrPort, error) {
	host, port := c.Server, uint16(DefaultPort)
	if h, p, err := net.SplitHostPort(c.Server); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return netip.AddrPort{}, fmt.Errorf("port %q in %q is not 1 to 65535; try %s", p, c.Server, net.JoinHostPort(h, strconv.Itoa(DefaultPort)))
		}
		host, port = h, uint16(n)
	}
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' { // [2001:db8::1] without a port
		host = host[1 : n-1]
	}
	if host == "" {
		return netip.AddrPort{}, errors.New("no host to ask; try 192.0.2.1 or 192.0.2.1:3478")
	}
	addrs := []netip.Addr{}
	if addr, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, addr)
	} else {
		resolver := c.Resolver
		if resolver == nil {
			resolver = net.DefaultResolver
		}
		found, err := resolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("the address of %q was not found: %w; an IP address needs no DNS", host, err)
		}
		addrs = found
	}
	var six netip.Addr
	for _, a := range addrs {
		switch a = a.Unmap(); {
		case a.Is4() && c.Family != 6:
			return netip.AddrPortFrom(a, port), nil
		case a.Is6() && c.Family != 4 && !six.IsValid():
			six = a
		}
	}
	if !six.IsValid() {
		return netip.AddrPort{}, fmt.Errorf("%q has no IPv%d address; leave out --ipv%d", host, c.Family, c.Family)
	}
	return netip.AddrPortFrom(six, port), nil
}
