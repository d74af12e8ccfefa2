package natprobe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/stun/v3"
)

// maxDatagram is longer than any padded answer that is asked for (fragments.go).
const maxDatagram = 16 << 10

// maxReadErrors in a row end a reader: such a socket hears nothing more.
const maxReadErrors = 64

// Retransmission follows RFC 8489 section 6.2.1 in its shape: each pause is twice the one before. The numbers are for closed networks, whose round trips take
// milliseconds, and for a person who waits.
const (
	minRTO = 50 * time.Millisecond
	maxRTO = 400 * time.Millisecond
	sends  = 4
)

// firstPauses is for the first request, while no round trip is known: seven packets in 3.2 s, so that a machine whose UDP is blocked is told within 5 s.
var firstPauses = []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 600 * time.Millisecond,
	600 * time.Millisecond, 600 * time.Millisecond, 700 * time.Millisecond}

// errSilent is no failure: nothing came.
var errSilent = errors.New("no answer")

// socket is one local port. Its reader hands every answer to whoever asked, and drops the rest.
type socket struct {
	conn  net.PacketConn
	local netip.AddrPort
	probe *probe

	mu      sync.Mutex
	waiting map[[stun.TransactionIDSize]byte]chan answer
	heard   map[[stun.TransactionIDSize]byte]chan netip.AddrPort // requests that are to come back to ourselves (hairpin.go)
}

// open takes a fresh port, or the one that is given. The probe closes it at the end.
func (p *probe) open(port uint16) (*socket, error) {
	conn, err := p.network.ListenPacket(netip.AddrPortFrom(p.source, port))
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, local: netip.AddrPortFrom(p.source.WithZone(""), addrPort(conn.LocalAddr()).Port()), probe: p,
		waiting: map[[stun.TransactionIDSize]byte]chan answer{}, heard: map[[stun.TransactionIDSize]byte]chan netip.AddrPort{}}
	p.mu.Lock()
	p.sockets = append(p.sockets, s)
	p.mu.Unlock()
	p.readers.Go(s.read)
	return s, nil
}

// read ends when the socket is closed.
func (s *socket) read() {
	buffer := make([]byte, maxDatagram)
	for errs := 0; errs < maxReadErrors; {
		n, from, err := s.conn.ReadFrom(buffer)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			errs++ // an ICMP error that the system hands to the next read; nothing was received
		default:
			errs = 0
			s.receive(buffer[:n], addrPort(from))
		}
	}
}

func (s *socket) receive(raw []byte, from netip.AddrPort) {
	if s.own(raw, from) {
		return
	}
	a, err := parseAnswer(raw)
	if err != nil {
		s.probe.ignore(from)
		return
	}
	a.from = from
	s.mu.Lock()
	c, ok := s.waiting[a.id]
	s.mu.Unlock()
	if !ok {
		s.probe.ignore(from)
		return
	}
	select {
	case c <- a:
	default: // the answers to its retransmissions
	}
}

// own recognizes a request of ours that came back through the NAT.
func (s *socket) own(raw []byte, from netip.AddrPort) bool {
	m := &stun.Message{Raw: raw}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return false
	}
	s.mu.Lock()
	c, ok := s.heard[m.TransactionID]
	s.mu.Unlock()
	if !ok {
		return false
	}
	select {
	case c <- from:
	default:
	}
	return true
}

// expect waits for answers to a request on this socket, until done is called. Late answers are then strays.
func (s *socket) expect(m *stun.Message) (answers <-chan answer, done func()) {
	c := make(chan answer, sends)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[m.TransactionID] = c
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, m.TransactionID)
	}
}

func (s *socket) send(m *stun.Message, to netip.AddrPort) error {
	_, err := s.conn.WriteTo(m.Raw, net.UDPAddrFromAddrPort(to))
	return err
}

// pauses are those between the retransmissions of one request, now that a round trip is known; the last is for the answer.
func (p *probe) pauses() []time.Duration {
	rto := min(max(minRTO, 2*p.roundTrip()), maxRTO)
	out := make([]time.Duration, sends)
	for i := range out {
		out[i] = min(rto<<i, maxRTO)
	}
	return out
}

