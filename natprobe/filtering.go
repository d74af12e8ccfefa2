package natprobe

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
)

const (
	// filterSends times filterEvery: that four packets in a quarter of a second are lost one by one, and the control after them is not, is not believed.
	filterSends = 4
	filterEvery = 80 * time.Millisecond
	// minGrace is how long the answer to the last of them is waited for, or three round trips.
	minGrace = 100 * time.Millisecond
	// maxGrace keeps one stalled answer from making a person wait.
	maxGrace = time.Second
)

// filterTest is one question of RFC 5780 section 4.4, from a port that has spoken to nobody but the primary corner: "let that corner answer me".
type filterTest struct {
	step   protocol.NATStep
	corner protocol.Corner
	bits   byte
	packet string
	place  netip.AddrPort // where the corner is asked itself

	socket *socket
	mapped netip.AddrPort // how the primary corner sees the socket
	grace  time.Duration
	silent bool
	again  bool // it was put a second time
	astray bool // an answer to it came from a place that is none of the corners: the server's answers are translated on their way
	into   *reply
}

// filterTests asks all three side by side and returns those that stayed silent. All have ended before any control opens the filters.
func (p *probe) filterTests(ctx context.Context, c corners) []*filterTest {
	tests := []*filterTest{
		{step: protocol.StepFilterPort, corner: protocol.CornerPS, bits: changePort, packet: bindingChange + "change-port", place: c.ps, into: &p.found.port},
		{step: protocol.StepFilterAddress, corner: protocol.CornerSP, bits: changeIP, packet: bindingChange + "change-ip", place: c.sp, into: &p.found.address},
		{step: protocol.StepFilterBoth, corner: protocol.CornerSS, bits: changeIP | changePort, packet: bindingChange + "change-ip change-port", place: c.ss, into: &p.found.both},
	}
	var all sync.WaitGroup
	for _, t := range tests {
		if !t.place.IsValid() || c.guessed && t.step != protocol.StepFilterPort {
			p.record(skipped(t.step, t.packet, "one-address"))
			continue
		}
		all.Go(func() { p.filterTest(ctx, t) })
	}
	all.Wait()
	return slices.DeleteFunc(tests, func(t *filterTest) bool { return !t.silent })
}

func (p *probe) filterTest(ctx context.Context, t *filterTest) {
	s, err := p.open(0)
	if err != nil {
		p.record(protocol.NATTest{Step: t.step, Transport: "udp", Packet: t.packet, To: p.server.String(), Corner: t.corner, Result: protocol.StepFailed, Error: err.Error()})
		return
	}
	t.socket = s
	primer, _, err := p.ask(ctx, s, p.server) // makes the mapping, and says that the path works from this port
	if err != nil || primer.code != 0 {
		p.record(s.stepOf(t.step, binding, p.server, protocol.CornerPP, primer, 0, err))
		return
	}
	p.kept(s, primer)
	t.mapped = primer.mapped
	a, rtt, err := p.changed(ctx, t, s)
	result := s.stepOf(t.step, t.packet, p.server, t.corner, a, rtt, err)
	switch {
	case result.Result == protocol.StepUnanswered && t.astray:
		result.Result, result.Error = protocol.StepFailed, "corner-elsewhere"
	case result.Result == protocol.StepUnanswered:
		t.silent = true
	case ignoredChange(&result, a, p.server):
	case result.Result == protocol.StepAnswered:
		*t.into = answered
	}
	p.record(result)
}

// changed sends the request and waits for the corner's answer, or for one from where it was asked. What comes later than the grace is not counted: the control opens the filter for it.
func (p *probe) changed(ctx context.Context, t *filterTest, from *socket) (answer, time.Duration, error) {
	t.grace = min(max(minGrace, 3*p.roundTrip()), maxGrace)
	pauses := slices.Repeat([]time.Duration{filterEvery}, filterSends)
	pauses[filterSends-1] = t.grace
	return p.exchange(ctx, from, p.server, pauses, func(a answer) bool {
		expected := samePlace(a.from, t.place) || samePlace(a.from, p.server)
		t.astray = t.astray || !expected
		return expected
	}, change(t.bits))
}

// ignoredChange marks a success that came from where it was asked: the server does not do what CHANGE-REQUEST says.
func ignoredChange(t *protocol.NATTest, a answer, asked netip.AddrPort) bool {
	if t.Result != protocol.StepAnswered || !samePlace(a.from, asked) {
		return false
	}
	t.Result, t.Error = protocol.StepFailed, "change-ignored"
	return true
}

// filterControls decides which silences count.
func (p *probe) filterControls(ctx context.Context, silent []*filterTest) {
	var all sync.WaitGroup
	for _, t := range silent {
		all.Go(func() { p.filterControl(ctx, t) })
	}
	all.Wait()
}

