package stunsrv

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// A fresh port answers STUN over UDP for a while, on a number that nobody has asked before: a filter that knows the usual ports, and a mapping that a NAT keeps from
// before, do not apply to it. It is none of the four corners, and says nothing of them.

// maxFresh bounds the ports that are open at once: a room opens two at a time, and each is a socket a family.
const maxFresh = 64

// ErrFreshPorts is what FreshPort returns where too many are open.
var ErrFreshPorts = errors.New("stunsrv: too many further ports are open; try again in half a minute")

// ErrServerClosed is what FreshPort returns when Serve has ended, or Close was called.
var ErrServerClosed = errors.New("stunsrv: the server is closed")

type freshPorts struct {
	mu      sync.Mutex
	open    map[*freshPort]struct{}
	opening int // counted before they are bound, so that a refusal costs no socket
	closed  bool
	loops   sync.WaitGroup
}

type freshPort struct {
	conns []*net.UDPConn
	timer *time.Timer
}

// FreshPort opens such a port on the addresses of the primary one until done is called, or that much time has passed; done may be called more than once, and does not block.
func (s *Server) FreshPort(lasts time.Duration) (port uint16, done func(), err error) {
	if err := s.fresh.reserve(); err != nil {
		return 0, nil, err
	}
	p := &freshPort{}
	var socks []*socket
	for range freePortAttempts {
		if socks, err = s.openFresh(); !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	s.fresh.mu.Lock()
	defer s.fresh.mu.Unlock()
	s.fresh.opening--
	if err != nil {
		return 0, nil, err
	}
	for _, sock := range socks {
		p.conns = append(p.conns, sock.conn.(*net.UDPConn))
	}
	done = func() { s.fresh.close(p) }
	if s.fresh.closed {
		p.end()
		return 0, nil, ErrServerClosed
	}
	if s.fresh.open == nil {
		s.fresh.open = map[*freshPort]struct{}{}
	}
	s.fresh.open[p] = struct{}{}
	p.timer = time.AfterFunc(lasts, done)
	for i, sock := range socks {
		s.fresh.loops.Go(func() {
			_ = s.serveDatagrams(context.Background(), sock, newOneByOne(sock, p.conns[i])) // a socket that fails is as silent as one that is closed
		})
	}
	return socks[0].local.Port(), done, nil
}

// reserve takes a place for one that is to be opened.
func (f *freshPorts) reserve() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return ErrServerClosed
	case len(f.open)+f.opening >= maxFresh:
		return ErrFreshPorts
	}
	f.opening++
	return nil
}

// openFresh binds one number on each address of the primary port.
func (s *Server) openFresh() (socks []*socket, err error) {
	defer func() {
		if err != nil {
			for _, sock := range socks {
				sock.conn.Close()
			}
		}
	}()
	number := uint16(0)
	for _, like := range s.sockets {
		if like.port != PrimaryPort {
			continue
		}
		host, network := like.local.Addr(), "udp4"
		if host.Is6() {
			network = "udp6"
		}
		at := netip.AddrPortFrom(host, number)
		lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
			var failed error
			return errors.Join(c.Control(func(fd uintptr) { failed = wantControl(fd, host.Is6(), host.IsUnspecified()) }), failed)
		}}
		conn, err := lc.ListenPacket(context.Background(), network, at.String())
		if err != nil {
			return socks, err
		}
		udp := conn.(*net.UDPConn)
		sock := &socket{conn: udp, local: unmapped(udp.LocalAddr().(*net.UDPAddr).AddrPort())}
		sock.responder = responder{software: s.software}
		sock.siblings[pp] = sock
		socks, number = append(socks, sock), sock.local.Port()
	}
	if len(socks) == 0 {
		return nil, errors.New("stunsrv: there is no UDP socket to open another like")
	}
	return socks, nil
}

func (f *freshPorts) close(p *freshPort) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, p)
	p.end()
}

func (p *freshPort) end() {
	if p.timer != nil {
		p.timer.Stop()
	}
	for _, c := range p.conns {
		c.Close()
	}
}

// closeAll is for the end of the server; wait returns when the last loop has ended.
func (f *freshPorts) closeAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for p := range f.open {
		p.end()
	}
	clear(f.open)
}

func (f *freshPorts) wait() { f.loops.Wait() }
