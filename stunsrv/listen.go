package stunsrv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

const (
	// freePortAttempts bounds the search for a port number that is free over UDP and TCP in both families; one attempt nearly always does.
	freePortAttempts = 16
	// socketBuffer is in bytes, for both directions of a UDP socket: room for a burst of some thousand requests. The kernel may grant less.
	socketBuffer = 1 << 20
)

// socket is one UDP socket, at one corner.
type socket struct {
	conn     udpConn
	local    netip.AddrPort   // the wildcard address, or the only address that datagrams can come to
	siblings [corners]*socket // for what leaves from each corner; nil where there is none
	responder
}

// listener is one TCP listener.
type listener struct {
	*net.TCPListener
	responder
}

// bind opens all sockets of the server, or none.
func (s *Server) bind(hosts []netip.Addr, primary uint16, alternate int) error {
	var err error
	if s.ports[PrimaryPort], err = s.bindPort(hosts, PrimaryPort, primary); err != nil {
		return err
	}
	if alternate != NoAlternate {
		if s.ports[AlternatePort], err = s.bindPort(hosts, AlternatePort, uint16(alternate)); err != nil {
			return err
		}
	}
	s.join()
	return nil
}

// bindPort binds one port on all hosts over UDP and TCP and tells its number; number 0 is any that is free everywhere.
func (s *Server) bindPort(hosts []netip.Addr, port Port, number uint16) (uint16, error) {
	attempts := 1
	if number == 0 {
		attempts = freePortAttempts
	}
	sockets, listeners := len(s.sockets), len(s.listeners)
	var err error
	for range attempts {
		var got uint16
		if got, err = s.bindHosts(hosts, port, number); err == nil {
			return got, nil
		}
		for _, sock := range s.sockets[sockets:] {
			sock.conn.Close()
		}
		for _, l := range s.listeners[listeners:] {
			l.Close()
		}
		s.sockets, s.listeners = s.sockets[:sockets], s.listeners[:listeners]
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return 0, err
}

func (s *Server) bindHosts(hosts []netip.Addr, port Port, number uint16) (uint16, error) {
	for _, host := range hosts {
		family := "4"
		if host.Is6() {
			family = "6" // Go makes it a socket for IPv6 alone, so that each family has its own
		}
		at := netip.AddrPortFrom(host, number)
		sock, err := listenUDP("udp"+family, at)
		if err != nil {
			if host.IsUnspecified() && noSuchFamily(err) {
				s.log.Debug("address family is not available", "host", host, "err", err)
				continue
			}
			return 0, explain("UDP", at, port, err)
		}
		sock.port = port
		s.sockets = append(s.sockets, sock)
		number = sock.local.Port()
		at = netip.AddrPortFrom(host, number)
		l, err := net.Listen("tcp"+family, at.String())
		if err != nil {
			return 0, explain("TCP", at, port, err)
		}
		s.listeners = append(s.listeners, &listener{TCPListener: l.(*net.TCPListener), responder: responder{port: port}})
	}
	if len(s.sockets) == 0 {
		return 0, errors.New("stunsrv: this machine has neither IPv4 nor IPv6")
	}
	return number, nil
}

func listenUDP(network string, at netip.AddrPort) (*socket, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		return errors.Join(c.Control(func(fd uintptr) { failed = wantControl(fd, at.Addr().Is6(), at.Addr().IsUnspecified()) }), failed)
	}}
	conn, err := lc.ListenPacket(context.Background(), network, at.String())
	if err != nil {
		return nil, err
	}
	udp := conn.(*net.UDPConn)
	_ = udp.SetReadBuffer(socketBuffer)
	_ = udp.SetWriteBuffer(socketBuffer)
	local := udp.LocalAddr().(*net.UDPAddr).AddrPort()
	own, err := ownConn(udp)
	if err != nil {
		return nil, err
	}
	return &socket{conn: own, local: netip.AddrPortFrom(local.Addr().Unmap(), local.Port())}, nil
}

// join tells each socket and listener its corner, and each socket from which others its answers can leave.
func (s *Server) join() {
	for _, l := range s.listeners {
		l.responder = s.responder(unmapped(l.Addr().(*net.TCPAddr).AddrPort()), l.port)
		l.stream = true
	}
	for _, sock := range s.sockets {
		sock.responder = s.responder(sock.local, sock.port)
		for c := range sock.siblings {
			sock.siblings[c] = s.sibling(sock, corner(c))
		}
	}
}

func (s *Server) responder(local netip.AddrPort, port Port) responder {
	return responder{software: s.software, port: port, otherPort: s.ports[AlternatePort-port], pair: s.pairs[family(local.Addr())],
		lent: s.lentBy(family(local.Addr()))}
}

// sibling is the socket for what leaves from c. A wildcard socket sends from both IPs.
func (s *Server) sibling(of *socket, c corner) *socket {
	host := of.local.Addr()
	switch {
	case c&sp != 0 && of.pair == nil:
		return nil
	case host.IsUnspecified():
	case c&sp != 0:
		host = of.pair.secondary
	case of.pair != nil && host == of.pair.secondary:
		host = of.pair.primary
	}
	for _, sock := range s.sockets {
		if sock.local.Addr() == host && sock.port == Port(c&ps) {
			return sock
		}
	}
	return nil
}

// noSuchFamily tells that the kernel has no IPv4, or no IPv6, and not that something else is wrong.
func noSuchFamily(err error) bool {
	return errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EPROTONOSUPPORT)
}

// explain says what, where, and what to try.
func explain(transport string, at netip.AddrPort, port Port, err error) error {
	which, try := "STUN port", "another with --stun :PORT"
	if port == AlternatePort {
		which, try = "second STUN port", "other ports with --stun"
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		try = "stop the program that holds it (ss -lnp | grep :" + strconv.Itoa(int(at.Port())) + "), or choose " + try
	case errors.Is(err, fs.ErrPermission):
		try = "ports below 1024 need root; choose " + try
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		try = "no interface of this machine has that address (ip address); choose " + try
	default:
		try = "choose " + try
	}
	return fmt.Errorf("stunsrv: cannot listen on %s %s, the %s: %w; try: %s", transport, at, which, err, try)
}

// withoutWildcards puts the machine's own addresses in the place of each wildcard.
func withoutWildcards(hosts []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, host := range hosts {
		if !host.IsUnspecified() {
			out = append(out, host)
			continue
		}
		for _, p := range machineAddrs() {
			// A link-local address cannot be bound without its zone, and candidates hardly ever have one.
			if p.Addr().Is4() == host.Is4() && !p.Addr().IsLinkLocalUnicast() {
				out = append(out, p.Addr())
			}
		}
	}
	return out
}
