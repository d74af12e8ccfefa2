// Package protocol holds every type that crosses a socket or a file: the frames of the WebSocket, the events of a recording, and the report.
//
// It is not the place for behaviour. What it does contain beside types are the parsers of text that others wrote (the candidate-attribute of
// RFC 8839 section 5.1, pasted iceServers), because both ends of a socket must read them alike.
//
// A frame, and likewise an event, is one JSON object with a "type" and one member of the same name that holds the body:
//
//	{"type":"candidate","seq":7,"candidate":{"trial":"stun-1","candidate":"candidate:…"}}
//
// Unknown members are ignored, so that an older binary reads a newer one's recording. The package imports the standard library only.
// web/src/protocol.gen.ts is generated from it (go generate ./protocol).
package protocol

//go:generate go run ./internal/tsgen -out ../web/src
