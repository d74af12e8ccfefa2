package diagnosis

import (
	"testing"

	"github.com/icescope/icescope/protocol"
)

// One size that is lost may be lost by chance; two of the biggest, and no smaller one, are not.
func TestOneLostSizeIsChance(t *testing.T) {
	for _, c := range []struct {
		name string
		died []int
		want bool
	}{{"the biggest", []int{1472}, false}, {"the two biggest", []int{1464, 1472}, true}, {"a smaller one, too", []int{700, 1464, 1472}, false}} {
		s := newScene()
		s.failed()
		for _, size := range []int{300, 700, 1400, 1464, 1472} {
			answered := true
			for _, d := range c.died {
				answered = answered && d != size
			}
			s.add(protocol.Event{Type: protocol.EventProbe, Peer: "a", Probe: &protocol.Probe{What: "size", Trial: "host-1", Size: size, Sent: 3, Answered: answered}})
		}
		if got := s.longChecks(s.trials[0], s.peer("a"), s.peer("b")); got.sure != c.want || got.died != c.died[max(0, len(c.died)-2)] {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// A candidate of a family that the other end has none of takes no pair, and is not rejected.
func TestWithoutTheFamilyThereIsNoPair(t *testing.T) {
	of := func(ip string) *candidate {
		return &candidate{CandidateLine: protocol.CandidateLine{Type: "host", Protocol: "udp", Address: ip, Port: 443}}
	}
	n := &end{candidates: []*candidate{of("2001:db8::1")}}
	if n.couldPair(of("10.1.0.2"), 9) || !n.couldPair(of("2001:db8::2"), 9) {
		t.Error("there is IPv6 alone")
	}
}

// A default interface that carries icescope peer's checks is not the wrong one, whatever name the page hides it behind.
func TestADefaultThatAnswersIsNotWrong(t *testing.T) {
	s := newScene()
	s.add(protocol.Event{Type: protocol.EventEnvironment, Peer: "a", Environment: &protocol.Environment{Interfaces: []protocol.Interface{
		{Name: "eth0", Addresses: []string{"10.1.0.2/24"}, Default: true}, {Name: "eth1", Addresses: []string{"10.2.0.2/24"}}}}})
	for ip, want := range map[string]bool{"10.1.0.2": true, "10.2.0.2": false} {
		n := &end{pairs: []*endPair{{local: protocol.SampleCandidate{Type: "host", Address: ip}, remote: protocol.SampleCandidate{Protocol: "udp"}, SamplePair: protocol.SamplePair{ResponsesReceived: count(1)}}}}
		if s.answeredByDefault(s.peer("a"), n) != want {
			t.Errorf("%s: %t", ip, !want)
		}
	}
}

// As long as an end gathers, another address may come.
func TestWhatIsGatheredStillIsNotSettled(t *testing.T) {
	if (&end{endEvent: -1, gatherEv: -1}).settled() || !(&end{endEvent: 3, gatherEv: -1}).settled() || !(&end{endEvent: -1, gatherEv: 3}).settled() {
		t.Error("it is settled once gathering is over")
	}
}
