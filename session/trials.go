package session

import (
	"fmt"
	"slices"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
)

// What every trial is told to measure.
const (
	sampleMs   = 250  // half of what the design allows at most, so that a lost beat does no harm
	roundTrips = 10   // enough for a median and a jitter
	burstMs    = 300  // some hundred packets in a slow site, and soon over
	relayBurst = 100  // ms: what goes through this server loads it, and the direct trials that run beside it are what their numbers are wanted of
	videoMs    = 1000 // ten frames or more of the drawn canvas
	heldMs     = 500  // between samples of a trial that is held, for minutes
	restartMs  = 5000 // between ICE restarts of a trial that is held: one has gathered and checked by then, on a way that is back
	restarts   = 40   // of a trial that is held for long, about: each is two descriptions and all candidates, and the recording takes more than ten minutes of one every 5 s hardly
)

// request answers a run frame: what was asked for is checked first, and an error goes to who asked.
func (s *state) request(p *signaling.Peer, m *protocol.ClientMessage) {
	refuse := func(code protocol.ErrorCode, message, hint string) {
		p.Send(&protocol.ServerMessage{Type: protocol.ServerError, Error: &protocol.Error{Code: code, Message: message, Hint: hint, Ref: m.Seq, Type: string(m.Type)}})
	}
	pasted := len(m.Run.ICEServers) > 0 && string(m.Run.ICEServers) != "null"
	if p.Beside() != "" && (pasted || slices.Contains(m.Run.Trials, protocol.TrialCustom)) { // their secrets are between the two
		refuse(protocol.ErrRefused, "a peer beside another neither brings iceServers nor is given those of the room's two peers", "paste them in the page, or name other trials")
		return
	}
	if pasted {
		servers, err := protocol.ParseICEServers(m.Run.ICEServers)
		if err != nil {
			refuse(protocol.ErrBadICEServers, err.Error(), `Paste what you give to new RTCPeerConnection, as JSON: [{"urls": "stun:192.0.2.1:3478"}]`)
			return
		}
		s.custom = servers
	}
	if slices.Contains(m.Run.Trials, protocol.TrialCustom) && s.custom == nil {
		refuse(protocol.ErrBadICEServers, "the trial custom has no iceServers yet", "Paste them as JSON.")
		return
	}
	if len(m.Run.Trials) == 1 && m.Run.Trials[0] == protocol.TrialNAT {
		switch {
		case !s.measurable(p):
			refuse(protocol.ErrRefused, "the NAT of this peer cannot be measured: it is turned off at the server, or this client does not offer the trial nat", "start the server without --no-nat-check")
		case s.recording.full:
			refuse(protocol.ErrRefused, "the recording of this room is full", "open a new room")
		case s.natCount[p.ID()] >= maxNATRuns:
			refuse(protocol.ErrRefused, fmt.Sprintf("this NAT was measured %d times in this room", maxNATRuns), "open a new room")
		default:
			s.measureNAT(p)
		}
		return
	}
	if m.Run.HoldMs > 0 && m.Run.Experiment != "" && m.Run.Experiment != protocol.ExperimentHold {
		refuse(protocol.ErrRefused, "only an ordinary run and the experiment hold can be held", "leave holdMs out")
		return
	}
	switch players := s.players(); {
	case s.recording.full:
		refuse(protocol.ErrRefused, "the recording of this room is full", "open a new room")
	case p.Beside() != "":
		if far, why := s.farOf(p); far == nil {
			refuse(protocol.ErrRefused, why, "wait until both peers are in the room")
		} else if kinds := s.kinds(orAll(m.Run.Trials, besideTrials), []*signaling.Peer{far, p}); len(kinds) == 0 {
			refuse(protocol.ErrRefused, "none of the trials that were asked for can be run by this server and both peers", "name none, to run all that are possible")
		} else {
			s.standIn(p, far, kinds, p)
		}
	case len(players) < 2:
		refuse(protocol.ErrRefused, "a trial needs two peers, and only one is in the room", "Open the room's link on the other machine.")
	case m.Run.Experiment == protocol.ExperimentHeadless:
		refuse(protocol.ErrRefused, "the experiment headless is a peer that someone starts", "start icescope peer --beside on the machine that it is about")
	case m.Run.Experiment != "" && m.Run.Experiment != protocol.ExperimentReveal:
		if why := s.experiment(m.Run, p); why != "" {
			refuse(protocol.ErrRefused, why, "run the ordinary trials instead")
		}
	case len(s.kinds(m.Run.Trials, players)) == 0:
		refuse(protocol.ErrRefused, "none of the trials that were asked for can be run by this server and both peers", "name none, to run all that are possible")
	default:
		s.begin(m.Run, p, asked)
	}
}

