package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"github.com/icescope/icescope/protocol"
)

// Config says what a Hub is to do. The zero value serves rooms that are made by Create, to nobody's knowledge.
type Config struct {
	// Handler is told all that happens; nil: nobody is.
	Handler Handler

	// OpenRooms lets the first to join make the room, with any code of 1 to 64 letters, digits and hyphens: for automation and benchmarks. Whoever
	// reaches the server may then use it, and whoever guesses a code is in.
	OpenRooms bool

	// CheckOrigin decides whether a page may open the WebSocket, by the upgrade request (RFC 6455 section 10.2). nil: only pages of the same host may.
	CheckOrigin func(*http.Request) bool

	// Version stands in every welcome.
	Version string

	// Logger; nil: nothing is logged.
	Logger *slog.Logger

	// MaxRooms, MaxConns and QueueBytes bound the memory; 0: 20,000 rooms, 40,000 WebSockets, 8 MiB (1 MiB at the least)
	// waiting for one connection.
	MaxRooms, MaxConns, QueueBytes int
}

// ErrTooManyRooms is what Create returns when MaxRooms are open.
var ErrTooManyRooms = errors.New("too many rooms are open")

// Hub is the rooms and their connections. Its life:
//
//  1. New makes it; Create and ServeHTTP work from then on.
//  2. Run keeps its clocks until its context ends: pings, deadlines, expiry.
//  3. Then everybody is told bye, all sockets are closed, and Run returns when the last goroutine has ended. ServeHTTP refuses from then on.
//
// Its methods may be called from any goroutine, but Run only once.
type Hub struct {
	handler    Handler
	openRooms  bool
	origin     func(*http.Request) bool
	version    string
	log        *slog.Logger
	maxRooms   int
	maxConns   int
	queueBytes int
	upgrader   websocket.Upgrader
	start      time.Time
	stats      counters
	running    sync.WaitGroup // readers and writers

	mu    sync.RWMutex
	rooms map[string]*Room // by plainCode, or by the code as given where it was made by joining
	conns map[*conn]struct{}
	down  bool
}

// New makes a hub that waits for Run.
func New(config Config) *Hub {
	h := &Hub{
		handler: config.Handler, openRooms: config.OpenRooms, origin: config.CheckOrigin, version: config.Version, log: config.Logger,
		maxRooms: config.MaxRooms, maxConns: config.MaxConns, queueBytes: config.QueueBytes,
		start: time.Now(), rooms: map[string]*Room{}, conns: map[*conn]struct{}{},
		upgrader: websocket.Upgrader{
			Subprotocols:    []string{protocol.Subprotocol},
			ReadBufferSize:  1024,         // two or three candidates in one system call
			WriteBufferPool: &sync.Pool{}, // without a pool every connection would own a write buffer, and we write by ourselves
			CheckOrigin:     func(*http.Request) bool { return true },
		},
	}
	if h.handler == nil {
		h.handler = NopHandler{}
	}
	if h.origin == nil {
		h.origin = sameHost
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.maxRooms == 0 {
		h.maxRooms = defaultMaxRooms
	}
	if h.maxConns == 0 {
		h.maxConns = defaultMaxConns
	}
	if h.queueBytes == 0 {
		h.queueBytes = defaultQueueBytes
	}
	h.queueBytes = max(h.queueBytes, 2*keepBytes) // what a resume brings must fit
	return h
}

// Run keeps the hub's clocks until ctx ends, then shuts down and returns nil when all that the hub started has ended.
func (h *Hub) Run(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.sweep()
		case <-ctx.Done():
			h.shutdown()
			return nil
		}
	}
}

// Create makes a room with a new code, which is all that it takes to come in. The only error is ErrTooManyRooms.
func (h *Hub) Create() (code string, err error) {
	code = newCode()
	if _, err = h.makeRoom(plainCode(code), code); err != nil {
		return "", err
	}
	return code, nil
}

// Room finds a room. Capitals and hyphens of codes that Create made do not matter.
func (h *Hub) Room(code string) (*Room, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if r, ok := h.rooms[code]; ok {
		return r, true
	}
	r, ok := h.rooms[plainCode(code)]
	if !ok || r.code == plainCode(code) { // made by joining: its code is as it was given
		return nil, false
	}
	return r, true
}

// ServeHTTP upgrades GET …?room=CODE to a WebSocket. What can be told before the upgrade is told by HTTP status (403 for a foreign origin, 503 at
// MaxConns); an unknown room is told on the WebSocket, because a page cannot read the answer to a failed upgrade.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.origin(r) {
		answer(w, http.StatusForbidden, refuse(protocol.ErrForbiddenOrigin, "origin %.100q is not this server", r.Header.Get("Origin")))
		return
	}
	if h.full() {
		w.Header().Set("Retry-After", "10")
		answer(w, http.StatusServiceUnavailable, refuse(protocol.ErrRefused, "%d connections are open, or the server is shutting down", h.maxConns))
		return
	}
	ws, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		h.log.Debug("upgrade refused", "from", r.RemoteAddr, "error", err)
		return
	}
	now := max(1, int64(h.now()))
	c := &conn{
		hub: h, ws: ws, net: ws.NetConn(), code: strings.Clone(r.URL.Query().Get("room")),
		origin: origin{host: strings.Clone(r.Host), tls: r.TLS != nil},
		frames: rate.NewLimiter(framesPerSecond, framesBurst), bytes: rate.NewLimiter(bytesPerSecond, bytesBurst),
	}
	c.origin.addr, _ = netip.ParseAddrPort(r.RemoteAddr)
	c.origin.addr = netip.AddrPortFrom(c.origin.addr.Addr().Unmap(), c.origin.addr.Port())
	c.waiting.Store(now)
	c.seen.Store(now)
	c.pinged.Store(now - int64(pingEvery)) // the first goes out with the next sweep: a page shows its round trip at once
	if !h.remember(c) {
		ws.Close()
		return
	}
	var known bool
	if c.room, known = h.Room(c.code); !known && !(h.openRooms && openCode(c.code)) {
		c.say(refuse(protocol.ErrUnknownRoom, "no room has the code %.80q", c.code))
		c.finish(closeUnknownRoom)
	}
	go c.read() // not on this goroutine: returning from here frees its stack and net/http's buffers
}

