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

// The data channels of a trial, negotiated out of band so that neither end waits for the other to announce them. web/src/rtc/measure.ts speaks the same.
const (
	pingLabel, pingID   = "ping", 0  // reliable: round trips, and what is said about the burst
	burstLabel, burstID = "burst", 1 // unordered, no retransmission: the burst
)

// The sizes and clocks of the measuring.
const (
	burstPacket = 1100      // bytes: with SCTP, DTLS, UDP and IPv6 around it still under a 1280-byte MTU, so that loss is loss and not fragmentation
	burstBuffer = 128 << 10 // bytes in flight in our own buffer: enough to fill a LAN for a tick, little enough to end on time
	burstTick   = 5 * time.Millisecond
	settle      = 250 * time.Millisecond // between the last packet and the question what arrived: the two channels may overtake each other
	replyWithin = 3 * time.Second        // to wait for one pong or report: a round trip longer than that is a broken path
	roundTrips  = 8                      // where the server names no number
	maxTrips    = 32                     // as many as protocol.DataResult carries
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
	replies     chan message // pongs and reports for the measuring goroutine

	mu              sync.Mutex // what the other end's burst has brought
	packets, octets int
	first, last     time.Time
}

// measureData makes the channels. The measuring begins by itself when the ping channel opens.
func (t *trial) measureData(ctx context.Context) error {
	negotiated, unordered, none := true, false, uint16(0)
	id := func(n uint16) *uint16 { return &n }
	ping, err := t.pc.CreateDataChannel(pingLabel, &webrtc.DataChannelInit{Negotiated: &negotiated, ID: id(pingID)})
	if err != nil || t.start.Trial.Kind() == protocol.TrialAlone {
		return err
	}
	burst, err := t.pc.CreateDataChannel(burstLabel, &webrtc.DataChannelInit{
		Negotiated: &negotiated, ID: id(burstID), Ordered: &unordered, MaxRetransmits: &none,
	})
	if err != nil {
		return err
	}
	m := &dataMeter{ping: ping, burst: burst, replies: make(chan message, 2)}
	ping.OnMessage(m.onPing)
	burst.OnMessage(m.onBurst)
	ping.OnClose(func() { t.state("data", ping.ReadyState().String()) })
	ping.OnOpen(func() { // in a goroutine of pion's
		t.state("data", "open")
		if !t.begin() {
			return
		}
		defer t.work.Done()
		result, err := m.measure(ctx, t.start)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.log.Debug("measuring", "error", err)
			t.send(protocol.ClientMessage{Type: protocol.ClientTrialError, TrialError: &protocol.TrialError{
				Trial: t.start.Trial, Step: "data", Error: err.Error(),
			}})
		}
		if result != nil {
			t.send(protocol.ClientMessage{Type: protocol.ClientMeasurement, Measurement: &protocol.Measurement{
				Trial: t.start.Trial, AtMs: t.atMs(), Data: result,
			}})
		}
	})
	return nil
}

// measure does the round trips, then the burst. What could be measured is returned beside the error that ended it.
func (m *dataMeter) measure(ctx context.Context, start protocol.Start) (*protocol.DataResult, error) {
	wanted := start.RoundTrips
	if wanted <= 0 {
		wanted = roundTrips
	}
	var trips []float64
	for n := range min(wanted, maxTrips) {
		sent := time.Now()
		if err := m.say(message{T: "ping", N: n}); err != nil {
			return summary(trips), err
		}
		if _, err := m.reply(ctx, func(r message) bool { return r.T == "pong" && r.N == n }); err != nil {
			return summary(trips), err
		}
		trips = append(trips, milliseconds(time.Since(sent)))
	}
	result := summary(trips)
	if start.BurstMs <= 0 {
		return result, nil
	}
	sent, err := m.fire(ctx, time.Duration(start.BurstMs)*time.Millisecond)
	if err != nil || sent == 0 {
		return result, err
	}
	if err := m.say(message{T: "burst", Sent: sent}); err != nil {
		return result, err
	}
	report, err := m.reply(ctx, func(r message) bool { return r.T == "report" })
	if err != nil {
		return result, err
	}
	loss := 100 * float64(max(sent-report.Received, 0)) / float64(sent)
	result.LossPercent = &loss
	if report.Ms > 0 {
		kbps := float64(report.Bytes) * 8 / report.Ms
		result.ThroughputKbps = &kbps
	}
	return result, nil
}

// fire sends numbered packets for a while, never more than burstBuffer ahead, and returns how many.
func (m *dataMeter) fire(ctx context.Context, length time.Duration) (int, error) {
	packet := make([]byte, burstPacket)
	tick := time.NewTicker(burstTick)
	defer tick.Stop()
	sent := 0
	for until := time.Now().Add(length); time.Now().Before(until); {
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
	// What is still in the buffer after the settling counts as lost: it was more than the path took.
	select {
	case <-ctx.Done():
		return sent, ctx.Err()
	case <-time.After(settle):
		return sent, nil
	}
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
	case "burst":
		m.mu.Lock()
		s = message{T: "report", Received: m.packets, Bytes: m.octets, Ms: milliseconds(m.last.Sub(m.first))}
		m.mu.Unlock()
		_ = m.say(s)
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

// summary is the median of the round trips, and their mean absolute difference (the jitter of RFC 3550 section 6.4.1, unsmoothed). Nil: there were none.
func summary(trips []float64) *protocol.DataResult {
	if len(trips) == 0 {
		return nil
	}
	r := &protocol.DataResult{RoundTripsMs: trips}
	sorted := slices.Sorted(slices.Values(trips))
	r.RTTMs = (sorted[len(sorted)/2] + sorted[(len(sorted)-1)/2]) / 2
	for i := 1; i < len(trips); i++ {
		r.JitterMs += math.Abs(trips[i]-trips[i-1]) / float64(len(trips)-1)
	}
	return r
}
