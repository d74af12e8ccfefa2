package signaling

import (
	"fmt"

	"github.com/icescope/icescope/protocol"
)

// hints say what to try. Every code that the hub sends has one.
var hints = map[protocol.ErrorCode]string{
	protocol.ErrBadJSON:         "Send one JSON object per text frame: {\"type\": …}.",
	protocol.ErrUnknownType:     "See docs/protocol.md for the frames of " + protocol.Subprotocol + ".",
	protocol.ErrBadMessage:      "Compare the frame with its example in docs/protocol.md.",
	protocol.ErrBadCandidate:    "Send RTCIceCandidate.candidate as the browser gave it; an empty string ends the candidates.",
	protocol.ErrTooLarge:        "Send less in one frame; the limit is 65536 bytes. Connect again and resume.",
	protocol.ErrRateLimited:     "Send fewer frames: 3000 a second and 2 MiB a second are served for long.",
	protocol.ErrNotBinary:       "Send text frames.",
	protocol.ErrHelloFirst:      "Send {\"type\":\"hello\",\"hello\":{\"kind\":\"browser\"}} first.",
	protocol.ErrHelloTwice:      "Open another connection to join a second time.",
	protocol.ErrUnknownRoom:     "Check the link, or make a new room on the start page.",
	protocol.ErrRoomFull:        "Two peers are in this room. Say hello again with kind \"watcher\" to look on, or make a new room.",
	protocol.ErrTooManyRooms:    "Try again later, or restart the server.",
	protocol.ErrTooManyWatchers: "Ask one of the watchers to leave.",
	protocol.ErrBadResume:       "Say hello again without resume.",
	protocol.ErrNotForWatchers:  "Join as a peer to take part.",
	protocol.ErrNoPeer:          "Wait for a start frame: it says that the other end is there.",
	protocol.ErrForbiddenOrigin: "Open the page from this server.",
	protocol.ErrRefused:         "Try again later.",
	protocol.ErrInternal:        "Report this with the server's log.",
}

// refuse makes the error for a client.
func refuse(code protocol.ErrorCode, format string, args ...any) *protocol.Error {
	return &protocol.Error{Code: code, Message: fmt.Sprintf(format, args...), Hint: hints[code]}
}