// ask sends a request to a corner until that very corner answers. errSilent where it never does.
func (p *probe) ask(ctx context.Context, s *socket, to netip.AddrPort, attributes ...stun.Setter) (answer, time.Duration, error) {
	return p.exchange(ctx, s, to, p.pauses(), func(a answer) bool { return samePlace(a.from, to) }, attributes...)
}

// exchange sends a request after each pause again and returns the first answer that accept takes.
func (p *probe) exchange(ctx context.Context, s *socket, to netip.AddrPort, pauses []time.Duration, accept func(answer) bool, attributes ...stun.Setter) (answer, time.Duration, error) {
	m, err := request(attributes...)
	if err != nil {
		return answer{}, 0, err
	}
	answers, done := s.expect(m)
	defer done()
	var failed error
	first := time.Now()
	for i, pause := range pauses {
		if err := s.send(m, to); err != nil {
			failed = err // no route, or a firewall of this machine; the next one may pass
		}
		a, ok := s.wait(ctx, answers, pause, accept)
		if ok {
			rtt := time.Since(first)
			if i == 0 { // an answer to a retransmission does not tell which one it answers (Karn)
				p.measured(rtt)
			}
			return a, rtt, nil
		}
		if ctx.Err() != nil {
			return answer{}, 0, ctx.Err()
		}
	}
	if failed != nil {
		return answer{}, 0, failed
	}
	return answer{}, 0, errSilent
}

// wait returns the first answer that is accepted within the time.
func (s *socket) wait(ctx context.Context, answers <-chan answer, limit time.Duration, accept func(answer) bool) (answer, bool) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case a := <-answers:
			if accept(a) {
				return a, true
			}
			s.probe.elsewhere(a.from)
		case <-timer.C:
			return answer{}, false
		case <-ctx.Done():
			return answer{}, false
		}
	}
}

// pause waits, or returns false where the probe is to end.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// stepOf fills what each step has: the packet, the places, and the answer or its absence.
func (s *socket) stepOf(step protocol.NATStep, packet string, to netip.AddrPort, corner protocol.Corner, a answer, rtt time.Duration, err error) protocol.NATTest {
	t := protocol.NATTest{Step: step, Transport: "udp", Packet: packet, From: s.local.String(), To: to.String(), Corner: corner}
	return outcome(t, a, rtt, err)
}

func outcome(t protocol.NATTest, a answer, rtt time.Duration, err error) protocol.NATTest {
	switch {
	case errors.Is(err, errSilent):
		t.Result = protocol.StepUnanswered
		return t
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		t.Result, t.Error = protocol.StepFailed, "ended"
		return t
	case err != nil:
		t.Result, t.Error = protocol.StepFailed, err.Error()
		return t
	}
	t.Result, t.Answerer, t.RTTMs = protocol.StepAnswered, a.from.String(), float64(rtt.Microseconds())/1000
	if a.code != 0 {
		t.Result, t.Error = protocol.StepRefused, a.refusal()
	} else {
		t.Mapped = a.mapped.String()
	}
	return t
}

// skipped is a step that was not carried out, and why, in a word that report knows.
func skipped(step protocol.NATStep, packet, why string) protocol.NATTest {
	return protocol.NATTest{Step: step, Transport: "udp", Packet: packet, Result: protocol.StepSkipped, Error: why}
}

var lessonOrder = []protocol.NATStep{
	protocol.StepAddressUDP, protocol.StepAddressTCP, protocol.StepAddressRewrite, protocol.StepMappingAddress, protocol.StepMappingPort,
	protocol.StepFilterPort, protocol.StepFilterAddress, protocol.StepFilterBoth, protocol.StepControl, protocol.StepPreservation,
	protocol.StepContiguity, protocol.StepHairpin, protocol.StepFragments, protocol.StepLifetime,
}

var cornerOrder = []protocol.Corner{"", protocol.CornerPP, protocol.CornerPS, protocol.CornerSP, protocol.CornerSS}

// inOrder puts the steps, which ran side by side, into the order of the lesson.
func inOrder(tests []protocol.NATTest) {
	rank := func(t protocol.NATTest) int {
		return slices.Index(lessonOrder, t.Step)*len(cornerOrder) + slices.Index(cornerOrder, t.Corner)
	}
	slices.SortStableFunc(tests, func(a, b protocol.NATTest) int { return rank(a) - rank(b) })
}
