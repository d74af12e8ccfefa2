// Package natprobe is the client of RFC 5780: it asks a STUN server from fresh ports and finds out how the NATs and filters between treat this machine.
// It speaks to servers of RFC 8489, RFC 5780 and RFC 3489.
//
// It never takes silence for an answer. A packet that did not come counts as filtered only where a control proved, on the same socket and later, that the
// corner that was to send it can be heard at all; otherwise the behaviour is not measurable.
//
// Probe decides nothing about words for people: it returns a protocol.NATResult whose sentences are empty, and package report writes them. classify.go holds
// what follows from the steps, and touches no socket; socket.go moves bytes; each other file is one experiment.
package natprobe
