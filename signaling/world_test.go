package signaling

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/icescope/icescope/protocol"
)

// world is a hub behind a real HTTP server and a network of pipes, so that it runs in a synctest bubble.
type world struct {
	t        testing.TB
	hub      *Hub
	seen     *recorder
	net      *pipes
	shutdown func() // ends Run, and returns when it has
}

func newWorld(t testing.TB, config Config) *world {
	w := &world{t: t, seen: &recorder{}, net: &pipes{accept: make(chan net.Conn), closed: make(chan struct{})}}
	if config.Handler == nil {
		config.Handler = w.seen
	}
	w.hub = New(config)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.hub.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	server := http.Server{Handler: w.hub}
	running.Go(func() { _ = server.Serve(w.net) })
	w.shutdown = sync.OnceFunc(func() {
		cancel()
		_ = server.Close()
		running.Wait()
	})
	t.Cleanup(w.shutdown)
	return w
}

func (w *world) create() string {
	code, err := w.hub.Create()
	if err != nil {
		w.t.Fatal(err)
	}
	return code
}

// peer is one end's WebSocket, read all the time so that pings are answered.
type peer struct {
	w      *world
	ws     *websocket.Conn
	frames chan protocol.ServerMessage // closed at the end
	raw    [][]byte                    // under mu
	mu     sync.Mutex
	code   int // of the close frame, valid when frames is closed; 0: there was none
	token  string
	id     string
}

func (w *world) dial(room string) *peer {
	w.t.Helper()
	dialer := websocket.Dialer{NetDialContext: w.net.dial, Subprotocols: []string{protocol.Subprotocol}}
	ws, _, err := dialer.Dial("ws://icescope/ws?room="+room, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &peer{w: w, ws: ws, frames: make(chan protocol.ServerMessage, 20_000)}
	var reader sync.WaitGroup
	reader.Go(p.read)
	w.t.Cleanup(func() { ws.Close(); reader.Wait() })
	return p
}

func (p *peer) read() {
	defer close(p.frames)
	for {
		_, data, err := p.ws.ReadMessage()
		if ce, ok := errors.AsType[*websocket.CloseError](err); ok {
			p.code = ce.Code
		}
		if err != nil {
			return
		}
		var m protocol.ServerMessage
		if err := json.Unmarshal(data, &m); err != nil {
			p.w.t.Errorf("%v: %s", err, data)
		}
		p.mu.Lock()
		p.raw = append(p.raw, data)
		p.mu.Unlock()
		p.frames <- m
	}
}

func (p *peer) say(format string, args ...any) {
	p.w.t.Helper()
	if err := p.ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...)); err != nil {
		p.w.t.Fatal(err)
	}
}

func (p *peer) next() protocol.ServerMessage {
	p.w.t.Helper()
	m, ok := <-p.frames
	if !ok {
		p.w.t.Fatalf("the connection ended with close code %d", p.code)
	}
	return m
}

func (p *peer) wantError(code protocol.ErrorCode) *protocol.Error {
	p.w.t.Helper()
	m := p.next()
	if m.Error == nil || m.Error.Code != code {
		p.w.t.Fatalf("got %s, want error %s", encode(m), code)
	}
	if m.Error.Message == "" || m.Error.Hint == "" {
		p.w.t.Errorf("error %s does not explain itself: %+v", code, m.Error)
	}
	return m.Error
}

// wantQuiet tells that nothing comes until somebody does something.
func (p *peer) wantQuiet() {
	p.w.t.Helper()
	synctest.Wait()
	if len(p.frames) > 0 {
		p.w.t.Fatalf("got %s, want silence", encode(p.next()))
	}
}

func (p *peer) wantClosed(code int) {
	p.w.t.Helper()
	for m := range p.frames {
		p.w.t.Fatalf("got %s, want the connection to end", encode(m))
	}
	if p.code != code {
		p.w.t.Fatalf("closed with %d, want %d", p.code, code)
	}
}

// drop cuts the connection without a close frame.
func (p *peer) drop() {
	p.ws.Close()
	for range p.frames {
	}
}

