// Package peer is the headless end of a room: what a browser tab does, done by pion on a machine without a browser.
//
// It runs the same trials as a page, speaks the same frames, and is judged by the same rules. Beside what a browser tells, it counts responses that
// came from another address than was asked (RFC 8445 section 7.2.5.2.1), which no browser shows, and names the server of each srflx candidate.
//
// It is not the place for a verdict: that is the server's, and comes with the snapshots.
package peer
