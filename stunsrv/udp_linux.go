package stunsrv

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strconv"
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

// batch is datagrams by recvmmsg(2) and sendmmsg(2): under load a system call serves many requests; for a single one there are as many calls as without it.
type batch struct {
	sock    *socket
	raw     syscall.RawConn
	came    [batchSize]datagram
	in      heads // of came
	changed int   // how many of in the last read has changed
	out     heads
	leaving [batchSize]*datagram // of out
	scope   uint32               // the interface that zone names
	zone    string

	// A call's arguments and results, and the functions that make it: RawConn takes a function, and one that is made for each call would be allocated.
	receive, transmit func(fd uintptr) bool
	count, done       int
	errno             syscall.Errno
}

// heads are what the kernel reads and writes for each datagram of one direction.
type heads struct {
	head [batchSize]unix.Mmsghdr
	part [batchSize]unix.Iovec
	name [batchSize][unix.SizeofSockaddrInet6]byte // unused in out, which has those of in
}

// newDatagrams falls back on single calls where a sandbox forbids those for many.
func newDatagrams(sock *socket) datagrams {
	raw, err := sock.conn.SyscallConn()
	if err != nil {
		return newOneByOne(sock)
	}
	_, _, errno := syscall.Syscall6(unix.SYS_RECVMMSG, ^uintptr(0), 0, 0, 0, 0, 0) // on no descriptor
	if errno != unix.EBADF {
		return newOneByOne(sock)
	}
	return newBatch(sock, raw)
}

func newBatch(sock *socket, raw syscall.RawConn) *batch {
	b := &batch{sock: sock, raw: raw, changed: batchSize}
	b.receive, b.transmit = b.recvmmsg, b.sendmmsg
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

func (b *batch) recvmmsg(fd uintptr) bool { return b.call(unix.SYS_RECVMMSG, fd, &b.in.head[0]) }

func (b *batch) sendmmsg(fd uintptr) bool { return b.call(unix.SYS_SENDMMSG, fd, &b.out.head[b.done]) }

// call tells whether it is done; else RawConn waits and calls again. The descriptor does not block.
func (b *batch) call(trap, fd uintptr, first *unix.Mmsghdr) bool {
	for {
		var n uintptr
		n, _, b.errno = syscall.Syscall6(trap, fd, uintptr(unsafe.Pointer(first)), uintptr(b.count), 0, 0, 0)
		switch b.errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		case 0:
			b.done += int(n)
		}
		return true
	}
}

func (b *batch) read() ([]datagram, error) {
	for i := range b.changed { // the kernel has put in how much there was
		head := &b.in.head[i].Hdr
		head.Namelen = unix.SizeofSockaddrInet6
		head.SetControllen(controlSize)
	}
	b.changed, b.done, b.count = 0, 0, batchSize
	if err := b.raw.Read(b.receive); err != nil {
		return nil, err
	}
	if b.errno != 0 {
		return nil, os.NewSyscallError("recvmmsg", b.errno)
	}
	b.changed = b.done
	for i := range b.done {
		head := &b.in.head[i]
		msg := unsafe.Slice(head.Hdr.Iov.Base, head.Len)
		control := unsafe.Slice(head.Hdr.Control, head.Hdr.Controllen)
		b.came[i].arrived(b.sock, msg, control, b.sourceOf(&b.in.name[i]))
	}
	return b.came[:b.done], nil
}

// sourceOf reads a struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)).
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
	for b.done = 0; b.done < n; {
		b.count = n - b.done
		err := b.raw.Write(b.transmit)
		if err == nil && b.errno != 0 {
			err = os.NewSyscallError("sendmmsg", b.errno)
		}
		if err != nil { // it is about the first, and the others have their chance
			b.leaving[b.done].err = err
			b.done++
		}
	}
}
