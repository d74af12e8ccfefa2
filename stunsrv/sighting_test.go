package stunsrv

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icescope/icescope/protocol"
)

// TestSightings: the first is told at once, what comes within the pause is one sighting, and nothing is lost at the end.
func TestSightings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []protocol.Sighting
		s := newSightings(func(one protocol.Sighting) { told = append(told, one) })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.run(ctx) }()
		one := seen{source: client4, local: server4, kind: kindBinding, answered: true}
		other := seen{source: client6, local: server6, kind: kindWhoami, tcp: true}

		start := time.Now()
		s.add([]sight{{one, 61, []byte("agent\n\xff\x00" + strings.Repeat("x", 100)), nil}})
		synctest.Wait()
		if len(told) != 1 || time.Since(start) != 0 {
			t.Fatalf("%d told after %s", len(told), time.Since(start))
		}
		want := protocol.Sighting{Source: client4.String(), Local: server4.String(), Transport: "udp", Kind: "binding", Answered: true,
			UserAgent: "agent" + strings.Repeat("x", maxUserAgent-8), Requests: 1, SourceTTL: 61}
		if told[0] != want {
			t.Errorf("got %+v\nwant %+v", told[0], want)
		}
		for i := range 1000 {
			s.add([]sight{{seen: one, ttl: 64 + i%2}}) // two paths: one sighting, with the TTL of the first
		}
		s.add([]sight{{seen: other}})
		time.Sleep(sightingPause)
		synctest.Wait()
		if len(told) != 3 || told[1].Requests != 1000 || told[1].SourceTTL != 64 || told[2].Kind != "whoami" || told[2].Transport != "tcp" || told[2].Answered {
			t.Errorf("%+v", told)
		}
		s.add([]sight{{seen: other}})
		cancel()
		<-ended
		if len(told) != 4 {
			t.Errorf("%d told at the end", len(told))
		}
	})
}

// TestSightingsBounded: a flood of sources does not grow without end.
func TestSightingsBounded(t *testing.T) {
	s := newSightings(func(protocol.Sighting) {})
	for port := range 2 * maxSightings {
		s.add([]sight{{seen: seen{source: netip.AddrPortFrom(client4.Addr(), uint16(port)), local: server4}}})
	}
	if len(s.book.list) != maxSightings {
		t.Errorf("%d wait", len(s.book.list))
	}
}

// TestSightingUsername: checks of two trials from one source are two sightings; of one trial they are one. A USERNAME that cannot stand in a report whole is left out.
func TestSightingUsername(t *testing.T) {
	var told []protocol.Sighting
	s := newSightings(func(one protocol.Sighting) { told = append(told, one) })
	check := seen{source: client4, local: server4, kind: kindCheck}
	for _, username := range []string{"ours:a", "ours:b", "ours:a", strings.Repeat("x", maxUsername), strings.Repeat("x", maxUsername+1), "line\nbreak", "\xff:", ""} {
		s.add([]sight{{check, 64, nil, []byte(username)}})
	}
	s.add([]sight{{seen{source: client4, local: server4, kind: kindBinding}, 64, nil, []byte("not of a check")}})
	s.flush()
	var got []string
	for _, one := range told {
		got = append(got, one.Kind+" "+one.Username+" "+strconv.Itoa(one.Requests))
	}
	want := []string{"check ours:a 2", "check ours:b 1", "check " + strings.Repeat("x", maxUsername) + " 1", "check  4", "binding  1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
