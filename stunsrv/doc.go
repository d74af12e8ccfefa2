// Package stunsrv is the STUN server of icescope (RFC 8489): Binding over UDP and TCP on two ports, and the plain question "whoami" beside it.
// It also sends signed connectivity checks (RFC 8445 section 7.2.2) from its own UDP sockets, and tells of every request that it saw.
//
// Where the machine has a second IP it is an RFC 5780 server with four corners: pair.go says which two IPs these are, corners.go tells others of them. It also answers
// clients of RFC 3489. It is not a TURN server.
//
// responder.respond computes every answer, and from which corner to whom it goes, and touches no socket; udp.go and tcp.go only move bytes.
package stunsrv