// filterControl asks the silent corner itself, from the same port. Its answer shows that it lives and that its packets reach this machine. Then the first question is put
// again in a form that no filter stops any more, and must be answered: it shows that the server does what CHANGE-REQUEST asks. A port that has called the corner
// is enough where the NAT maps both corners alike; if not this one, then a fresh one: Linux takes what it stopped for a flow of its own, and moves the
// port when we call there later. Where the NAT maps the corners apart, and so keeps their filters apart, the answer is sent to the port that stands for us
// towards the silent corner (RESPONSE-PORT); a server that does not know that leaves the filtering of such a NAT not measurable.
//
// Behind a NAT or a forwarded port the server's own answer may leave by another address than the corner's, and so be stopped, or lost, as a stranger's; after the control it
// leaves by the flow that the control opened. Such a corner's silence counts for nothing.
func (p *probe) filterControl(ctx context.Context, t *filterTest) {
	if p.result.ServerTranslated != nil && *p.result.ServerTranslated {
		hidden := skipped(protocol.StepControl, binding, "server-translated")
		hidden.Corner = t.corner
		p.record(hidden)
		return
	}
	a, rtt, err := p.ask(ctx, t.socket, t.place)
	control := t.socket.stepOf(protocol.StepControl, binding, t.place, t.corner, a, rtt, err)
	if control.Result == protocol.StepAnswered && rtt > t.grace {
		if !t.again && p.onceMore(ctx, t, rtt) {
			p.filterControl(ctx, t)
			return
		}
		control.Result, control.Error = protocol.StepFailed, "control-slow"
	}
	if control.Result == protocol.StepAnswered && a.origin.IsValid() && !samePlace(a.origin, t.place) { // RFC 5780 section 7.3, of this corner
		control.Result, control.Error = protocol.StepFailed, "server-translated"
	}
	p.record(control)
	if control.Result != protocol.StepAnswered {
		return
	}
	var again answer
	from, packet := t.socket, t.packet
	if a.mapped != t.mapped {
		from = p.acquainted(ctx, t)
	}
	if from != nil {
		again, rtt, err = p.changed(ctx, t, from)
	} else {
		packet += ", RESPONSE-PORT"
		from, again, rtt, err = p.changedElsewhere(ctx, t, a.mapped)
	}
	repeat := from.stepOf(protocol.StepControl, packet, p.server, t.corner, again, rtt, err)
	ignoredChange(&repeat, again, p.server)
	p.record(repeat)
	if repeat.Result == protocol.StepAnswered {
		*t.into = filtered
	}
}

// onceMore puts the question again from a fresh port, and listens longer: the corner, or this machine, took longer to answer than the silence was waited for. By now this
// machine has called the corner, and a filter may remember machines rather than ports: an answer would prove nothing, only silence does. It is false for an answer.
func (p *probe) onceMore(ctx context.Context, t *filterTest, slow time.Duration) bool {
	p.measured(slow)
	s, err := p.open(0)
	if err != nil {
		return false
	}
	primer, _, err := p.ask(ctx, s, p.server)
	if err != nil || primer.code != 0 {
		return false
	}
	t.again, t.socket, t.mapped = true, s, primer.mapped
	_, _, err = p.changed(ctx, t, s)
	return errors.Is(err, errSilent) && !t.astray
}

// acquainted is a fresh port that both corners know under the same address; nil where they do not.
func (p *probe) acquainted(ctx context.Context, t *filterTest) *socket {
	s, err := p.open(0)
	if err != nil {
		return nil
	}
	here, _, err := p.ask(ctx, s, p.server)
	if err != nil || here.code != 0 {
		return nil
	}
	there, _, err := p.ask(ctx, s, t.place)
	if err != nil || there.code != 0 || there.mapped != here.mapped {
		return nil
	}
	return s
}

// poolTries is how many ports of ours are tried until one has the outside IP that the silent corner knows: RESPONSE-PORT names a port only. A NAT with a pool of
// two addresses is then missed once in 64 runs.
const poolTries = 6

// changedElsewhere asks the primary corner to have the silent one answer to the place that it knows us by.
func (p *probe) changedElsewhere(ctx context.Context, t *filterTest, outside netip.AddrPort) (from *socket, a answer, rtt time.Duration, err error) {
	from = t.socket
	for range poolTries {
		a, rtt, err = p.callBack(ctx, from, t.socket, outside, t.place, change(t.bits))
		if !errors.Is(err, errTwoAddresses) {
			return from, a, rtt, err
		}
		fresh, err := p.open(0)
		if err != nil {
			return from, a, rtt, err
		}
		from = fresh
	}
	return from, a, rtt, err
}
