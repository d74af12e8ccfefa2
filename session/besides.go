package session

import (
	"slices"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
)

// What is run besides the trials of the room's two peers: those of a peer that stands beside one of them, and the experiments. All of it waits until the others have ended,
// and one run waits for the other, so that nothing that is measured is slowed by it.

// besideTrials are what a peer beside another is tried with.
var besideTrials = []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN, protocol.TrialRelayUDP, protocol.TrialRelayTCP}

// defaultHoldMs is for who asks for a hold and not for how long: two minutes, the least that a NAT should remember an idle UDP flow for (RFC 4787 REQ-5).
const defaultHoldMs = 2 * 60 * 1000

// besides starts the next run that is due, and tells whether there was one. It is called when no trial is out.
func (s *state) besides() bool {
	if s.recording.full || s.closed || s.main == 0 {
		return false
	}
	if s.repeat() {
		return true
	}
	for _, p := range s.room.Members() {
		if p.Beside() == "" || len(p.Hello().Trials) == 0 || s.companion[p.ID()] == s.main {
			continue
		}
		if far, _ := s.farOf(p); far != nil {
			s.standIn(p, far, s.kinds(besideTrials, []*signaling.Peer{far, p}), nil)
			return true
		}
	}
	return s.automatic()
}

// repeat tries again what failed for an end's want of time and the like, now that nothing else runs there. A person sees it happen, and the verdict waits for it.
func (s *state) repeat() bool {
	kinds := s.fold.Doubtful()
	if len(kinds) == 0 || len(s.kinds(kinds, s.players())) < len(kinds) {
		return false
	}
	before := s.run
	s.begin(&protocol.Run{Trials: kinds, SwapOfferer: s.swapped}, nil, repeated)
	return s.run > before
}

// farOf is the other end of the trials of a peer that stands beside one of the two; nil: why it has none.
func (s *state) farOf(p *signaling.Peer) (far *signaling.Peer, why string) {
	players := s.players()
	i := slices.IndexFunc(players, func(q *signaling.Peer) bool { return q.ID() == p.Beside() })
	switch {
	case i < 0:
		return nil, "peer " + p.Beside() + ", beside which this one stands, is not in the room"
	case len(players) < 2:
		return nil, "the other end of peer " + p.Beside() + " is not in the room"
	}
	return players[1-i], ""
}

// standIn runs the trials of a peer beside another in that one's place, the roles as in the newest run of the two. No kinds: it cannot run any.
func (s *state) standIn(p, far *signaling.Peer, kinds []protocol.TrialKind, by *signaling.Peer) {
	s.companion[p.ID()] = s.main
	if len(kinds) == 0 {
		return
	}
	s.supersede(func(_ protocol.TrialID, t *trial) bool { return t.offerer == p || t.answerer == p })
	l := &launch{RunMade: protocol.RunMade{Trials: kinds, Automatic: by == nil, Peers: []string{far.ID(), p.ID()}}, offerer: far, answerer: p}
	if (s.players()[0] != far) != s.swapped {
		l.offerer, l.answerer = p, far
	}
	l.SwapOfferer = l.offerer == p
	s.launch(l, by)
}

// automatic runs the next experiment that the diagnosis asks the session for, those first that may change the verdict's cause.
func (s *state) automatic() bool {
	if len(s.players()) != 2 {
		return false
	}
	d := s.diagnosis()
	var next *diagnosis.Experiment
	for i := range d.Experiments {
		x := &d.Experiments[i]
		if x.By == "session" && x.State == "proposed" && (next == nil || !slices.Contains(next.Findings, d.Verdict.Cause) && slices.Contains(x.Findings, d.Verdict.Cause)) {
			next = x
		}
	}
	if next == nil {
		return false
	}
	if runs, _ := s.plan(&protocol.Run{Experiment: next.Kind, Trials: next.Kinds}); len(runs) > 0 {
		for _, l := range runs {
			l.Automatic = true
			s.launch(l, nil)
		}
		return true
	}
	// That it cannot be run here goes into the recording, so that nobody waits for it.
	s.launch(&launch{RunMade: protocol.RunMade{Trials: []protocol.TrialKind{}, Automatic: true, Experiment: next.Kind}}, nil)
	return true
}

