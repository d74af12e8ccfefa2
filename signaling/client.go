package signaling

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/icescope/icescope/protocol"
)

// The client's limits and clocks.
const (
	// clientBacklog is how many frames may wait for the server's acknowledgement. It acknowledges every 256 at the latest, so this much only gathers
	// while the connection is down.
	clientBacklog = 4096

	// clientFrame is the largest frame taken from the server, in bytes: the events of a whole recording.
	clientFrame = 64 << 20

	// clientQueue is how many frames wait for Receive before the socket is left unread.
	clientQueue = 64

	// clientAckEvery and clientAckAfter bound what the server must keep for us when we have nothing else to say.
	clientAckEvery = 64
	clientAckAfter = time.Second

	// Waits between attempts to come back. The first is short, because most drops are a proxy's or a server's restart.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 2 * time.Second

	// dialWait is for one attempt, from TCP to welcome.
	dialWait = 10 * time.Second

	// leaveWait is how long Close waits for the server to have read the leave.
	leaveWait = 2 * time.Second
)

// ClientConfig says how a Client presents itself.
type ClientConfig struct {
	// Hello is said on every connection; Resume, Received and Events are filled in.
	Hello protocol.Hello
	// TLS is for wss URLs; nil: the system's authorities.
	TLS *tls.Config
	// NetDial opens the TCP connection; nil: net.Dialer.
	NetDial func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger; nil: nothing is logged.
	Logger *slog.Logger
}

// ErrBacklog is what Send returns when too many frames wait for a server that does not answer.
var ErrBacklog = errors.New("signaling: too many frames wait for the server")

// ErrClosed is what Send and Receive return after Close.
var ErrClosed = errors.New("signaling: closed")

// RefusedError is the server's refusal to let this client in, or in again.
type RefusedError struct{ Refusal protocol.Error }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("signaling: %s (%s)", e.Refusal.Message, e.Refusal.Code)
}

// ByeError is a bye after which the client does not come back.
type ByeError struct{ Bye protocol.Bye }

func (e *ByeError) Error() string { return "signaling: the server said bye: " + e.Bye.Reason }

// Client is one peer's end of the WebSocket. A connection that drops is resumed behind its back, for as long as the server keeps its place: what was sent
// before arrives once, and so does what the server sent.
//
// Send and Receive may be called from any goroutine; two Receives share the frames between them. Close must be called.
type Client struct {
	config ClientConfig
	url    string
	in     chan protocol.ServerMessage
	wake   chan struct{} // for the writer: there is something to write
	cancel context.CancelFunc
	err    error // why in is closed

	mu       sync.Mutex
	token    string
	keeps    time.Duration // how long the server keeps our place
	seq      int64
	out      []protocol.ClientMessage // what waits to be sent, or to be acknowledged
	sent     int                      // how many of out were written to this connection
	received int64
	acked    int64 // what of it the server was told
	events   int
	leaving  bool
	online   bool
}

// Dial connects, says hello and waits to be let in; ctx bounds no more than that. The error is a *RefusedError where the server refused. The welcome is
// the first frame that Receive returns.
func Dial(ctx context.Context, url string, config ClientConfig) (*Client, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{config: config, url: url, in: make(chan protocol.ServerMessage, clientQueue), wake: make(chan struct{}, 1)}
	ws, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	go c.run(run, ws)
	return c, nil
}

// Send queues a frame and does not wait for the network. Seq and Ack are filled in. All but acks and samples arrive once and in order even if the
// connection drops in between; after ErrBacklog, the frame was not taken.
func (c *Client) Send(m protocol.ClientMessage) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving {
		return ErrClosed
	}
	if len(c.out) >= clientBacklog {
		return ErrBacklog
	}
	c.push(m)
	return nil
}

func (c *Client) push(m protocol.ClientMessage) {
	m.Seq = 0
	if m.Type != protocol.ClientAck && m.Type != protocol.ClientSample {
		c.seq++
		m.Seq = c.seq
	}
	c.out = append(c.out, m)
	c.wakeUp()
}

