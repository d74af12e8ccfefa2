package peer

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// Transport carries frames to and from the server, over reconnections; *signaling.Client is one. Send numbers the frames, may be called from anywhere
// and does not wait for the network. The first frame that Receive returns is the welcome, and its error says that the connection is over for good. Run
// leaves the room by Close where there is one, and else by a leave.
type Transport interface {
	Send(m protocol.ClientMessage) error
	Receive(ctx context.Context) (protocol.ServerMessage, error)
}

// Config says which room, and how this end presents itself.
type Config struct {
	// URL is the room's page, http://host:8080/r/CODE, or its WebSocket. Not read where Dial is given.
	URL string
	// Dial opens the signaling and says hello. Nil: over a WebSocket to URL. Tests put an in-memory server here.
	Dial func(ctx context.Context, hello protocol.Hello) (Transport, error)
	// Insecure takes any certificate of an https URL, because icescope serve signs its own. Nothing secret crosses it but the room's frames.
	Insecure bool

	Label   string // what this machine is called in the reports; empty: the room gives it its letter
	Lang    protocol.Lang
	Version string // goes into the user agent

	// Net is the network that ICE uses; nil: the machine's own. A vnet here tests without one.
	Net transport.Net
	// IncludeLoopback gathers 127.0.0.1 too, so that two peers on a machine without a network find each other (tests). Off, as in browsers.
	IncludeLoopback bool

	// OneShot leaves when the verdict is final. Otherwise Run stays, for further runs, until ctx ends or the server says bye.
	OneShot bool
	// Progress is called with each snapshot, one at a time. Nil: nobody looks.
	Progress func(protocol.Report)
	// Logger; nil: nothing is logged.
	Logger *slog.Logger
}

// Result is what a stay in a room came to.
type Result struct {
	// Report is the last snapshot; Schema is empty where none came.
	Report protocol.Report
	// Peer is the id that the room gave to this end.
	Peer string
}

// measureAfterFinal is how long a OneShot peer stays after the verdict is final, so that the trials still out can end and their numbers stand in the
// report: the slowest, a relay that never answers, is given up by the session within 15 s.
const measureAfterFinal = 15 * time.Second

// Run joins the room and takes part in its trials:
//
//  1. It says hello, and is welcomed with the room's ICE servers.
//  2. Alone, it gathers with them (trial alone-1), as a page does, so that its addresses are known before anyone else comes.
//  3. For each start it makes one RTCPeerConnection and does as told until the stop.
//  4. It leaves when ctx ends, when the server says bye, or, OneShot, when the verdict is final.
//
// It returns when everything that it started has ended. That ctx ended is no error: the Result holds what was known by then. It is one if the server does
// not let this end in (*signaling.RefusedError), sends it away (*signaling.ByeError), or is lost for good.
func Run(ctx context.Context, config Config) (Result, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Net == nil {
		n, err := stdnet.NewNet()
		if err != nil {
			return Result{}, fmt.Errorf("reading the network interfaces: %w", err)
		}
		config.Net = n
	}
	if config.Dial == nil {
		config.Dial = config.dial
	}
	transport, err := config.Dial(ctx, protocol.Hello{
		Label: config.Label, Kind: protocol.KindHeadless, UserAgent: config.userAgent(), Lang: config.Lang, Live: true,
		Trials: []protocol.TrialKind{
			protocol.TrialHost, protocol.TrialSTUN, protocol.TrialRelayUDP, protocol.TrialRelayTCP, protocol.TrialCustom,
		},
	})
	if err != nil {
		return Result{}, err
	}
	p := &peer{config: &config, transport: transport, trials: map[protocol.TrialID]*running{}}
	err = p.stay(ctx)
	p.endAll()
	if c, ok := transport.(io.Closer); ok {
		_ = c.Close() // the stay is over either way
	} else {
		p.send(protocol.ClientMessage{Type: protocol.ClientLeave})
	}
	return p.result, err
}

func (c *Config) userAgent() string {
	version := c.Version
	if version == "" {
		version = "dev"
	}
	return fmt.Sprintf("icescope/%s (%s; %s) pion", version, runtime.GOOS, runtime.GOARCH)
}

// peer is one stay in a room. Its loop, stay, owns everything here.
type peer struct {
	config    *Config
	transport Transport
	trials    map[protocol.TrialID]*running
	tasks     sync.WaitGroup
	result    Result
	final     bool
}

