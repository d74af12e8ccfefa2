package session

import "github.com/icescope/icescope/protocol"

const (
	// maxEvents bounds a recording. A pair that leaves its page open for an hour makes some 10,000 events.
	maxEvents = 60_000
	// maxBytes bounds its memory, about: a thousand such rooms must not take the machine down, and no honest room comes near.
	maxBytes = 32 << 20
)

// entry is an event without the members that it does not use: thousands of rooms keep thousands of them.
type entry struct {
	at   float64
	typ  protocol.EventType
	peer string
	body any
}

// recording is a room's append-only list of events.
type recording struct {
	entries []entry
	bytes   int
	full    bool // the last event says so
}

// fits tells whether an event may be added.
func (r *recording) fits(body any) bool {
	return len(r.entries) < maxEvents && r.bytes+size(body) <= maxBytes
}

// add appends an event.
func (r *recording) add(e entry) protocol.Event {
	r.bytes += size(e.body)
	r.entries = append(r.entries, e)
	return r.event(len(r.entries) - 1)
}

// event is the entry as it stands in a file.
func (r *recording) event(i int) protocol.Event {
	n := r.entries[i]
	e := protocol.Event{Seq: i, AtMs: n.at, Type: n.typ, Peer: n.peer}
	switch b := n.body.(type) {
	case *protocol.RoomMade:
		e.Room = b
	case *protocol.Joined:
		e.Joined = b
	case *protocol.Left:
		e.Left = b
	case *protocol.RunMade:
		e.Run = b
	case *protocol.TrialStart:
		e.Start = b
	case *protocol.Stop:
		e.Stop = b
	case *protocol.Description:
		e.Description = b
	case *protocol.Candidate:
		e.Candidate = b
	case *protocol.Applied:
		e.Applied = b
	case *protocol.State:
		e.State = b
	case *protocol.CandidateError:
		e.CandidateError = b
	case *protocol.Sample:
		e.Sample = b
	case *protocol.Measurement:
		e.Measurement = b
	case *protocol.Environment:
		e.Environment = b
	case *protocol.TrialError:
		e.TrialError = b
	case *protocol.Sighting:
		e.Sighting = b
	case *protocol.Check:
		e.Check = b
	case *protocol.Ping:
		e.Ping = b
	case *protocol.Error:
		e.Broken = b
	}
	return e
}

// from are the events from number i on.
func (r *recording) from(i int) []protocol.Event {
	var out []protocol.Event
	for ; i < len(r.entries); i++ {
		out = append(out, r.event(i))
	}
	return out
}

// size estimates what an event holds; the constants are the structs and slice elements, rounded up.
func size(body any) int {
	const small, each = 256, 200
	switch b := body.(type) {
	case *protocol.Description:
		return small + len(b.SDP)
	case *protocol.Candidate:
		return small + len(b.Line)
	case *protocol.Sample:
		return small + each*(len(b.Local)+len(b.Remote)+len(b.Pairs))
	}
	return small
}
