package diagnosis_test

import (
	"encoding/json"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// swap exchanges the names of two peers in a recording.
func swap(t rapid.TB, events []protocol.Event, x, y string) []protocol.Event {
	t.Helper()
	rename := func(id string) string {
		switch id {
		case x:
			return y
		case y:
			return x
		}
		return id
	}
	b, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	var out []protocol.Event
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	for i := range out {
		e := &out[i]
		e.Peer = rename(e.Peer)
		if e.Joined != nil {
			e.Joined.Beside = rename(e.Joined.Beside)
		}
		if e.Start != nil {
			e.Start.Offerer, e.Start.Answerer = rename(e.Start.Offerer), rename(e.Start.Answerer)
		}
	}
	return out
}

// codes is what a diagnosis says, without sentences, in an order that does not depend on names.
func codes(d diagnosis.Diagnosis, rename func(string) string) []string {
	var out []string
	for _, f := range d.Findings {
		peers := make([]string, len(f.Peers))
		for i, p := range f.Peers {
			peers[i] = rename(p)
		}
		slices.Sort(peers)
		s := strings.Join([]string{string(f.Code), string(f.Severity), string(f.Confidence), strings.Join(peers, "+"), string(f.Trial)}, " ")
		if f.Direction != nil {
			s += " " + rename(f.Direction.From) + ">" + rename(f.Direction.To)
		}
		out = append(out, s)
	}
	sort.Strings(out)
	return append(out, string(d.Verdict.Needs), string(d.Verdict.Cause), string(d.Verdict.Confidence))
}

func same(id string) string { return id }

func mirror(id string) string {
	switch id {
	case "a":
		return "b"
	case "b":
		return "a"
	}
	return id
}

func checkMirror(t rapid.TB, events []protocol.Event) {
	t.Helper()
	want := codes(diagnosis.Diagnose(events), same)
	got := codes(diagnosis.Diagnose(swap(t, events, "a", "b")), mirror)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the swapped recording is diagnosed otherwise, -as recorded +swapped\n%s", d)
	}
}

// lastingStep is after how many events checkLasting and TestNoDefaultRouteWaits diagnose: after each, but for the race detector, which makes that ten times as slow and finds nothing in a pure room.
var lastingStep = 1

// checkLasting feeds a recording event by event: what is certain once must be so at the end.
func checkLasting(t rapid.TB, events []protocol.Event) {
	t.Helper()
	f := diagnosis.NewFold()
	certain := map[string]int{}
	var last diagnosis.Diagnosis
	for i := range events {
		f.Add(&events[i])
		if i%lastingStep != 0 && i < len(events)-1 {
			continue
		}
		last = f.Diagnose()
		for _, x := range last.Findings {
			if _, ok := certain[x.ID()]; x.Confidence == protocol.Certain && !ok {
				certain[x.ID()] = i
			}
		}
	}
	for id, since := range certain {
		if !slices.ContainsFunc(last.Findings, func(x diagnosis.Finding) bool { return x.ID() == id && x.Confidence == protocol.Certain }) {
			t.Errorf("%s was certain after event %d and is not at the end", id, since)
		}
	}
}

func TestSwappingPeersMirrorsFindings(t *testing.T) {
	for _, s := range stories(t) {
		t.Run(s.name, func(t *testing.T) { checkMirror(t, s.recording) })
	}
	t.Run("any", func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) { checkMirror(r, recordings().Draw(r, "recording")) })
	})
}

func TestCertainLasts(t *testing.T) {
	for _, s := range stories(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			checkLasting(t, s.recording)
		})
	}
	t.Run("any", func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) { checkLasting(r, recordings().Draw(r, "recording")) })
	})
}

// TestFoldIsPure: folding piecemeal with diagnoses in between gives what folding at once gives.
func TestFoldIsPure(t *testing.T) {
	for _, s := range stories(t) {
		f := diagnosis.NewFold()
		for i := range s.recording {
			f.Add(&s.recording[i])
			if i%7 == 0 {
				f.Diagnose()
			}
		}
		if d := cmp.Diff(outline(diagnosis.Diagnose(s.recording)), outline(f.Diagnose())); d != "" {
			t.Errorf("%s: %s", s.name, d)
		}
	}
}

