package stunsrv

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// batchSize is how many datagrams one system call reads or sends at most. From 16 on, what a call itself costs is a small part of a request's time.
	batchSize = 64
	// bufferStep is from one datagram's buffer to the next, in bytes: an odd number of cache lines, so that the beginnings of all spread over the whole cache.
	bufferStep = maxDatagram + 64
)

// blockingConn is a UDP socket whose calls block, as those of a program in C do. With package net each datagram wakes the thread that waits for all sockets of the process,
// and a request takes six system calls in quiet times; here it takes two. Each loop has a thread for it.
type blockingConn struct {
	file *os.File // counts who uses the descriptor, so that its number is nobody else's before they are done
	raw  syscall.RawConn
}

// ownConn takes the socket of conn over. Where a sandbox forbids calls for many datagrams, conn stays what it is.
func ownConn(conn *net.UDPConn) (udpConn, error) {
	if _, errno := mmsg(unix.SYS_RECVMMSG, ^uintptr(0), nil, 0, 0, false); errno != unix.EBADF {
		return conn, nil
	}
	defer conn.Close() // its descriptor, which takes it out of the runtime's poller
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var failed error
	if err := raw.Control(func(old uintptr) {
		if fd, failed = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0); failed == nil {
			failed = unix.SetNonblock(fd, false)
		}
	}); err != nil || failed != nil {
		return nil, errors.Join(err, os.NewSyscallError("fcntl", failed))
	}
	file := os.NewFile(uintptr(fd), "UDP socket")
	if raw, err = file.SyscallConn(); err != nil {
		return nil, err
	}
	return &blockingConn{file, raw}, nil
}

// Close also wakes the loop where it waits. The kernel does it, although it protests that an unconnected socket is not connected.
func (c *blockingConn) Close() error {
	_ = c.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RD) })
	return c.file.Close()
}

// writing is one call to send. They are kept, so that an answer that leaves from another corner allocates nothing.
type writing struct {
	head     unix.Mmsghdr
	part     unix.Iovec
	name     [unix.SizeofSockaddrInet6]byte
	transmit func(fd uintptr) bool
	errno    syscall.Errno
}

var writings = sync.Pool{New: func() any {
	w := &writing{}
	w.head.Hdr.Name, w.head.Hdr.Iov = &w.name[0], &w.part
	w.head.Hdr.SetIovlen(1)
	w.transmit = func(fd uintptr) bool {
		_, w.errno = mmsg(unix.SYS_SENDMMSG, fd, &w.head, 1, 0, true)
		return true
	}
	return w
}}

// WriteMsgUDPAddrPort is as that of net.UDPConn.
func (c *blockingConn) WriteMsgUDPAddrPort(msg, control []byte, to netip.AddrPort) (n, controlled int, err error) {
	w := writings.Get().(*writing)
	defer writings.Put(w)
	w.part.Base = unsafe.SliceData(msg)
	w.part.SetLen(len(msg))
	w.head.Hdr.Control = unsafe.SliceData(control)
	w.head.Hdr.SetControllen(len(control))
	w.head.Hdr.Namelen = putName(&w.name, to)
	err = c.raw.Write(w.transmit)
	w.part.Base, w.head.Hdr.Control = nil, nil
	if err == nil && w.errno != 0 {
		err = os.NewSyscallError("sendmmsg", w.errno)
	}
	if err != nil {
		return 0, 0, err
	}
	return int(w.head.Len), len(control), nil
}

// putName writes a struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)), and tells its length.
func putName(name *[unix.SizeofSockaddrInet6]byte, to netip.AddrPort) uint32 {
	clear(name[:])
	addr := to.Addr().Unmap()
	binary.BigEndian.PutUint16(name[2:], to.Port())
	if addr.Is4() {
		ip := addr.As4()
		binary.NativeEndian.PutUint16(name[:], unix.AF_INET)
		copy(name[4:], ip[:])
		return unix.SizeofSockaddrInet4
	}
	ip := addr.As16()
	binary.NativeEndian.PutUint16(name[:], unix.AF_INET6)
	copy(name[8:], ip[:])
	binary.NativeEndian.PutUint32(name[24:], scopeOf(addr.Zone()))
	return unix.SizeofSockaddrInet6
}

// scopeOf is the number of an interface.
func scopeOf(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(zone, 10, 32) // or 0, which the kernel refuses
	return uint32(n)
}

// batch is datagrams by recvmmsg(2) and sendmmsg(2): under load a system call serves many requests.
type batch struct {
	sock    *socket
	raw     syscall.RawConn
	came    [batchSize]datagram
	in      heads // of came
	changed int   // how many of in the last read has changed
	busy    bool  // it found several: more will be there by now
	out     heads
	leaving [batchSize]*datagram // of out
	scope   uint32               // the interface that zone names
	zone    string

	// What a call is asked and answers, and the functions that make it: RawConn takes a function, and one that is made for each call would be allocated.
	receive, transmit func(fd uintptr) bool
	first, count      int
	done              int
	errno             syscall.Errno
}

// heads are what the kernel reads and writes for each datagram of one direction.
type heads struct {
	head [batchSize]unix.Mmsghdr
	part [batchSize]unix.Iovec
	name [batchSize][unix.SizeofSockaddrInet6]byte // unused in out, which has those of in
}

