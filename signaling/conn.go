package signaling

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"github.com/icescope/icescope/protocol"
)

// Opcodes (RFC 6455 section 5.2) and the close codes that are used here (section 7.4.1).
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10

	closeNormal      = websocket.CloseNormalClosure
	closeGoingAway   = websocket.CloseGoingAway
	closePolicy      = websocket.ClosePolicyViolation
	closeTooBig      = websocket.CloseMessageTooBig
	closeInternal    = websocket.CloseInternalServerErr
	closeTryLater    = websocket.CloseTryAgainLater
	maxPooledBuffer  = 64 << 10 // larger ones are left to the garbage collector
	firstBuffer      = 4 << 10
	writeBatch       = 64 << 10 // so much goes into one write at the most, or one frame
	keptQueueEntries = 16       // an idle connection keeps a queue of this many entries (48 bytes each) at the most
)

// origin is what the upgrade request said.
type origin struct {
	addr netip.AddrPort
	host string
	tls  bool
}

// entry is one frame that waits to be written.
type entry struct {
	opcode byte
	latest bool  // replaces an entry with the same mark
	ack    int64 // not 0: to be put into the object as its first member
	data   []byte
}

// conn is one WebSocket. gorilla reads it; frames are written by hand (a server's are unmasked: two to ten bytes and the payload), so that one system call
// takes all that waits and no buffer belongs to an idle connection.
type conn struct {
	hub    *Hub
	ws     *websocket.Conn
	net    net.Conn
	code   string
	origin origin

	room *Room // the reader's; nil before hello in an open room
	peer *Peer // under room.mu; nil before hello and after the peer was parted from this connection

	// The reader's own.
	joined   bool
	leaves   bool // the other end went away for good
	frames   *rate.Limiter
	bytes    *rate.Limiter
	errs     *rate.Limiter // nil until the first error
	refused  int
	rateSaid time.Duration // when rate-limited was last said

	// What the sweeper looks at, by the hub's clock in nanoseconds.
	waiting atomic.Int64 // for a hello since; 0: it came
	seen    atomic.Int64 // the last sign of life
	pinged  atomic.Int64 // the last ping
	writing atomic.Int64 // in a write since; 0: in none
	closing atomic.Int64 // since finish; 0: open

	mu       sync.Mutex
	queue    []entry
	head     int // the next of queue to be written
	queued   int // bytes from head on
	writer   bool
	readDone bool
}

// read is the connection's reader and lives as long as it does.
func (c *conn) read() {
	defer c.hub.running.Done()
	defer c.readEnded()
	defer func() {
		if p := recover(); p != nil { // a defect in one room shall not end the others
			c.hub.log.Error("a frame's handling panicked", "room", c.code, "panic", p, "stack", string(debug.Stack()))
			c.say(refuse(protocol.ErrInternal, "the server has a defect"))
			c.finish(closeInternal)
		}
	}()
	c.ws.SetPingHandler(func(data string) error {
		if c.frames.Allow() {
			c.enqueue(entry{opcode: opPong, data: []byte(data)})
		}
		return nil
	})
	c.ws.SetPongHandler(func(data string) error {
		now := c.hub.now()
		c.seen.Store(int64(now))
		if at, err := strconv.ParseInt(data, 36, 64); err == nil && at == c.pinged.Load() && c.room != nil {
			c.room.pong(c, now-time.Duration(at))
		}
		return nil
	})
	c.ws.SetCloseHandler(func(code int, _ string) error {
		// A browser sends 1001 when its page is closed or left (RFC 6455 section 7.4.1): nobody will resume.
		c.leaves = code == closeGoingAway
		c.finish(code)
		return nil
	})
	for {
		kind, r, err := c.ws.NextReader()
		if err != nil {
			return
		}
		if c.closing.Load() != 0 {
			continue // until the other end has read our close frame; NextReader discards
		}
		if err := c.readFrame(kind, r); err != nil {
			return
		}
	}
}

// readFrame reads one frame into a buffer that is shared between connections, and handles it.
func (c *conn) readFrame(kind int, r io.Reader) error {
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= maxPooledBuffer {
			buffers.Put(buf)
		}
	}()
	data, err := readAll(r, (*buf)[:0], maxFrame)
	*buf = data[:0]
	if err != nil && !errors.Is(err, errTooLarge) {
		return err
	}
	now := time.Now()
	at := c.hub.at(now)
	c.seen.Store(int64(at))
	c.hub.stats.framesIn.Add(1)
	c.hub.stats.bytesIn.Add(uint64(len(data)))
	switch {
	case err != nil:
		c.complainFirst(refuse(protocol.ErrTooLarge, "the frame is over %d bytes", maxFrame))
		c.hub.stats.tooLarge.Add(1)
		c.finish(closeTooBig)
	case !c.frames.AllowN(now, 1) || !c.bytes.AllowN(now, len(data)):
		c.limited(at)
	case kind != websocket.TextMessage:
		c.complainFirst(refuse(protocol.ErrNotBinary, "the frame is binary"))
	default:
		c.handle(data, at)
	}
	return nil
}

