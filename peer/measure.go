package peer

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/webrtc/v4"
)

// The data channels of a trial, negotiated out of band so that neither end waits for the other to announce them. web/src/rtc/measure.ts speaks the same:
//
//  1. Each end sends {"t":"ping","n":N} on "ping", N from 0, the next after the {"t":"pong","n":N} of the one before.
//  2. The offerer, once the answerer's round trips are done, sends packets on "burst" for BurstMs (the first 4 bytes number them), lets its buffer drain,
//     says {"t":"burst","sent":S}, and is told {"t":"report","received":R,"bytes":B,"ms":M}: from the first packet's arrival to the last's.
//  3. Then the answerer does the same.
const (
	pingLabel, pingID   = "ping", 0  // reliable: round trips, and what is said about the burst
	burstLabel, burstID = "burst", 1 // unordered, no retransmission: the burst
)

// The sizes and clocks of the measuring.
const (
	burstPacket = 1100      // bytes: with SCTP, DTLS, UDP and IPv6 around it still under a 1280-byte MTU, so that loss is loss and not fragmentation
	burstBuffer = 128 << 10 // bytes in flight in our own buffer: enough to fill a LAN for a tick, little enough to end on time
	burstTick   = 5 * time.Millisecond
	replyWithin = 3 * time.Second // to wait for one pong or report: a round trip longer than that is a broken path
	tripsWithin = 2 * time.Second // for all round trips together: over a slow path fewer are enough
	roundTrips  = 8               // where the server names no number
	maxTrips    = 32              // as many as protocol.DataResult carries
	courtesy    = time.Second     // to let the other end finish its round trips, and the offerer its burst, before ours would disturb them
)

// message is what is said on the ping channel.
type message struct {
	T        string  `json:"t"` // "ping", "pong", "burst" (the sender has ended), "report" (its answer)
	N        int     `json:"n,omitempty"`
	Sent     int     `json:"sent,omitempty"`
	Received int     `json:"received,omitempty"`
	Bytes    int     `json:"bytes,omitempty"`
	Ms       float64 `json:"ms,omitempty"`
}

var errNoReply = errors.New("no reply over the data channel")

// dataMeter measures one trial's data channels.
type dataMeter struct {
	ping, burst *webrtc.DataChannel
	start       protocol.Start
	replies     chan message // pongs and reports for the measuring goroutine

	otherTrips, otherBurst closing // the other end has done its round trips, its burst

	mu              sync.Mutex // what the other end's burst has brought
	packets, octets int
	first, last     time.Time
}

// closing is a channel that may be closed more than once.
type closing struct {
	once sync.Once
	done chan struct{}
}

func (c *closing) close() { c.once.Do(func() { close(c.done) }) }

// measureData makes the channels. The measuring begins by itself when the ping channel opens.
func (t *trial) measureData(ctx context.Context) error {
	negotiated, unordered, none := true, false, uint16(0)
	id := func(n uint16) *uint16 { return &n }
	ping, err := t.pc.CreateDataChannel(pingLabel, &webrtc.DataChannelInit{Negotiated: &negotiated, ID: id(pingID)})
	if err != nil || t.start.Trial.Kind().Solo() {
		return err
	}
	burst, err := t.pc.CreateDataChannel(burstLabel, &webrtc.DataChannelInit{
		Negotiated: &negotiated, ID: id(burstID), Ordered: &unordered, MaxRetransmits: &none,
	})
	if err != nil {
		return err
	}
	m := &dataMeter{ping: ping, burst: burst, start: t.start, replies: make(chan message, 2)}
	m.otherTrips.done, m.otherBurst.done = make(chan struct{}), make(chan struct{})
	ping.OnMessage(m.onPing)
	burst.OnMessage(m.onBurst)
	ping.OnClose(func() { t.state("data", ping.ReadyState().String()) })
	ping.OnOpen(func() { // in a goroutine of pion's
		t.state("data", "open")
		if !t.begin() {
			return
		}
		defer t.work.Done()
		err := m.measure(ctx, func(r protocol.DataResult) { t.tell(&r, nil) })
		if err == nil || ctx.Err() != nil {
			return
		}
		t.log.Debug("measuring", "error", err)
		t.send(protocol.ClientMessage{Type: protocol.ClientTrialError, TrialError: &protocol.TrialError{
			Trial: t.start.Trial, Step: "data", Error: err.Error(),
		}})
	})
	return nil
}

