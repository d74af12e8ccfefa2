package stunsrv

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// loopbacks are the sockets that a request can come to: with packet information beside the TTL, and without.
var loopbacks = map[string]struct{ listen, ask string }{
	"IPv4 wildcard": {"0.0.0.0:0", "127.0.0.1"},
	"IPv4 bound":    {"127.0.0.1:0", "127.0.0.1"},
	"IPv6 wildcard": {"[::]:0", "::1"},
	"IPv6 bound":    {"[::1]:0", "::1"},
}

// needLoopback skips where the machine lacks the family.
func needLoopback(t *testing.T, ip string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Skip(err)
	}
	conn.Close()
}

// onFD runs a socket call on the descriptor of conn.
func onFD(t *testing.T, conn *net.UDPConn, call func(fd int) error) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = call(int(fd)) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}

// TestSourceTTL: a sighting tells the TTL that the sender sent with, since loopback has no router; and the answer leaves with the server's own.
func TestSourceTTL(t *testing.T) {
	for name, c := range loopbacks {
		t.Run(name, func(t *testing.T) {
			needLoopback(t, c.ask)
			tell, told := sightingsOf()
			s := run(t, Config{Primary: []string{c.listen}, OnSighting: tell})
			at := s.at(c.ask, PrimaryPort)
			level, option := unix.IPPROTO_IP, unix.IP_TTL
			if at.Addr().Is6() {
				level, option = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
			}
			var usual int // 64, unless a sysctl of this machine says otherwise
			onFD(t, dialUDP(t, at), func(fd int) (err error) { usual, err = unix.GetsockoptInt(fd, level, option); return err })
			t.Log("the default is", usual)
			for _, ttl := range []int{0, 61, 1, 255} { // 0: the default, as browsers send
				conn, want := dialUDP(t, at), usual
				if ttl != 0 {
					want = ttl
					onFD(t, conn, func(fd int) error { return unix.SetsockoptInt(fd, level, option, ttl) })
				}
				onFD(t, conn, func(fd int) error { return wantControl(uintptr(fd), at.Addr().Is6(), false) })
				request := bindingRequest(t)
				if _, err := conn.Write(request.Raw); err != nil {
					t.Fatal(err)
				}
				in, control := make([]byte, maxDatagram), make([]byte, controlSize)
				n, controlled, flags, _, err := conn.ReadMsgUDPAddrPort(in, control)
				if err != nil || flags&unix.MSG_CTRUNC != 0 {
					t.Fatal(err, flags)
				}
				mapped(t, in[:n], request)
				if _, back, _ := arrivedAt(control[:controlled]); back != usual {
					t.Errorf("sent with %d: the answer came with %d, want %d", want, back, usual)
				}
				if got := next(t, told); got.SourceTTL != want || got.Source != localOf(conn).String() || got.Local != at.String() {
					t.Errorf("sent with %d: %+v", want, got)
				}
			}
		})
	}
}

// TestServeUDPDoesNotAllocate counts in the whole process, so the loop is in it. Nobody is told of sightings: telling allocates, in another goroutine.
func TestServeUDPDoesNotAllocate(t *testing.T) {
	for name, c := range loopbacks {
		t.Run(name, func(t *testing.T) {
			needLoopback(t, c.ask)
			conn := dialUDP(t, run(t, Config{Primary: []string{c.listen}}).at(c.ask, PrimaryPort))
			request, buf := bindingRequest(t).Raw, make([]byte, 256)
			var failed error
			if n := testing.AllocsPerRun(100, func() {
				if _, err := conn.Write(request); err != nil {
					failed = err
				} else if _, err = conn.Read(buf); err != nil {
					failed = err
				}
			}); n != 0 || failed != nil {
				t.Errorf("%v allocations, %v", n, failed)
			}
		})
	}
}

// controlMessage is what the kernel writes: the header, the data, and the padding to the next.
func controlMessage(level, kind int32, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	word := unix.SizeofCmsghdr - 8 // the length is a size_t, before two ints
	if word == 8 {
		binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(len(data))))
	} else {
		binary.NativeEndian.PutUint32(b, uint32(unix.CmsgLen(len(data))))
	}
	binary.NativeEndian.PutUint32(b[word:], uint32(level))
	binary.NativeEndian.PutUint32(b[word+4:], uint32(kind))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

// TestArrivedAt: in either order, cut short, and beside what nobody asked for. A wrong TTL is worse than none.
func TestArrivedAt(t *testing.T) {
	four := binary.NativeEndian.AppendUint32(nil, 61)
	ttl4, ttl6 := controlMessage(unix.IPPROTO_IP, unix.IP_TTL, four), controlMessage(unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT, four)
	local4, local6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	info4, info6 := sendFrom(local4), sendFrom(local6)
	other := controlMessage(unix.SOL_SOCKET, unix.IP_TTL, []byte{9, 9, 9, 9})
	cut := controlMessage(unix.IPPROTO_IP, unix.IP_TTL, four[:2])
	for name, c := range map[string]struct {
		control []byte
		local   netip.Addr
		ttl     int
		answer  []byte
	}{
		"nothing":        {},
		"rubbish":        {control: []byte(strings.Repeat("\xff", unix.SizeofCmsghdr))},
		"IPv4":           {slices.Concat(info4, ttl4), local4, 61, info4},
		"IPv4 reversed":  {slices.Concat(ttl4, info4), local4, 61, info4},
		"IPv6":           {slices.Concat(info6, ttl6), local6, 61, info6},
		"IPv6 reversed":  {slices.Concat(ttl6, info6), local6, 61, info6},
		"TTL alone":      {ttl4, netip.Addr{}, 61, nil},
		"hops alone":     {ttl6, netip.Addr{}, 61, nil},
		"address alone":  {info4, local4, 0, info4},
		"another level":  {slices.Concat(other, info4), local4, 0, info4},
		"TTL cut":        {slices.Concat(info4, cut), local4, 0, info4},
		"TTL overlong":   {slices.Concat(info4, ttl4[:unix.CmsgLen(2)]), local4, 0, info4},
		"header cut":     {slices.Concat(info4, ttl4[:unix.SizeofCmsghdr-1]), local4, 0, info4},
		"between others": {slices.Concat(other, ttl4, other), netip.Addr{}, 61, nil},
	} {
		t.Run(name, func(t *testing.T) {
			local, ttl, answer := arrivedAt(slices.Clone(c.control))
			if local != c.local || ttl != c.ttl || !bytes.Equal(answer, c.answer) {
				t.Errorf("%s, %d, %x", local, ttl, answer)
			}
		})
	}
}
