package stunsrv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// overTLS serves TURN over TLS on a free port of the loopback, as the server does on the port of HTTPS.
func overTLS(t *testing.T, s *Server) *net.TCPAddr {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"stun.turn"}})
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { s.ServeTURN(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); work.Wait() })
	return l.Addr().(*net.TCPAddr)
}

// TestInteropUclient runs coturn's client, which makes pairs of relays, sends through one to the other, and counts what comes back: over UDP, TCP and TLS, with channels and
// with indications, with and without RTCP's second relay, IPv4 and IPv6.
func TestInteropUclient(t *testing.T) {
	s := run(t, Config{Primary: []string{":0"}, TURN: &TURNConfig{Secret: "north"}, Software: "icescope"})
	// The servers of TLS must end before s does, or s ends their connections: either is fine.
	secure := overTLS(t, s)
	plain := fmt.Sprint(s.Port(PrimaryPort))
	for name, args := range map[string][]string{
		"udp":             {"-y", "-c", "-p", plain, "127.0.0.1"},
		"udp rtcp":        {"-y", "-p", plain, "127.0.0.1"},
		"udp indications": {"-y", "-c", "-s", "-p", plain, "127.0.0.1"},
		"udp extra":       {"-y", "-c", "-G", "-p", plain, "127.0.0.1"},
		"tcp":             {"-y", "-c", "-t", "-p", plain, "127.0.0.1"},
		"tcp indications": {"-y", "-c", "-t", "-s", "-p", plain, "127.0.0.1"},
		"tls":             {"-y", "-c", "-t", "-S", "-p", fmt.Sprint(secure.Port), "127.0.0.1"},
		"udp6":            {"-y", "-c", "-x", "-p", plain, "::1"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasSuffix(name, "6") && !answersOn(s, "::1") {
				t.Skip("this machine has no ::1")
			}
			t.Parallel()
			out, err := client(t, "coturn", "turnutils_uclient", append([]string{"-u", "room", "-W", "north", "-n", "20", "-m", "2", "-l", "171"}, args...)...)
			if err != nil || !strings.Contains(out, "Total lost packets 0 (0.000000%)") || !strings.Contains(out, "tot_recv_msgs=") {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestInteropUclientRefused: with another secret coturn's client gets nowhere.
func TestInteropUclientRefused(t *testing.T) {
	s := run(t, Config{TURN: &TURNConfig{Secret: "north"}})
	out, err := client(t, "coturn", "turnutils_uclient", "-y", "-c", "-u", "room", "-W", "south", "-p", fmt.Sprint(s.Port(PrimaryPort)), "127.0.0.1")
	if err == nil || s.TURNStats().Made != 0 || s.TURNStats().RefusedCredentials == 0 {
		t.Errorf("%v, %+v\n%s", err, s.TURNStats(), out)
	}
}
