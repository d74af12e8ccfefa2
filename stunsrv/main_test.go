package stunsrv

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/icescope/icescope/protocol"
)

// TestMain fails where a goroutine of this package outlives all servers: Serve waits for what it started.
func TestMain(m *testing.M) {
	code := m.Run()
	left := ""
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); runtime.Gosched() {
		if left = leaked(); left == "" {
			break
		}
	}
	if left != "" && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left:\n"+left)
		code = 1
	}
	os.Exit(code)
}

func leaked() string {
	buf := make([]byte, 1<<20)
	var found []string
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "icescope/stunsrv.") && !strings.Contains(stack, "stunsrv.TestMain") {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// run listens on free loopback ports, unless config says otherwise, and serves until the test ends.
func run(t testing.TB, config Config) *Server {
	t.Helper()
	if config.Primary == nil {
		config.Primary = []string{"127.0.0.1:0"}
	}
	s, err := Listen(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *Server) at(ip string, p Port) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(ip), s.Port(p))
}

// patience is for what must come; tests end with the event, not with the time.
const patience = 5 * time.Second

func dialUDP(t testing.TB, to netip.AddrPort) *net.UDPConn {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func dialTCP(t testing.TB, to netip.AddrPort) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func localOf(conn net.Conn) netip.AddrPort {
	return unmapped(netip.MustParseAddrPort(conn.LocalAddr().String()))
}

func exchange(t testing.TB, conn net.Conn, ask []byte) []byte {
	t.Helper()
	if _, err := conn.Write(ask); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2048)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// sightingsOf makes an OnSighting and the channel that it fills.
func sightingsOf() (func(protocol.Sighting), chan protocol.Sighting) {
	c := make(chan protocol.Sighting, 100)
	return func(s protocol.Sighting) { c <- s }, c
}

func next[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
