package session

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
	"github.com/icescope/icescope/signaling"
	"github.com/icescope/icescope/stunsrv"
	"golang.org/x/time/rate"
)

// Checker sends signed connectivity checks and knows from where it can; *stunsrv.Server does.
type Checker interface {
	Check(context.Context, stunsrv.CheckRequest) (stunsrv.CheckResult, error)
	CornersFrom(local netip.AddrPort) stunsrv.Corners
	Port(stunsrv.Port) uint16
}

// Config says what a Conductor works with.
type Config struct {
	STUN Checker // nil: no checks
	// ICEServers are this server's for a page that was opened with the given host, over a connection to the given address of this machine (invalid: not known).
	ICEServers func(host string, local netip.Addr) []protocol.ICEServer
	// RelayServers are this server's TURN for one room, over UDP or TCP, with credentials that end; nil: it has none. Host and local as for ICEServers.
	RelayServers func(host string, local netip.Addr, room string, kind protocol.TrialKind) []protocol.ICEServer
	// FreshPort opens STUN on a port of this server that nobody has asked before, for one trial, and gives the servers to name it by and the way to close it; nil: it
	// cannot, and the experiment port is not run. Host and local as for ICEServers.
	FreshPort func(host string, local netip.Addr) ([]protocol.ICEServer, func(), error)
	// DirectChecks lets the server itself ask the unmasked host addresses of a peer.
	DirectChecks bool
	// NATChecks lets it send checks to the address that its STUN saw a browser come from, to measure the NAT's filtering.
	NATChecks bool
	Version   string
	Logger    *slog.Logger    // nil: nothing is logged
	STUNAddrs func() []string // ip:port of the STUN server's sockets
	Prefixes  []string        // CIDR, of this machine's interfaces
	// Corners are the STUN server's addresses by family; nil: not known.
	Corners func() []protocol.CornerSet
	// Archive keeps rooms that have come to a verdict; nil: none is kept.
	Archive Archive
}

// Conductor conducts all rooms of a server.
type Conductor struct {
	config Config
	log    *slog.Logger
	ctx    context.Context // of the checks; ends with Run
	stop   context.CancelFunc
	work   sync.WaitGroup // checks and ticks under way

	mu     sync.Mutex
	known  map[netip.AddrPort]owner // who signaled this address
	homes  map[netip.Addr][]owner   // whose WebSocket comes from this address
	places map[owner]*place         // the same by peer, so that it can be forgotten
	ufrags map[string]owner         // whose checks name this fragment of ours

	amend func(*diagnosis.Diagnosis) // nil, but in tests

	turns     turns
	strangers *rate.Limiter // of measurements, see strangersEvery
	seen      *sightings
}

type owner struct {
	room *signaling.Room
	peer string
}

var _ signaling.Handler = (*Conductor)(nil)

// New makes a Conductor.
func New(config Config) *Conductor {
	c := &Conductor{config: config, log: config.Logger, known: map[netip.AddrPort]owner{}, homes: map[netip.Addr][]owner{},
		places: map[owner]*place{}, ufrags: map[string]owner{}, seen: newSightings(),
		strangers: rate.NewLimiter(rate.Every(strangersEvery), strangersBurst)}
	c.turns.out, c.turns.freed = map[*state]struct{}{}, make(chan struct{}, 1)
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// Run returns after ctx has ended, when all checks and timers of this Conductor have ended as well. The hub must have ended before ctx does: it ends the rooms.
func (c *Conductor) Run(ctx context.Context) error {
	<-ctx.Done()
	c.stop()
	c.work.Wait()
	return nil
}

// Trials are the kinds that this server can conduct.
func (c *Conductor) Trials() []protocol.TrialKind {
	kinds := []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN}
	if c.config.RelayServers != nil {
		kinds = append(kinds, protocol.TrialRelayUDP, protocol.TrialRelayTCP)
	}
	kinds = append(kinds, protocol.TrialCustom)
	if c.config.NATChecks && c.config.STUN != nil {
		kinds = append(kinds, protocol.TrialNAT)
	}
	return kinds
}

