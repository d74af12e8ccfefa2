// Package signaling holds the rooms, the WebSocket hub that peers meet in, and the hub's Go client.
//
// It relays and judges nothing: what a frame means for a diagnosis is the Handler's business. It does check that a frame is what it says it is,
// because what one peer sends, another one's browser must read.
//
// The wire is docs/protocol.md; the WebSocket itself is RFC 6455, of which gorilla/websocket reads the frames.
//
// # Who owns what
//
//  1. A Room is a monitor: its members, their numbering and every Handler method live under its lock. Nothing in there blocks.
//  2. A connection has one reader, which lives as long as it does, and at most one writer, which lives while something is queued. An idle
//     connection thus costs one small stack and no timer.
//  3. Hub.Run is the only clock: once a second it pings, and ends what is overdue. It returns when every goroutine of the hub has ended.
package signaling
