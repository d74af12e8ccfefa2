package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
)

// A crowd is two ends with very many addresses, which are no browsers: they speak the room's protocol as peers do and make up what they see. So a page can be
// shown what no machine of the lab has, at the pace of a real trial.

const (
	// crowdSample is the session's pace of samples; in a trial that is held it asks for half of that.
	crowdSample = 250 * time.Millisecond

	// crowdFresh is how many of the pairs that were shown before a sample shows again, in turn. A browser shows all of them each time, but two thousand are
	// several times the 64 KiB that a frame may hold (signaling.maxFrame), and would fill the room's recording (6 MiB) within three seconds.
	crowdFresh = 100
)

// crowdShape is how many addresses both ends have, and how fast they find them. Of the host candidates of both, each with each is a pair.
type crowdShape struct {
	hostsA, hostsB int
	restA, restB   int           // candidates that make no pair of their own: a server-reflexive one has the base of its host
	within         time.Duration // until A has signaled its last candidate; B's hosts take a tenth
}

func (s crowdShape) pairs() int { return s.hostsA * s.hostsB }

func (s crowdShape) candidates() int { return s.hostsA + s.restA + s.hostsB + s.restB }

// crowdEnd is one of the two.
type crowdEnd struct {
	client *signaling.Client
	lines  []crowdLine                // in the order of signaling
	hosts  []protocol.SampleCandidate // likewise
	starts chan protocol.Start
	sent   int // lines
	known  int // hosts among them
	next   int // the pair that is shown again next
}

// crowdLine is a candidate as it is signaled.
type crowdLine struct {
	text string
	host bool // one of which pairs are made
}

// crowd is both ends in one room.
type crowd struct {
	shape crowdShape
	a, b  *crowdEnd
	ends  sync.WaitGroup
	stop  context.CancelFunc
	wrong chan error
	// formed are the pairs so far: which hosts, and at which sample.
	formed []formed
	ticks  int
	began  time.Time
}

// ms is the time of both ends since the trial began.
func (c *crowd) ms() float64 { return float64(time.Since(c.began)) / float64(time.Millisecond) }

type formed struct{ a, b, at int }