func (p *peer) hello(kind protocol.PeerKind) *protocol.Welcome {
	p.w.t.Helper()
	p.say(`{"type":"hello","hello":{"kind":%q}}`, kind)
	return p.welcome()
}

func (p *peer) welcome() *protocol.Welcome {
	p.w.t.Helper()
	m := p.next()
	if m.Welcome == nil {
		p.w.t.Fatalf("got %s, want welcome", encode(m))
	}
	p.id, p.token = m.Welcome.Peer, m.Welcome.Resume
	return m.Welcome
}

func (w *world) join(room string) *peer {
	w.t.Helper()
	p := w.dial(room)
	p.hello(protocol.KindBrowser)
	return p
}

// back is p's next connection.
func (p *peer) back(room string, received int) (*peer, *protocol.Welcome) {
	p.w.t.Helper()
	q := p.w.dial(room)
	q.say(`{"type":"hello","hello":{"kind":"browser","resume":%q,"received":%d,"events":3}}`, p.token, received)
	return q, q.welcome()
}

const candidateLine = "candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host generation 0"

func (p *peer) candidate(seq int) {
	p.w.t.Helper()
	p.say(`{"type":"candidate","seq":%d,"candidate":{"trial":"host-1","candidate":"%s","sdpMid":"%d"}}`, seq, candidateLine, seq)
}

// wantCandidate is the nth candidate of the other end.
func (p *peer) wantCandidate(n int) protocol.ServerMessage {
	p.w.t.Helper()
	m := p.next()
	if m.Candidate == nil || *m.Candidate.SDPMid != fmt.Sprint(n) || m.Candidate.Line != candidateLine {
		p.w.t.Fatalf("got %s, want candidate %d", encode(m), n)
	}
	return m
}

// recorder is a Handler that writes down what it is told.
type recorder struct {
	mu     sync.Mutex
	lines  []string
	n      int
	joined func(r *Room, p *Peer)
}

func (h *recorder) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, fmt.Sprintf(format, args...))
}

// take returns what was noted since the last take, once nothing more happens.
func (h *recorder) take() []string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := h.lines
	h.lines = nil
	return lines
}

func (h *recorder) want(t testing.TB, lines ...string) {
	t.Helper()
	if got := h.take(); !slices.Equal(got, lines) {
		t.Errorf("the handler was told %q, want %q", got, lines)
	}
}

func (h *recorder) RoomMade(r *Room) { r.Data = 1; h.note("made") }
func (h *recorder) RoomGone(r *Room) { h.note("gone %v", r.Data) }
func (h *recorder) Joined(_ *Room, p *Peer) []protocol.ICEServer {
	h.note("joined %s", p.ID())
	return []protocol.ICEServer{{URLs: []string{"stun:192.0.2.1"}}}
}
func (h *recorder) Welcomed(r *Room, p *Peer) {
	h.note("welcomed %s", p.ID())
	if h.joined != nil {
		h.joined(r, p)
	}
}
func (h *recorder) Dropped(_ *Room, p *Peer)                  { h.note("dropped %s", p.ID()) }
func (h *recorder) Resumed(_ *Room, p *Peer, seen int)        { h.note("resumed %s %d", p.ID(), seen) }
func (h *recorder) Left(_ *Room, p *Peer, reason string)      { h.note("left %s %s", p.ID(), reason) }
func (h *recorder) Broken(_ *Room, p *Peer, e protocol.Error) { h.note("broken %s %s", p.ID(), e.Code) }
func (h *recorder) Opposite(r *Room, p *Peer, id protocol.TrialID) *Peer {
	h.note("opposite %s %s", p.ID(), id)
	return NopHandler{}.Opposite(r, p, id)
}
func (h *recorder) Pong(_ *Room, p *Peer, rtt time.Duration) { h.note("pong %s %v", p.ID(), rtt) }
func (h *recorder) Message(_ *Room, p *Peer, m *protocol.ClientMessage) int {
	h.n++ // inside Do
	h.note("message %s %s %d", p.ID(), m.Type, m.Seq)
	return h.n
}

// pipes is a listener and its dialer.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

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
func (l *pipes) Addr() net.Addr { return &net.TCPAddr{} }
