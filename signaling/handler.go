package signaling

import (
	"time"

	"github.com/icescope/icescope/protocol"
)

// Handler is told all that happens in the rooms. Every method is called inside Room.Do of the room that it is about, so none may block, and none may
// call Room.Do of the same room. Peer.Send, Room.Members and Room.Data may be used in all of them.
type Handler interface {
	// RoomMade is the first call about a room: the place to set Room.Data.
	RoomMade(r *Room)

	// Joined tells of a new member before its welcome is sent; what it returns stands in that welcome. Nothing may be sent to p yet.
	Joined(r *Room, p *Peer) (iceServers []protocol.ICEServer)

	// Welcomed follows Joined once the welcome is queued: what is sent to p from here on arrives after it.
	Welcomed(r *Room, p *Peer)

	// Dropped tells that p's connection is gone. Frames that are kept may still be sent to it.
	Dropped(r *Room, p *Peer)

	// Resumed tells that p is back, after its welcome and the frames that it had missed were queued. eventsSeen is Hello.Events.
	Resumed(r *Room, p *Peer, eventsSeen int)

	// Left tells that p is no member any more. reason is as in protocol.Left.
	Left(r *Room, p *Peer, reason string)

	// Message is handed every valid frame but hello, ack and leave, once, before it is relayed. It may keep m. ref goes into the relayed frame.
	Message(r *Room, p *Peer, m *protocol.ClientMessage) (ref int)

	// Opposite names the other end of a trial in which p takes part: descriptions and candidates go there. It is asked after Message, and only in a room in which a
	// peer stands beside another; elsewhere there is one other peer. nil: nobody.
	Opposite(r *Room, p *Peer, trial protocol.TrialID) *Peer

	// Broken tells that a frame of p was refused. It is called once for each error frame, which are limited in rate.
	Broken(r *Room, p *Peer, e protocol.Error)

	// Pong tells the round trip of a ping to p.
	Pong(r *Room, p *Peer, rtt time.Duration)

	// RoomGone is the last call about a room.
	RoomGone(r *Room)
}

// NopHandler does nothing; embed it to implement a part of Handler.
type NopHandler struct{}

var _ Handler = NopHandler{}

// RoomMade does nothing.
func (NopHandler) RoomMade(*Room) {}

// Joined offers no ICE servers.
func (NopHandler) Joined(*Room, *Peer) []protocol.ICEServer { return nil }

// Welcomed does nothing.
func (NopHandler) Welcomed(*Room, *Peer) {}

// Dropped does nothing.
func (NopHandler) Dropped(*Room, *Peer) {}

// Resumed does nothing.
func (NopHandler) Resumed(*Room, *Peer, int) {}

// Left does nothing.
func (NopHandler) Left(*Room, *Peer, string) {}

// Message records nothing.
func (NopHandler) Message(*Room, *Peer, *protocol.ClientMessage) int { return 0 }

// Opposite is the other of the room's two peers.
func (NopHandler) Opposite(r *Room, p *Peer, _ protocol.TrialID) *Peer { return r.Other(p) }

// Broken does nothing.
func (NopHandler) Broken(*Room, *Peer, protocol.Error) {}

// Pong does nothing.
func (NopHandler) Pong(*Room, *Peer, time.Duration) {}

// RoomGone does nothing.
func (NopHandler) RoomGone(*Room) {}
