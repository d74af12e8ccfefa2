package peer

import (
	"slices"

	"github.com/icescope/icescope/protocol"
)

// Needs is the verdict of the room, or, of a peer that stood beside another, what its own pair needs.
func (r *Result) Needs() protocol.Needs {
	if !r.Beside {
		return r.Report.Verdict.Needs
	}
	return needs(r.BesideTrials())
}

// BesideTrials are this end's own trials where it stood beside another peer, the newest of each kind; nil: none were begun.
func (r *Result) BesideTrials() []protocol.TrialReport {
	for _, b := range r.Report.Beside {
		if b.Peer == r.Peer {
			return b.Trials
		}
	}
	return nil
}

// needs is the cheapest way that connected, as for a room; a cheaper one that has not ended leaves it open. Unreachable is only what both relays were tried for.
func needs(trials []protocol.TrialReport) protocol.Needs {
	ways := []struct {
		kind  protocol.TrialKind
		needs protocol.Needs
	}{
		{protocol.TrialHost, protocol.NeedsNothing}, {protocol.TrialSTUN, protocol.NeedsSTUN},
		{protocol.TrialRelayUDP, protocol.NeedsTURNUDP}, {protocol.TrialRelayTCP, protocol.NeedsTURNTCP},
	}
	relays := 0
	for _, way := range ways {
		i := slices.IndexFunc(trials, func(t protocol.TrialReport) bool { return t.Kind == way.kind })
		if i < 0 || trials[i].Outcome == protocol.OutcomeSkipped {
			continue
		}
		switch trials[i].Outcome {
		case protocol.OutcomeConnected:
			return way.needs
		case protocol.OutcomeFailed, protocol.OutcomeStuck:
			if way.kind.Relay() {
				relays++
			}
		default:
			return protocol.NeedsUndetermined
		}
	}
	if relays == 2 {
		return protocol.NeedsUnreachable
	}
	return protocol.NeedsUndetermined
}

// ExitCode is the exit code of `icescope peer` for a verdict, so that a script can branch on it without reading JSON: nothing 0, stun 10, turn-udp 11,
// turn-tcp 12, unreachable 13, undetermined (and no verdict at all) 14. 1 to 9 are left to errors.
func ExitCode(needs protocol.Needs) int {
	switch needs {
	case protocol.NeedsNothing:
		return 0
	case protocol.NeedsSTUN:
		return 10
	case protocol.NeedsTURNUDP:
		return 11
	case protocol.NeedsTURNTCP:
		return 12
	case protocol.NeedsUnreachable:
		return 13
	default:
		return 14
	}
}
