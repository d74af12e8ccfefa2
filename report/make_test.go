package report

import (
	"testing"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// TestMadeConforms: what is made of the smallest recordings, and of none, is a report by its own schema.
func TestMadeConforms(t *testing.T) {
	s := compiled(t)
	room := protocol.Event{Type: protocol.EventRoom, Room: &protocol.RoomMade{Schema: protocol.RecordingSchema, Room: "r"}}
	joined := protocol.Event{Seq: 1, Type: protocol.EventJoined, Peer: "a", Joined: &protocol.Joined{Kind: protocol.KindBrowser}}
	started := protocol.Event{Seq: 2, Type: protocol.EventStart, Start: &protocol.TrialStart{Trial: "host-1", Offerer: "a", Answerer: "b"}}
	for name, events := range map[string][]protocol.Event{"none": nil, "a room": {room}, "one peer": {room, joined}, "a trial": {room, joined, started}} {
		r := Make(diagnosis.Diagnose(events), Options{Lang: protocol.English})
		if err := conforms(t, s, JSON(r)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
