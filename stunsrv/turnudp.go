package stunsrv

import (
	"maps"
	"net"
	"net/netip"
	"sync"
	"time"
)

// turnQueue is how many datagrams of clients may wait for pion's server at one address: 20 ms of a hundred relays at 256 kbit/s each. What is over it is dropped, since
// the loop of the socket waits for nobody.
const turnQueue = 512

// turnDatagram is one that waits.
type turnDatagram struct {
	source netip.AddrPort
	size   int
	bytes  [turnMTU]byte
}

var turnDatagrams = sync.Pool{New: func() any { return new(turnDatagram) }}

// turnUDP is what pion's server takes for its socket at one address: net.PacketConn.
type turnUDP struct {
	t      *relayServer
	sock   *socket
	local  netip.AddrPort
	addr   *net.UDPAddr
	pin    []byte // makes a wildcard socket send from local
	queue  chan *turnDatagram
	done   chan struct{}
	close  sync.Once
	ended  sync.Once
	answer []byte
}

// takeUDP takes a datagram that is TURN from the loop of its socket, which goes on at once. What it is a part of may change after that.
func (t *relayServer) takeUDP(sock *socket, msg []byte, source, local netip.AddrPort) {
	u := (*t.udp.Load())[local]
	if u == nil {
		if u = t.openUDP(sock, local); u == nil {
			return
		}
	}
	if len(msg) >= turnMTU {
		t.counters.droppedQueue.Add(1)
		return
	}
	d := turnDatagrams.Get().(*turnDatagram)
	d.source, d.size = source, copy(d.bytes[:], msg)
	select {
	case u.queue <- d:
	default:
		t.counters.droppedQueue.Add(1)
		turnDatagrams.Put(d)
	}
}

func (t *relayServer) openUDP(sock *socket, local netip.AddrPort) *turnUDP {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.udp.Load()
	if u := old[local]; u != nil {
		return u
	}
	u := &turnUDP{t: t, sock: sock, local: local, addr: net.UDPAddrFromAddrPort(local), queue: make(chan *turnDatagram, turnQueue), done: make(chan struct{})}
	if sock.local.Addr().IsUnspecified() {
		u.pin = sendFrom(local.Addr())
	}
	if err := t.begin(local.Addr(), u, nil); err != nil {
		t.log.Debug("no TURN", "at", local, "err", err)
		return nil
	}
	now := make(map[netip.AddrPort]*turnUDP, len(old)+1)
	maps.Copy(now, old)
	now[local] = u
	t.udp.Store(&now)
	return u
}

// ReadFrom is what comes from clients, past the gate.
func (u *turnUDP) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		var d *turnDatagram
		select {
		case d = <-u.queue:
		case <-u.done:
			u.ended.Do(u.t.work.Done)
			return 0, nil, net.ErrClosed
		}
		source, n := d.source, copy(p, d.bytes[:d.size])
		turnDatagrams.Put(d)
		var pass bool
		if u.answer, pass, _ = u.t.gate(u.answer[:0], p[:n], u.local.Addr()); pass {
			return n, net.UDPAddrFromAddrPort(source), nil
		}
		if len(u.answer) > 0 {
			_, _ = u.send(u.answer, source) // as lost as any datagram may be
		}
	}
}

// WriteTo sends to a client, from the address that it asked.
func (u *turnUDP) WriteTo(p []byte, to net.Addr) (int, error) {
	addr, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("no address of UDP")
	}
	return u.send(p, addr.AddrPort())
}

func (u *turnUDP) send(p []byte, to netip.AddrPort) (int, error) {
	n, _, err := u.sock.conn.WriteMsgUDPAddrPort(p, u.pin, unmapped(to))
	return n, err
}

// Close is of this end alone: the socket is STUN's.
func (u *turnUDP) Close() error {
	u.close.Do(func() { close(u.done) })
	return nil
}

// LocalAddr is a part of the allocation's 5-tuple.
func (u *turnUDP) LocalAddr() net.Addr { return u.addr }

// Deadlines are not used: Close ends what waits.
func (u *turnUDP) SetDeadline(time.Time) error      { return nil }
func (u *turnUDP) SetReadDeadline(time.Time) error  { return nil }
func (u *turnUDP) SetWriteDeadline(time.Time) error { return nil }
