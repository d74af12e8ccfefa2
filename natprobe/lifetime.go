package natprobe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/stun/v3"
)

const (
	// ladder is the number of pauses of the first round, each half of the next.
	ladder = 7
	// halvings are done at once in each later round: seven pauses side by side find what three in a row would.
	halvings = 3
	// laterRounds, with the first, bound the search to about three times the longest pause.
	laterRounds = 2
	// A bracket this narrow is enough: keep-alives are set in whole seconds.
	enough      = time.Second
	enoughShare = 20 // or a twentieth of the lifetime
	// progressEvery is how often OnProgress is called.
	progressEvery = 500 * time.Millisecond
)

// LifetimeBound is the longest that the search takes for a given longest pause, but for a few round trips.
func LifetimeBound(longest time.Duration) time.Duration {
	if longest <= 0 {
		longest = DefaultMaxLifetime
	}
	return (1 + laterRounds) * longest
}

// lifetime is RFC 5780 section 4.6: a port of ours is left in peace, then another one asks the server to send its answer there (RESPONSE-PORT). If it arrives, the
// mapping, and the filter's memory of the server, have outlived the pause. The binary search runs several pauses side by side, each with a port of its own.
func (p *probe) lifetime(ctx context.Context) {
	if !p.Lifetime || ctx.Err() != nil {
		return
	}
	if p.result.Dialect != "RFC 5780" {
		p.record(skipped(protocol.StepLifetime, bindingPort, "no-response-port"))
		return
	}
	if l := p.pauseFor(ctx, 0); l.alive != answered { // the control of the whole: it must work at all
		if l.test.Result == protocol.StepUnanswered || l.test.Result == protocol.StepAnswered {
			l.test.Result, l.test.Error = protocol.StepFailed, "control"
		}
		p.record(l.test)
		return
	}
	p.record(protocol.NATTest{Step: protocol.StepLifetime, Transport: "udp", Packet: bindingPort, To: p.server.String(), Corner: protocol.CornerPP, Result: protocol.StepRunning})
	progress := p.startProgress()
	defer progress.end()

	var low time.Duration
	pauses := make([]time.Duration, ladder)
	for i := range pauses {
		pauses[i] = p.MaxLifetime >> (ladder - 1 - i)
	}
	low, high, ok := p.round(ctx, 0, 0, pauses)
	for range laterRounds {
		if !ok || high == 0 || high-low <= max(enough, high/enoughShare) {
			break
		}
		progress.bound(laterRounds * high)
		steps := 1 << halvings
		pauses = pauses[:0]
		for i := 1; i < steps; i++ {
			pauses = append(pauses, low+(high-low)*time.Duration(i)/time.Duration(steps))
		}
		low, high, ok = p.round(ctx, low, high, pauses)
	}
	if !ok {
		return
	}
	p.result.Lifetime = &protocol.Lifetime{AtLeastS: tenths(low)}
	if high != 0 {
		below := tenths(high)
		p.result.Lifetime.BelowS = &below
	}
}

// tenths is in seconds, and no finer than what was measured.
func tenths(d time.Duration) float64 { return d.Round(time.Second / 10).Seconds() }

// lived is what came of one pause.
type lived struct {
	pause time.Duration
	alive reply // answered: it lived; filtered: it was gone, and a fresh mapping was not
	test  protocol.NATTest
}

// round tries pauses side by side, in rising order, and narrows the bracket. It ends with the first that a mapping did not outlive. ok is false where nothing was learned.
func (p *probe) round(ctx context.Context, low, high time.Duration, pauses []time.Duration) (newLow, newHigh time.Duration, ok bool) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	results := make([]chan lived, len(pauses))
	for i, d := range pauses {
		results[i] = make(chan lived, 1)
		all.Go(func() { results[i] <- p.pauseFor(ctx, d) })
	}
	for _, c := range results {
		l := <-c
		if l.alive != unknown {
			p.record(l.test)
			ok = true
		}
		switch l.alive {
		case answered:
			low = l.pause
		case filtered:
			return low, l.pause, true
		default:
			p.note("lifetime-control " + strconv.FormatFloat(l.pause.Seconds(), 'f', -1, 64))
		}
	}
	return low, high, ok
}