// measure does the round trips, then the burst, and tells the result after each. The bursts of the two ends come one after the other, the offerer's
// first, so that neither measures the other's.
func (m *dataMeter) measure(ctx context.Context, tell func(protocol.DataResult)) error {
	trips, err := m.roundTrips(ctx)
	if err != nil {
		return err
	}
	result := summary(trips)
	tell(result)
	length := time.Duration(m.start.BurstMs) * time.Millisecond
	if length <= 0 {
		return nil
	}
	soon(ctx, m.otherTrips.done, courtesy)
	if m.start.Role != protocol.RoleOfferer {
		soon(ctx, m.otherBurst.done, length+courtesy)
	}
	sent, err := m.fire(ctx, length)
	if err != nil || sent == 0 {
		return err
	}
	if err := m.say(message{T: "burst", Sent: sent}); err != nil {
		return err
	}
	report, err := m.reply(ctx, func(r message) bool { return r.T == "report" })
	if err != nil {
		return err
	}
	loss := 100 * float64(max(sent-report.Received, 0)) / float64(sent)
	result.LossPercent = &loss
	if report.Ms > 0 {
		kbps := float64(report.Bytes) * 8 / report.Ms
		result.ThroughputKbps = &kbps
	}
	tell(result)
	return nil
}

// roundTrips asks for one pong after the other. Some are better than none: it fails only if the first stays out.
func (m *dataMeter) roundTrips(ctx context.Context) ([]float64, error) {
	var trips []float64
	began := time.Now()
	for n := 0; n < m.wanted() && (n == 0 || time.Since(began) < tripsWithin); n++ {
		sent := time.Now()
		err := m.say(message{T: "ping", N: n})
		if err == nil {
			_, err = m.reply(ctx, func(r message) bool { return r.T == "pong" && r.N == n })
		}
		switch {
		case err != nil && n == 0:
			return nil, err
		case err != nil:
			return trips, nil
		}
		trips = append(trips, milliseconds(time.Since(sent)))
	}
	return trips, nil
}

// wanted is how many round trips each end makes.
func (m *dataMeter) wanted() int {
	if m.start.RoundTrips <= 0 {
		return roundTrips
	}
	return min(m.start.RoundTrips, maxTrips)
}

// soon waits for done, but not longer than that.
func soon(ctx context.Context, done <-chan struct{}, longest time.Duration) {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// fire sends numbered packets for a while, never more than burstBuffer ahead, and returns how many.
func (m *dataMeter) fire(ctx context.Context, length time.Duration) (int, error) {
	packet := make([]byte, burstPacket)
	tick := time.NewTicker(burstTick)
	defer tick.Stop()
	sent := 0
	until := time.Now().Add(length)
	// After that it waits for the buffer to drain: what is still in it would come after the word that the burst has ended, and count as lost.
	for time.Now().Before(until) || m.burst.BufferedAmount() > 0 && time.Now().Before(until.Add(courtesy)) {
		for m.burst.BufferedAmount() < burstBuffer && time.Now().Before(until) {
			binary.BigEndian.PutUint32(packet, uint32(sent))
			if err := m.burst.Send(packet); err != nil {
				return sent, err
			}
			sent++
		}
		select {
		case <-ctx.Done():
			return sent, ctx.Err()
		case <-tick.C:
		}
	}
	return sent, nil
}

func (m *dataMeter) say(s message) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return m.ping.SendText(string(text))
}

// reply waits for the message that fits; others are late answers to what was given up.
func (m *dataMeter) reply(ctx context.Context, fits func(message) bool) (message, error) {
	timeout := time.NewTimer(replyWithin)
	defer timeout.Stop()
	for {
		select {
		case <-ctx.Done():
			return message{}, ctx.Err()
		case <-timeout.C:
			return message{}, errNoReply
		case r := <-m.replies:
			if fits(r) {
				return r, nil
			}
		}
	}
}

// onPing answers the other end at once, and passes on what is an answer to us.
func (m *dataMeter) onPing(d webrtc.DataChannelMessage) {
	var s message
	if !d.IsString || json.Unmarshal(d.Data, &s) != nil {
		return
	}
	switch s.T {
	case "ping":
		s.T = "pong"
		_ = m.say(s) // the other end misses it by its own clock
		if s.N+1 >= m.wanted() {
			m.otherTrips.close()
		}
	case "burst":
		m.mu.Lock()
		s = message{T: "report", Received: m.packets, Bytes: m.octets, Ms: milliseconds(m.last.Sub(m.first))}
		m.mu.Unlock()
		_ = m.say(s)
		m.otherTrips.close()
		m.otherBurst.close()
	default:
		select {
		case m.replies <- s:
		default: // nobody asked
		}
	}
}

func (m *dataMeter) onBurst(d webrtc.DataChannelMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = time.Now()
	if m.packets == 0 {
		m.first = m.last
	}
	m.packets++
	m.octets += len(d.Data)
}

// summary is the median of the round trips, and their mean absolute difference (the jitter of RFC 3550 section 6.4.1, unsmoothed).
func summary(trips []float64) protocol.DataResult {
	r := protocol.DataResult{RoundTripsMs: trips}
	sorted := slices.Sorted(slices.Values(trips))
	r.RTTMs = (sorted[len(sorted)/2] + sorted[(len(sorted)-1)/2]) / 2
	for i := 1; i < len(trips); i++ {
		r.JitterMs += math.Abs(trips[i]-trips[i-1]) / float64(len(trips)-1)
	}
	return r
}
