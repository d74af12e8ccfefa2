package peer_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/transport/v4/vnet"
)

func state(id protocol.TrialID, what, value string) func(protocol.ClientMessage) bool {
	return func(m protocol.ClientMessage) bool {
		return m.State != nil && m.State.Trial == id && m.State.What == what && m.State.Value == value
	}
}

// A path that dies under a held connection and comes back: ICE is restarted until it is up again, in the same trial, over the same DTLS.
func TestHeldConnectionComesBack(t *testing.T) {
	t.Parallel()
	n := buildNetwork(t, nil)
	defer n.stop()
	var cut atomic.Bool
	n.wan.AddChunkFilter(func(vnet.Chunk) bool { return !cut.Load() })
	r := newRoom(t, stunServer)
	leave := r.join(n.a, n.b)
	defer leave()

	trial := r.start(protocol.TrialSTUN, func(s *protocol.Start) { s.HoldMs, s.RestartMs = 60_000, 1000 })
	for _, id := range []string{"a", "b"} {
		r.wait(id, "a measurement", measured(trial))
	}
	cut.Store(true)
	r.wait("a", "the loss", state(trial, "ice", "disconnected"))
	r.wait("a", "a restart", state(trial, "restart", "begun"))
	again := r.wait("a", "the offer of the restart", func(m protocol.ClientMessage) bool {
		return m.Description != nil && m.Description.Trial == trial && m.Description.Kind == "offer" && m.Description.AtMs > 3000
	})
	cut.Store(false)
	r.wait("a", "the connection", state(trial, "restart", "connected"))
	leave()

	first := r.all("a", func(m protocol.ClientMessage) bool { return m.Description != nil && m.Description.Trial == trial })[0]
	if ufrag(first) == ufrag(again) || ufrag(first) == "" {
		t.Errorf("the restart has the credentials of before: %q", ufrag(first))
	}
	generations := map[string]map[int]bool{"a": {}, "b": {}}
	for id, seen := range generations {
		for _, m := range r.all(id, func(m protocol.ClientMessage) bool { return m.Candidate != nil && m.Candidate.Trial == trial }) {
			seen[m.Candidate.Generation] = true
			if m.Candidate.Line != "" && m.Candidate.UsernameFragment == "" {
				t.Errorf("%s: %+v", id, m.Candidate)
			}
		}
		if !seen[0] || !seen[1] {
			t.Errorf("%s: candidates of the generations %v", id, seen)
		}
		all := r.all(id, samples(trial))
		if last := all[len(all)-1].Sample; last.DTLSState != "connected" || *selected(last).ResponsesReceived == 0 {
			t.Errorf("%s: last sample %+v", id, last)
		}
		if got := r.all(id, func(m protocol.ClientMessage) bool { return m.Applied != nil && !m.Applied.OK || m.TrialError != nil }); len(got) > 0 {
			t.Errorf("%s: %+v %+v", id, got[0].Applied, got[0].TrialError)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	described := map[string]bool{}
	for _, f := range r.frames {
		switch {
		case f.Description != nil && f.Description.Trial == trial:
			described[f.from+ufrag(f.ClientMessage)] = true
		case f.Candidate != nil && f.Candidate.Trial == trial && f.Candidate.Line != "" && !described[f.from+f.Candidate.UsernameFragment]:
			t.Errorf("%s: a candidate before its description: %+v", f.from, f.Candidate)
		}
	}
}

func ufrag(m protocol.ClientMessage) string {
	_, after, _ := strings.Cut(m.Description.SDP, "a=ice-ufrag:")
	value, _, _ := strings.Cut(after, "\r\n")
	return value
}

// RFC 8839 section 5.4: fragments of up to 256 characters.
func TestLongUsernameFragments(t *testing.T) {
	t.Parallel()
	n := buildNetwork(t, nil)
	defer n.stop()
	r := newRoom(t)
	defer r.join(n.a, n.b)()
	trial := r.start(protocol.TrialHost, func(s *protocol.Start) { s.UfragLength, s.Family = 256, "ipv4" })
	for _, id := range []string{"a", "b"} {
		r.wait(id, "connected", connected(trial))
		if m := r.all(id, func(m protocol.ClientMessage) bool { return m.Description != nil && m.Description.Trial == trial })[0]; len(ufrag(m)) != 256 {
			t.Errorf("%s: %q", id, ufrag(m))
		}
	}
}
