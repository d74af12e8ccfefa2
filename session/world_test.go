package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
	"github.com/icescope/icescope/session"
	"github.com/icescope/icescope/signaling"
)

// TestMain checks that no goroutine of ours is left after the tests: whoever starts one waits for it.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leftOver(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left after the tests:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// leftOver gives goroutines that are just returning a moment, then names the others.
func leftOver() string {
	const moment, looks = 20 * time.Millisecond, 50
	var left []string
	tick := time.NewTicker(moment)
	defer tick.Stop()
	for range looks {
		buf := make([]byte, 1<<20)
		left = nil
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "github.com/") && !strings.Contains(g, "session_test.TestMain") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return ""
		}
		<-tick.C
	}
	return strings.Join(left, "\n\n")
}

// patience is how long a test waits for an event before it fails; nothing takes nearly so long unless it is broken.
const patience = 30 * time.Second

const stunAddress = "198.51.100.1"

// world is a Conductor behind the real hub and a real HTTP server.
type world struct {
	t    testing.TB
	talk *session.Conductor
	hub  *signaling.Hub
	url  string // without the code
	code string // of a room
	dial dialer
	end  func() // ends all, and returns when it has
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

func newWorld(t testing.TB, config session.Config) *world {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newWorldOn(t, config, l)
}

func newWorldOn(t testing.TB, config session.Config, l net.Listener) *world {
	t.Helper()
	if config.ICEServers == nil {
		config.ICEServers = func(string, netip.Addr) []protocol.ICEServer {
			return []protocol.ICEServer{{URLs: []string{"stun:" + stunAddress + ":3478", "stun:" + stunAddress + ":3479"}}}
		}
	}
	config.Version = "test"
	config.STUNAddrs = func() []string { return []string{stunAddress + ":3478", stunAddress + ":3479"} }
	w := &world{t: t, talk: session.New(config), dial: new(net.Dialer).DialContext}
	w.hub = signaling.New(signaling.Config{Handler: w.talk, Version: "test"})
	code, err := w.hub.Create()
	if err != nil {
		t.Fatal(err)
	}
	w.code = code
	meet, part := context.WithCancel(context.Background())
	talk, hush := context.WithCancel(context.Background())
	var meeting, talking sync.WaitGroup
	meeting.Go(func() { _ = w.hub.Run(meet) })
	talking.Go(func() { _ = w.talk.Run(talk) })
	server := http.Server{Handler: w.hub}
	meeting.Go(func() { _ = server.Serve(l) })
	w.url = "http://" + l.Addr().String()
	w.end = sync.OnceFunc(func() {
		part()
		_ = server.Close()
		meeting.Wait()
		hush()
		talking.Wait()
	})
	t.Cleanup(w.end)
	return w
}

func (w *world) room() *signaling.Room {
	w.t.Helper()
	r, ok := w.hub.Room(w.code)
	if !ok {
		w.t.Fatal("the room is gone")
	}
	return r
}

func (w *world) events() []protocol.Event { return w.talk.Recording(w.room()) }

// of are the events of a type.
func of(events []protocol.Event, typ protocol.EventType) (out []protocol.Event) {
	for _, e := range events {
		if e.Type == typ {
			out = append(out, e)
		}
	}
	return out
}

// checkReplay holds that a recording, also one that went through a file, gives the very report that the room gave.
func (w *world) checkReplay() {
	w.t.Helper()
	reports := []protocol.Report{w.talk.Report(w.room(), protocol.English), w.talk.Report(w.room(), protocol.Japanese)}
	events := w.events() // later, so that it holds all that the reports know
	for _, r := range reports {
		checkSnapshot(w.t, events, r)
	}
	for i := range events {
		if events[i].Seq != i || i > 0 && events[i].AtMs < events[i-1].AtMs {
			w.t.Errorf("event %d: seq %d at %v after %v", i, events[i].Seq, events[i].AtMs, events[max(i-1, 0)].AtMs)
		}
	}
}

// checkSnapshot replays as many events as a snapshot was made from.
func checkSnapshot(t testing.TB, events []protocol.Event, got protocol.Report) {
	t.Helper()
	var filed []protocol.Event
	if err := json.Unmarshal(encode(t, events[:got.Events]), &filed); err != nil {
		t.Fatal(err)
	}
	for _, replayed := range [][]protocol.Event{events[:got.Events], filed} {
		want := encode(t, report.Make(diagnosis.Diagnose(replayed), report.Options{Lang: got.Lang}))
		if have := encode(t, got); !bytes.Equal(want, have) {
			i := 0
			for i < min(len(want), len(have)) && want[i] == have[i] {
				i++
			}
			t.Fatalf("the replay of %d events differs: room …%s… replay …%s…", got.Events, around(have, i), around(want, i))
		}
	}
}

func around(b []byte, i int) []byte { return b[max(0, i-150):min(len(b), i+150)] }

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// client is a peer whose frames the test plays by hand.
type client struct {
	*signaling.Client
	t  testing.TB
	id string

	mu      sync.Mutex
	conn    net.Conn
	frames  []protocol.ServerMessage
	times   []time.Time   // of the frames
	changed chan struct{} // closed and renewed at every frame
	err     error
}

var browser = protocol.Hello{Kind: protocol.KindBrowser, Live: true, Trials: []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN, protocol.TrialCustom}}

