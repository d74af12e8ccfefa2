package peer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/pion/logging"
	"github.com/pion/stun/v3"
	"github.com/pion/transport/v4/vnet"
)

// patience is how long a test waits for an event before it fails; nothing takes nearly so long unless it is broken.
const patience = 30 * time.Second

// room is a server in memory: it welcomes, relays, and keeps every frame. The test conducts.
type room struct {
	t       *testing.T
	servers []protocol.ICEServer

	mu      sync.Mutex
	members map[string]*member
	frames  []frame
	changed chan struct{} // closed and renewed at every frame
}

type frame struct {
	from string
	protocol.ClientMessage
}

func newRoom(t *testing.T, servers ...protocol.ICEServer) *room {
	return &room{t: t, servers: servers, members: map[string]*member{}, changed: make(chan struct{})}
}

// member is one peer's Transport.
type member struct {
	room  *room
	id    string
	hello protocol.Hello
	in    chan protocol.ServerMessage
	gone  chan struct{}
}

func (r *room) dial(id string) func(context.Context, protocol.Hello) (peer.Transport, error) {
	return func(_ context.Context, hello protocol.Hello) (peer.Transport, error) {
		m := &member{room: r, id: id, hello: hello, in: make(chan protocol.ServerMessage, 1000), gone: make(chan struct{})}
		r.mu.Lock()
		r.members[id] = m
		r.mu.Unlock()
		m.in <- protocol.ServerMessage{Type: protocol.ServerWelcome, Welcome: &protocol.Welcome{Peer: id, ICEServers: r.servers}}
		return m, nil
	}
}

func (m *member) Send(c protocol.ClientMessage) error {
	r := m.room
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frames = append(r.frames, frame{m.id, c})
	close(r.changed)
	r.changed = make(chan struct{})
	out := protocol.ServerMessage{From: m.id, Ref: len(r.frames), Description: c.Description, Candidate: c.Candidate}
	var trial protocol.TrialID
	switch {
	case c.Description != nil:
		out.Type, trial = protocol.ServerDescription, c.Description.Trial
	case c.Candidate != nil:
		out.Type, trial = protocol.ServerCandidate, c.Candidate.Trial
	default:
		return nil
	}
	if trial.Kind() == protocol.TrialAlone {
		return nil
	}
	for id, other := range r.members {
		if id != m.id {
			other.in <- out
		}
	}
	return nil
}

func (m *member) Receive(ctx context.Context) (protocol.ServerMessage, error) {
	select {
	case s := <-m.in:
		return s, nil
	case <-m.gone:
		return protocol.ServerMessage{}, io.EOF
	case <-ctx.Done():
		return protocol.ServerMessage{}, ctx.Err()
	}
}

func (r *room) start(kind protocol.TrialKind, changes ...func(*protocol.Start)) protocol.TrialID {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := protocol.Start{Trial: protocol.NewTrialID(kind, 1), SampleMs: 100, RoundTrips: 5, BurstMs: 100, VideoMs: 100, RelayOnly: kind.Relay()}
	if kind != protocol.TrialHost {
		s.ICEServers = r.servers
	}
	for _, change := range changes {
		change(&s)
	}
	for id, m := range r.members {
		start := s
		start.Role, start.Peer = protocol.RoleOfferer, "b"
		if id == "b" {
			start.Role, start.Peer = protocol.RoleAnswerer, "a"
		}
		m.in <- protocol.ServerMessage{Type: protocol.ServerStart, Start: &start}
	}
	return s.Trial
}

func (r *room) tell(m protocol.ServerMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, other := range r.members {
		other.in <- m
	}
}

// wait returns the first frame of a peer that fits.
func (r *room) wait(from, what string, fits func(protocol.ClientMessage) bool) protocol.ClientMessage {
	r.t.Helper()
	timeout := time.After(patience)
	for seen := 0; ; {
		r.mu.Lock()
		frames, changed := r.frames[seen:], r.changed
		seen = len(r.frames)
		r.mu.Unlock()
		for _, f := range frames {
			if f.from == from && fits(f.ClientMessage) {
				return f.ClientMessage
			}
		}
		select {
		case <-changed:
		case <-timeout:
			r.t.Fatalf("%s never sent %s", from, what)
		}
	}
}

// all returns the frames of a peer that fit, so far.
func (r *room) all(from string, fits func(protocol.ClientMessage) bool) []protocol.ClientMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []protocol.ClientMessage
	for _, f := range r.frames {
		if f.from == from && fits(f.ClientMessage) {
			out = append(out, f.ClientMessage)
		}
	}
	return out
}

