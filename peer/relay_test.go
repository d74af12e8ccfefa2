package peer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/transport/v4/vnet"
	"github.com/pion/turn/v5"
)

const turnUser, turnPassword = "someone", "secret"

// serveTURN serves TURN on a socket or a listener until the test ends, with relayed addresses at relay.
func serveTURN(t *testing.T, n transport.Net, conn net.PacketConn, listener net.Listener, relay string) {
	t.Helper()
	config := turn.ServerConfig{Realm: "test", LoggerFactory: quiet, AuthHandler: func(a *turn.RequestAttributes) (string, []byte, bool) {
		return a.Username, turn.GenerateAuthKey(turnUser, a.Realm, turnPassword), a.Username == turnUser
	}}
	generator := &turn.RelayAddressGeneratorStatic{RelayAddress: net.ParseIP(relay), Address: relay, Net: n}
	if conn != nil {
		config.PacketConnConfigs = []turn.PacketConnConfig{{PacketConn: conn, RelayAddressGenerator: generator}}
	} else {
		config.ListenerConfigs = []turn.ListenerConfig{{Listener: listener, RelayAddressGenerator: generator}}
	}
	server, err := turn.NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
}

func relayAt(url string) protocol.ICEServer {
	return protocol.ICEServer{URLs: []string{url}, Username: turnUser, Credential: turnPassword}
}

// Two NATs that only a relay gets through, to the verdict's three trials: host and stun stay unanswered, relay-udp connects.
func TestRelayIsNeededBehindSymmetricNATs(t *testing.T) {
	t.Parallel()
	n := buildNetwork(t, &vnet.NATType{MappingBehavior: vnet.EndpointAddrPortDependent, FilteringBehavior: vnet.EndpointAddrPortDependent})
	defer n.stop()
	conn := must[net.PacketConn](t)(n.server.ListenPacket("udp4", stunAddress+":3480"))
	serveTURN(t, n.server, conn, nil, stunAddress)
	url := "turn:" + stunAddress + ":3480"
	r := newRoom(t, stunServer)
	leave := r.join(n.a, n.b)
	defer leave()
	host := r.start(protocol.TrialHost)
	stun := r.start(protocol.TrialSTUN)
	relay := r.start(protocol.TrialRelayUDP, func(s *protocol.Start) { s.ICEServers = []protocol.ICEServer{relayAt(url)} })
	checkRelay(t, r, relay, url, "udp")
	leave()
	for _, trial := range []protocol.TrialID{host, stun} {
		if got := r.all("a", connected(trial)); len(got) > 0 {
			t.Errorf("%s connected through two symmetric NATs", trial)
		}
	}
}

// checkRelay waits for the trial to connect and be measured, with relayed candidates alone, each naming its server.
func checkRelay(t *testing.T, r *room, trial protocol.TrialID, url, protocolOfRelay string) {
	t.Helper()
	for _, id := range []string{"a", "b"} {
		r.wait(id, "connected", connected(trial))
		r.wait(id, "a measurement", measured(trial))
		lines := 0
		for _, m := range r.all(id, func(m protocol.ClientMessage) bool {
			return m.Candidate != nil && m.Candidate.Trial == trial && m.Candidate.Line != ""
		}) {
			lines++
			c, err := protocol.ParseCandidate(m.Candidate.Line)
			if err != nil || c.Type != "relay" || c.RelatedAddress == "" || m.Candidate.URL != url {
				t.Errorf("%s: %+v, %v", id, m.Candidate, err)
			}
		}
		sample := r.wait(id, "a sample of the relay", func(m protocol.ClientMessage) bool {
			return samples(trial)(m) && len(m.Sample.Local) > 0 && m.Sample.SelectedPair != ""
		}).Sample
		if lines != 1 || sample.Local[0].RelayProtocol != protocolOfRelay {
			t.Errorf("%s: %d candidates, %+v", id, lines, sample.Local)
		}
		if got := r.all(id, func(m protocol.ClientMessage) bool { return m.CandidateError != nil && m.CandidateError.Trial == trial }); len(got) > 0 {
			t.Errorf("%s: %+v", id, got[0].CandidateError)
		}
	}
}

// Over TCP and over TLS with a certificate that nobody has signed, on real sockets.
func TestRelayOverStreams(t *testing.T) {
	t.Parallel()
	n := must[*stdnet.Net](t)(stdnet.NewNet())
	plain := must[net.Listener](t)(net.Listen("tcp4", "127.0.0.1:0"))
	secret := must[net.Listener](t)(tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}))
	serveTURN(t, n, nil, plain, "127.0.0.1")
	serveTURN(t, n, nil, secret, "127.0.0.1")
	for name, c := range map[string]struct{ url, relay string }{
		"tcp": {"turn:" + plain.Addr().String() + "?transport=tcp", "tcp"},
		"tls": {"turns:" + secret.Addr().String() + "?transport=tcp", "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			defer r.joinAs(peer.Config{Insecure: true}, peer.Config{Insecure: true})()
			trial := r.start(protocol.TrialRelayTCP, func(s *protocol.Start) { s.ICEServers = []protocol.ICEServer{relayAt(c.url)} })
			checkRelay(t, r, trial, c.url, c.relay)
		})
	}
}

