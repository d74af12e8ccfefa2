package peer

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/windows"
)

// Of ws2ipdef.h.
const (
	ipDontFragment = 14
	ipv6DontFrag   = 14
)

// dontFragment has a socket's packets leave in one piece or not at all, and returns what puts it back.
func dontFragment(conn net.PacketConn) (restore func(), err error) {
	restore = func() {}
	c, ok := conn.(syscall.Conn)
	if !ok {
		return restore, errors.New("not a socket of the system")
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return restore, err
	}
	level, option := windows.IPPROTO_IP, ipDontFragment
	if addrPort(conn.LocalAddr()).Addr().Is6() {
		level, option = windows.IPPROTO_IPV6, ipv6DontFrag
	}
	outer := raw.Control(func(fd uintptr) { err = windows.SetsockoptInt(windows.Handle(fd), level, option, 1) })
	if err = errors.Join(outer, err); err != nil {
		return restore, err
	}
	return func() {
		_ = raw.Control(func(fd uintptr) { _ = windows.SetsockoptInt(windows.Handle(fd), level, option, 0) }) // the socket may be closed by now
	}, nil
}