// trial is one that was started, and whom it is between.
type trial struct {
	*launch
	ended []func() // what is to be done when it has ended
	gone  bool     // an end has left the room
}

func (t *trial) end() {
	for _, f := range t.ended {
		f()
	}
	t.ended = nil
}

// launch is a run as it is to be made.
type launch struct {
	protocol.RunMade
	offerer, answerer *signaling.Peer
	ufragLength       int
	family            string
	// servers are in the place of those of the trial stun, by peer; close is called when that trial has ended.
	servers map[*signaling.Peer][]protocol.ICEServer
	close   []func()
}

func (l *launch) ends() []*signaling.Peer { return []*signaling.Peer{l.offerer, l.answerer} }

// occasion is why a run is made.
type occasion int

const (
	asked     occasion = iota // by a person
	automatic                 // the second peer has come
	repeated                  // the machine of an end could not keep up
)

// begin starts a run of the room's two peers: each trial at both ends, side by side. A trial of the same kind that still runs is ended, and so is what is run besides, for
// it would be compared with what is over. Where nothing can be run, it does nothing.
func (s *state) begin(run *protocol.Run, by *signaling.Peer, why occasion) {
	players := s.players()
	if len(players) != 2 || s.recording.full {
		return
	}
	kinds := s.kinds(run.Trials, players)
	if len(kinds) == 0 {
		return
	}
	s.supersede(func(id protocol.TrialID, t *trial) bool {
		if t.Experiment != "" || len(t.Peers) > 0 {
			return t.Experiment != protocol.ExperimentHold
		}
		return slices.Contains(kinds, id.Kind())
	})
	l := &launch{RunMade: protocol.RunMade{Trials: kinds, SwapOfferer: run.SwapOfferer, Automatic: why != asked, Repeat: why == repeated, HoldMs: run.HoldMs}, offerer: players[0], answerer: players[1]}
	if run.SwapOfferer {
		l.offerer, l.answerer = l.answerer, l.offerer
	}
	s.launch(l, by)
	s.main, s.swapped, s.waits = l.Number, run.SwapOfferer, false
}

// supersede ends the running trials that something newer takes the place of.
func (s *state) supersede(which func(protocol.TrialID, *trial) bool) {
	for _, id := range s.fold.Running() {
		if t := s.trials[id]; t != nil && which(id, t) {
			s.end(protocol.Stop{Trial: id, Outcome: protocol.OutcomeSkipped, Reason: protocol.ReasonSuperseded})
		}
	}
}

// launch starts the trials of a run.
func (s *state) launch(l *launch, by *signaling.Peer) {
	s.run++
	l.Number = s.run
	peer := ""
	if by != nil {
		peer = by.ID()
	}
	s.record(peer, protocol.EventRun, &l.RunMade)
	for _, kind := range l.Trials {
		if !s.recording.full { // what is not recorded cannot be conducted
			s.start(l, kind)
		}
	}
	for _, f := range l.close {
		f() // nothing was started that would need it
	}
}

// start starts one trial at both ends.
func (s *state) start(l *launch, kind protocol.TrialKind) {
	id := protocol.NewTrialID(kind, l.Number)
	t := &trial{launch: l}
	s.trials[id] = t
	servers := func(p *signaling.Peer) []protocol.ICEServer {
		if fresh := l.servers[p]; fresh != nil && kind == protocol.TrialSTUN {
			return fresh
		}
		return s.servers(kind, p)
	}
	if kind == protocol.TrialSTUN {
		t.ended, l.close = l.close, nil
	}
	recorded := hideCredentials(servers(l.offerer))
	if l.servers != nil && kind == protocol.TrialSTUN { // each end has a port of its own
		recorded = append(recorded, servers(l.answerer)...)
	}
	s.record("", protocol.EventStart, &protocol.TrialStart{Trial: id, Offerer: l.offerer.ID(), Answerer: l.answerer.ID(), ICEServers: recorded,
		RelayOnly: kind.Relay(), Experiment: l.Experiment, HoldMs: l.HoldMs, UfragLength: l.ufragLength, Family: l.family})
	for _, p := range l.ends() {
		start := protocol.Start{Trial: id, Role: protocol.RoleOfferer, Peer: l.answerer.ID(), ICEServers: servers(p), RelayOnly: kind.Relay(), SampleMs: sampleMs,
			RoundTrips: roundTrips, BurstMs: burst(kind), VideoMs: videoMs, HoldMs: l.HoldMs, UfragLength: l.ufragLength, Family: l.family}
		if l.HoldMs > 0 {
			start.SampleMs, start.RestartMs = heldMs, max(restartMs, l.HoldMs/restarts)
		}
		if p == l.answerer {
			start.Role, start.Peer = protocol.RoleAnswerer, l.offerer.ID()
		}
		p.Send(&protocol.ServerMessage{Type: protocol.ServerStart, Start: &start})
		if kind == protocol.TrialCustom && l.Experiment == "" && p.Kind() == protocol.KindBrowser {
			s.gather(p, servers(p))
		}
	}
}