// Report is the room's report as of now.
func (c *Conductor) Report(r *signaling.Room, lang protocol.Lang) (out protocol.Report) {
	r.Do(func() {
		if s, ok := r.Data.(*state); ok {
			out = report.Make(*s.diagnosis(), report.Options{Lang: lang})
		}
	})
	return out
}

// Recording are the room's events so far.
func (c *Conductor) Recording(r *signaling.Room) (events []protocol.Event) {
	r.Do(func() {
		if s, ok := r.Data.(*state); ok {
			events = s.recording.events(0, len(s.recording.entries))
		}
	})
	return events
}

// state is all that the session knows of a room. It lives in Room.Data and is used inside Room.Do only.
type state struct {
	c         *Conductor
	room      *signaling.Room
	began     time.Time
	recording recording
	fold      *diagnosis.Fold
	run       int
	sent      map[string]int       // by peer: how many events it was sent
	shown     map[string]time.Time // and when it was sent a snapshot
	keys      map[trialEnd]credentials
	asked     map[trialAddr]bool      // direct checks
	tied      map[string]map[tie]bool // by peer
	broken    map[string]int
	trials    map[protocol.TrialID]*trial
	waits     bool                 // for its turn to run the first trials
	main      int                  // the number of the newest run of the room's two peers
	swapped   bool                 // in which the second made the offers
	whole     map[trialEnd]float64 // of held trials: when a whole sample was recorded last
	companion map[string]int       // by peer that stands beside another: the newest main run that its own was made after
	pending   []hostAddress        // direct checks that wait for credentials
	custom    []protocol.ICEServer
	nat       map[string]*natRun // by peer: its measurement under way
	natCount  map[string]int     // by peer: how many were begun

	diagnosed   *diagnosis.Diagnosis // of the first diagnosedAt events
	diagnosedAt int

	kept   kept
	timer  *time.Timer
	due    time.Time     // when timer fires; zero: no timer
	last   time.Time     // of the last snapshot
	cost   time.Duration // that it took
	dirty  bool
	closed bool
}

type trialEnd struct {
	trial protocol.TrialID
	peer  string
}

// RoomMade begins the recording.
func (c *Conductor) RoomMade(r *signaling.Room) {
	s := &state{c: c, room: r, began: time.Now(), fold: diagnosis.NewFold(), nat: map[string]*natRun{}, natCount: map[string]int{}, trials: map[protocol.TrialID]*trial{}, companion: map[string]int{}}
	r.Data = s
	made := &protocol.RoomMade{Schema: protocol.RecordingSchema, Room: r.Code(), Started: s.began.UTC().Format("2006-01-02T15:04:05.000Z07:00"), Version: c.config.Version, Prefixes: c.config.Prefixes}
	if c.config.STUNAddrs != nil {
		made.STUN = c.config.STUNAddrs()
	}
	if c.config.Corners != nil {
		made.Corners = c.config.Corners()
	}
	made.NATChecks = c.config.NATChecks && c.config.STUN != nil
	s.record("", protocol.EventRoom, made)
}

// RoomGone ends the room's timer and forgets it.
func (c *Conductor) RoomGone(r *signaling.Room) {
	if s, ok := r.Data.(*state); ok {
		s.keepLast()
		s.closed = true
		s.yield()
		for _, t := range s.trials {
			t.end()
		}
		for peer := range s.nat {
			s.endNAT(peer)
		}
		s.cancel()
	}
}

// Joined records the newcomer and says which servers it may gather with while it is alone.
func (c *Conductor) Joined(r *signaling.Room, p *signaling.Peer) []protocol.ICEServer {
	s := r.Data.(*state)
	h := p.Hello()
	joined := &protocol.Joined{Label: h.Label, Kind: h.Kind, UserAgent: h.UserAgent, HTTPAddress: p.RemoteAddr().String(), Trials: h.Trials, Host: p.Host(), TLS: p.TLS(), Beside: p.Beside()}
	s.record(p.ID(), protocol.EventJoined, joined)
	if len(h.Trials) == 0 {
		return nil
	}
	c.settle(r, p)
	return c.servers(p)
}