// full is asked before the upgrade; remember decides.
func (h *Hub) full() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.down || len(h.conns) >= h.maxConns
}

func (h *Hub) remember(c *conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down || len(h.conns) >= h.maxConns {
		return false
	}
	h.conns[c] = struct{}{}
	h.running.Add(1)
	return true
}

func (h *Hub) forget(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}

// open finds a room, or makes it where rooms are open.
func (h *Hub) open(code string) (*Room, error) {
	if r, ok := h.Room(code); ok {
		return r, nil
	}
	return h.makeRoom(code, code)
}

func (h *Hub) makeRoom(key, code string) (*Room, error) {
	h.mu.Lock()
	if r, ok := h.rooms[key]; ok { // two joined at once (a code of Create's is never made twice)
		h.mu.Unlock()
		return r, nil
	}
	if len(h.rooms) >= h.maxRooms || h.down {
		h.mu.Unlock()
		return nil, ErrTooManyRooms
	}
	r := &Room{hub: h, code: code, empty: h.now()}
	r.mu.Lock() // before anybody can find it: RoomMade is the first call about it
	defer r.mu.Unlock()
	h.rooms[key] = r
	h.mu.Unlock()
	h.stats.roomsMade.Add(1)
	h.handler.RoomMade(r)
	return r, nil
}

func (h *Hub) sweep() {
	now := h.now()
	for _, c := range h.openConns() {
		c.sweep(now)
	}
	for key, r := range h.openRoomsNow() {
		if r.sweep(now) {
			h.mu.Lock()
			if h.rooms[key] == r {
				delete(h.rooms, key)
			}
			h.mu.Unlock()
		}
	}
}

// shutdown says bye to all, and returns when nothing of the hub runs any more.
func (h *Hub) shutdown() {
	h.mu.Lock()
	h.down = true
	h.mu.Unlock()
	for _, r := range h.openRoomsNow() {
		r.shutdown()
	}
	for _, c := range h.openConns() {
		c.bye(protocol.Bye{Reason: "shutdown", RetryMs: int(retryAfter / time.Millisecond)}, closeGoingAway)
	}
	ended := make(chan struct{})
	go func() {
		h.running.Wait()
		close(ended)
	}()
	timer := time.NewTimer(shutdownWait)
	defer timer.Stop()
	select {
	case <-ended:
		return
	case <-timer.C:
	}
	for _, c := range h.openConns() {
		c.abort()
	}
	<-ended
}

func (h *Hub) openConns() []*conn {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make([]*conn, 0, len(h.conns))
	for c := range h.conns {
		all = append(all, c)
	}
	return all
}

func (h *Hub) openRoomsNow() map[string]*Room {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return maps.Clone(h.rooms)
}

// now is the hub's clock: monotonic, from 0.
func (h *Hub) now() time.Duration { return time.Since(h.start) }

func (h *Hub) at(t time.Time) time.Duration { return t.Sub(h.start) }

// sameHost lets in what is no browser (no Origin), and pages of this very host and port.
func sameHost(r *http.Request) bool {
	o := r.Header.Get("Origin")
	if o == "" {
		return true
	}
	u, err := url.Parse(o)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

func answer(w http.ResponseWriter, status int, e *protocol.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, "%s\n", encode(e))
}

// counters are Stats as they are counted.
type counters struct {
	peers                                                          atomic.Int64
	roomsMade, framesIn, framesOut, bytesIn, relayed               atomic.Uint64
	errors, noPeer, rateLimited, tooLarge, tooSlow, drops, resumes atomic.Uint64
}

// Stats are a hub's figures for metrics. Rooms, Peers and Conns are as of now, the others count from New.
type Stats struct {
	Rooms, Conns int
	Peers        int // members of rooms, watchers and dropped ones included

	RoomsMade   uint64
	FramesIn    uint64 // frames read, whether sound or not
	BytesIn     uint64 // their payload
	FramesOut   uint64 // frames written, control frames included
	Relayed     uint64 // descriptions and candidates passed from one peer to the other
	Errors      uint64 // error frames sent
	NoPeer      uint64 // frames with nobody to relay them to
	RateLimited uint64 // frames dropped because too many came
	TooLarge    uint64 // frames over the limit
	TooSlow     uint64 // connections closed because their queue overflowed
	Drops       uint64 // connections that ended without a leave
	Resumes     uint64
}

// Stats reads the counters; they are not of one instant.
func (h *Hub) Stats() Stats {
	s := &h.stats
	h.mu.RLock()
	rooms, conns := len(h.rooms), len(h.conns)
	h.mu.RUnlock()
	return Stats{
		Rooms: rooms, Conns: conns, Peers: int(s.peers.Load()),
		RoomsMade: s.roomsMade.Load(), FramesIn: s.framesIn.Load(), BytesIn: s.bytesIn.Load(), FramesOut: s.framesOut.Load(), Relayed: s.relayed.Load(),
		Errors: s.errors.Load(), NoPeer: s.noPeer.Load(), RateLimited: s.rateLimited.Load(), TooLarge: s.tooLarge.Load(), TooSlow: s.tooSlow.Load(),
		Drops: s.drops.Load(), Resumes: s.resumes.Load(),
	}
}
