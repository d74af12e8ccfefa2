package diagnosis_test

import (
	"slices"
	"testing"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// asLogged is a recording as it would be were it made of the browsers' own logs: all is gone that only a server saw or that the page measured; and, where unlogged is a peer's id, all that this
// peer said of itself beyond what it signaled.
func asLogged(events []protocol.Event, unlogged string) (out []protocol.Event) {
	given := map[int]bool{} // what of the unlogged end arrived at the other
	for _, e := range events {
		if e.Type == protocol.EventApplied && e.Applied != nil && e.Peer != unlogged {
			given[e.Applied.Ref] = true
		}
	}
	for _, e := range events {
		switch e.Type {
		case protocol.EventRoom:
			room := *e.Room
			room.STUN, room.Prefixes, room.ICEServers, room.Corners, room.NATChecks = nil, nil, nil, nil, false
			room.Imported = &protocol.Imported{Sources: []protocol.ImportSource{}, Notes: []protocol.ImportNote{}}
			e.Room = &room
		case protocol.EventJoined:
			joined := *e.Joined
			joined.HTTPAddress, joined.Host, joined.TLS, joined.Trials = "", "", false, nil
			if joined.Unlogged = e.Peer == unlogged; joined.Unlogged {
				joined.UserAgent = ""
			}
			e.Joined = &joined
		case protocol.EventStart, protocol.EventStop, protocol.EventRun:
		case protocol.EventDescription, protocol.EventCandidate:
			if e.Peer == unlogged && !given[e.Seq] {
				continue
			}
		case protocol.EventApplied, protocol.EventState, protocol.EventCandidateError, protocol.EventSample:
			if e.Peer == unlogged {
				continue
			}
		default:
			continue
		}
		out = append(out, e)
	}
	return out
}

// TestNothingFromAbsence takes from every story what no log can hold: no cause may come of it that is likely or certain and was not found before.
func TestNothingFromAbsence(t *testing.T) {
	same, fewer := 0, 0
	for _, s := range stories(t) {
		live := diagnosis.Diagnose(s.recording)
		var found []protocol.Code
		for _, x := range live.Findings {
			found = append(found, x.Code)
		}
		for _, unlogged := range []string{"", "a", "b"} {
			d := diagnosis.Diagnose(asLogged(s.recording, unlogged))
			for _, x := range d.Findings {
				if x.Confidence != protocol.Possible && !slices.Contains(found, x.Code) {
					t.Errorf("%s without the log of %q: %s %s comes of what is missing", s.name, unlogged, x.Confidence, x.ID())
				}
			}
			switch {
			case d.Verdict.Cause == live.Verdict.Cause:
				same++
			case d.Verdict.Cause == "" || d.Verdict.Confidence == protocol.Possible:
				fewer++
			default:
				t.Errorf("%s without the log of %q: the cause is %s %s, and was %s", s.name, unlogged, d.Verdict.Confidence, d.Verdict.Cause, live.Verdict.Cause)
			}
			if d.Verdict.Needs != live.Verdict.Needs && d.Verdict.Needs != protocol.NeedsUndetermined {
				t.Errorf("%s without the log of %q: needs %s, and needed %s", s.name, unlogged, d.Verdict.Needs, live.Verdict.Needs)
			}
			if len(d.Experiments) > 0 {
				t.Errorf("%s: nobody can run %s", s.name, d.Experiments[0].Kind)
			}
		}
	}
	t.Logf("the same cause %d times, none or a possible one %d times", same, fewer)
}
