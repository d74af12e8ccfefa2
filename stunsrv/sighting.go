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

// seen is what makes two requests the same sighting.
type seen struct {
	source, local netip.AddrPort
	kind          kind
	tcp, answered bool
	username      string // of a check: two trials of one browser are two sightings
}

// sightings collects requests from all loops and delivers them from one goroutine: a read loop neither formats text nor waits for the receiver.
type sightings struct {
	deliver func(protocol.Sighting)

	mu      sync.Mutex
	waiting map[seen]*protocol.Sighting // Requests, UserAgent and SourceTTL only
	order   []seen
	wake    chan struct{}
}

func newSightings(deliver func(protocol.Sighting)) *sightings {
	return &sightings{deliver: deliver, waiting: make(map[seen]*protocol.Sighting), wake: make(chan struct{}, 1)}
}

// add counts a request. The TTL is not part of what makes a sighting, or a path that changes would split it: those that are merged have the first's.
func (s *sightings) add(what seen, ttl int, software, username []byte) {
	if s.deliver == nil {
		return
	}
	if what.kind == kindCheck {
		what.username = usernameText(username)
	}
	s.mu.Lock()
	if known, ok := s.waiting[what]; ok {
		known.Requests++
		s.mu.Unlock()
		return
	}
	if len(s.order) < maxSightings {
		s.waiting[what] = &protocol.Sighting{Requests: 1, UserAgent: printable(software), SourceTTL: ttl}
		s.order = append(s.order, what)
	}
	s.mu.Unlock()
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
	waiting, order := s.waiting, s.order
	s.waiting, s.order = make(map[seen]*protocol.Sighting), nil
	s.mu.Unlock()
	for _, what := range order {
		one := *waiting[what]
		one.Source, one.Local = text(what.source), text(what.local)
		one.Username = what.username
		one.Kind, one.Answered, one.Transport = what.kind.String(), what.answered, "udp"
		if what.tcp {
			one.Transport = "tcp"
		}
		s.deliver(one)
	}
}

// text leaves out the zone: it is this machine's word for an interface, and no candidate has it.
func text(a netip.AddrPort) string {
	return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port()).String()
}

// usernameText is USERNAME where it may stand in a report whole, else empty: a part of it would be another's name.
func usernameText(b []byte) string {
	if len(b) > maxUsername || !utf8.Valid(b) || bytes.ContainsFunc(b, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return string(b)
}

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
