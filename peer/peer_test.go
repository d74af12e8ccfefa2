package peer_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
)

// script is a Transport that says what it is given, and then ends.
type script []protocol.ServerMessage

func (*script) Send(protocol.ClientMessage) error { return nil }

func (s *script) Receive(context.Context) (protocol.ServerMessage, error) {
	if len(*s) == 0 {
		return protocol.ServerMessage{}, io.ErrUnexpectedEOF
	}
	m := (*s)[0]
	*s = (*s)[1:]
	return m, nil
}

func run(t *testing.T, frames script, oneShot bool) (peer.Result, int, error) {
	t.Helper()
	snapshots := 0
	result, err := peer.Run(t.Context(), peer.Config{
		OneShot:  oneShot,
		Progress: func(protocol.Report) { snapshots++ },
		Dial:     func(context.Context, protocol.Hello) (peer.Transport, error) { return &frames, nil },
	})
	return result, snapshots, err
}

func snapshot(final bool, pending ...protocol.TrialKind) protocol.ServerMessage {
	return protocol.ServerMessage{Type: protocol.ServerSnapshot, Snapshot: &protocol.Report{
		Schema: protocol.ReportSchema, Verdict: protocol.Verdict{Needs: protocol.NeedsSTUN, Final: final, Pending: pending},
	}}
}

func TestOneShotLeavesWhenAllIsMeasured(t *testing.T) {
	result, snapshots, err := run(t, script{snapshot(false, "host"), snapshot(true, "host"), snapshot(true), snapshot(true)}, true)
	if err != nil || snapshots != 3 || result.Report.Verdict.Needs != protocol.NeedsSTUN {
		t.Errorf("%d snapshots, %+v, %v", snapshots, result.Report.Verdict, err)
	}
}

func TestStaysUntilTheSignalingEnds(t *testing.T) {
	_, snapshots, err := run(t, script{snapshot(true), snapshot(true)}, false)
	if !errors.Is(err, io.ErrUnexpectedEOF) || snapshots != 2 {
		t.Errorf("%d snapshots, %v", snapshots, err)
	}
}

func TestRefusalIsAnError(t *testing.T) {
	_, _, err := run(t, script{{Type: protocol.ServerError, Error: &protocol.Error{Code: protocol.ErrRoomFull, Message: "two are there"}}}, true)
	var refused *signaling.RefusedError
	if !errors.As(err, &refused) || refused.Refusal.Code != protocol.ErrRoomFull {
		t.Errorf("got %v", err)
	}
}

func TestExitCodesDiffer(t *testing.T) {
	seen := map[int]protocol.Needs{}
	for _, n := range []protocol.Needs{
		protocol.NeedsNothing, protocol.NeedsSTUN, protocol.NeedsTURNUDP, protocol.NeedsTURNTCP, protocol.NeedsUnreachable, protocol.NeedsUndetermined,
	} {
		code := peer.ExitCode(n)
		if other, taken := seen[code]; taken || code != 0 && code < 10 {
			t.Errorf("%s has %d, like %q", n, code, other)
		}
		seen[code] = n
	}
}
