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

// datagram is what came, and what is sent for it.
type datagram struct {
	msg           []byte
	source, local netip.AddrPort
	ttl           int    // 0: not known
	pin           []byte // makes a wildcard socket send from local

	out     []byte // room for the answer
	answer  []byte // empty: silence
	inquiry        // the way of the answer, among others
	err     error  // of sending
}

// datagrams is a socket as its loop sees it. What read returns, and all in it, lasts until the next read.
type datagrams interface {
	read() ([]datagram, error) // waits for at least one
	send([]datagram)           // those that have an answer
}

// udpConn is a socket as all but its loop see it: *net.UDPConn, or what Linux has instead.
type udpConn interface {
	WriteMsgUDPAddrPort(msg, control []byte, to netip.AddrPort) (n, controlled int, err error)
	Close() error
}

// serveUDP is the loop of one socket: what has come is read, answered, sent, and told of, and nothing is allocated.
func (s *Server) serveUDP(ctx context.Context, sock *socket) error {
	return s.serveDatagrams(ctx, sock, newDatagrams(sock))
}

func (s *Server) serveDatagrams(ctx context.Context, sock *socket, datagrams datagrams) error {
	var sights []sight
	for failed := 0; ; {
		came, err := datagrams.read()
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
		for i := range came {
			d := &came[i]
			d.answer, d.inquiry = sock.respond(d.out[:0], d.msg, d.source, d.local)
			switch d.kind {
			case kindResponse:
				s.checks.deliver(d.msg, d.source, d.local)
			case kindWhoami:
				if !s.whoami.allow(d.source.Addr(), time.Now()) {
					d.answer = nil
				}
			case kindTURN:
				if s.turn != nil {
					s.turn.takeUDP(sock, d.msg, d.source, d.local)
				}
			}
		}
		datagrams.send(came)
		sights = sights[:0]
		for i := range came {
			d := &came[i]
			if d.err != nil {
				s.log.Debug("write", "to", d.to, "from", d.origin, "err", d.err)
			}
			if d.kind.asksUs() {
				what := seen{source: d.source, local: d.local, kind: d.kind, answered: len(d.answer) > 0 && d.err == nil}
				sights = append(sights, sight{what, d.ttl, d.software, d.username})
			}
		}
		s.sightings.add(sights)
	}
}

// send hands an answer to the kernel, at the corner and to the address that respond chose. pin makes a wildcard socket send from local, where the request came to.
func (sock *socket) send(answer, pin []byte, local netip.AddrPort, way inquiry) error {
	from := sock.siblings[way.from]
	if from == nil {
		return sock.sendLent(answer, pin, way)
	}
	if from.local.Addr().IsUnspecified() && way.origin.Addr() != local.Addr() {
		pin = sock.pair.pin(way.origin.Addr())
	}
	_, _, err := from.conn.WriteMsgUDPAddrPort(answer, pin, way.to)
	return err
}

// oneByOne is datagrams where the kernel has no better way.
type oneByOne struct {
	sock    *socket
	conn    *net.UDPConn
	control []byte
	buffer  []byte
	came    [1]datagram
}

func newOneByOne(sock *socket, conn *net.UDPConn) *oneByOne {
	o := &oneByOne{sock: sock, conn: conn, control: make([]byte, controlSize), buffer: make([]byte, maxDatagram)}
	o.came[0].out = make([]byte, 0, maxAnswer)
	return o
}

func (o *oneByOne) read() ([]datagram, error) {
	n, controlled, _, source, err := o.conn.ReadMsgUDPAddrPort(o.buffer, o.control)
	if err != nil {
		return nil, err
	}
	o.came[0].arrived(o.sock, o.buffer[:n], o.control[:controlled], source)
	return o.came[:], nil
}

func (o *oneByOne) send(came []datagram) {
	for i := range came {
		came[i].send(o.sock)
	}
}

// arrived takes in what the kernel tells of a datagram.
func (d *datagram) arrived(sock *socket, msg, control []byte, source netip.AddrPort) {
	d.msg, d.source, d.local, d.err = msg, source, sock.local, nil
	var addr netip.Addr
	if addr, d.ttl, d.pin = arrivedAt(control); addr.IsValid() { // only a wildcard socket asked for it
		d.local = netip.AddrPortFrom(addr, sock.local.Port())
	}
}

// send sends the one answer.
func (d *datagram) send(sock *socket) {
	if len(d.answer) > 0 {
		d.err = sock.send(d.answer, d.pin, d.local, d.inquiry)
	}
}