// join runs peers a and b on their networks and returns when both are in the room. leave ends both and waits.
func (r *room) join(a, b *vnet.Net) (leave func()) {
	r.t.Helper()
	return r.joinAs(peer.Config{Net: a}, peer.Config{Net: b})
}

func (r *room) joinAs(a, b peer.Config) (leave func()) {
	r.t.Helper()
	a.Dial, a.Label, b.Dial, b.Label = r.dial("a"), "a", r.dial("b"), "b"
	leaveA, leaveB := runOne(r.t, a), runOne(r.t, b)
	for _, id := range []string{"a", "b"} {
		r.wait(id, "the offer of alone-1", func(m protocol.ClientMessage) bool {
			return m.Description != nil && m.Description.Trial == "alone-1" && m.Description.Kind == "offer"
		})
	}
	return func() { leaveA(); leaveB() }
}

// runOne runs a peer until the function that it returns is called, which waits for its end.
func runOne(t *testing.T, config peer.Config) (leave func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := peer.Run(ctx, config); err != nil {
			t.Errorf("peer %s: %v", config.Label, err)
		}
	}()
	return func() { cancel(); <-done }
}

// network is a WAN with a STUN server at 198.51.100.1, ports 3478 and 3479, and a host for each end.
type network struct {
	wan    *vnet.Router
	server *vnet.Net
	a, b   *vnet.Net
	stop   func()
}

var quiet = &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

const stunAddress = "198.51.100.1"

// building guards vnet's counter of MAC addresses (transport v4.1.0, vnet/net.go).
var building sync.Mutex

// buildNetwork puts both hosts on the WAN itself (nat nil), or each in a LAN of its own behind such a NAT.
func buildNetwork(t *testing.T, nat *vnet.NATType) *network {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	n := &network{wan: must[*vnet.Router](t)(vnet.NewRouter(&vnet.RouterConfig{CIDR: "198.51.100.0/24", LoggerFactory: quiet}))}
	host := func(r *vnet.Router, ip string) *vnet.Net {
		h := must[*vnet.Net](t)(vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}}))
		if err := r.AddNet(h); err != nil {
			t.Fatal(err)
		}
		return h
	}
	lan := func(cidr, outside, ip string) *vnet.Net {
		r := must[*vnet.Router](t)(vnet.NewRouter(&vnet.RouterConfig{CIDR: cidr, StaticIPs: []string{outside}, NATType: nat, LoggerFactory: quiet}))
		h := host(r, ip)
		if err := n.wan.AddRouter(r); err != nil {
			t.Fatal(err)
		}
		return h
	}
	n.server = host(n.wan, stunAddress)
	if nat == nil {
		n.a, n.b = host(n.wan, "198.51.100.2"), host(n.wan, "198.51.100.3")
	} else {
		n.a, n.b = lan("10.1.0.0/24", "198.51.100.11", "10.1.0.2"), lan("10.2.0.0/24", "198.51.100.12", "10.2.0.2")
	}
	if err := n.wan.Start(); err != nil {
		t.Fatal(err)
	}
	first, second := serveSTUN(t, n.server, stunAddress+":3478"), serveSTUN(t, n.server, stunAddress+":3479")
	n.stop = func() {
		first()
		second()
		if err := n.wan.Stop(); err != nil {
			t.Error(err)
		}
	}
	return n
}

// serveSTUN answers Binding requests (RFC 8489 section 12) until the function that it returns is called.
func serveSTUN(t *testing.T, n *vnet.Net, address string) (stop func()) {
	t.Helper()
	conn, err := n.ListenPacket("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if string(buf[:size]) == "whoami\n" {
				if _, err := conn.WriteTo([]byte("192.0.2.1,1\n"), from); err != nil && !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				continue
			}
			request := &stun.Message{Raw: append([]byte(nil), buf[:size]...)}
			if request.Decode() != nil || request.Type != stun.BindingRequest {
				continue
			}
			source := from.(*net.UDPAddr)
			response, err := stun.Build(request, stun.BindingSuccess, &stun.XORMappedAddress{IP: source.IP, Port: source.Port}, stun.Fingerprint)
			if err == nil {
				_, err = conn.WriteTo(response.Raw, from)
			}
			if err != nil && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}
	}()
	return func() { _ = conn.Close(); <-done }
}