func (c *Client) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Receive returns the next frame, numbered ones once each and in order. The error is ctx's, or says why the connection is over for good: a *ByeError, a
// *RefusedError of a resume, ErrClosed, or what the network said for as long as our place was kept.
func (c *Client) Receive(ctx context.Context) (protocol.ServerMessage, error) {
	select {
	case m, ok := <-c.in:
		if !ok {
			return protocol.ServerMessage{}, c.err
		}
		return m, nil
	case <-ctx.Done():
		return protocol.ServerMessage{}, ctx.Err()
	}
}

// Close leaves the room, after what was sent before, and returns when nothing of the client runs any more. It waits for the server for two seconds at the
// most. Its error is always nil.
func (c *Client) Close() error {
	c.mu.Lock()
	if !c.leaving {
		c.push(protocol.ClientMessage{Type: protocol.ClientLeave})
		c.leaving = true
	}
	if !c.online {
		c.cancel()
	}
	c.mu.Unlock()
	timer := time.AfterFunc(leaveWait, c.cancel)
	defer timer.Stop()
	for range c.in { // what nobody received must not hold the reader up
	}
	c.cancel()
	return nil
}

// run keeps the client connected until it is over, and says why.
func (c *Client) run(ctx context.Context, ws *websocket.Conn) {
	defer close(c.in)
	for {
		retry, err := c.serve(ctx, ws)
		c.config.Logger.Info("signaling dropped", "error", err)
		if c.gone() || ctx.Err() != nil {
			c.err = ErrClosed
			return
		}
		if _, over := errors.AsType[*ByeError](err); over {
			c.err = err
			return
		}
		if ws, err = c.comeBack(ctx, retry); err != nil {
			c.err = err
			if c.gone() || ctx.Err() != nil {
				c.err = ErrClosed
			}
			return
		}
	}
}

// gone marks the connection as down, and tells whether Close was called.
func (c *Client) gone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.online = false
	return c.leaving
}

// comeBack connects again until it is let in, or its place is lost.
func (c *Client) comeBack(ctx context.Context, wait time.Duration) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.keeps)
	defer cancel()
	backoff := firstRetry
	for {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("signaling: not back within %v: %w", c.keeps, ctx.Err())
		}
		ws, err := c.connect(ctx)
		if _, refused := errors.AsType[*RefusedError](err); err == nil || refused {
			return ws, err
		}
		c.config.Logger.Info("signaling is not back yet", "error", err)
		wait, backoff = backoff, min(2*backoff, lastRetry)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("signaling: not back within %v: %w", c.keeps, err)
		}
	}
}

// connect opens a WebSocket and says hello.
func (c *Client) connect(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	dialer := websocket.Dialer{NetDialContext: c.config.NetDial, TLSClientConfig: c.config.TLS, Subprotocols: []string{protocol.Subprotocol}, Proxy: http.ProxyFromEnvironment}
	ws, answer, err := dialer.DialContext(ctx, c.url, nil)
	if err != nil {
		if answer != nil {
			return nil, fmt.Errorf("signaling: %s answered %s: %w", c.url, answer.Status, err)
		}
		return nil, fmt.Errorf("signaling: %w", err)
	}
	m, err := c.sayHello(ctx, ws)
	if err != nil {
		ws.Close()
		return nil, err
	}
	c.mu.Lock()
	c.welcomed(m.Welcome)
	c.mu.Unlock()
	select {
	case c.in <- m:
	case <-ctx.Done():
		ws.Close()
		return nil, ctx.Err()
	}
	return ws, nil
}

func (c *Client) sayHello(ctx context.Context, ws *websocket.Conn) (m protocol.ServerMessage, err error) {
	deadline, _ := ctx.Deadline()
	_ = ws.SetReadDeadline(deadline) // a socket that is closed already says so on its next use
	_ = ws.SetWriteDeadline(deadline)
	ws.SetReadLimit(clientFrame)
	hello := c.config.Hello
	c.mu.Lock()
	hello.Resume, hello.Received, hello.Events = c.token, c.received, c.events
	c.mu.Unlock()
	if err := ws.WriteMessage(websocket.TextMessage, encode(&protocol.ClientMessage{Type: protocol.ClientHello, Hello: &hello})); err != nil {
		return m, fmt.Errorf("signaling: hello: %w", err)
	}
	if err := ws.ReadJSON(&m); err != nil {
		return m, fmt.Errorf("signaling: hello: %w", err)
	}
	switch {
	case m.Error != nil:
		return m, &RefusedError{*m.Error}
	case m.Bye != nil:
		return m, &ByeError{*m.Bye}
	case m.Welcome == nil:
		return m, fmt.Errorf("signaling: hello was answered by a frame of type %q", m.Type)
	}
	return m, nil
}

