package peer

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"slices"
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
	// Insecure takes any certificate of an https URL, and of this server's turns: URLs, because icescope serve signs its own. Nothing secret crosses them but
	// the room's frames. The servers of the trial custom are the user's own, and must show a certificate that a browser would take.
	Insecure bool

	Label   string // what this machine is called in the reports; empty: the room gives it its letter
	Lang    protocol.Lang
	Version string // goes into the user agent

	// Net is the network that ICE uses; nil: the machine's own. A vnet here tests without one.
	Net transport.Net
	// IncludeLoopback gathers 127.0.0.1 too, so that two peers on a machine without a network find each other (tests). Off, as in browsers.
	IncludeLoopback bool

	// Beside is the id of the peer on whose machine this one stands, or BesideAuto: the one that comes from the same address. This end then takes no place in the
	// room and is tried against that peer's other end.
	Beside string
	// ICETCP offers passive ICE-TCP candidates, which a browser can connect to where UDP is blocked.
	ICETCP bool

	// OneShot leaves when the verdict is final and, Beside another peer, when this end's own trials have ended. Otherwise Run stays, for further runs, until ctx
	// ends or the server says bye.
	OneShot bool
	// Joined is called once, when the room has let this end in. Nil: nobody looks.
	Joined func(protocol.Welcome)
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
	// Beside: it stood on another peer's machine, and its own trials are what counts.
	Beside bool
}

// BesideAuto lets the server choose whom this end stands beside.
const BesideAuto = "auto"

// measureAfterFinal is how long a OneShot peer stays after the verdict is final, so that the trials still out can end and their numbers stand in the
// report: the slowest, a relay that never answers, is given up by the session within 15 s.
const measureAfterFinal = 15 * time.Second

// besideAfterFinal is that for a peer beside another: its own trials begin when the room's are done, and take as long.
const besideAfterFinal = 90 * time.Second

// snapshotEveryMs: a line of progress four times a second is as much as a terminal is read. Decoding each snapshot was a third of the work of a headless peer.
const snapshotEveryMs = 250

// Run joins the room and takes part in its trials:
//
//  1. It says hello, and is welcomed with the room's ICE servers.
//  2. It tells the machine's interfaces, and asks the STUN servers beside ICE; that again with each run.
//  3. Alone, it gathers with them (trial alone-1), as a page does, so that its addresses are known before anyone else comes.
//  4. For each start it makes one RTCPeerConnection and does as told until the stop.
//  5. It leaves when ctx ends, when the server says bye, or, OneShot, when what it stays for is known.
//
// It returns when everything that it started has ended. That ctx ended is no error: the Result holds what was known by then. It is one if the server does
// not let this end in (*signaling.RefusedError), sends it away (*signaling.ByeError), or is lost for good.
func Run(ctx context.Context, config Config) (Result, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	var defaults []string
	if config.Net == nil {
		defaults = defaultInterfaces()
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
		Label: config.Label, Kind: protocol.KindHeadless, UserAgent: config.userAgent(), Lang: config.Lang, Live: true, SnapshotEveryMs: snapshotEveryMs, Beside: config.Beside,
		Trials: []protocol.TrialKind{
			protocol.TrialHost, protocol.TrialSTUN, protocol.TrialRelayUDP, protocol.TrialRelayTCP, protocol.TrialCustom,
		},
	})
	if err != nil {
		return Result{}, err
	}
	p := &peer{
		config: &config, transport: transport, trials: map[protocol.TrialID]*running{}, defaults: defaults,
		result: Result{Beside: config.Beside != ""},
	}
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
	leaveBy   time.Time // zero: not known yet
	defaults  []string  // interfaces with a default route
	servers   []protocol.ICEServer
	run       int                // the newest that was started
	probing   context.CancelFunc // nil: not yet
}

// running is a trial and the way to end it without the server.
type running struct {
	*trial
	cancel context.CancelFunc
}

// stay reads frames and does what they say until there is a reason to go.
func (p *peer) stay(ctx context.Context) error {
	for {
		m, err := p.receive(ctx)
		switch {
		case ctx.Err() != nil, !p.leaveBy.IsZero() && !time.Now().Before(p.leaveBy):
			return nil
		case err != nil:
			return err
		}
		done, err := p.handle(ctx, m)
		if done || err != nil {
			return err
		}
	}
}

// receive waits for a frame until it is time to go.
func (p *peer) receive(ctx context.Context) (protocol.ServerMessage, error) {
	if !p.leaveBy.IsZero() {
		timed, cancel := context.WithDeadline(ctx, p.leaveBy)
		defer cancel()
		ctx = timed
	}
	return p.transport.Receive(ctx)
}

// handle does what one frame says. done: it was the last.
func (p *peer) handle(ctx context.Context, m protocol.ServerMessage) (done bool, err error) {
	switch {
	case m.Welcome != nil:
		if p.result.Peer == "" {
			p.welcomed(ctx, *m.Welcome)
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

func (p *peer) welcomed(ctx context.Context, w protocol.Welcome) {
	p.result.Peer, p.servers = w.Peer, w.ICEServers
	if p.config.Joined != nil {
		p.config.Joined(w)
	}
	able := true
	p.send(protocol.ClientMessage{Type: protocol.ClientEnvironment, Environment: &protocol.Environment{
		WebRTC: &able, Interfaces: interfaces(p.config.Net, p.defaults),
	}})
	p.alone(ctx, w.ICEServers)
	p.probe(ctx)
}

// probe asks the STUN servers beside ICE. What is still being asked for the run before is given up.
func (p *peer) probe(ctx context.Context) {
	if p.probing != nil {
		p.probing()
	}
	ctx, p.probing = context.WithCancel(ctx)
	p.tasks.Go(func() {
		probe(ctx, p.config.Net, p.servers, func(answer protocol.Probe) {
			p.send(protocol.ClientMessage{Type: protocol.ClientProbe, Probe: &answer})
		})
	})
}

// snapshot keeps the newest report. True: this end may leave.
func (p *peer) snapshot(r protocol.Report) bool {
	p.result.Report = r
	if p.config.Progress != nil {
		p.config.Progress(r)
	}
	if !p.config.OneShot {
		return false
	}
	done, stay := r.Verdict.Final && len(r.Verdict.Pending) == 0, measureAfterFinal
	if p.result.Beside {
		trials := p.result.BesideTrials()
		stay = besideAfterFinal
		done = len(trials) > 0 && !slices.ContainsFunc(trials, func(t protocol.TrialReport) bool { return t.Outcome == "" })
	}
	switch {
	case !r.Verdict.Final:
		p.leaveBy = time.Time{}
	case p.leaveBy.IsZero():
		p.leaveBy = time.Now().Add(stay)
	}
	return done
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
	if kind, run, ok := start.Trial.Split(); ok && !kind.Solo() && run != p.run {
		again := p.run != 0 // the first run is asked about on joining
		p.run = run
		if again {
			p.probe(ctx)
		}
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
	if p.probing != nil {
		p.probing()
	}
	p.tasks.Wait()
}

// send cannot fail in a way that a trial could mend: if the signaling is gone, Receive says so.
func (p *peer) send(m protocol.ClientMessage) {
	if err := p.transport.Send(m); err != nil {
		p.config.Logger.Debug("sending", "type", m.Type, "error", err)
	}
}
