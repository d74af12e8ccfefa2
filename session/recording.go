package session

import (
	"encoding/json"

	"github.com/icescope/icescope/protocol"
)

const (
	// maxEvents bounds a recording. A run of all trials makes some 300 events, and a pair that plays with its page for ten minutes under 10,000.
	maxEvents = 20_000
	// maxBytes bounds its JSON and its memory, about: 50 runs of two browsers are 5 MB. A newcomer is sent all of it at once, and its queue takes 8 MiB
	// (signaling.Config.QueueBytes).
	maxBytes = 6 << 20
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
	case *protocol.Probe:
		e.Probe = b
	case *protocol.Ping:
		e.Ping = b
	case *protocol.Error:
		e.Broken = b
	}
	return e
}

// events are those from number i on, at most n.
func (r *recording) events(i, n int) []protocol.Event {
	out := make([]protocol.Event, 0, min(n, len(r.entries)-i))
	for ; i < len(r.entries) && len(out) < n; i++ {
		out = append(out, r.event(i))
	}
	return out
}

// size estimates what an event is as JSON, which is also about what it holds in memory.
func size(body any) int {
	const small, each = 300, 300
	switch b := body.(type) {
	case *protocol.Description:
		return small + len(b.SDP)
	case *protocol.Candidate:
		return small + len(b.Line)
	case *protocol.Sample:
		return max(small+each*(len(b.Local)+len(b.Remote)+len(b.Pairs)), texts(b))
	case *protocol.State:
		return small + len(b.What) + len(b.Value) + len(b.Error)
	case *protocol.Applied:
		return small + len(b.Error)
	case *protocol.CandidateError, *protocol.TrialError, *protocol.Measurement, *protocol.Environment, *protocol.Probe: // some a trial, and a frame of them may be all text
		text, _ := json.Marshal(b)
		return max(small, len(text))
	}
	return small
}

// texts are what stands in a sample where each of its words may be as long as a frame.
func texts(b *protocol.Sample) (n int) {
	for _, list := range [][]protocol.SampleCandidate{b.Local, b.Remote} {
		for i := range list {
			c := &list[i]
			n += len(c.ID) + len(c.Type) + len(c.Protocol) + len(c.Address) + len(c.Foundation) + len(c.URL) + len(c.RelatedAddress) + len(c.TCPType) +
				len(c.RelayProtocol) + len(c.NetworkType) + len(c.UsernameFragment)
		}
	}
	for i := range b.Pairs {
		p := &b.Pairs[i]
		n += len(p.ID) + len(p.Local) + len(p.Remote) + len(p.State)
	}
	return n + len(b.ICEState) + len(b.DTLSState) + len(b.SelectedPair) + len(b.LocalFingerprint) + len(b.RemoteFingerprint) + len(b.DTLSRole)
}