func (c *Conductor) servers(p *signaling.Peer) []protocol.ICEServer {
	if c.config.ICEServers == nil {
		return nil
	}
	return c.config.ICEServers(p.Host(), p.LocalAddr())
}

// Welcomed starts the trials when there are two who can run them.
func (c *Conductor) Welcomed(r *signaling.Room, p *signaling.Peer) {
	s := r.Data.(*state)
	s.measureNAT(p)
	if len(p.Hello().Trials) > 0 && p.Beside() == "" && len(s.players()) == 2 {
		if s.waits = !c.turn(s); !s.waits {
			s.begin(&protocol.Run{}, nil, automatic)
			s.yield() // where there is nothing that both can run
		}
	}
	if p.Beside() != "" { // its trials may be due, though nobody looks on
		s.wake(settle)
	}
	s.dirty = true // a newcomer gets a snapshot even where the recording is full
	s.changed()
}

// Dropped records it; the peer has its time to come back.
func (c *Conductor) Dropped(r *signaling.Room, p *signaling.Peer) {
	s := r.Data.(*state)
	s.record(p.ID(), protocol.EventDropped, nil)
	s.changed()
}

// Resumed records it, and sends again from the first event that the peer has not seen.
func (c *Conductor) Resumed(r *signaling.Room, p *signaling.Peer, eventsSeen int) {
	s := r.Data.(*state)
	s.record(p.ID(), protocol.EventResumed, nil)
	if s.sent != nil {
		s.sent[p.ID()] = max(0, min(eventsSeen, len(s.recording.entries)))
		delete(s.shown, p.ID())
	}
	if len(p.Hello().Trials) > 0 {
		if c.settle(r, p) { // it comes from another network now
			s.measureNAT(p)
		}
	}
	s.dirty = true
	s.changed()
}

// Left records it and ends what the peer took part in.
func (c *Conductor) Left(r *signaling.Room, p *signaling.Peer, reason string) {
	s := r.Data.(*state)
	s.record(p.ID(), protocol.EventLeft, &protocol.Left{Reason: reason})
	delete(s.sent, p.ID())
	delete(s.shown, p.ID())
	s.endNAT(p.ID())
	delete(s.tied, p.ID())
	c.forget(r, p.ID())
	s.part(p)
	s.keep() // what is not taken now is tried again
	s.changed()
}

// Pong records the round trip.
func (c *Conductor) Pong(r *signaling.Room, p *signaling.Peer, rtt time.Duration) {
	s := r.Data.(*state)
	s.record(p.ID(), protocol.EventPing, &protocol.Ping{RTTMs: float64(rtt.Microseconds()) / 1000})
	s.changed()
}

// maxBroken of each peer are recorded: enough to see what is wrong with a client, too few for it to fill the recording.
const maxBroken = 100

// Broken records a refused frame.
func (c *Conductor) Broken(r *signaling.Room, p *signaling.Peer, e protocol.Error) {
	s := r.Data.(*state)
	if s.broken == nil {
		s.broken = map[string]int{}
	}
	if s.broken[p.ID()]++; s.broken[p.ID()] <= maxBroken {
		s.record(p.ID(), protocol.EventBroken, &e)
		s.changed()
	}
}