// gather lets a browser try the pasted servers without a peer, beside the trial.
func (s *state) gather(p *signaling.Peer, servers []protocol.ICEServer) {
	id := protocol.NewTrialID(protocol.TrialGather, s.run)
	s.record(p.ID(), protocol.EventStart, &protocol.TrialStart{Trial: id, Offerer: p.ID(), ICEServers: hideCredentials(servers)})
	p.Send(&protocol.ServerMessage{Type: protocol.ServerStart, Start: &protocol.Start{Trial: id, Role: protocol.RoleOfferer, ICEServers: servers, SampleMs: sampleMs}})
}

// kinds are the trials that were asked for and that both ends and this server can run; custom only where there is something to try.
func (s *state) kinds(asked []protocol.TrialKind, players []*signaling.Peer) (out []protocol.TrialKind) {
	for _, k := range s.c.Trials() {
		able := !k.Solo() && (k != protocol.TrialCustom || s.custom != nil)
		for _, p := range players {
			able = able && slices.Contains(p.Hello().Trials, k)
		}
		if able && (len(asked) == 0 || slices.Contains(asked, k)) {
			out = append(out, k)
		}
	}
	return out
}

// servers are the ICE servers of a trial at one end: each end is given this server's address as it opened the page.
func (s *state) servers(kind protocol.TrialKind, p *signaling.Peer) []protocol.ICEServer {
	switch kind {
	case protocol.TrialSTUN:
		return s.c.servers(p)
	case protocol.TrialRelayUDP, protocol.TrialRelayTCP:
		return s.c.config.RelayServers(p.Host(), p.LocalAddr(), s.room.Code(), kind)
	case protocol.TrialCustom:
		return s.custom
	}
	return []protocol.ICEServer{}
}

// hideCredentials keeps secrets out of recordings and reports, which are handed on.
func hideCredentials(servers []protocol.ICEServer) []protocol.ICEServer {
	out := slices.Clone(servers)
	for i := range out {
		if out[i].Credential != "" {
			out[i].Credential = "(hidden)"
		}
	}
	return out
}

// end records a trial's end and tells both ends.
func (s *state) end(stop protocol.Stop) {
	s.record("", protocol.EventStop, &stop)
	s.c.log.Debug("trial ended", "room", s.room.Code(), "trial", stop.Trial, "outcome", stop.Outcome, "reason", stop.Reason)
	t := s.trials[stop.Trial]
	if t == nil {
		return
	}
	t.end()
	for _, p := range t.ends() {
		p.Send(&protocol.ServerMessage{Type: protocol.ServerStop, Stop: &stop})
	}
}

// part forgets the trials of a peer that has left, so that nothing is relayed to it; those that run are ended by the next look at them.
func (s *state) part(p *signaling.Peer) {
	delete(s.companion, p.ID())
	for _, t := range s.trials {
		if t.offerer == p || t.answerer == p {
			t.gone = true
		}
	}
}

// Opposite is the other end of a trial. What belongs to no trial of ours goes to the other of the room's two peers, as in a room that runs none.
func (c *Conductor) Opposite(r *signaling.Room, p *signaling.Peer, id protocol.TrialID) *signaling.Peer {
	t := r.Data.(*state).trials[id]
	switch {
	case t == nil:
		return r.Other(p)
	case t.gone:
	case p == t.offerer:
		return t.answerer
	case p == t.answerer:
		return t.offerer
	}
	return nil
}

// conduct ends what is over and returns when to look again at the latest, in the room's milliseconds; 0: not by itself.
func (s *state) conduct() (again float64) {
	now := s.now()
	sooner := func(at float64) {
		if at > 0 && (again == 0 || at < again) {
			again = at
		}
	}
	for again := true; again; again = !s.fold.Busy(now) && s.besides() {
		for _, id := range s.fold.Running() {
			if stop, over, _ := s.fold.Ending(id, now); over {
				s.end(stop)
			}
		}
	}
	for _, id := range s.fold.Running() {
		_, _, next := s.fold.Ending(id, now)
		sooner(next)
	}
	for _, p := range s.players() {
		stop, over, next := s.fold.SoloEnding(p.ID(), now)
		if over {
			s.record(p.ID(), protocol.EventStop, &stop)
			if stop.Trial.Kind() == protocol.TrialGather {
				p.Send(&protocol.ServerMessage{Type: protocol.ServerStop, Stop: &stop})
			}
			continue
		}
		sooner(next)
	}
	return again
}

func burst(kind protocol.TrialKind) int {
	if kind.Relay() {
		return relayBurst
	}
	return burstMs
}
