package diagnosis_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// record is a recording made up in memory, for what the lab cannot show in few events.
type record struct{ events []protocol.Event }

func (r *record) add(e protocol.Event) {
	e.Seq = len(r.events)
	if e.AtMs == 0 {
		e.AtMs = float64(10 * len(r.events))
	}
	r.events = append(r.events, e)
}

// The server's four corners in the order PP, PS, SP, SS.
var fourCorners = []string{"192.0.2.10:3478", "192.0.2.10:3479", "192.0.2.11:3478", "192.0.2.11:3479"}

func newRecord(prefixes ...string) *record {
	r := &record{}
	r.add(protocol.Event{Type: protocol.EventRoom, Room: &protocol.RoomMade{Schema: protocol.RecordingSchema, STUN: append(slices.Clone(fourCorners), "[2001:db8::10]:3478"),
		Prefixes: prefixes, NATChecks: true, Corners: []protocol.CornerSet{{Primary: "192.0.2.10", Secondary: "192.0.2.11", PrimaryPort: 3478, SecondaryPort: 3479}}}})
	return r
}

func (r *record) join(p, from string) {
	r.joinAs(p, from, "")
}

func (r *record) joinAs(p, from, agent string) {
	r.add(protocol.Event{Peer: p, Type: protocol.EventJoined, Joined: &protocol.Joined{Kind: protocol.KindBrowser, HTTPAddress: from, Host: "192.0.2.10", UserAgent: agent,
		Trials: []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN, protocol.TrialNAT}}})
}

func (r *record) candidate(p string, trial protocol.TrialID, line string) {
	if line != "" {
		line = "candidate:" + line
	}
	r.add(protocol.Event{Peer: p, Type: protocol.EventCandidate, Candidate: &protocol.Candidate{Trial: trial, Line: line}})
}

// seen: the peer's socket was answered as source by each of the corners.
func (r *record) seen(p, source string, ttl int, corners ...string) {
	for _, c := range corners {
		r.add(protocol.Event{Peer: p, Type: protocol.EventSighting, Sighting: &protocol.Sighting{Source: source, Local: c, Transport: "udp", Kind: "binding", Answered: true, Requests: 1, SourceTTL: ttl}})
	}
}

func (r *record) check(p string, x protocol.Check) {
	r.add(protocol.Event{Peer: p, Type: protocol.EventCheck, Check: &x})
}

func (r *record) start(p string, trial protocol.TrialID) {
	r.add(protocol.Event{Peer: p, Type: protocol.EventStart, Start: &protocol.TrialStart{Trial: trial, Offerer: p}})
}

func (r *record) stop(p string, trial protocol.TrialID, outcome protocol.Outcome) {
	r.add(protocol.Event{Peer: p, Type: protocol.EventStop, Stop: &protocol.Stop{Trial: trial, Outcome: outcome, Reason: protocol.ReasonMeasured}})
}

// closed: no corner is let in, and each is heard at control once it was asked.
func (r *record) closed(p string, trial protocol.TrialID, to, control string) {
	for i, c := range []protocol.Corner{protocol.CornerPS, protocol.CornerSP, protocol.CornerSS} {
		from := fourCorners[i+1]
		r.check(p, protocol.Check{Trial: trial, Purpose: "filter", Corner: c, From: from, To: to, Sent: 4, Result: "unanswered"})
		r.check(p, protocol.Check{Trial: trial, Purpose: "control", Corner: c, From: from, To: control, Sent: 1, Result: "answered", Answerer: control, Mapped: from})
	}
}

func srflx(address string, port int) string {
	return fmt.Sprintf("1 1 udp 1677729535 %s %d typ srflx raddr 0.0.0.0 rport 0", address, port)
}

// ordinary is a peer behind an ordinary NAT, measured.
func (r *record) ordinary(p, outside string) {
	r.join(p, outside+":5555")
	r.candidate(p, "alone-1", srflx(outside, 40000))
	r.seen(p, outside+":40000", 60, fourCorners...)
	r.start(p, "nat-1")
	r.closed(p, "nat-1", outside+":41000", outside+":41000")
	r.stop(p, "nat-1", protocol.OutcomeConnected)
}