// recordings are event lists from a small world: two peers, few addresses, few ports, so that events meet each other. Its networks may be absurd, the telling is
// honest: time goes on, counters never fall nor vanish, a machine keeps its addresses, inside and outside, an end has no candidate after its last one and asked the
// server before that, and no sample shows other sockets than the one before. What is certain rests on this.
func recordings() *rapid.Generator[[]protocol.Event] {
	return rapid.Custom(func(t *rapid.T) []protocol.Event {
		addresses := []string{"10.1.0.2", "10.9.0.2", "10.9.0.1", "x.local", "y.local", "fe80::1"}
		trials := []protocol.TrialID{"host-1", "stun-1", "alone-1", "custom-2"}
		address, trial := rapid.SampledFrom(addresses), rapid.SampledFrom(trials)
		port := rapid.SampledFrom([]int{500, 5000, 5001})
		typ := rapid.SampledFrom([]string{"host", "srflx", "prflx"})
		own := map[string]*rapid.Generator[string]{}
		outside := map[string]string{}
		counted := map[string]bool{}
		for _, peer := range []string{"a", "b"} {
			own[peer] = rapid.SampledFrom(rapid.SliceOfN(address, 1, 2).Draw(t, "own"))
			outside[peer] = address.Draw(t, "outside")
			counted[peer] = rapid.IntRange(0, 3).Draw(t, "counted") > 0
		}
		addressOf := func(peer, typ string) string {
			switch typ {
			case "host":
				return own[peer].Draw(t, "address")
			case "srflx":
				return outside[peer]
			}
			return address.Draw(t, "address")
		}
		insecure := false
		servers := []protocol.ICEServer{{URLs: []string{"stun:10.9.0.10:3478"}}}
		events := []protocol.Event{
			{Type: protocol.EventRoom, Room: &protocol.RoomMade{Prefixes: []string{"10.9.0.0/24"}, ICEServers: servers}},
			{Type: protocol.EventJoined, Peer: "a", Joined: &protocol.Joined{Kind: protocol.KindBrowser, HTTPAddress: "10.9.0.1:1", UserAgent: "Chrome/156"}},
			{Type: protocol.EventJoined, Peer: "b", Joined: &protocol.Joined{Kind: protocol.KindBrowser, HTTPAddress: "10.9.0.2:1", UserAgent: "Chrome/156"}},
			{Type: protocol.EventStart, Start: &protocol.TrialStart{Trial: "host-1", Offerer: "a", Answerer: "b"}},
			{Type: protocol.EventStart, Start: &protocol.TrialStart{Trial: "stun-1", Offerer: "a", Answerer: "b", ICEServers: servers}},
			{Type: protocol.EventStart, Start: &protocol.TrialStart{Trial: "custom-2", Offerer: "b", Answerer: "a", ICEServers: servers}},
		}
		at := 0.0
		var signaled []int
		samples := map[string]*protocol.Sample{} // the newest, by peer and trial
		gathered := map[string]bool{}            // by peer and trial, and by peer
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			at += rapid.Float64Range(0, 900).Draw(t, "dt")
			e := protocol.Event{Peer: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "peer")}
			id := trial.Draw(t, "trial")
			switch rapid.IntRange(0, 8).Draw(t, "what") {
			case 0, 1:
				if gathered[e.Peer+string(id)] {
					continue
				}
				line := ""
				if rapid.IntRange(0, 5).Draw(t, "end") > 0 {
					kind := typ.Draw(t, "typ")
					line = "candidate:1 1 udp 2113937151 " + addressOf(e.Peer, kind) + " " + itoa(port.Draw(t, "port")) + " typ " + kind
				}
				gathered[e.Peer+string(id)], gathered[e.Peer] = line == "", gathered[e.Peer] || line == ""
				e.Type, e.Candidate = protocol.EventCandidate, &protocol.Candidate{Trial: id, Line: line}
				signaled = append(signaled, len(events))
			case 2:
				if len(signaled) == 0 {
					continue
				}
				e.Type, e.Applied = protocol.EventApplied, &protocol.Applied{Trial: id, Ref: rapid.SampledFrom(signaled).Draw(t, "ref"), OK: rapid.Bool().Draw(t, "ok")}
			case 3, 4:
				key := e.Peer + string(id)
				if samples[key] == nil && gathered[key] {
					continue // it would show a socket of which nothing was told
				}
				if samples[key] == nil {
					cand := func(name, peer string) protocol.SampleCandidate {
						kind := typ.Draw(t, "typ")
						return protocol.SampleCandidate{ID: name, Type: kind, Protocol: "udp", Address: addressOf(peer, kind), Port: port.Draw(t, "port")}
					}
					far := map[string]string{"a": "b", "b": "a"}[e.Peer]
					samples[key] = &protocol.Sample{Trial: id, Counters: true, Local: []protocol.SampleCandidate{cand("l", e.Peer)},
						Remote: []protocol.SampleCandidate{cand("r", far), cand("q", far)}, Pairs: []protocol.SamplePair{{ID: "r", Local: "l", Remote: "r"}, {ID: "q", Local: "l", Remote: "q"}}}
				}
				s := *samples[key]
				s.Pairs = slices.Clone(s.Pairs)
				for i := range s.Pairs {
					p := &s.Pairs[i]
					p.State = "in-progress"
					for _, n := range []**int64{&p.RequestsSent, &p.RequestsReceived, &p.ResponsesSent, &p.ResponsesReceived} {
						if counted[e.Peer] {
							*n = more(t, *n)
						}
					}
				}
				samples[key] = &s
				e.Type, e.Sample = protocol.EventSample, &s
			case 5:
				e.Type, e.State = protocol.EventState, &protocol.State{Trial: id, What: rapid.SampledFrom([]string{"gathering", "ice", "connection"}).Draw(t, "what"),
					Value: rapid.SampledFrom([]string{"complete", "connected", "failed"}).Draw(t, "value")}
				if e.State.What == "gathering" && e.State.Value == "complete" {
					gathered[e.Peer+string(id)], gathered[e.Peer] = true, true
				}
			case 6:
				if gathered[e.Peer] {
					continue
				}
				e.Type, e.Sighting = protocol.EventSighting, &protocol.Sighting{Source: outside[e.Peer] + ":5000", Local: "10.9.0.10:3478", Transport: "udp", Kind: "binding", Answered: true,
					SourceTTL: rapid.SampledFrom([]int{0, 63, 64}).Draw(t, "ttl")}
			case 7:
				e.Type, e.CandidateError = protocol.EventCandidateError, &protocol.CandidateError{Trial: id, Code: 701, URL: "stun:10.9.0.10:3478"}
			case 8:
				switch rapid.IntRange(0, 3).Draw(t, "rare") {
				case 0:
					e = protocol.Event{Type: protocol.EventStop, Stop: &protocol.Stop{Trial: id, Outcome: protocol.OutcomeFailed, Reason: protocol.ReasonUnanswered}}
				case 1:
					e.Type, e.Environment = protocol.EventEnvironment, &protocol.Environment{SecureContext: &insecure}
				case 2:
					e.Type, e.Check = protocol.EventCheck, &protocol.Check{Trial: id, To: "10.1.0.2:5000", Result: "non-symmetric", Answerer: "10.9.0.1:5000"}
				default:
					e.Type, e.Left = protocol.EventLeft, &protocol.Left{Reason: "leave"}
				}
			}
			e.AtMs = at
			events = append(events, e)
		}
		for i := range events {
			events[i].Seq = i
		}
		return events
	})
}

