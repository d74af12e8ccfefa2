package peer_test

import (
	"context"
	"testing"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
)

func besideSnapshot(final bool, outcomes ...protocol.Outcome) protocol.ServerMessage {
	r := protocol.Report{Schema: protocol.ReportSchema, Verdict: protocol.Verdict{Needs: protocol.NeedsUnreachable, Final: final}}
	own := protocol.BesideReport{Peer: "h1", Beside: "a"}
	for i, o := range outcomes {
		kind := []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN, protocol.TrialRelayUDP, protocol.TrialRelayTCP}[i]
		own.Trials = append(own.Trials, protocol.TrialReport{Kind: kind, Outcome: o})
	}
	// Another one's trials are not ours.
	other := protocol.BesideReport{Peer: "h2", Trials: []protocol.TrialReport{{Kind: protocol.TrialHost, Outcome: protocol.OutcomeConnected}}}
	r.Beside = []protocol.BesideReport{other}
	if len(outcomes) > 0 {
		r.Beside = append(r.Beside, own)
	}
	return protocol.ServerMessage{Type: protocol.ServerSnapshot, Snapshot: &r}
}

// The verdict of the room may be final long before: what counts are this end's own trials.
func TestBesideLeavesWithItsOwnTrials(t *testing.T) {
	const connected, failed, stuck, skipped = protocol.OutcomeConnected, protocol.OutcomeFailed, protocol.OutcomeStuck, protocol.OutcomeSkipped
	frames := script{
		{Type: protocol.ServerWelcome, Welcome: &protocol.Welcome{Peer: "h1"}},
		besideSnapshot(true), besideSnapshot(true, ""), besideSnapshot(true, failed, ""), besideSnapshot(true, failed, connected), besideSnapshot(true, connected),
	}
	var hello protocol.Hello
	snapshots := 0
	result, err := peer.Run(t.Context(), peer.Config{
		OneShot: true, Beside: peer.BesideAuto, Progress: func(protocol.Report) { snapshots++ },
		Dial: func(_ context.Context, h protocol.Hello) (peer.Transport, error) { hello = h; return &frames, nil },
	})
	if err != nil || snapshots != 4 || hello.Beside != "auto" || result.Needs() != protocol.NeedsSTUN {
		t.Errorf("%d snapshots, %+v, %s, %v", snapshots, hello, result.Needs(), err)
	}
	for _, c := range []struct {
		outcomes []protocol.Outcome
		want     protocol.Needs
	}{
		{nil, protocol.NeedsUndetermined},
		{[]protocol.Outcome{connected}, protocol.NeedsNothing},
		{[]protocol.Outcome{"", connected}, protocol.NeedsUndetermined},
		{[]protocol.Outcome{failed, failed}, protocol.NeedsUndetermined},
		{[]protocol.Outcome{failed, stuck, connected}, protocol.NeedsTURNUDP},
		{[]protocol.Outcome{failed, failed, skipped, connected}, protocol.NeedsTURNTCP},
		{[]protocol.Outcome{failed, failed, failed, failed}, protocol.NeedsUnreachable},
		{[]protocol.Outcome{failed, failed, skipped, failed}, protocol.NeedsUndetermined},
	} {
		r := peer.Result{Peer: "h1", Beside: true, Report: *besideSnapshot(true, c.outcomes...).Snapshot}
		if got := r.Needs(); got != c.want {
			t.Errorf("%q: %s, want %s", c.outcomes, got, c.want)
		}
	}
}
