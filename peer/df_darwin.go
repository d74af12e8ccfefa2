package peer

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
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
	level, option, on := unix.IPPROTO_IP, unix.IP_DONTFRAG, 1
	if addrPort(conn.LocalAddr()).Addr().Is6() {
		level, option, on = unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, 1
	}
	return setOption(raw, level, option, on)
}

// setOption sets a socket option and returns what sets it back.
func setOption(raw syscall.RawConn, level, option, value int) (restore func(), err error) {
	var before int
	outer := raw.Control(func(fd uintptr) {
		if before, err = unix.GetsockoptInt(int(fd), level, option); err == nil {
			err = unix.SetsockoptInt(int(fd), level, option, value)
		}
	})
	if err = errors.Join(outer, err); err != nil {
		return func() {}, err
	}
	return func() {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), level, option, before) }) // the socket may be closed by now
	}, nil
}