// join lets a client in and reads its frames until it leaves or the test ends.
func (w *world) join(hello protocol.Hello) *client {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p := &client{t: w.t, changed: make(chan struct{})}
	c, err := signaling.Dial(ctx, strings.Replace(w.url, "http", "ws", 1)+"/ws?room="+w.code, signaling.ClientConfig{Hello: hello, NetDial: p.dial(w.dial)})
	if err != nil {
		w.t.Fatal(err)
	}
	p.Client = c
	var reader sync.WaitGroup
	reader.Go(p.read)
	w.t.Cleanup(func() { _ = c.Close(); reader.Wait() })
	p.id = p.wait("the welcome", func(m protocol.ServerMessage) bool { return m.Welcome != nil }).Welcome.Peer
	return p
}

// dial remembers the connection, so that the test can cut it.
func (p *client) dial(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.conn = c
		return c, err
	}
}

func (p *client) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.conn.Close()
}

func (p *client) read() {
	for {
		m, err := p.Receive(context.Background())
		p.mu.Lock()
		if err == nil {
			p.frames, p.times = append(p.frames, m), append(p.times, time.Now())
		}
		p.err = err
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// wait returns the first frame that fits.
func (p *client) wait(what string, fits func(protocol.ServerMessage) bool) protocol.ServerMessage {
	p.t.Helper()
	timeout := time.After(patience)
	for seen := 0; ; {
		p.mu.Lock()
		frames, changed, err := p.frames[seen:], p.changed, p.err
		seen = len(p.frames)
		p.mu.Unlock()
		for _, m := range frames {
			if fits(m) {
				return m
			}
		}
		if err != nil {
			p.t.Fatalf("%s: %v before %s", p.id, err, what)
		}
		select {
		case <-changed:
		case <-timeout:
			p.t.Fatalf("%s never got %s", p.id, what)
		}
	}
}

// all are the frames so far that fit.
func (p *client) all(fits func(protocol.ServerMessage) bool) (out []protocol.ServerMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.frames {
		if fits(m) {
			out = append(out, m)
		}
	}
	return out
}

func (p *client) say(m protocol.ClientMessage) {
	p.t.Helper()
	if err := p.Send(m); err != nil {
		p.t.Fatal(err)
	}
}

func (p *client) start(id protocol.TrialID) protocol.Start {
	p.t.Helper()
	return *p.wait("the start of "+string(id), func(m protocol.ServerMessage) bool { return m.Start != nil && m.Start.Trial == id }).Start
}

func (p *client) stop(id protocol.TrialID) protocol.Stop {
	p.t.Helper()
	return *p.wait("the stop of "+string(id), func(m protocol.ServerMessage) bool { return m.Stop != nil && m.Stop.Trial == id }).Stop
}

// event waits until the events that were sent hold one that fits, which must have come with no gap before it.
func (p *client) event(what string, fits func(protocol.Event) bool) (found protocol.Event) {
	p.t.Helper()
	p.wait(what, func(m protocol.ServerMessage) bool {
		i := slices.IndexFunc(m.Events, fits)
		if i >= 0 {
			found = m.Events[i]
		}
		return i >= 0
	})
	return found
}

// sync returns when the room has handled all that p said before.
func (p *client) sync() {
	p.t.Helper()
	text := fmt.Sprintf("sync %d", len(p.all(func(protocol.ServerMessage) bool { return true })))
	p.say(protocol.ClientMessage{Type: protocol.ClientState, State: &protocol.State{Trial: "alone-1", What: "signaling", Value: "stable", Error: text}})
	p.event(text, func(e protocol.Event) bool { return e.State != nil && e.State.Error == text && e.Peer == p.id })
}

func snapshot(m protocol.ServerMessage) bool { return m.Snapshot != nil }

func candidateFrame(trial protocol.TrialID, line string) protocol.ClientMessage {
	return protocol.ClientMessage{Type: protocol.ClientCandidate, Candidate: &protocol.Candidate{Trial: trial, Line: line}}
}

func hostLine(address string, port int) string {
	return fmt.Sprintf("candidate:1 1 udp 2122260223 %s %d typ host generation 0", address, port)
}

func descriptionFrame(trial protocol.TrialID, kind, ufrag string) protocol.ClientMessage {
	return protocol.ClientMessage{Type: protocol.ClientDescription, Description: &protocol.Description{Trial: trial, Kind: kind,
		SDP: "v=0\r\na=ice-ufrag:" + ufrag + "\r\na=ice-pwd:" + ufrag + "passwordpasswordpassword\r\n"}}
}

// pipes is a listener and its dialer without sockets, for synctest's bubbles.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{accept: make(chan net.Conn), closed: make(chan struct{})} }

func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.accept <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }
