package natprobe

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/stun/v3"
)

// interopPatience is for a server that others wrote to come up; on two busy cores they take a second.
const interopPatience = 20 * time.Second

// fourFree are two neighbouring ports that are free on both loopback addresses. They are not among those that the kernel gives to clients.
func fourFree(t *testing.T) (primary, alternate uint16) {
	t.Helper()
	for range 100 {
		port := uint16(20000 + rand.IntN(12000))
		free := true
		for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
			for _, p := range []uint16{port, port + 1} {
				udp, err := net.ListenPacket("udp4", fmt.Sprintf("%s:%d", host, p))
				if err == nil {
					_ = udp.Close()
				}
				tcp, err2 := net.Listen("tcp4", fmt.Sprintf("%s:%d", host, p))
				if err2 == nil {
					_ = tcp.Close()
				}
				free = free && err == nil && err2 == nil
			}
		}
		if free {
			return port, port + 1
		}
	}
	t.Fatal("no free ports")
	return 0, 0
}

// serve starts a program and returns when all four corners answer. Where it is not installed the test is skipped, except under CI.
func serve(t *testing.T, pkg, program string, primary, alternate uint16, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing; apt-get install %s", program, pkg)
		}
		t.Skipf("%s is missing; apt-get install %s", program, pkg)
	}
	var said strings.Builder
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, program, args...)
	server.Dir, server.Stdout, server.Stderr = t.TempDir(), &said, &said
	if err := server.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Wait() // it is killed
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("%s %s\n%s", program, strings.Join(args, " "), said.String())
		}
	})
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
		for _, port := range []uint16{primary, alternate} {
			answers(t, conn, netip.AddrPortFrom(netip.MustParseAddr(host), port), ended)
		}
	}
}

// answers returns when a server answers there. A datagram to a port that is not open yet is lost, so it is sent again.
func answers(t *testing.T, conn *net.UDPConn, at netip.AddrPort, ended <-chan struct{}) {
	t.Helper()
	buffer := make([]byte, 2048)
	for end := time.Now().Add(interopPatience); time.Now().Before(end); {
		select {
		case <-ended:
			t.Fatal("the server ended")
		default:
		}
		m, err := request()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.WriteToUDPAddrPort(m.Raw, at); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				break
			}
			if stun.IsMessage(buffer[:n]) && samePlace(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), at) {
				return
			}
		}
	}
	t.Fatalf("%s does not answer", at)
}

// wantOpen asks a server on loopback, where there is neither NAT nor filter.
func wantOpen(t *testing.T, port uint16, dialect string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), interopPatience)
	defer cancel()
	r, err := Run(ctx, Config{Server: fmt.Sprintf("127.0.0.1:%d", port)})
	if err != nil || r.NAT.RFC3489 != protocol.ClassicOpen || r.NAT.Mapping != protocol.EndpointIndependent || r.NAT.Filtering != protocol.EndpointIndependent ||
		r.Dialect != dialect || r.Other != fmt.Sprintf("127.0.0.2:%d", port+1) || tell(r.ServerTranslated) != "false" {
		t.Errorf("%v %+v", err, r)
	}
	for _, step := range r.NAT.Tests {
		if strings.HasPrefix(string(step.Step), "filter-") && step.Result != protocol.StepAnswered {
			t.Errorf("%+v", step)
		}
	}
}

// TestInteropCoturn: RFC 5780 as coturn does it.
func TestInteropCoturn(t *testing.T) {
	primary, alternate := fourFree(t)
	dir := t.TempDir()
	serve(t, "coturn", "turnserver", primary, alternate, "-n", "--stun-only", "--no-cli", "--no-tls", "--no-dtls", "--listening-ip=127.0.0.1", "--listening-ip=127.0.0.2",
		fmt.Sprintf("--listening-port=%d", primary), fmt.Sprintf("--alt-listening-port=%d", alternate), "--log-file=stdout", "--simple-log",
		"--pidfile="+filepath.Join(dir, "pid"), "--userdb="+filepath.Join(dir, "db"))
	wantOpen(t, primary, "RFC 5780")
}

// TestInteropStund: RFC 3489 as Vovida's server does it.
func TestInteropStund(t *testing.T) {
	primary, alternate := fourFree(t)
	serve(t, "stun-server", "stund", primary, alternate, "-h", "127.0.0.1", "-a", "127.0.0.2", "-p", fmt.Sprint(primary), "-o", fmt.Sprint(alternate))
	wantOpen(t, primary, "RFC 3489")
}
