// Package stunsrv is the STUN server of icescope (RFC 8489): Binding over UDP and TCP on two ports, and the plain question "whoami" beside it.
// It also sends signed connectivity checks (RFC 8445 section 7.2.2) from its own UDP sockets, and tells of every request that it saw.
//
// It is not a TURN server and not yet an RFC 5780 server: it has one IP per family, so it names no OTHER-ADDRESS and refuses CHANGE-REQUEST.
// Its parts are kept for that by corner: which of two IPs and two ports an answer leaves from.
//
// responder.respond computes every answer and touches no socket; udp.go and tcp.go only move bytes.
package stunsrv
