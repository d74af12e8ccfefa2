package diagnosis

import (
	"testing"

	"github.com/icescope/icescope/protocol"
)

// What the session would run next is not waited for in a recording that takes no more.
func TestAFullRecordingAwaitsNoExperiment(t *testing.T) {
	f := NewFold()
	trials := []protocol.TrialKind{protocol.TrialHost}
	for i, e := range []protocol.Event{
		{Type: protocol.EventRoom, Room: &protocol.RoomMade{}},
		{Type: protocol.EventJoined, Peer: "a", Joined: &protocol.Joined{Kind: protocol.KindBrowser, Trials: trials}},
		{Type: protocol.EventJoined, Peer: "b", Joined: &protocol.Joined{Kind: protocol.KindBrowser, Trials: trials}},
	} {
		e.Seq = i
		f.Add(&e)
	}
	unsure := Finding{separatedBy: []separation{{kind: protocol.ExperimentSwap, trials: trials}}}
	unsure.Code, unsure.Confidence = "CANDIDATES-NOT-SIGNALED", protocol.Likely
	unsettled := func() bool { return undecided(unsure, f.experiments([]Finding{unsure})) }
	if !unsettled() {
		t.Error("the experiment is not awaited")
	}
	f.Add(&protocol.Event{Seq: 3, Type: protocol.EventFull})
	if unsettled() {
		t.Error("it is awaited, and nobody can run it")
	}
}