// newCrowd joins a room with both ends.
func newCrowd(ctx context.Context, url string, shape crowdShape) (_ *crowd, err error) {
	run, stop := context.WithCancel(context.Background())
	c := &crowd{shape: shape, stop: stop, wrong: make(chan error, 1)}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	for i, p := range []**crowdEnd{&c.a, &c.b} {
		n := &crowdEnd{starts: make(chan protocol.Start, 16)}
		if i == 0 {
			n.gather(1, shape.hostsA, shape.restA)
		} else {
			n.gather(2, shape.hostsB, shape.restB)
		}
		n.client, err = signaling.Dial(ctx, url, signaling.ClientConfig{Hello: protocol.Hello{Kind: protocol.KindBrowser, Label: []string{"Crowd A", "Crowd B"}[i],
			UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36", Trials: []protocol.TrialKind{protocol.TrialHost}}})
		if err != nil {
			return nil, err
		}
		*p = n
		c.ends.Go(func() {
			if err := n.listen(run); run.Err() == nil {
				select {
				case c.wrong <- err:
				default:
				}
			}
		})
	}
	return c, nil
}

// Close lets both leave the room.
func (c *crowd) Close() {
	c.stop()
	for _, n := range []*crowdEnd{c.a, c.b} {
		if n != nil {
			n.client.Close()
		}
	}
	c.ends.Wait()
}

// gather makes up the end's candidates: hosts, each followed by the address of a NAT for as long as there are such, then passive TCP.
func (n *crowdEnd) gather(side, hosts, rest int) {
	add := func(foundation int, proto string, priority uint32, address string, port int, more string) {
		text := fmt.Sprintf("candidate:%d 1 %s %d %s %d typ %s generation 0", foundation, proto, priority, address, port, more)
		n.lines = append(n.lines, crowdLine{text, more == "host"})
	}
	for i := range hosts {
		h := protocol.SampleCandidate{Type: "host", Protocol: "udp", Address: fmt.Sprintf("10.%d.%d.2", side, i), Port: 40_000 + i, Priority: 2_122_260_223 - uint32(i)<<8, Foundation: fmt.Sprint(i + 1)}
		n.hosts = append(n.hosts, h)
		add(i+1, h.Protocol, h.Priority, h.Address, h.Port, "host")
		if i < rest && side == 1 {
			add(1000+i, "udp", 1_686_052_607-uint32(i)<<8, fmt.Sprintf("203.0.113.%d", side), 50_000+i, fmt.Sprintf("srflx raddr %s rport %d", h.Address, h.Port))
		}
	}
	if side == 1 {
		return
	}
	for i := range rest { // B's hosts come first: its pairs are with all of them
		add(2000+i, "tcp", 1_518_280_447-uint32(i)<<8, fmt.Sprintf("10.%d.%d.2", side, i), 45_000+i, "host tcptype passive")
	}
}

// listen takes what comes as a browser does that minds nothing, until something is wrong.
func (n *crowdEnd) listen(ctx context.Context) error {
	for {
		m, err := n.client.Receive(ctx)
		if err != nil {
			return err
		}
		applied := protocol.Applied{Ref: m.Ref, OK: true}
		switch {
		case m.Error != nil:
			return fmt.Errorf("the server refused a %s: %s", m.Error.Type, m.Error.Message)
		case m.Start != nil:
			select {
			case n.starts <- *m.Start:
			default: // an experiment of the session, after all that was asked for: these ends have no part in it
			}
			continue
		case m.Description != nil:
			applied.Trial = m.Description.Trial
		case m.Candidate != nil:
			applied.Trial = m.Candidate.Trial
		default:
			continue
		}
		if err := n.client.Send(protocol.ClientMessage{Type: protocol.ClientApplied, Applied: &applied}); err != nil {
			return err
		}
	}
}

// begin asks for a run, and returns its trial. Trials that began before, when the second end came, are over with it.
func (c *crowd) begin(ctx context.Context, hold time.Duration) (id protocol.TrialID, err error) {
	var before protocol.Start
	for _, n := range []*crowdEnd{c.a, c.b} { // the run that begins by itself
		select {
		case before = <-n.starts:
		case err := <-c.wrong:
			return "", err
		case <-ctx.Done():
			return "", fmt.Errorf("no trial began: %w", ctx.Err())
		}
	}
	err = c.a.client.Send(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: []protocol.TrialKind{protocol.TrialHost}, HoldMs: int(hold.Milliseconds())}})
	if err != nil {
		return "", err
	}
	for _, n := range []*crowdEnd{c.a, c.b} {
		for id = before.Trial; id == before.Trial; {
			select {
			case s := <-n.starts:
				id = s.Trial
			case err := <-c.wrong:
				return "", err
			case <-ctx.Done():
				return "", fmt.Errorf("the run that was asked for never began: %w", ctx.Err())
			}
		}
	}
	c.began = time.Now()
	for _, n := range []*crowdEnd{c.a, c.b} {
		kind := "offer"
		if n == c.b {
			kind = "answer"
		}
		sdp := "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:" + kind + "\r\na=ice-pwd:" + kind + "passwordpasswordpassword\r\n"
		for _, m := range []protocol.ClientMessage{
			{Type: protocol.ClientDescription, Description: &protocol.Description{Trial: id, Kind: kind, SDP: sdp}},
			c.state(id, "gathering", "gathering"), c.state(id, "ice", "checking"), c.state(id, "connection", "connecting"),
		} {
			if err := n.client.Send(m); err != nil {
				return "", err
			}
		}
	}
	return id, nil
}

func (c *crowd) state(id protocol.TrialID, what, value string) protocol.ClientMessage {
	return protocol.ClientMessage{Type: protocol.ClientState, State: &protocol.State{Trial: id, What: what, Value: value, AtMs: c.ms()}}
}

// stream trickles all candidates and shows all pairs, at the pace of a trial.
func (c *crowd) stream(ctx context.Context, id protocol.TrialID) error {
	n := max(1, int(c.shape.within/crowdSample))
	return c.paced(ctx, crowdSample, n, func(i int) error {
		quick := min(len(c.b.hosts), len(c.b.hosts)*(i+1)*10/n)
		late := (len(c.b.lines) - len(c.b.hosts)) * (i + 1) / n
		if quick < len(c.b.hosts) {
			late = 0
		}
		return errors.Join(c.a.trickle(id, len(c.a.lines)*(i+1)/n), c.b.trickle(id, quick+late), c.sample(id, false))
	})
}

// paced does it so many times, as a clock beats: what takes long is not made up for by haste, as in a browser.
func (c *crowd) paced(ctx context.Context, every time.Duration, times int, do func(i int) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range times {
		select {
		case <-tick.C:
		case err := <-c.wrong:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

// trickle signals candidates until so many are.
func (n *crowdEnd) trickle(id protocol.TrialID, until int) error {
	mid, line := "0", 0
	for ; n.sent < until; n.sent++ {
		l := n.lines[n.sent]
		if err := n.client.Send(protocol.ClientMessage{Type: protocol.ClientCandidate, Candidate: &protocol.Candidate{Trial: id, Line: l.text, SDPMid: &mid, SDPMLineIndex: &line}}); err != nil {
			return err
		}
		if l.host {
			n.known++
		}
	}
	return nil
}

// sample shows what both ends see: the pairs that are new, and some of the others. Connected, the first pair carries data.
func (c *crowd) sample(id protocol.TrialID, connected bool) error {
	old := len(c.formed)
	have := map[[2]int]bool{}
	for _, f := range c.formed {
		have[[2]int{f.a, f.b}] = true
	}
	for i := range c.a.known {
		for j := range c.b.known {
			if !have[[2]int{i, j}] {
				c.formed = append(c.formed, formed{i, j, c.ticks})
			}
		}
	}
	c.ticks++
	if len(c.formed) == 0 {
		return nil
	}
	for _, n := range []*crowdEnd{c.a, c.b} {
		shown := []int{0}
		for range min(crowdFresh, old) {
			if n.next = (n.next + 1) % old; n.next != 0 {
				shown = append(shown, n.next)
			}
		}
		for p := max(1, old); p < len(c.formed); p++ {
			shown = append(shown, p)
		}
		if err := n.client.Send(protocol.ClientMessage{Type: protocol.ClientSample, Sample: c.seen(id, n, shown, connected)}); err != nil {
			return err
		}
	}
	return nil
}

// seen is one end's sample of these pairs. Their counters go on from sample to sample, and differ from pair to pair, so that each way that a check can go is among them.
func (c *crowd) seen(id protocol.TrialID, n *crowdEnd, pairs []int, connected bool) *protocol.Sample {
	s := &protocol.Sample{Trial: id, AtMs: c.ms(), Counters: true, ICEState: "checking"}
	there := map[string]bool{}
	put := func(list *[]protocol.SampleCandidate, h protocol.SampleCandidate, name string) string {
		if !there[name] {
			there[name], h.ID = true, name
			*list = append(*list, h)
		}
		return name
	}
	for _, i := range pairs {
		f := c.formed[i]
		own, far := f.a, f.b
		other := c.b
		if n == c.b {
			own, far, other = f.b, f.a, c.a
		}
		age := int64(c.ticks - f.at)
		arrived, answered := age, int64(0)
		if i%3 == 1 {
			arrived = 0
		}
		p := protocol.SamplePair{ID: fmt.Sprintf("P%d", i), State: "in-progress", Local: put(&s.Local, n.hosts[own], fmt.Sprintf("L%d", own)), Remote: put(&s.Remote, other.hosts[far], fmt.Sprintf("R%d", far))}
		if connected && i == 0 {
			rtt := 1 + float64(c.ticks%7)/10
			bytes, packets := 1200*age, 2*age
			p.State, p.Nominated, p.RTTMs = "succeeded", true, &rtt
			p.BytesSent, p.BytesReceived, p.PacketsSent, p.PacketsReceived = &bytes, &bytes, &packets, &packets
			s.ICEState, s.DTLSState, s.SelectedPair = "connected", "connected", p.ID
			answered = age
		}
		p.RequestsSent, p.RequestsReceived, p.ResponsesSent, p.ResponsesReceived = &age, &arrived, &arrived, &answered
		s.Pairs = append(s.Pairs, p)
	}
	return s
}

// connect lets the first pair succeed, and tells what was measured over it.
func (c *crowd) connect(id protocol.TrialID) error {
	if err := c.sample(id, true); err != nil {
		return err
	}
	loss, kbps := 0.0, 51_000.0
	for _, n := range []*crowdEnd{c.a, c.b} {
		for _, m := range []protocol.ClientMessage{
			{Type: protocol.ClientCandidate, Candidate: &protocol.Candidate{Trial: id}},
			c.state(id, "gathering", "complete"), c.state(id, "ice", "connected"), c.state(id, "dtls", "connected"), c.state(id, "connection", "connected"), c.state(id, "data", "open"),
			{Type: protocol.ClientMeasurement, Measurement: &protocol.Measurement{Trial: id, AtMs: c.ms(), Data: &protocol.DataResult{RTTMs: 1.2, JitterMs: 0.1, LossPercent: &loss, ThroughputKbps: &kbps},
				Video: &protocol.VideoResult{FramesDecoded: 12, FirstFrameMs: 400, Width: 320, Height: 240, FPS: 12}}},
		} {
			if err := n.client.Send(m); err != nil {
				return err
			}
		}
	}
	return nil
}