// handle is one text frame.
func (c *conn) handle(data []byte, at time.Duration) {
	f, e := decode(data)
	if c.joined {
		c.room.receive(c, f, e)
		return
	}
	switch {
	case e == nil && f.Type != protocol.ClientHello:
		e = refuse(protocol.ErrHelloFirst, "a frame of type %s came before hello", f.Type)
	case e == nil:
		e = c.hello(f.Hello)
	}
	if e == nil {
		c.joined = true
		c.waiting.Store(0)
		return
	}
	if f.Type == protocol.ClientHello {
		c.waiting.Store(max(1, int64(at))) // a refused hello may be followed by another
	}
	e.Ref, e.Type = f.Seq, cut(string(f.Type), 40)
	c.complain(e)
	if e.Code == protocol.ErrUnknownRoom {
		c.finish(closeUnknownRoom)
	}
}

func (c *conn) hello(h *protocol.Hello) *protocol.Error {
	if c.room == nil {
		room, err := c.hub.open(c.code)
		if err != nil {
			return refuse(protocol.ErrTooManyRooms, "%v", err)
		}
		c.room = room
	}
	return c.room.hello(c, h)
}

// limited drops a frame that came too fast.
func (c *conn) limited(at time.Duration) {
	c.hub.stats.rateLimited.Add(1)
	if c.rateSaid == 0 || at-c.rateSaid >= time.Second {
		c.rateSaid = max(1, at)
		c.complainFirst(refuse(protocol.ErrRateLimited, "more than %d frames or %d bytes a second; this frame was dropped", framesPerSecond, bytesPerSecond))
		return
	}
	c.countRefusal()
}

// complainFirst is complain outside the room.
func (c *conn) complainFirst(e *protocol.Error) {
	if c.room != nil {
		c.room.mu.Lock()
		defer c.room.mu.Unlock()
	}
	c.complain(e)
}

// complain tells the other end, and the handler, that a frame was refused; inside Do, if there is a room.
func (c *conn) complain(e *protocol.Error) {
	if c.errs == nil {
		c.errs = rate.NewLimiter(errorsPerSecond, errorsBurst)
	}
	if c.errs.Allow() {
		c.hub.stats.errors.Add(1)
		c.say(e)
		if c.peer != nil {
			c.hub.handler.Broken(c.room, c.peer, *e)
		}
	}
	c.countRefusal()
}

func (c *conn) countRefusal() {
	if c.refused++; c.refused == maxRefused {
		c.finish(closePolicy)
	}
}

func (c *conn) say(e *protocol.Error) {
	c.enqueue(entry{opcode: opText, data: encode(&protocol.ServerMessage{Type: protocol.ServerError, Error: e})})
}

// bye is the last frame before we close by our own will.
func (c *conn) bye(b protocol.Bye, code int) {
	c.enqueue(entry{opcode: opText, data: encode(&protocol.ServerMessage{Type: protocol.ServerBye, Bye: &b})})
	c.finish(code)
}

// enqueue hands one frame to the writer, and starts one where none is. It never blocks.
func (c *conn) enqueue(e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.readDone || c.closing.Load() != 0 {
		return
	}
	if len(c.queue) > c.head && (len(c.queue)-c.head >= queueFrames || c.queued+len(e.data) > c.hub.queueBytes) {
		// What waits is thrown away: the numbered frames are kept for the resume, and the reason must get through.
		c.hub.stats.tooSlow.Add(1)
		c.clearQueue()
		c.push(entry{opcode: opText, data: encode(&protocol.ServerMessage{Type: protocol.ServerBye,
			Bye: &protocol.Bye{Reason: "too-slow", RetryMs: int(retryAfter / time.Millisecond)}})})
		c.pushClose(closeTryLater)
		return
	}
	if e.latest {
		for i := c.head; i < len(c.queue); i++ {
			if c.queue[i].latest {
				c.queued -= len(c.queue[i].data)
				c.queue[i] = entry{} // opcode 0: skipped by the writer
			}
		}
	}
	c.push(e)
}

// finish closes the connection politely: what is queued, then a close frame; then the other end has closeWait to answer.
func (c *conn) finish(code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.readDone && c.closing.Load() == 0 {
		c.pushClose(code)
	}
}

