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
	videoMs    = 1000 // ten frames or more of the drawn canvas
)

// request answers a run frame: what was asked for is checked first, and an error goes to who asked.
func (s *state) request(p *signaling.Peer, m *protocol.ClientMessage) {
	refuse := func(code protocol.ErrorCode, message, hint string) {
		p.Send(&protocol.ServerMessage{Type: protocol.ServerError, Error: &protocol.Error{Code: code, Message: message, Hint: hint, Ref: m.Seq, Type: string(m.Type)}})
	}
	if len(m.Run.ICEServers) > 0 && string(m.Run.ICEServers) != "null" {
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
	switch players := s.players(); {
	case len(players) < 2:
		refuse(protocol.ErrRefused, "a trial needs two peers, and only one is in the room", "Open the room's link on the other machine.")
	case s.recording.full:
		refuse(protocol.ErrRefused, "the recording of this room is full", "open a new room")
	case len(s.kinds(m.Run.Trials, players)) == 0:
		refuse(protocol.ErrRefused, "none of the trials that were asked for can be run by this server and both peers", "name none, to run all that are possible")
	default:
		s.begin(m.Run, p, false)
	}
}

// begin starts a run: each trial at both ends, side by side. A trial of the same kind that still runs is ended. Where nothing can be run, it does nothing.
func (s *state) begin(run *protocol.Run, by *signaling.Peer, automatic bool) {
	players := s.players()
	if len(players) != 2 || s.recording.full {
		return
	}
	kinds := s.kinds(run.Trials, players)
	if len(kinds) == 0 {
		return
	}
	s.run++
	made := &protocol.RunMade{Number: s.run, Trials: kinds, SwapOfferer: run.SwapOfferer, Automatic: automatic}
	peer := ""
	if by != nil {
		peer = by.ID()
	}
	for _, id := range s.fold.Running() {
		if slices.Contains(kinds, id.Kind()) {
			s.end(protocol.Stop{Trial: id, Outcome: protocol.OutcomeSkipped, Reason: protocol.ReasonSuperseded})
		}
	}
	s.record(peer, protocol.EventRun, made)
	offerer, answerer := players[0], players[1]
	if run.SwapOfferer {
		offerer, answerer = answerer, offerer
	}
	for _, kind := range kinds {
		id := protocol.NewTrialID(kind, s.run)
		if s.offerer == nil {
			s.offerer = map[protocol.TrialID]string{}
		}
		s.offerer[id] = offerer.ID()
		servers := s.servers(kind, offerer)
		s.record("", protocol.EventStart, &protocol.TrialStart{Trial: id, Offerer: offerer.ID(), Answerer: answerer.ID(), ICEServers: hideCredentials(servers), RelayOnly: kind.Relay()})
		for _, p := range players {
			start := protocol.Start{Trial: id, Role: protocol.RoleOfferer, Peer: answerer.ID(), ICEServers: s.servers(kind, p), RelayOnly: kind.Relay(), SampleMs: sampleMs, RoundTrips: roundTrips, BurstMs: burstMs, VideoMs: videoMs}
			if p == answerer {
				start.Role, start.Peer = protocol.RoleAnswerer, offerer.ID()
			}
			p.Send(&protocol.ServerMessage{Type: protocol.ServerStart, Start: &start})
			if kind == protocol.TrialCustom && p.Kind() == protocol.KindBrowser {
				s.gather(p, servers)
			}
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
	for _, p := range s.players() {
		p.Send(&protocol.ServerMessage{Type: protocol.ServerStop, Stop: &stop})
	}
}

// conduct ends what is over and returns when to look again at the latest, in the room's milliseconds; 0: not by itself.
func (s *state) conduct() (again float64) {
	now := s.now()
	sooner := func(at float64) {
		if at > 0 && (again == 0 || at < again) {
			again = at
		}
	}
	for _, id := range s.fold.Running() {
		stop, over, next := s.fold.Ending(id, now)
		if over {
			s.end(stop)
			continue
		}
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