// welcomed makes ready to send again what the server does not have; frames without a number are not worth it.
func (c *Client) welcomed(w *protocol.Welcome) {
	c.token, c.keeps = w.Resume, time.Duration(w.ResumeSeconds)*time.Second
	c.out = slices.DeleteFunc(c.out, func(m protocol.ClientMessage) bool { return m.Seq <= w.Received })
	c.sent, c.acked, c.online = 0, c.received, true
	c.wakeUp()
}

// serve reads one connection to its end, with a writer beside it. retry is how long the server asked to wait.
func (c *Client) serve(ctx context.Context, ws *websocket.Conn) (retry time.Duration, err error) {
	ended := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() { c.write(ctx, ws, ended) })
	defer writer.Wait()
	defer ws.Close()
	defer close(ended)
	ws.SetPingHandler(func(data string) error {
		_ = ws.SetReadDeadline(time.Now().Add(silence))
		_ = ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeWait)) // a lost pong shows as silence at the other end
		return nil
	})
	for {
		_ = ws.SetReadDeadline(time.Now().Add(silence))
		_, data, err := ws.ReadMessage()
		if err != nil {
			return retry, err
		}
		var m protocol.ServerMessage
		if err := json.Unmarshal(data, &m); err != nil {
			return retry, fmt.Errorf("signaling: a frame of the server: %w", err)
		}
		if !c.note(&m) {
			continue
		}
		select {
		case c.in <- m:
		case <-ctx.Done():
			return retry, ctx.Err()
		}
		if m.Bye != nil {
			if m.Bye.RetryMs == 0 {
				return 0, &ByeError{*m.Bye}
			}
			retry = time.Duration(m.Bye.RetryMs) * time.Millisecond
		}
	}
}

// note does the numbering of a frame that came, and tells whether it is new.
func (c *Client) note(m *protocol.ServerMessage) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for n < c.sent && c.out[n].Seq <= m.Ack { // those without a number go with their forerunners
		n++
	}
	c.out = slices.Delete(c.out, 0, n)
	c.sent -= n
	if n := len(m.Events); n > 0 {
		c.events = m.Events[n-1].Seq + 1
	}
	if m.Seq == 0 {
		return true
	}
	if m.Seq <= c.received {
		return false
	}
	if c.received = m.Seq; c.received-c.acked >= clientAckEvery {
		c.wakeUp()
	}
	return true
}

// write is the connection's writer.
func (c *Client) write(ctx context.Context, ws *websocket.Conn, ended <-chan struct{}) {
	ticker := time.NewTicker(clientAckAfter)
	defer ticker.Stop()
	defer ws.Close() // so that the reader ends, too
	for {
		idle := false
		select {
		case <-ended:
			return
		case <-ctx.Done():
			return
		case <-ticker.C:
			idle = true
		case <-c.wake:
		}
		for {
			m, ok := c.next(idle)
			if !ok {
				break
			}
			_ = ws.SetWriteDeadline(time.Now().Add(writeWait))
			if ws.WriteMessage(websocket.TextMessage, encode(m)) != nil {
				return
			}
			if m.Type == protocol.ClientLeave {
				select { // the server closes the connection; Close cancels ctx where it does not
				case <-ended:
				case <-ctx.Done():
				}
				return
			}
		}
	}
}

// next is the next frame to write; an ack if there is none, but something to acknowledge that is old or much.
func (c *Client) next(idle bool) (*protocol.ClientMessage, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := protocol.ClientMessage{Type: protocol.ClientAck}
	switch fresh := c.received - c.acked; {
	case c.sent < len(c.out):
		m = c.out[c.sent]
		c.sent++
	case fresh >= clientAckEvery, fresh > 0 && idle:
	default:
		return nil, false
	}
	m.Ack = c.received
	c.acked = c.received
	return &m, true
}
