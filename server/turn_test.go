package server

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"github.com/icescope/icescope/protocol"
)

// patience is for what must come.
const patience = 5 * time.Second

func (r *running) dialTLS(protos ...string) *tls.Conn {
	r.t.Helper()
	conn, err := tls.Dial("tcp", r.Addrs().HTTPS, &tls.Config{InsecureSkipVerify: true, NextProtos: protos})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// allocateUnsigned sends an Allocate without credentials and returns the code of the answer.
func allocateUnsigned(t *testing.T, conn net.Conn) stun.ErrorCode {
	t.Helper()
	m := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}})
	if _, err := conn.Write(m.Raw); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1024)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	answer := &stun.Message{Raw: buf[:n]}
	if err := answer.Decode(); err != nil {
		t.Fatalf("%v: %q", err, buf[:n])
	}
	var code stun.ErrorCodeAttribute
	_ = code.GetFrom(answer)
	return code.Code
}

// One port carries HTTP/2, HTTP/1.1 and TURN, whether a client names its protocol (RFC 7443) or not.
func TestSecurePort(t *testing.T) {
	r := start(t, nil)
	for _, c := range []struct {
		name   string
		protos []string
	}{{"named", []string{"stun.turn"}}, {"not named", nil}} {
		t.Run("TURN "+c.name, func(t *testing.T) {
			if code := allocateUnsigned(t, r.dialTLS(c.protos...)); code != stun.CodeUnauthorized {
				t.Errorf("%d", code)
			}
		})
	}
	t.Run("STUN not named", func(t *testing.T) {
		conn := r.dialTLS()
		if _, err := conn.Write(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 256)
		n, err := conn.Read(buf)
		if err != nil || !stun.IsMessage(buf[:n]) || buf[0] != 0x01 {
			t.Errorf("%x, %v", buf[:n], err)
		}
	})
	for _, protos := range [][]string{{"http/1.1"}, nil} {
		t.Run("HTTP/1.1 "+strings.Join(protos, ""), func(t *testing.T) {
			conn := r.dialTLS(protos...)
			request, _ := http.NewRequest(http.MethodPost, "https://"+r.Addrs().HTTPS+"/api/v1/rooms", nil)
			if err := request.Write(conn); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(conn), request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			var made protocol.RoomCreated
			if err := json.NewDecoder(response.Body).Decode(&made); err != nil || !strings.HasPrefix(made.URL, "https://") {
				t.Errorf("%s, %+v, %v", response.Status, made, err) // the request knows that it came over TLS
			}
		})
	}
	t.Run("HTTP/2", func(t *testing.T) {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
		defer client.CloseIdleConnections()
		response, err := client.Get("https://" + r.Addrs().HTTPS + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.ProtoMajor != 2 || response.StatusCode != http.StatusOK {
			t.Errorf("%s %s", response.Proto, response.Status)
		}
	})
	t.Run("no TLS", func(t *testing.T) {
		response, err := http.Get("http://" + r.Addrs().HTTPS + "/")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s", response.Status)
		}
	})
	for _, mute := range []net.Conn{r.dialTLS(), dial(t, r.Addrs().HTTPS)} { // the end of the server does not wait for who says nothing
		t.Cleanup(func() { mute.Close() })
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// What the page is told of the relay, and what a trial is given: each with the port that is really served.
func TestTURNURLs(t *testing.T) {
	r := start(t, nil)
	_, body := r.do("GET", "/api/v1/info")
	var info protocol.Info
	if err := json.Unmarshal([]byte(body), &info); err != nil {
		t.Fatal(err)
	}
	_, stunPort, _ := net.SplitHostPort(r.Addrs().STUN[0])
	_, tlsPort, _ := net.SplitHostPort(r.Addrs().HTTPS)
	want := []string{"turn:127.0.0.1:" + stunPort + "?transport=udp", "turn:127.0.0.1:" + stunPort + "?transport=tcp", "turns:127.0.0.1:" + tlsPort + "?transport=tcp"}
	if !slices.Equal(info.TURN, want) || !slices.Equal(r.Addrs().TURN, want) {
		t.Errorf("info has %q, the addresses %q, want %q", info.TURN, r.Addrs().TURN, want)
	}
	if !slices.Contains(info.Trials, protocol.TrialRelayUDP) || !slices.Contains(info.Trials, protocol.TrialRelayTCP) {
		t.Errorf("trials %v", info.Trials)
	}
	off := start(t, func(c *Config) { c.NoTURN = true })
	_, body = off.do("GET", "/api/v1/info")
	info = protocol.Info{}
	if err := json.Unmarshal([]byte(body), &info); err != nil || len(info.TURN) > 0 || slices.Contains(info.Trials, protocol.TrialRelayUDP) || len(off.Addrs().TURN) > 0 {
		t.Errorf("without TURN: %+v, %v", info, err)
	}
	conn := off.dialTLS()
	request, _ := http.NewRequest(http.MethodGet, "https://"+off.Addrs().HTTPS+"/healthz", nil)
	if err := request.Write(conn); err != nil {
		t.Fatal(err)
	}
	if response, err := http.ReadResponse(bufio.NewReader(conn), request); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("HTTP without TURN and ALPN: %v", err)
	}
}

func TestTURNServers(t *testing.T) {
	lan := netip.MustParseAddr("10.9.0.10")
	urls := turnURLs{stun: stunURLs{ports: []uint16{3478, 3479}, machine: []netip.Addr{lan}}, tlsPort: 8443, credentials: func(room string) (string, string) { return "1:" + room, "p" }}
	for _, c := range []struct {
		page    string
		local   netip.Addr
		kind    protocol.TrialKind
		trusted bool
		want    []string
	}{
		{"10.9.0.10:8080", lan, protocol.TrialRelayUDP, true, []string{"turn:10.9.0.10:3478?transport=udp"}},
		{"10.9.0.10:8080", lan, protocol.TrialRelayTCP, false, []string{"turn:10.9.0.10:3478?transport=tcp"}},
		{"scope.example:8443", lan, protocol.TrialRelayTCP, true, []string{"turn:10.9.0.10:3478?transport=tcp", "turns:scope.example:8443?transport=tcp"}},
		{"localhost:8080", netip.MustParseAddr("127.0.0.1"), protocol.TrialRelayTCP, true, []string{"turn:10.9.0.10:3478?transport=tcp", "turns:10.9.0.10:8443?transport=tcp"}},
		{"[2001:db8::1]:8080", netip.MustParseAddr("2001:db8::1"), protocol.TrialRelayUDP, false, []string{"turn:[2001:db8::1]:3478?transport=udp"}},
	} {
		urls.trusted = c.trusted
		got := urls.servers(c.page, c.local, "room", c.kind)
		if len(got) != 1 || !slices.Equal(got[0].URLs, c.want) || got[0].Username != "1:room" || got[0].Credential != "p" {
			t.Errorf("%s %s: %+v", c.page, c.kind, got)
		}
		for _, u := range got[0].URLs {
			if _, err := protocol.CheckICEURL(u); err != nil {
				t.Error(err)
			}
		}
	}
	urls.stun.advertise = "relay.example"
	if got := urls.all("10.9.0.10:8080", lan); got[0] != "turn:relay.example:3478?transport=udp" || got[2] != "turns:relay.example:8443?transport=tcp" {
		t.Errorf("%q", got)
	}
}

func TestTURNFlags(t *testing.T) {
	for _, ports := range []string{"49152", "a-b", "5-4", "49152-99999", "-", "80-90"} {
		s, err := New(Config{HTTP: "127.0.0.1:0", STUN: []string{"127.0.0.1:0"}, TURNPorts: ports})
		if err == nil {
			s.Close()
			t.Errorf("--turn-ports %s is taken", ports)
		} else if !strings.Contains(err.Error(), "--turn-ports") {
			t.Errorf("%s: %v", ports, err)
		}
	}
	c := Config{TURNPorts: "50000-50100", TURNSecret: "s", Advertise: "[2001:db8::9]"}
	s, err := c.stun()
	if err != nil || s.TURN.Ports != [2]uint16{50000, 50100} || s.TURN.Secret != "s" || s.TURN.Relay != netip.MustParseAddr("2001:db8::9") {
		t.Errorf("%+v, %v", s.TURN, err)
	}
}