func (c *conn) pushClose(code int) {
	var payload []byte
	switch code {
	case websocket.CloseNoStatusReceived, websocket.CloseAbnormalClosure, websocket.CloseTLSHandshake: // must not be sent (RFC 6455 section 7.4.1)
	default:
		payload = binary.BigEndian.AppendUint16(nil, uint16(code))
	}
	c.closing.Store(max(1, int64(c.hub.now())))
	c.push(entry{opcode: opClose, data: payload})
}

func (c *conn) push(e entry) {
	c.queue = append(c.queue, e)
	c.queued += len(e.data)
	if !c.writer {
		c.writer = true
		c.hub.running.Add(1) // the reader still counts as one, so nobody has finished waiting
		go c.write()
	}
}

// write is the connection's writer and lives until the queue is empty.
func (c *conn) write() {
	defer c.hub.running.Done()
	buf := buffers.Get().(*[]byte)
	for {
		b, last := c.take((*buf)[:0])
		*buf = b[:0]
		if len(b) == 0 {
			if last {
				c.end()
			}
			break
		}
		c.writing.Store(max(1, int64(c.hub.now())))
		_, err := c.net.Write(b)
		c.writing.Store(0)
		if err != nil {
			c.abort()
		}
	}
	if cap(*buf) <= maxPooledBuffer {
		buffers.Put(buf)
	}
}

// take moves what waits into b as WebSocket frames, up to writeBatch bytes and at least one frame. Where nothing waits the writer has ended with this
// call, and last tells that the reader has, too.
func (c *conn) take(b []byte) (_ []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.head < len(c.queue) {
		e := &c.queue[c.head]
		if len(b) > 0 && len(b)+len(e.data) > writeBatch {
			return b, false
		}
		if e.opcode != 0 {
			b = appendFrame(b, e)
			c.queued -= len(e.data)
			c.hub.stats.framesOut.Add(1)
		}
		*e = entry{}
		c.head++
	}
	c.clearQueue()
	if len(b) == 0 {
		c.writer = false
	}
	return b, c.readDone
}

func (c *conn) clearQueue() {
	clear(c.queue)
	c.head, c.queued = 0, 0
	if c.queue = c.queue[:0]; cap(c.queue) > keptQueueEntries {
		c.queue = nil
	}
}

// appendFrame writes a frame's header and payload (RFC 6455 section 5.2).
func appendFrame(b []byte, e *entry) []byte {
	var ack []byte
	data := e.data
	if e.ack != 0 && len(data) > 1 && data[0] == '{' {
		var room [32]byte
		ack = append(strconv.AppendInt(append(room[:0], `{"ack":`...), e.ack, 10), ',')
		data = data[1:]
	}
	n := len(ack) + len(data)
	b = append(b, 0x80|e.opcode) // FIN
	switch {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(append(b, ack...), data...)
}

// abort closes the socket at once and forgets what waits; reader and writer end by it.
func (c *conn) abort() {
	c.net.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearQueue()
	if c.closing.Load() == 0 {
		c.closing.Store(max(1, int64(c.hub.now())))
	}
}

// readEnded parts the peer from the connection. The socket is closed by whichever of reader and writer ends last, so that a queued close frame gets out.
func (c *conn) readEnded() {
	if c.room != nil {
		c.room.detach(c, c.leaves)
	}
	c.mu.Lock()
	c.readDone = true
	last := !c.writer
	c.mu.Unlock()
	if last {
		c.end()
	}
}

func (c *conn) end() {
	c.net.Close()
	c.hub.forget(c)
}

// sweep ends the connection if it is overdue, and pings it if that is due.
func (c *conn) sweep(now time.Duration) {
	since := func(at *atomic.Int64) time.Duration {
		if t := at.Load(); t != 0 {
			return now - time.Duration(t)
		}
		return 0
	}
	switch {
	case since(&c.writing) > writeWait, since(&c.closing) > closeWait, since(&c.seen) > silence:
		c.abort()
	case c.closing.Load() != 0:
	case since(&c.waiting) > helloWait:
		c.say(refuse(protocol.ErrHelloFirst, "no hello came within %v", helloWait))
		c.finish(closePolicy)
	case since(&c.pinged) >= pingEvery:
		c.pinged.Store(int64(now))
		c.enqueue(entry{opcode: opPing, data: strconv.AppendInt(nil, int64(now), 36)})
	}
}

// buffers are for one frame on its way in, or one batch on its way out.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, firstBuffer); return &b }}

var errTooLarge = errors.New("frame over the limit")

// readAll reads r to its end into b, up to limit bytes.
func readAll(r io.Reader, b []byte, limit int) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case len(b) > limit:
			return b[:0], errTooLarge
		case err == io.EOF:
			return b, nil
		case err != nil:
			return b, err
		}
	}
}