// A server that has an IPv6 address only, over both transports.
func TestRelayOverIPv6(t *testing.T) {
	t.Parallel()
	n := must[*stdnet.Net](t)(stdnet.NewNet())
	datagrams, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	stream := must[net.Listener](t)(net.Listen("tcp6", "[::1]:0"))
	serveTURN(t, n, datagrams, nil, "::1")
	serveTURN(t, n, nil, stream, "::1")
	for relay, c := range map[string]struct {
		url  string
		kind protocol.TrialKind
	}{
		"udp": {"turn:" + datagrams.LocalAddr().String() + "?transport=udp", protocol.TrialRelayUDP},
		"tcp": {"turn:" + stream.Addr().String() + "?transport=tcp", protocol.TrialRelayTCP},
	} {
		t.Run(relay, func(t *testing.T) {
			r := newRoom(t)
			defer r.joinAs(peer.Config{}, peer.Config{})()
			trial := r.start(c.kind, func(s *protocol.Start) { s.ICEServers = []protocol.ICEServer{relayAt(c.url)} })
			checkRelay(t, r, trial, c.url, relay)
		})
	}
}

// What a server refuses, and why there is no connection to it, is told as a browser tells it.
func TestRelayErrorsAreNamed(t *testing.T) {
	t.Parallel()
	n := must[*stdnet.Net](t)(stdnet.NewNet())
	plain := must[net.Listener](t)(net.Listen("tcp4", "127.0.0.1:0"))
	secret := must[net.Listener](t)(tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}))
	udp := must[net.PacketConn](t)(net.ListenPacket("udp4", "127.0.0.1:0"))
	serveTURN(t, n, nil, plain, "127.0.0.1")
	serveTURN(t, n, nil, secret, "127.0.0.1")
	serveTURN(t, n, udp, nil, "127.0.0.1")
	closed := must[net.Listener](t)(net.Listen("tcp4", "127.0.0.1:0"))
	_ = closed.Close()

	wrong := protocol.ICEServer{Username: turnUser, Credential: "wrong", URLs: []string{
		"turn:" + udp.LocalAddr().String(), "turn:" + plain.Addr().String() + "?transport=tcp",
	}}
	right := relayAt("turns:" + secret.Addr().String() + "?transport=tcp")
	right.URLs = append(right.URLs, "turn:"+closed.Addr().String()+"?transport=tcp")
	r := newRoom(t)
	// The trial is one of the user's own servers: there no certificate is taken that a browser would refuse.
	defer r.joinAs(peer.Config{Insecure: true}, peer.Config{Insecure: true})()
	trial := r.start(protocol.TrialCustom, func(s *protocol.Start) { s.ICEServers = []protocol.ICEServer{wrong, right} })
	for url, want := range map[string]struct {
		code int
		text string
	}{
		// pion's server says 400 to a wrong password, where RFC 8489 section 9.2.4 says 401.
		wrong.URLs[0]: {400, ""}, wrong.URLs[1]: {400, ""}, right.URLs[0]: {701, "TLS: "}, right.URLs[1]: {701, "refused"},
	} {
		got := r.wait("a", "an error for "+url, func(m protocol.ClientMessage) bool {
			return m.CandidateError != nil && m.CandidateError.Trial == trial && m.CandidateError.URL == url
		}).CandidateError
		if got.Code != want.code || !strings.Contains(got.Text, want.text) {
			t.Errorf("%s: %+v, want %+v", url, got, want)
		}
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// deaf is a network whose UDP goes nowhere.
type deaf struct{ *stdnet.Net }

func (d deaf) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := d.Net.ListenUDP(network, local)
	if err != nil {
		return nil, err
	}
	return deafConn{conn}, nil
}

type deafConn struct{ transport.UDPConn }

func (deafConn) WriteTo(p []byte, _ net.Addr) (int, error) { return len(p), nil }

// Where UDP is blocked, an end that waits for TCP is what the other connects to.
func TestPassiveTCPConnectsWithoutUDP(t *testing.T) {
	t.Parallel()
	a, b := deaf{must[*stdnet.Net](t)(stdnet.NewNet())}, deaf{must[*stdnet.Net](t)(stdnet.NewNet())}
	r := newRoom(t)
	leave := r.joinAs(peer.Config{Net: a, IncludeLoopback: true}, peer.Config{Net: b, IncludeLoopback: true, ICETCP: true})
	defer leave()
	trial := r.start(protocol.TrialHost)
	for _, id := range []string{"a", "b"} {
		r.wait(id, "connected", connected(trial))
		r.wait(id, "a measurement", measured(trial))
		s := r.wait(id, "a pair over TCP", func(m protocol.ClientMessage) bool { return samples(trial)(m) && m.Sample.SelectedPair != "" }).Sample
		for _, c := range s.Local {
			if c.ID == selected(s).Local && c.Protocol != "tcp" {
				t.Errorf("%s: selected %+v", id, c)
			}
		}
	}
	passive := 0
	for _, m := range r.all("b", func(m protocol.ClientMessage) bool { return m.Candidate != nil && m.Candidate.Trial == trial }) {
		if c, err := protocol.ParseCandidate(m.Candidate.Line); err == nil && c.Protocol == "tcp" {
			passive++
			if c.TCPType != "passive" || c.Port < 1024 {
				t.Errorf("%+v", c)
			}
		}
	}
	if passive == 0 {
		t.Error("no passive candidate")
	}
	for _, m := range r.all("a", func(m protocol.ClientMessage) bool {
		return m.Candidate != nil && strings.Contains(m.Candidate.Line, " tcp ")
	}) {
		t.Errorf("a: %s", m.Candidate.Line)
	}
}
