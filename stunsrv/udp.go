package stunsrv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

const (
	// maxDatagram is in bytes. STUN stays under the path MTU (RFC 8489 section 6.1), but for a request whose PADDING is as long as the MTU (RFC 5780 section 7.6): this is
	// room for one of a jumbo frame, 9000. What is longer is cut by the kernel, and then no STUN message.
	maxDatagram = 9216
	// maxReadErrors in a row end the loop: single ones (an ICMP error, on some systems) are passed over, a socket that fails for good must not spin.
	maxReadErrors = 100
)

// serveUDP is the loop of one socket: one read, at most one write, no allocation.
func (s *Server) serveUDP(ctx context.Context, sock *socket) error {
	in := make([]byte, maxDatagram)
	out := make([]byte, 0, maxAnswer)
	control := make([]byte, controlSize)
	for failed := 0; ; {
		n, controlled, _, source, err := sock.conn.ReadMsgUDPAddrPort(in, control)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			if failed++; failed > maxReadErrors {
				return fmt.Errorf("stunsrv: UDP %s cannot be read: %w", sock.local, err)
			}
			s.log.Debug("read", "at", sock.local, "err", err)
			continue
		}
		failed = 0
		local := sock.local
		addr, ttl, pin := arrivedAt(control[:controlled])
		if addr.IsValid() { // only a wildcard socket asked for it
			local = netip.AddrPortFrom(addr, local.Port())
		}
		answer, inquiry := sock.respond(out[:0], in[:n], source, local)
		switch inquiry.kind {
		case kindNothing:
			continue
		case kindResponse:
			s.checks.deliver(in[:n], source, local)
			continue
		case kindWhoami:
			if !s.whoami.allow(source.Addr(), time.Now()) {
				answer = nil
			}
		}
		answered := len(answer) > 0
		if answered {
			if err = sock.send(answer, pin, local, inquiry); err != nil {
				s.log.Debug("write", "to", inquiry.to, "from", inquiry.origin, "err", err)
				answered = false
			}
		}
		s.sightings.add(seen{source: source, local: local, kind: inquiry.kind, answered: answered}, ttl, inquiry.software, inquiry.username)
	}
}

// send hands an answer to the kernel, at the corner and to the address that respond chose. pin makes a wildcard socket send from local, where the request came to.
func (sock *socket) send(answer, pin []byte, local netip.AddrPort, way inquiry) error {
	from := sock.siblings[way.from]
	if from == nil {
		return sock.sendLent(answer, way)
	}
	if from.local.Addr().IsUnspecified() && way.origin.Addr() != local.Addr() {
		pin = sock.pair.pin(way.origin.Addr())
	}
	_, _, err := from.conn.WriteMsgUDPAddrPort(answer, pin, way.to)
	return err
}
