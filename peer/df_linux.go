package peer

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// dontFragment has a socket's packets leave in one piece or not at all (IP_PMTUDISC_DO), and returns what puts it back. What the path has said of its MTU
// meanwhile then shows as EMSGSIZE.
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
	level, option, do := unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO
	if addrPort(conn.LocalAddr()).Addr().Is6() {
		level, option, do = unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DO
	}
	return setOption(raw, level, option, do)
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
