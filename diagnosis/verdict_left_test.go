package diagnosis

import (
	"testing"

	"github.com/icescope/icescope/protocol"
)

func (s *scene) left(id protocol.TrialID) {
	s.add(protocol.Event{Type: protocol.EventStop, Stop: &protocol.Stop{Trial: id, Outcome: protocol.OutcomeFailed, Reason: protocol.ReasonPeerLeft}})
}

// Who closes the page while the trials run says nothing of the network.
func TestWhoLeavesIsNotUnreachable(t *testing.T) {
	s := newScene()
	s.made(protocol.RunMade{Number: 1, Trials: []protocol.TrialKind{"host", "stun", "relay-udp", "relay-tcp"}})
	for _, id := range []protocol.TrialID{"host-1", "stun-1", "relay-udp-1", "relay-tcp-1"} {
		s.start(protocol.TrialStart{Trial: id})
	}
	for _, id := range []protocol.TrialID{"host-1", "stun-1", "relay-udp-1", "relay-tcp-1"} {
		s.left(id)
	}
	if v := s.Diagnose().Verdict; v.Needs != protocol.NeedsUndetermined {
		t.Errorf("all trials were left: %+v", v)
	}

	s = newScene()
	s.made(protocol.RunMade{Number: 1, Trials: []protocol.TrialKind{"host", "relay-udp"}})
	s.start(protocol.TrialStart{Trial: "host-1"})
	s.start(protocol.TrialStart{Trial: "relay-udp-1"})
	s.stop("relay-udp-1", protocol.OutcomeConnected)
	s.left("host-1")
	if v := s.Diagnose().Verdict; v.Needs != protocol.NeedsTURNUDP || v.Final {
		t.Errorf("the cheaper trial was left, and might have connected: %+v", v)
	}
}

// What an end left separates nothing.
func TestAnExperimentThatWasLeftSeparatesNothing(t *testing.T) {
	s := newScene()
	s.failed()
	s.made(protocol.RunMade{Number: 2, Trials: []protocol.TrialKind{"host"}, Experiment: protocol.ExperimentSwap})
	s.start(protocol.TrialStart{Trial: "host-2", Experiment: protocol.ExperimentSwap})
	s.left("host-2")
	if got := s.experiment(protocol.ExperimentSwap); len(got) > 0 {
		t.Errorf("%d trials", len(got))
	}
}

// Elsewhere than on Linux icescope peer cannot read the routes: that it names no default route does not mean that there is none.
func TestRoutesThatCannotBeReadAreNotMissing(t *testing.T) {
	for system, want := range map[string]answer{"linux; amd64": no, "windows; amd64": unknown, "darwin; arm64": unknown} {
		s := newScene()
		s.add(protocol.Event{Type: protocol.EventJoined, Peer: "c", Joined: &protocol.Joined{Kind: protocol.KindHeadless, Beside: "a", UserAgent: "icescope/devel (" + system + ") pion"}})
		s.add(protocol.Event{Type: protocol.EventEnvironment, Peer: "c", Environment: &protocol.Environment{Interfaces: []protocol.Interface{{Name: "Ethernet", Addresses: []string{"10.1.0.2/24"}}}}})
		a := s.peer("a")
		if got, _ := s.defaultRoute(a); got != want {
			t.Errorf("%s: %v, want %v", system, got, want)
		}
		if got := s.defaultHas(a, addrOf("10.1.0.2")); got != (want == unknown) {
			t.Errorf("%s: defaultHas %t", system, got)
		}
	}
}

// An address that carries icescope peer's checks is not the wrong one.
func TestAnAddressThatAnswersIsNotWrong(t *testing.T) {
	answers := int64(1)
	n := &end{pairs: []*endPair{
		{local: protocol.SampleCandidate{Type: "host", Address: "10.1.0.2"}, remote: protocol.SampleCandidate{Protocol: "udp"}, SamplePair: protocol.SamplePair{ResponsesReceived: &answers}},
		{local: protocol.SampleCandidate{Type: "host", Address: "10.2.0.2"}, remote: protocol.SampleCandidate{Protocol: "udp"}},
	}}
	if !NewFold().answeredAt(n, addrOf("10.1.0.2")) || NewFold().answeredAt(n, addrOf("10.2.0.2")) {
		t.Error("10.1.0.2 was answered, and 10.2.0.2 was not")
	}
}

// A machine that slept tells nothing for a while, as one whose way is lost does not.
func TestSleepIsNoLossOfThePath(t *testing.T) {
	awake, slept := &course{}, &course{}
	for ms := 250.0; ms < 40_000; ms += 250 {
		awake.taken = append(awake.taken, taken{atMs: ms})
		if ms < 10_000 || ms > 30_000 {
			slept.taken = append(slept.taken, taken{atMs: ms})
		}
	}
	if !awake.steady(10_000, 16_000) || slept.steady(10_000, 16_000) {
		t.Errorf("awake %t, slept %t", awake.steady(10_000, 16_000), slept.steady(10_000, 16_000))
	}
}

// The same address on both may be a program's default where each has another besides.
func TestSeveralAddresses(t *testing.T) {
	ends := func(ips ...string) *end {
		n := &end{}
		for _, ip := range ips {
			n.candidates = append(n.candidates, &candidate{CandidateLine: protocol.CandidateLine{Type: "host", Protocol: "udp", Address: ip}})
		}
		return n
	}
	if ends("192.168.0.10").several() || ends("192.168.0.10", "172.17.0.1", "2001:db8::1").several() || !ends("10.1.0.2", "10.211.55.2").several() {
		t.Error("one real address is not several")
	}
}

// A failure between others, or after an end had left, is not the browser's second one.
func TestTheSecondFailureIsOfTheSameTwo(t *testing.T) {
	s := newScene()
	s.add(protocol.Event{Type: protocol.EventJoined, Peer: "c", Joined: &protocol.Joined{Kind: protocol.KindBrowser}})
	s.failed()
	first := s.trials[0]
	s.made(protocol.RunMade{Number: 2})
	s.add(protocol.Event{Type: protocol.EventStart, Start: &protocol.TrialStart{Trial: "host-2", Offerer: "a", Answerer: "c"}})
	sent := int64(enoughRequests)
	for _, n := range s.trials[1].ends() {
		n.pairs = []*endPair{{base: "udp/1", remote: protocol.SampleCandidate{Protocol: "udp"}, SamplePair: protocol.SamplePair{RequestsSent: &sent}}}
	}
	s.stop("host-2", protocol.OutcomeFailed)
	if s.failedAfter(first, first, s.peer("c"), s.peer("a")) != nil {
		t.Error("a trial between others counts")
	}
}
