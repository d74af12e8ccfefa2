package diagnosis

import (
	"testing"

	"github.com/icescope/icescope/protocol"
)

// A network is blamed for silence only where both ends were alive to hear.
func TestASilentEndBlamesNoNetwork(t *testing.T) {
	s := newScene()
	s.made(protocol.RunMade{Number: 1, Trials: []protocol.TrialKind{"host"}})
	s.start(protocol.TrialStart{Trial: "host-1"})
	from := s.at
	sample := func(peer string) {
		s.add(protocol.Event{Type: protocol.EventSample, Peer: peer, Sample: &protocol.Sample{Trial: "host-1"}})
	}
	for range 20 {
		sample("a")
	}
	if _, over, again := s.Ending("host-1", from+NoPairsMs+1); over || again > from+NoPairsMs+1+beatMost {
		t.Errorf("b was never heard of: over %t, again %v", over, again)
	}
	if stop, over, _ := s.Ending("host-1", from+SilentMs); !over || stop.Outcome != protocol.OutcomeSkipped || stop.Reason != protocol.ReasonPeerError {
		t.Errorf("after a minute: %+v, %t", stop, over)
	}
	for range enoughBeats {
		sample("b")
	}
	if stop, over, _ := s.Ending("host-1", from+NoPairsMs+1); over {
		t.Errorf("neither has begun to gather: %+v", stop)
	}
	for _, peer := range []string{"a", "b"} {
		s.add(protocol.Event{Type: protocol.EventState, Peer: peer, State: &protocol.State{Trial: "host-1", What: "gathering", Value: "gathering"}})
	}
	for range enoughBeats {
		sample("a")
		sample("b")
	}
	if stop, over, _ := s.Ending("host-1", s.at+NoPairsMs+1); !over || stop.Reason != protocol.ReasonNoPairs {
		t.Errorf("both were alive: %+v, %t", stop, over)
	}
}
