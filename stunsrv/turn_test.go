package stunsrv

import (
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/turn/v5"
)

// turnClient is a client of pion's at s with credentials for a room, over UDP or TCP.
func turnClient(t testing.TB, s *Server, network, room string) *turn.Client {
	t.Helper()
	username, password := s.TURNCredentials(room)
	return turnClientAs(t, s, network, username, password)
}

func turnClientAs(t testing.TB, s *Server, network, username, password string) *turn.Client {
	t.Helper()
	server := s.at("127.0.0.1", PrimaryPort)
	var conn net.PacketConn
	var err error
	if network == "udp" {
		conn, err = net.ListenPacket("udp4", "127.0.0.1:0")
	} else {
		var stream net.Conn
		if stream, err = net.Dial("tcp4", server.String()); err == nil {
			conn = turn.NewSTUNConn(stream)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := turn.NewClient(&turn.ClientConfig{STUNServerAddr: server.String(), TURNServerAddr: server.String(), Conn: conn, Username: username, Password: password, Realm: turnRealm,
		LoggerFactory: turnLogger{slog.New(slog.DiscardHandler)}, RTO: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); conn.Close() })
	return c
}

func allocate(t testing.TB, c *turn.Client) net.PacketConn {
	t.Helper()
	relay, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relay.Close() })
	_ = relay.SetDeadline(time.Now().Add(patience))
	return relay
}

// TestTURNRelaysToRelay is the way of a trial: both ends have a relay, on one machine.
func TestTURNRelaysToRelay(t *testing.T) {
	for _, networks := range [][2]string{{"udp", "udp"}, {"tcp", "tcp"}, {"udp", "tcp"}} {
		t.Run(networks[0]+"-"+networks[1], func(t *testing.T) {
			s := run(t, Config{Primary: []string{":0"}, TURN: &TURNConfig{}})
			a, b := allocate(t, turnClient(t, s, networks[0], "room")), allocate(t, turnClient(t, s, networks[1], "room"))
			if got := s.TURNStats().Allocations; got != 2 {
				t.Fatalf("%d allocations", got)
			}
			for _, way := range [][2]net.PacketConn{{a, b}, {b, a}} { // the first opens the other's permission
				if _, err := way[0].WriteTo([]byte("open"), way[1].LocalAddr()); err != nil {
					t.Fatal(err)
				}
			}
			for _, size := range []int{5, 8, 1200} { // pion's client waits for nine bytes of a stream, header included
				sent := make([]byte, size)
				sent[0] = byte(size)
				buf := make([]byte, 2048)
				for _, way := range [][2]net.PacketConn{{a, b}, {b, a}} {
					if _, err := way[0].WriteTo(sent, way[1].LocalAddr()); err != nil {
						t.Fatal(err)
					}
					for {
						n, from, err := way[1].ReadFrom(buf)
						if err != nil {
							t.Fatal(err)
						}
						if string(buf[:n]) == "open" {
							continue
						}
						if string(buf[:n]) != string(sent) || from.String() != way[0].LocalAddr().String() {
							t.Fatalf("%d bytes from %s instead of %d from %s", n, from, size, way[0].LocalAddr())
						}
						break
					}
				}
			}
		})
	}
}

var _ = netip.Addr{}