// Message records a frame and acts on it. Where the recording is full, frames are relayed and nothing else.
func (c *Conductor) Message(r *signaling.Room, p *signaling.Peer, m *protocol.ClientMessage) (ref int) {
	s := r.Data.(*state)
	if s.recording.full && m.Type != protocol.ClientRun || s.foreign(p, m) {
		return len(s.recording.entries) - 1
	}
	switch m.Type {
	case protocol.ClientCandidate:
		ref = s.record(p.ID(), protocol.EventCandidate, m.Candidate)
		s.candidate(p, m.Candidate)
	case protocol.ClientDescription:
		told := m.Description
		if told.Trial.Kind() == protocol.TrialNAT {
			told = hidden(told)
		}
		ref = s.record(p.ID(), protocol.EventDescription, told)
		s.description(p, m.Description)
		if n := s.nat[p.ID()]; n != nil {
			n.description(m.Description)
		}
	case protocol.ClientApplied:
		ref = s.record(p.ID(), protocol.EventApplied, m.Applied)
	case protocol.ClientState:
		ref = s.record(p.ID(), protocol.EventState, m.State)
	case protocol.ClientCandidateError:
		ref = s.record(p.ID(), protocol.EventCandidateError, m.CandidateError)
	case protocol.ClientSample:
		ref = s.record(p.ID(), protocol.EventSample, s.thin(p, m.Sample))
	case protocol.ClientMeasurement:
		ref = s.record(p.ID(), protocol.EventMeasurement, m.Measurement)
	case protocol.ClientEnvironment:
		ref = s.record(p.ID(), protocol.EventEnvironment, m.Environment)
	case protocol.ClientProbe:
		ref = s.record(p.ID(), protocol.EventProbe, m.Probe)
	case protocol.ClientTrialError:
		ref = s.record(p.ID(), protocol.EventTrialError, m.TrialError)
	case protocol.ClientRun:
		s.request(p, m)
	default:
		return 0
	}
	s.changed()
	return ref
}

// foreign: is the frame of a trial that this peer has no part in? It would be recorded as if it were that trial's.
func (s *state) foreign(p *signaling.Peer, m *protocol.ClientMessage) bool {
	var id protocol.TrialID
	switch m.Type {
	case protocol.ClientCandidate:
		id = m.Candidate.Trial
	case protocol.ClientDescription:
		id = m.Description.Trial
	case protocol.ClientApplied:
		id = m.Applied.Trial
	case protocol.ClientState:
		id = m.State.Trial
	case protocol.ClientCandidateError:
		id = m.CandidateError.Trial
	case protocol.ClientSample:
		id = m.Sample.Trial
	case protocol.ClientMeasurement:
		id = m.Measurement.Trial
	case protocol.ClientTrialError:
		id = m.TrialError.Trial
	default:
		return false
	}
	t := s.trials[id]
	return t != nil && p != t.offerer && p != t.answerer
}

// record adds an event to the recording and the fold, and returns its number. The first that does not fit fills the recording, and those that follow are lost.
func (s *state) record(peer string, typ protocol.EventType, body any) int {
	switch {
	case s.recording.full:
		return len(s.recording.entries) - 1
	case typ == protocol.EventStop || typ == protocol.EventFull || s.recording.fits(body):
	default:
		return s.fill()
	}
	e := s.recording.add(entry{s.now(), typ, peer, body})
	s.fold.Add(&e)
	s.dirty = true
	s.stir(typ, e.AtMs)
	return e.Seq
}

// fill ends the recording, and the trials before it: what is not recorded cannot be conducted.
func (s *state) fill() int {
	for _, id := range s.fold.Running() {
		s.end(protocol.Stop{Trial: id, Outcome: protocol.OutcomeSkipped, Reason: protocol.ReasonNotOffered})
	}
	n := s.record("", protocol.EventFull, nil)
	s.recording.full = true
	s.c.log.Warn("a recording is full", "room", s.room.Code(), "events", n)
	return n
}

func (s *state) now() float64 { return float64(time.Since(s.began).Microseconds()) / 1000 }

// players are the room's two peers, as far as they run trials, in order of joining.
func (s *state) players() (out []*signaling.Peer) {
	for _, p := range s.room.Members() {
		if !p.Watcher() && p.Beside() == "" && len(p.Hello().Trials) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// diagnosis is what the recording shows as of now.
func (s *state) diagnosis() *diagnosis.Diagnosis {
	if n := len(s.recording.entries); s.diagnosed == nil || s.diagnosedAt != n {
		d := s.fold.Diagnose()
		if s.c.amend != nil {
			s.c.amend(&d)
		}
		s.diagnosed, s.diagnosedAt = &d, n
	}
	return s.diagnosed
}

func language(l protocol.Lang) protocol.Lang { return cmp.Or(l, protocol.English) }