// more is a counter that has gone on.
func more(t *rapid.T, n *int64) *int64 {
	sum := rapid.Int64Range(0, 20).Draw(t, "more")
	if n != nil {
		sum += *n
	}
	return &sum
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// FuzzDiagnose: whatever a file holds, a diagnosis comes out and nothing panics.
func FuzzDiagnose(f *testing.F) {
	for _, s := range stories(f) {
		var lines []string
		for _, e := range s.recording[:min(len(s.recording), 40)] {
			b, _ := json.Marshal(e)
			lines = append(lines, string(b))
		}
		f.Add(strings.Join(lines, "\n"))
	}
	f.Add(`{"type":"joined","peer":"a","joined":{"kind":"browser"}}`)
	f.Fuzz(func(_ *testing.T, text string) {
		var events []protocol.Event
		for line := range strings.Lines(text) {
			var e protocol.Event
			if json.Unmarshal([]byte(line), &e) == nil {
				events = append(events, e)
			}
		}
		fold := diagnosis.NewFold()
		for i := range events {
			fold.Add(&events[i])
		}
		fold.Diagnose()
		for _, id := range fold.Running() {
			fold.Ending(id, 1e6)
		}
	})
}

// TestNoDefaultRouteWaits: a masked host candidate comes after the reflexive one. The page must not say in between that there is none.
func TestNoDefaultRouteWaits(t *testing.T) {
	for _, s := range stories(t) {
		if strings.HasPrefix(s.name, "no-default-route") || strings.HasPrefix(s.name, "host-candidates-suppressed") {
			continue // there it is so, or possible
		}
		f := diagnosis.NewFold()
		for i := range s.recording {
			f.Add(&s.recording[i])
			if i%lastingStep != 0 {
				continue
			}
			if slices.ContainsFunc(f.Diagnose().Findings, func(x diagnosis.Finding) bool { return x.Code == protocol.CodeNoDefaultRoute }) {
				t.Errorf("%s: no-default-route after event %d", s.name, i)
				break
			}
		}
	}
}