// pauseFor makes a mapping, leaves it in peace, and then has the server call it. Where the call does not arrive, a mapping that is made anew must be reached at once.
func (p *probe) pauseFor(ctx context.Context, d time.Duration) lived {
	l := lived{pause: d, test: protocol.NATTest{Step: protocol.StepLifetime, Transport: "udp", Packet: fmt.Sprintf("%s after %s", bindingPort, d.Round(time.Second/10)),
		To: p.server.String(), Corner: protocol.CornerPP}}
	failed := func(err error) lived {
		l.test = outcome(l.test, answer{}, 0, err)
		return l
	}
	waiting, err := p.open(0)
	if err != nil {
		return failed(err)
	}
	a, _, err := p.ask(ctx, waiting, p.server)
	if err != nil || a.code != 0 {
		l.test = outcome(l.test, a, 0, err)
		return l
	}
	if !pause(ctx, d) {
		return failed(ctx.Err())
	}
	calling, err := p.open(0)
	if err != nil {
		return failed(err)
	}
	l.test.From = calling.local.String()
	called, rtt, err := p.callBack(ctx, calling, waiting, a.mapped, p.server)
	l.test = outcome(l.test, called, rtt, err)
	switch {
	case err == nil && called.code == 0:
		l.alive = answered
	case errors.Is(err, errSilent):
		again, _, err := p.ask(ctx, waiting, p.server)
		if err != nil || again.code != 0 {
			break
		}
		if called, _, err = p.callBack(ctx, calling, waiting, again.mapped, p.server); err == nil && called.code == 0 {
			l.alive = filtered
		}
	}
	return l
}

// The words are those of package report.
var (
	errTwoAddresses = errors.New("two-addresses")    // the answer would go to another outside address than the one that waits
	errIgnoredPort  = errors.New("no-response-port") // the server answered, and took no notice of the attribute
)

// callBack has the server send its answer to the outside port of another socket of ours, from the place that is given.
func (p *probe) callBack(ctx context.Context, from, to *socket, outside, source netip.AddrPort, more ...stun.Setter) (answer, time.Duration, error) {
	a, _, err := p.ask(ctx, from, p.server)
	if err != nil || a.code != 0 {
		return a, 0, err
	}
	if a.mapped.Addr() != outside.Addr() {
		return answer{}, 0, errTwoAddresses
	}
	m, err := request(append(more, responsePort(outside.Port()))...)
	if err != nil {
		return answer{}, 0, err
	}
	arrived, done := to.expect(m)
	defer done()
	var refused <-chan answer // one port hears both
	if from != to {
		var done func()
		refused, done = from.expect(m)
		defer done()
	}
	pauses := slices.Repeat([]time.Duration{filterEvery}, filterSends)
	pauses[filterSends-1] = max(minGrace, 3*p.roundTrip())
	began := time.Now()
	for _, d := range pauses {
		if err := from.send(m, p.server); err != nil {
			return answer{}, 0, err
		}
		timer := time.NewTimer(d)
		for waiting := true; waiting; {
			select {
			case a := <-arrived:
				if a.code != 0 || samePlace(a.from, source) {
					timer.Stop()
					return a, time.Since(began), nil
				}
				if from == to && samePlace(a.from, p.server) {
					return answer{}, 0, errIgnoredPort
				}
				p.elsewhere(a.from)
			case a := <-refused:
				timer.Stop()
				if a.code != 0 {
					return a, time.Since(began), nil
				}
				return answer{}, 0, errIgnoredPort
			case <-timer.C:
				waiting = false
			case <-ctx.Done():
				timer.Stop()
				return answer{}, 0, ctx.Err()
			}
		}
	}
	return answer{}, 0, errSilent
}

// progress tells how far the search is, until it is ended.
type progress struct {
	mu    sync.Mutex
	began time.Time
	total time.Duration
	stop  chan struct{}
	done  sync.WaitGroup
}

func (p *probe) startProgress() *progress {
	g := &progress{began: time.Now(), total: LifetimeBound(p.MaxLifetime), stop: make(chan struct{})}
	if p.OnProgress == nil {
		return g
	}
	g.done.Go(func() {
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				g.mu.Lock()
				total := g.total
				g.mu.Unlock()
				passed := time.Since(g.began)
				p.OnProgress(min(passed, total), total)
			case <-g.stop:
				return
			}
		}
	})
	return g
}

// bound learns that at most this much is left.
func (g *progress) bound(left time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total = min(g.total, time.Since(g.began)+left)
}

func (g *progress) end() {
	close(g.stop)
	g.done.Wait()
}
