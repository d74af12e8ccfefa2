package peer

import "github.com/icescope/icescope/protocol"

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