func newDatagrams(sock *socket) datagrams {
	if c, ok := sock.conn.(*blockingConn); ok {
		return newBatch(sock, c.raw)
	}
	return newOneByOne(sock, sock.conn.(*net.UDPConn))
}

func newBatch(sock *socket, raw syscall.RawConn) *batch {
	b := &batch{sock: sock, raw: raw, changed: batchSize}
	b.receive = func(fd uintptr) bool {
		b.done, b.errno = mmsg(unix.SYS_RECVMMSG, fd, &b.in.head[0], batchSize, unix.MSG_WAITFORONE, b.busy)
		return true
	}
	b.transmit = func(fd uintptr) bool {
		b.done, b.errno = mmsg(unix.SYS_SENDMMSG, fd, &b.out.head[b.first], b.count, 0, true)
		return true
	}
	buffers, answers, controls := make([]byte, batchSize*bufferStep), make([]byte, batchSize*maxAnswer), make([]byte, batchSize*controlSize)
	for i := range b.came {
		b.came[i].out = answers[i*maxAnswer : i*maxAnswer : (i+1)*maxAnswer]
		b.in.part[i].Base = &buffers[i*bufferStep]
		b.in.part[i].SetLen(maxDatagram)
		head := &b.in.head[i].Hdr
		head.Iov, head.Name, head.Control = &b.in.part[i], &b.in.name[i][0], &controls[i*controlSize]
		head.SetIovlen(1)
		head = &b.out.head[i].Hdr
		head.Iov = &b.out.part[i]
		head.SetIovlen(1)
	}
	return b
}

// mmsg is either call, with n heads; it tells how many the kernel has done.
//
// What need not wait is done without the runtime's knowledge: it takes a thread that is in a system call for 20 µs for one that waits, and a full batch takes a hundred.
func mmsg(trap, fd uintptr, heads *unix.Mmsghdr, n, flags int, quick bool) (done int, errno syscall.Errno) {
	if quick {
		r, _, errno := syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(heads)), uintptr(n), uintptr(flags|unix.MSG_DONTWAIT), 0, 0)
		if errno != unix.EAGAIN && errno != unix.EINTR {
			return int(r), errno
		}
	}
	for {
		r, _, errno := syscall.Syscall6(trap, fd, uintptr(unsafe.Pointer(heads)), uintptr(n), uintptr(flags), 0, 0)
		if errno != unix.EINTR {
			return int(r), errno
		}
	}
}

func (b *batch) read() ([]datagram, error) {
	for i := range b.changed { // the kernel has put in how much there was
		head := &b.in.head[i].Hdr
		head.Namelen = unix.SizeofSockaddrInet6
		head.SetControllen(controlSize)
	}
	b.changed = 0
	if err := b.raw.Read(b.receive); err != nil { // it is closed
		return nil, net.ErrClosed
	}
	if b.errno != 0 {
		return nil, os.NewSyscallError("recvmmsg", b.errno)
	}
	b.changed, b.busy = b.done, b.done > 1
	for i := range b.changed {
		head := &b.in.head[i]
		msg := unsafe.Slice(head.Hdr.Iov.Base, head.Len)
		control := unsafe.Slice(head.Hdr.Control, head.Hdr.Controllen)
		b.came[i].arrived(b.sock, msg, control, b.sourceOf(&b.in.name[i]))
	}
	return b.came[:b.changed], nil
}

// sourceOf reads what putName writes.
func (b *batch) sourceOf(name *[unix.SizeofSockaddrInet6]byte) netip.AddrPort {
	port := binary.BigEndian.Uint16(name[2:])
	if binary.NativeEndian.Uint16(name[:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(name[4:8])), port)
	}
	addr := netip.AddrFrom16([16]byte(name[8:24]))
	if scope := binary.NativeEndian.Uint32(name[24:]); scope != 0 {
		addr = addr.WithZone(b.zoneOf(scope))
	}
	return netip.AddrPortFrom(addr, port)
}

// zoneOf names an interface as package net does. One is remembered: that clients of several have only link-local addresses is rare.
func (b *batch) zoneOf(scope uint32) string {
	if b.scope != scope {
		b.scope, b.zone = scope, strconv.FormatUint(uint64(scope), 10)
		if i, err := net.InterfaceByIndex(int(scope)); err == nil {
			b.zone = i.Name
		}
	}
	return b.zone
}

// send sends together what goes back the way it came, and the rest one by one.
func (b *batch) send(came []datagram) {
	n := 0
	for i := range came {
		d := &came[i]
		if len(d.answer) == 0 {
			continue
		}
		if d.to != d.source || d.origin != d.local {
			d.send(b.sock)
			continue
		}
		b.leaving[n] = d
		b.out.part[n].Base = &d.answer[0]
		b.out.part[n].SetLen(len(d.answer))
		head, asked := &b.out.head[n].Hdr, &b.in.head[i].Hdr
		head.Name, head.Namelen, head.Control = asked.Name, asked.Namelen, nil
		head.SetControllen(len(d.pin))
		if len(d.pin) > 0 {
			head.Control = &d.pin[0]
		}
		n++
	}
	for b.first = 0; b.first < n; b.first += b.done {
		b.count = n - b.first
		err := b.raw.Write(b.transmit)
		if err == nil && b.errno != 0 {
			err = os.NewSyscallError("sendmmsg", b.errno)
		}
		if err != nil { // it is about the first, and the others have their chance
			b.leaving[b.first].err = err
			b.done = 1
		}
	}
}