// experiment runs one that a person has asked for. why is the reason where it cannot be run.
func (s *state) experiment(run *protocol.Run, by *signaling.Peer) (why string) {
	runs, why := s.plan(run)
	if len(runs) == 0 {
		return why
	}
	s.supersede(func(_ protocol.TrialID, t *trial) bool { return t.Experiment == run.Experiment })
	for _, l := range runs {
		s.launch(l, by)
	}
	return ""
}

// plan makes the runs of an experiment: one, but for the families, which are tried side by side. None: why not.
func (s *state) plan(run *protocol.Run) (runs []*launch, why string) {
	players := s.players()
	asked := run.Trials
	if len(asked) == 0 {
		asked = s.usual(run.Experiment)
	}
	kinds := s.kinds(asked, players)
	if len(kinds) == 0 {
		return nil, "none of the trials of this experiment can be run by this server and both peers"
	}
	l := launch{RunMade: protocol.RunMade{Trials: kinds, SwapOfferer: s.swapped, Experiment: run.Experiment}}
	switch run.Experiment {
	case protocol.ExperimentSwap:
		l.SwapOfferer = !s.swapped
	case protocol.ExperimentSize:
		l.ufragLength = longestFragment
	case protocol.ExperimentHold:
		l.HoldMs = run.HoldMs
		if l.HoldMs == 0 {
			l.HoldMs = defaultHoldMs
		}
	case protocol.ExperimentPort:
		if l.Trials = slices.DeleteFunc(kinds, func(k protocol.TrialKind) bool { return k != protocol.TrialSTUN }); len(l.Trials) == 0 {
			return nil, "another port can be tried with the trial stun alone, which was not asked for or cannot be run"
		}
		if why := s.freshPorts(&l, players); why != "" {
			return nil, why
		}
	case protocol.ExperimentFamily:
	default:
		return nil, "there is no such experiment that the server can run"
	}
	l.offerer, l.answerer = players[0], players[1]
	if l.SwapOfferer {
		l.offerer, l.answerer = players[1], players[0]
	}
	if run.Experiment == protocol.ExperimentFamily {
		four, six := l, l
		four.family, six.family = "ipv4", "ipv6"
		return []*launch{&four, &six}, ""
	}
	return []*launch{&l}, ""
}

// longestFragment is what the experiment "size" asks for. RFC 8839 section 5.4 allows 256 characters, but a check's USERNAME is two fragments and a colon, and must stay under
// 509 bytes (RFC 8489 section 14.3): two Chromium with 254 each never connect.
const longestFragment = 253

// usual are the trials of an experiment that was asked for without naming any: those that it says most of.
func (s *state) usual(x protocol.Experiment) []protocol.TrialKind {
	d := s.diagnosis()
	for _, e := range d.Experiments {
		if e.Kind == x && len(e.Kinds) > 0 {
			return e.Kinds
		}
	}
	if x == protocol.ExperimentHold { // the cheapest way that works
		for _, t := range d.Trials {
			if t.Outcome == protocol.OutcomeConnected {
				return []protocol.TrialKind{t.Kind}
			}
		}
	}
	return []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN}
}

// freshPorts opens a port of this server for each end, as that end names this server.
func (s *state) freshPorts(l *launch, players []*signaling.Peer) (why string) {
	if s.c.config.FreshPort == nil {
		return "this server opens no further ports"
	}
	l.servers = map[*signaling.Peer][]protocol.ICEServer{}
	for _, p := range players {
		servers, done, err := s.c.config.FreshPort(p.Host(), p.LocalAddr())
		if err != nil {
			for _, f := range l.close {
				f()
			}
			s.c.log.Debug("no fresh port", "room", s.room.Code(), "error", err)
			return "this server could not open another port: " + err.Error()
		}
		l.servers[p], l.close = servers, append(l.close, done)
	}
	return ""
}

// orAll is what was asked for, or everything.
func orAll(asked, all []protocol.TrialKind) []protocol.TrialKind {
	if len(asked) == 0 {
		return all
	}
	return asked
}