// running is a trial and the way to end it without the server.
type running struct {
	*trial
	cancel context.CancelFunc
}

// stay reads frames and does what they say until there is a reason to go.
func (p *peer) stay(ctx context.Context) error {
	reading := ctx
	for {
		m, err := p.transport.Receive(reading)
		switch {
		case reading.Err() != nil: // ctx, or measureAfterFinal
			return nil
		case err != nil:
			return err
		}
		done, err := p.handle(ctx, m)
		if done || err != nil {
			return err
		}
		if p.final && reading == ctx {
			timed, cancel := context.WithTimeout(ctx, measureAfterFinal)
			defer cancel()
			reading = timed
		}
	}
}

// handle does what one frame says. done: it was the last.
func (p *peer) handle(ctx context.Context, m protocol.ServerMessage) (done bool, err error) {
	switch {
	case m.Welcome != nil:
		if p.result.Peer == "" {
			p.result.Peer = m.Welcome.Peer
			p.alone(ctx, m.Welcome.ICEServers)
		}
	case m.Error != nil:
		if p.result.Peer == "" {
			return true, &signaling.RefusedError{Refusal: *m.Error}
		}
		p.config.Logger.Warn("the server refused a frame", "code", m.Error.Code, "message", m.Error.Message, "about", m.Error.Type)
	case m.Start != nil:
		p.begin(ctx, *m.Start)
	case m.Stop != nil:
		p.relay(m.Stop.Trial, m)
		delete(p.trials, m.Stop.Trial)
	case m.Description != nil:
		p.relay(m.Description.Trial, m)
	case m.Candidate != nil:
		p.relay(m.Candidate.Trial, m)
	case m.Snapshot != nil:
		return p.snapshot(*m.Snapshot), nil
	case m.Bye != nil:
		if m.Bye.RetryMs == 0 { // else the transport comes back by itself
			return true, &signaling.ByeError{Bye: *m.Bye}
		}
	}
	return false, nil
}

// snapshot keeps the newest report. True: this end may leave.
func (p *peer) snapshot(r protocol.Report) bool {
	p.result.Report = r
	if p.config.Progress != nil {
		p.config.Progress(r)
	}
	p.final = p.config.OneShot && r.Verdict.Final
	return p.final && len(r.Verdict.Pending) == 0
}

// aloneFor is how long an agent that nobody will connect to stays open: long enough for the server's signed checks, short enough to free its ports.
const aloneFor = 30 * time.Second

// alone gathers by itself. It stays open, answering the server's signed checks, until the first trial with another peer begins, or for aloneFor.
func (p *peer) alone(ctx context.Context, servers []protocol.ICEServer) {
	p.begin(ctx, protocol.Start{
		Trial: protocol.NewTrialID(protocol.TrialAlone, 1), Role: protocol.RoleOfferer, ICEServers: servers, SampleMs: aloneSampleMs,
	})
}

// aloneSampleMs is slow: nothing happens there once it has gathered.
const aloneSampleMs = 1000

func (p *peer) begin(ctx context.Context, start protocol.Start) {
	if old := p.trials[start.Trial]; old != nil {
		p.config.Logger.Warn("a trial was started twice", "trial", start.Trial)
		return
	}
	if alone := protocol.NewTrialID(protocol.TrialAlone, 1); start.Trial != alone && p.trials[alone] != nil {
		p.trials[alone].cancel()
		delete(p.trials, alone)
	}
	lasts := time.Duration(math.MaxInt64) // until the server says stop
	if start.Trial.Kind().Solo() {
		lasts = aloneFor
	}
	ctx, cancel := context.WithTimeout(ctx, lasts)
	t := newTrial(start, p.config, p.send)
	p.trials[start.Trial] = &running{t, cancel}
	p.tasks.Go(func() {
		defer cancel()
		t.run(ctx)
	})
}

func (p *peer) relay(id protocol.TrialID, m protocol.ServerMessage) {
	if t := p.trials[id]; t != nil {
		t.inbox.put(m)
	}
}

// endAll ends all trials and waits for those ended before, too.
func (p *peer) endAll() {
	for _, t := range p.trials {
		t.cancel()
	}
	p.tasks.Wait()
}

// send cannot fail in a way that a trial could mend: if the signaling is gone, Receive says so.
func (p *peer) send(m protocol.ClientMessage) {
	if err := p.transport.Send(m); err != nil {
		p.config.Logger.Debug("sending", "type", m.Type, "error", err)
	}
}
