package main

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/icescope/icescope/protocol"
)

func TestNarratorSaysEachChangeOnce(t *testing.T) {
	var said []string
	n := &narrator{say: func(f string, args ...any) { said = append(said, fmt.Sprintf(f, args...)) }, outcomes: map[string]protocol.Outcome{}}
	n.joined(protocol.Welcome{Room: "bodu", Peer: "b"})
	me := protocol.PeerReport{ID: "b", Online: true}
	other := protocol.PeerReport{ID: "a", Online: true, Label: "desk\x1b[2J", Browser: "Chromium 156"}
	gone := other
	gone.Online = false
	host := protocol.TrialReport{ID: "host-1"}
	ended := protocol.TrialReport{ID: "host-1", Outcome: protocol.OutcomeFailed, Reason: protocol.ReasonNoPairs}
	verdict := protocol.Verdict{Summary: "stun is enough"}
	for _, r := range []protocol.Report{
		{Peers: []protocol.PeerReport{me}},
		{Peers: []protocol.PeerReport{other, me}, Trials: []protocol.TrialReport{host}},
		{Peers: []protocol.PeerReport{other, me}, Trials: []protocol.TrialReport{host}},
		{Peers: []protocol.PeerReport{other, me}, Trials: []protocol.TrialReport{ended}, Verdict: verdict,
			Beside: []protocol.BesideReport{{Peer: "h1", Beside: "a", Trials: []protocol.TrialReport{{ID: "host-1", Outcome: protocol.OutcomeConnected, ReasonText: "measured"}}}}},
		{Peers: []protocol.PeerReport{gone, me}, Trials: []protocol.TrialReport{ended}, Verdict: verdict},
	} {
		n.progress(r)
	}
	want := []string{
		"joined room bodu as b; waiting for the other end",
		"a is here: desk[2J, Chromium 156",
		"trial host-1 has begun",
		"trial host-1: failed (no-pairs)",
		"trial host-1, h1 beside a: connected (measured)",
		"stun is enough",
		"a has left",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}
