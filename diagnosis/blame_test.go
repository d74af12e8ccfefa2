package diagnosis

import (
	"net/netip"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// Who leaves, or cannot run the trial, was not beaten by the network.
func TestOnlyTheNetworkBeats(t *testing.T) {
	for reason, want := range map[protocol.Reason]bool{protocol.ReasonUnanswered: true, protocol.ReasonPeerLeft: false, protocol.ReasonPeerError: false} {
		x := &trial{a: &end{}, b: &end{}, stop: &protocol.Stop{Outcome: protocol.OutcomeFailed, Reason: reason}}
		if x.beaten() != want {
			t.Errorf("%s: %t", reason, !want)
		}
	}
}

// What a slow machine could not run might have connected, so that a dearer way is not the last word.
func TestWhatCouldNotBeRunIsNotPassedOver(t *testing.T) {
	s := newScene()
	s.made(protocol.RunMade{Number: 1, Trials: []protocol.TrialKind{"host", "relay-udp"}})
	s.start(protocol.TrialStart{Trial: "host-1"})
	s.start(protocol.TrialStart{Trial: "relay-udp-1"})
	s.stop("relay-udp-1", protocol.OutcomeConnected)
	s.add(protocol.Event{Type: protocol.EventStop, Stop: &protocol.Stop{Trial: "host-1", Outcome: protocol.OutcomeSkipped, Reason: protocol.ReasonPeerError}})
	if v := s.Diagnose().Verdict; v.Needs != protocol.NeedsTURNUDP || v.Final {
		t.Errorf("%+v", v)
	}
}

// What an application did in one run says nothing of another.
func TestRefusalsAreOfTheirRun(t *testing.T) {
	s := newScene()
	s.failed()
	s.start(protocol.TrialStart{Trial: "host-2"})
	s.add(protocol.Event{Type: protocol.EventCheck, Peer: "a", Check: &protocol.Check{Trial: "host-1", Result: "answered", Error: "401 Unauthorized"}})
	if !s.refuses(s.trials[0]) || s.refuses(s.trials[1]) {
		t.Error("host-1 was refused, and host-2 was not")
	}
}

// A name that cannot be looked up is no closed port.
func TestALookupIsNoClosedPort(t *testing.T) {
	for text, want := range map[string]int{"STUN host lookup received error.": 0, "STUN binding request timed out.": 1} {
		n := &end{gatherEv: 9, servers: []protocol.ICEServer{{URLs: []string{"stun:icescope.example:3478"}}},
			errors: []candidateError{{protocol.CandidateError{Code: 701, Text: text, URL: "stun:icescope.example:3478"}, 3}}}
		if got := n.stunFailed(); len(got) != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// Firefox that may use relays only shows what it learned on the way to them, and signals none of it.
func TestRelayOnlyWithholds(t *testing.T) {
	n := &end{peer: &peer{joined: &protocol.Joined{UserAgent: "Firefox/153"}}, candidates: []*candidate{{CandidateLine: protocol.CandidateLine{Type: "relay"}}}}
	srflx := protocol.SampleCandidate{Type: "srflx"}
	if !n.withheld(srflx) {
		t.Error("only a relay was signaled")
	}
	n.candidates = append(n.candidates, &candidate{CandidateLine: protocol.CandidateLine{Type: "host"}})
	if n.withheld(srflx) {
		t.Error("a host candidate was signaled")
	}
}

// One candidate that is not taken, of several, breaks nothing.
func TestOneRefusedCandidateIsAWarning(t *testing.T) {
	s := newScene()
	s.made(protocol.RunMade{Number: 1})
	s.start(protocol.TrialStart{Trial: "host-1"})
	for _, ok := range []bool{false, true} {
		s.told("a", "host-1", "1 1 udp 1 10.1.0.2 40000 typ host")
		s.add(protocol.Event{Type: protocol.EventApplied, Peer: "b", Applied: &protocol.Applied{Trial: "host-1", Ref: s.seq - 1, OK: ok}})
		if !ok {
			s.stop("host-1", protocol.OutcomeFailed)
			if x := signalingGap(s.Fold); len(x) != 1 || x[0].Severity != protocol.SeverityError {
				t.Errorf("the only one: %+v", x)
			}
		}
	}
	if x := signalingGap(s.Fold); len(x) != 1 || x[0].Severity != protocol.SeverityWarning || len(x[0].breaks) > 0 {
		t.Errorf("one of two: %+v", x)
	}
}

func TestOnlyIPv4Counts(t *testing.T) {
	if got := fours([]netip.Addr{addrOf("192.168.0.10"), addrOf("2001:db8::1")}); got != 1 {
		t.Errorf("%d", got)
	}
}