func (r *record) nat(t *testing.T, p string) protocol.NATReport {
	t.Helper()
	for _, x := range diagnosis.Diagnose(r.events).Peers {
		if x.ID == p {
			return x.NAT
		}
	}
	t.Fatal("no such peer: " + p)
	return protocol.NATReport{}
}

func (r *record) want(t *testing.T, p string, translated string, mapping, filtering protocol.Behavior) {
	t.Helper()
	n := r.nat(t, p)
	if got := three(n.Translated); got != translated || n.Mapping != mapping || n.Filtering != filtering {
		t.Errorf("%s: translated %s mapping %s filtering %s, want %s %s %s", p, got, n.Mapping, n.Filtering, translated, mapping, filtering)
	}
}

func TestOrdinaryNAT(t *testing.T) {
	r := newRecord("198.51.100.0/24")
	r.ordinary("a", "198.51.100.1")
	r.want(t, "a", "true", protocol.EndpointIndependent, protocol.AddressAndPortDependent)
}

// TestControlOnAnotherPath: the second corner meets the peer under another IP than the one that was tested, so its silence there may be that of the way.
func TestControlOnAnotherPath(t *testing.T) {
	r := newRecord()
	r.join("a", "198.51.100.1:5555")
	r.start("a", "nat-1")
	r.closed("a", "nat-1", "198.51.100.1:41000", "10.1.0.2:41000")
	r.stop("a", "nat-1", protocol.OutcomeConnected)
	if f := r.nat(t, "a").Filtering; f != protocol.NotMeasurable {
		t.Errorf("filtering %s from a control that took another way", f)
	}
}

// TestTwoPathsAreNoDependentMapping: one IP towards the first corner and another towards the second may be two ways; two ports under one IP are one NAT that maps anew.
func TestTwoPathsAreNoDependentMapping(t *testing.T) {
	for _, x := range []struct {
		second string
		port   int
		want   protocol.Behavior
	}{{"10.1.0.2", 40000, protocol.NotMeasurable}, {"198.51.100.2", 40001, protocol.NotMeasurable}, {"198.51.100.1", 40001, protocol.AddressDependent}} {
		r := newRecord()
		r.join("a", "198.51.100.1:5555")
		r.candidate("a", "alone-1", srflx("198.51.100.1", 40000))
		r.candidate("a", "alone-1", srflx(x.second, x.port))
		r.seen("a", "198.51.100.1:40000", 60, fourCorners[:2]...)
		r.seen("a", fmt.Sprintf("%s:%d", x.second, x.port), 60, fourCorners[2:]...)
		if m := r.nat(t, "a").Mapping; m != x.want {
			t.Errorf("%s:%d: %s, want %s", x.second, x.port, m, x.want)
		}
	}
}

// TestCheckFromElsewhere: a NAT before the server made the check from both others come from elsewhere; that it was let in says nothing of them.
func TestCheckFromElsewhere(t *testing.T) {
	for mapped, want := range map[string]protocol.Behavior{"": protocol.EndpointIndependent, fourCorners[3]: protocol.EndpointIndependent, "203.0.113.5:3478": protocol.NotMeasurable} {
		r := newRecord()
		r.join("a", "198.51.100.1:5555")
		r.start("a", "nat-1")
		r.check("a", protocol.Check{Trial: "nat-1", Purpose: "filter", Corner: protocol.CornerSS, From: fourCorners[3], To: "198.51.100.1:41000", Result: "answered", Mapped: mapped})
		r.stop("a", "nat-1", protocol.OutcomeConnected)
		n := r.nat(t, "a")
		if n.Filtering != want {
			t.Errorf("mapped %q: %s, want %s", mapped, n.Filtering, want)
		}
	}
}
