package stunsrv

import (
	"bytes"
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/icescope/icescope/protocol"
)

const (
	// sightingPause is between two deliveries, so that a flood costs its receiver fifty calls a second for each source. A first request is told at once; a
	// candidate has 100 ms to reach both screens.
	sightingPause = 20 * time.Millisecond
	// maxSightings bounds what waits for delivery. What is over it is not told of.
	maxSightings = 4096
	// maxUserAgent is in bytes: SOFTWARE is others' text, of any length.
	maxUserAgent = 64
	// maxUsername is in bytes: two ufrags of 4 to 32 characters are usual. What is longer is nobody's that we know.
	maxUsername = 128
	// unknownTTL is for TCP: the segments of one request may each have come with another, and the kernel tells none of them.
	unknownTTL = 0
)

// seen is what makes two requests the same sighting; a check's USERNAME is a part of it as well, since two trials of one browser are two sightings.
type seen struct {
	source, local netip.AddrPort
	kind          kind
	tcp, answered bool
}

// sight is one request as a loop saw it. Its texts are parts of the request's buffer.
type sight struct {
	seen
	ttl                int
	software, username []byte
}

// waiting is a sighting that is not yet delivered.
type waiting struct {
	seen
	username, userAgent string
	ttl, requests       int
}

// sightings collects requests from all loops and delivers them from one goroutine: a read loop neither formats text nor waits for the receiver.
type sightings struct {
	deliver func(protocol.Sighting)
	wake    chan struct{}

	mu   sync.Mutex
	book *book
	idle *book // the other one; they take turns
}

func newSightings(deliver func(protocol.Sighting)) *sightings {
	return &sightings{deliver: deliver, book: newBook(), idle: newBook(), wake: make(chan struct{}, 1)}
}

// add counts requests, all those of a read together.
func (s *sightings) add(sights []sight) {
	if s.deliver == nil || len(sights) == 0 {
		return
	}
	s.mu.Lock()
	first := len(s.book.list) == 0
	for i := range sights {
		s.book.add(&sights[i])
	}
	s.mu.Unlock()
	if !first { // whoever was first has waked it
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run delivers until ctx ends, and then what is left.
func (s *sightings) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			s.flush()
			return
		case <-s.wake:
		}
		s.flush()
		select {
		case <-ctx.Done():
		case <-time.After(sightingPause):
		}
	}
}

func (s *sightings) flush() {
	s.mu.Lock()
	book := s.book
	s.book = s.idle
	s.mu.Unlock()
	for i := range book.list {
		w := &book.list[i]
		one := protocol.Sighting{Source: text(w.source), Local: text(w.local), Transport: "udp", Kind: w.kind.String(), Answered: w.answered,
			UserAgent: w.userAgent, Username: w.username, Requests: w.requests, SourceTTL: w.ttl}
		if w.tcp {
			one.Transport = "tcp"
		}
		s.deliver(one)
	}
	book.clear()
	s.mu.Lock()
	s.idle = book
	s.mu.Unlock()
}

// text leaves out the zone: it is this machine's word for an interface, and no candidate has it.
func text(a netip.AddrPort) string {
	if !a.IsValid() { // a corner that this server does not have
		return ""
	}
	return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port()).String()
}

// wholeUsername is USERNAME where it may stand in a report whole, else empty: a part of it would be another's name.
func wholeUsername(b []byte) []byte {
	if len(b) > maxUsername || !utf8.Valid(b) || bytes.ContainsFunc(b, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return nil
	}
	return b
}

func usernameText(b []byte) string { return string(wholeUsername(b)) }

// printable cuts others' text to what may stand in a report.
func printable(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > maxUserAgent {
		b = b[:maxUserAgent]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, string(b))
}
