package diagnosis

import (
	"testing"

	"github.com/icescope/icescope/protocol"
)

// told lets a peer signal a candidate.
func (s *scene) told(peer string, id protocol.TrialID, line string) {
	s.add(protocol.Event{Type: protocol.EventCandidate, Peer: peer, Candidate: &protocol.Candidate{Trial: id, Line: "candidate:" + line}})
}

// Where the server answered the very address of one socket, what still waits may be the other one alone.
func TestOneOfTwoLegsIsAnswered(t *testing.T) {
	for want, second := range map[protocol.Confidence]string{protocol.Possible: "1 1 udp 1 10.2.0.2 40001 typ host", protocol.Likely: ""} {
		s := newScene()
		s.made(protocol.RunMade{Number: 1, Trials: []protocol.TrialKind{"stun"}})
		s.start(protocol.TrialStart{Trial: "stun-1", ICEServers: []protocol.ICEServer{{URLs: []string{"stun:10.1.0.10:3478"}}}})
		s.state("a", "stun-1", "gathering", "gathering")
		s.told("a", "stun-1", "1 1 udp 1 10.1.0.2 40000 typ host")
		if second != "" {
			s.told("a", "stun-1", second)
		}
		s.add(protocol.Event{Type: protocol.EventSighting, Peer: "a", Sighting: &protocol.Sighting{Kind: "binding", Transport: "udp", Source: "10.1.0.2:40000", Local: "10.1.0.10:3478", Answered: true}})
		s.at += NoPairsMs
		s.add(protocol.Event{Type: protocol.EventStop, Stop: &protocol.Stop{Trial: "stun-1", Outcome: protocol.OutcomeFailed, Reason: protocol.ReasonNoSTUNAnswer}})
		if x := stunUnreachable(s.Fold); len(x) != 1 || x[0].Confidence != want {
			t.Errorf("%q: %+v", second, x)
		}
	}
}

// What a browser could not do once breaks no trial in which it could.
func TestOldSettingsBreakNoNewTrials(t *testing.T) {
	s := newScene()
	yes, no := true, false
	s.add(protocol.Event{Type: protocol.EventEnvironment, Peer: "a", Environment: &protocol.Environment{WebRTC: &no}})
	if len(webrtcUnavailable(s.Fold)) != 1 {
		t.Error("there is none")
	}
	s.failed()
	s.told("b", "host-1", "1 1 udp 1 10.1.0.2 40000 typ host")
	n := s.trials[0]
	if n.endOf(s.peer("a")).hasUDP() || !n.endOf(s.peer("b")).hasUDP() {
		t.Error("b has UDP, and a has none")
	}
	s.add(protocol.Event{Type: protocol.EventEnvironment, Peer: "a", Environment: &protocol.Environment{WebRTC: &yes}})
	if len(webrtcUnavailable(s.Fold)) != 0 {
		t.Error("it has one now")
	}
}
