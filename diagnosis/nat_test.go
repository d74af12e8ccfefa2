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

// TestFamiliesApart: an IPv6 address that comes through as it is says nothing of the IPv4 NAT that was measured.
func TestFamiliesApart(t *testing.T) {
	r := newRecord()
	r.join("a", "198.51.100.1:5555")
	r.candidate("a", "alone-1", "1 1 udp 9 2001:db8:1::2 40001 typ host")
	r.candidate("a", "alone-1", "2 1 udp 9 10.1.0.2 40000 typ host")
	r.seen("a", "[2001:db8:1::2]:40001", 60, "[2001:db8::10]:3478")
	r.candidate("a", "alone-1", "3 1 udp 1 198.51.100.1 40000 typ srflx raddr 10.1.0.2 rport 40000")
	r.seen("a", "198.51.100.1:40000", 60, fourCorners...)
	r.start("a", "nat-1")
	r.closed("a", "nat-1", "198.51.100.1:41000", "198.51.100.1:41000")
	r.stop("a", "nat-1", protocol.OutcomeConnected)
	r.want(t, "a", "true", protocol.EndpointIndependent, protocol.AddressAndPortDependent)
	found := false
	for _, f := range diagnosis.Diagnose(r.events).Findings {
		if f.Code == protocol.CodeNoNATToServer {
			found = true
			if f.Summary.Args["family"] != "IPv6" || f.Summary.Args["other"] != "IPv4" {
				t.Errorf("it does not say of which family: %v", f.Summary)
			}
		}
	}
	if !found {
		t.Error("IPv6 is not translated, and nothing says so")
	}
}

// TestFilteringOfAnotherFamily counts for nothing beside the mapping of this one.
func TestFilteringOfAnotherFamily(t *testing.T) {
	r := newRecord()
	r.join("a", "198.51.100.1:5555")
	r.candidate("a", "alone-1", srflx("198.51.100.1", 40000))
	r.seen("a", "198.51.100.1:40000", 60, fourCorners...)
	r.start("a", "nat-1")
	r.closed("a", "nat-1", "[2001:db8:1::2]:41000", "[2001:db8:1::2]:41000")
	r.stop("a", "nat-1", protocol.OutcomeConnected)
	if n := r.nat(t, "a"); n.Mapping != protocol.EndpointIndependent || n.Filtering != protocol.NotMeasurable {
		t.Errorf("mapping %s filtering %s", n.Mapping, n.Filtering)
	}
}

// TestOneSocketOfTwo: of a machine with two interfaces, mapping, filtering and translation are of the one whose filtering was measured.
func TestOneSocketOfTwo(t *testing.T) {
	r := newRecord("198.51.100.0/24")
	r.join("a", "198.51.100.7:5555")
	r.candidate("a", "alone-1", "1 1 udp 9 198.51.100.7 40000 typ host")
	r.candidate("a", "alone-1", "2 1 udp 9 172.16.0.2 40001 typ host")
	r.candidate("a", "alone-1", "3 1 udp 9 198.51.100.99 50001 typ srflx raddr 172.16.0.2 rport 40001")
	r.seen("a", "198.51.100.7:40000", 64, fourCorners...)
	r.seen("a", "198.51.100.99:50001", 63, fourCorners...)
	r.start("a", "nat-1")
	r.closed("a", "nat-1", "198.51.100.99:51001", "198.51.100.99:51001")
	r.stop("a", "nat-1", protocol.OutcomeConnected)
	r.want(t, "a", "true", protocol.EndpointIndependent, protocol.AddressAndPortDependent)
}

// TestSecondMeasurement: until it has measured, the first stands; one that failed takes nothing back; one that measured is judged by its own gathering.
func TestSecondMeasurement(t *testing.T) {
	r := newRecord()
	r.ordinary("a", "198.51.100.1")
	state := func(want protocol.NATState, mapping, filtering protocol.Behavior) {
		t.Helper()
		if n := r.nat(t, "a"); n.State != want || n.Mapping != mapping || n.Filtering != filtering {
			t.Errorf("%s %s %s, want %s %s %s", n.State, n.Mapping, n.Filtering, want, mapping, filtering)
		}
	}
	settled := func(want bool) {
		t.Helper()
		f := diagnosis.NewFold()
		for i := range r.events {
			f.Add(&r.events[i])
		}
		if got := f.MappingSettled("a"); got != want {
			t.Errorf("settled %t, want %t", got, want)
		}
	}
	state(protocol.NATDone, protocol.EndpointIndependent, protocol.AddressAndPortDependent)
	settled(true)
	r.start("a", "nat-2")
	state(protocol.NATMeasuring, protocol.EndpointIndependent, protocol.AddressAndPortDependent)
	settled(false)
	r.stop("a", "nat-2", protocol.OutcomeFailed)
	state(protocol.NATDone, protocol.EndpointIndependent, protocol.AddressAndPortDependent)
	r.start("a", "nat-3")
	r.check("a", protocol.Check{Trial: "nat-3", Purpose: "filter", Corner: protocol.CornerSS, From: fourCorners[3], To: "203.0.113.7:41000", Result: "answered", Mapped: fourCorners[3]})
	r.candidate("a", "alone-3", srflx("203.0.113.7", 40000))
	r.candidate("a", "alone-3", srflx("203.0.113.7", 40001))
	r.seen("a", "203.0.113.7:40000", 60, fourCorners[:2]...)
	state(protocol.NATMeasuring, protocol.EndpointIndependent, protocol.AddressAndPortDependent)
	settled(false)
	r.seen("a", "203.0.113.7:40001", 60, fourCorners[2:]...)
	settled(true)
	r.stop("a", "nat-3", protocol.OutcomeConnected)
	state(protocol.NATDone, protocol.AddressDependent, protocol.EndpointIndependent)
}

// TestFailedMeasurement: one that failed measures nothing, and is over.
func TestFailedMeasurement(t *testing.T) {
	r := newRecord()
	r.join("a", "198.51.100.1:5555")
	r.start("a", "nat-1")
	r.check("a", protocol.Check{Trial: "nat-1", Purpose: "filter", Corner: protocol.CornerSS, From: fourCorners[3], To: "198.51.100.1:41000", Result: "answered"})
	r.stop("a", "nat-1", protocol.OutcomeFailed)
	if n := r.nat(t, "a"); n.State != protocol.NATDone || n.Filtering != protocol.NotMeasurable {
		t.Errorf("%s %s", n.State, n.Filtering)
	}
}

// TestCornersOfTheMeasurement: that another peer was measured while there were other corners takes nothing from this one.
func TestCornersOfTheMeasurement(t *testing.T) {
	r := newRecord()
	r.ordinary("a", "198.51.100.1")
	r.join("b", "198.51.100.2:5555")
	r.add(protocol.Event{Peer: "b", Type: protocol.EventStart, Start: &protocol.TrialStart{Trial: "nat-1", Offerer: "b",
		Corners: []protocol.CornerSet{{Primary: "192.0.2.10", Secondary: "203.0.113.99", PrimaryPort: 3478, SecondaryPort: 3479}}}})
	if m := r.nat(t, "a").Mapping; m != protocol.EndpointIndependent {
		t.Errorf("a: %s", m)
	}
}

// TestMaskedDualStack: a browser with one socket of each family, both masked. Chromium's foundation tells them apart; Firefox's names the server as well.
func TestMaskedDualStack(t *testing.T) {
	for agent, want := range map[string]protocol.Behavior{"Chrome/156.0": protocol.EndpointIndependent, "Firefox/145.0": protocol.NotMeasurable} {
		r := newRecord()
		r.joinAs("a", "198.51.100.1:5555", agent)
		r.candidate("a", "alone-1", "1 1 udp 9 11111111-1111-4111-8111-111111111111.local 40000 typ host")
		r.candidate("a", "alone-1", "2 1 udp 9 22222222-2222-4222-8222-222222222222.local 40001 typ host")
		r.candidate("a", "alone-1", srflx("198.51.100.1", 40000))
		r.seen("a", "198.51.100.1:40000", 60, fourCorners...)
		if m := r.nat(t, "a").Mapping; m != want {
			t.Errorf("%s: %s, want %s", agent, m, want)
		}
	}
}

// closedBoth are two peers whose NATs let nothing through to each other: both map by destination and filter by address and port.
func closedBoth(t *testing.T) *record {
	t.Helper()
	r := newRecord()
	for p, outside := range map[string]string{"a": "198.51.100.1", "b": "203.0.113.1"} {
		r.join(p, outside+":5555")
		for i, corner := range fourCorners {
			r.candidate(p, "alone-1", srflx(outside, 40000+i))
			r.seen(p, fmt.Sprintf("%s:%d", outside, 40000+i), 60, corner)
		}
		r.start(p, "nat-1")
		r.closed(p, "nat-1", outside+":41000", outside+":42000")
		r.stop(p, "nat-1", protocol.OutcomeConnected)
	}
	if e := diagnosis.Diagnose(r.events).Expectation; e == nil || e.Direct == nil || *e.Direct || e.Text.Key != "expect.no" {
		t.Fatalf("%+v", e)
	}
	return r
}

// connects: a trial in which a's selected pair has this remote candidate, and b's that one.
func (r *record) connects(trial protocol.TrialID, ofA, ofB protocol.SampleCandidate) {
	r.add(protocol.Event{Type: protocol.EventStart, Start: &protocol.TrialStart{Trial: trial, Offerer: "a", Answerer: "b", ICEServers: []protocol.ICEServer{{URLs: []string{"stun:192.0.2.10:3478"}}}}})
	for p, remote := range map[string]protocol.SampleCandidate{"a": ofA, "b": ofB} {
		remote.ID, remote.Protocol = "r", "udp"
		r.add(protocol.Event{Peer: p, Type: protocol.EventSample, Sample: &protocol.Sample{Trial: trial, Counters: true, SelectedPair: "p",
			Local:  []protocol.SampleCandidate{{ID: "l", Type: "host", Protocol: "udp", Address: "11111111-1111-4111-8111-111111111111.local", Port: 45000}},
			Remote: []protocol.SampleCandidate{remote}, Pairs: []protocol.SamplePair{{ID: "p", Local: "l", Remote: "r", State: "succeeded", Nominated: true}}}})
		r.add(protocol.Event{Peer: p, Type: protocol.EventState, State: &protocol.State{Trial: trial, What: "connection", Value: "connected"}})
	}
	r.add(protocol.Event{Type: protocol.EventStop, Stop: &protocol.Stop{Trial: trial, Outcome: protocol.OutcomeConnected, Reason: protocol.ReasonMeasured}})
}

// TestConnectedOtherwiseThanExpected: only a connection to an address that STUN told speaks against what the NATs let one expect.
func TestConnectedOtherwiseThanExpected(t *testing.T) {
	unmasked, masked := protocol.SampleCandidate{Type: "host", Address: "10.1.0.2", Port: 45000}, protocol.SampleCandidate{Type: "host", Port: 45000}
	hidden, told := protocol.SampleCandidate{Type: "prflx", Port: 45000}, protocol.SampleCandidate{Type: "srflx", Address: "203.0.113.1", Port: 40000}
	for name, x := range map[string]struct {
		trial    protocol.TrialID
		ofA, ofB protocol.SampleCandidate
		contra   bool
		key      string
	}{
		"hosts":                   {"stun-1", masked, unmasked, false, "expect.no-but-hosts"},
		"hosts without STUN":      {"host-1", masked, unmasked, false, "expect.no-but-hosts"},
		"one masked, then hidden": {"stun-1", hidden, unmasked, false, "expect.no"},
		"both hidden":             {"stun-1", hidden, hidden, false, "expect.no"},
		"the address outside":     {"stun-1", told, hidden, true, "expect.no"},
	} {
		r := closedBoth(t)
		r.connects(x.trial, x.ofA, x.ofB)
		d := diagnosis.Diagnose(r.events)
		fires := slices.ContainsFunc(d.Findings, func(f diagnosis.Finding) bool { return f.Code == protocol.CodeExpectationFailed })
		if d.Expectation.Contradicted != x.contra || fires != x.contra || d.Expectation.Text.Key != x.key {
			t.Errorf("%s: contradicted %t, finding %t, %s; want %t, %s", name, d.Expectation.Contradicted, fires, d.Expectation.Text.Key, x.contra, x.key)
		}
	}
}

// TestSameNATOfTwoFamilies: both come from one IPv4 address; that one of them has IPv6 as well changes nothing.
func TestSameNATOfTwoFamilies(t *testing.T) {
	r := newRecord()
	r.ordinary("a", "198.51.100.1")
	r.ordinary("b", "198.51.100.1")
	r.candidate("a", "alone-2", srflx("2001:db8:1::5", 40009))
	r.seen("a", "[2001:db8:1::5]:40009", 60, "[2001:db8::10]:3478")
	if e := diagnosis.Diagnose(r.events).Expectation; e == nil || e.Text.Key != "expect.same-nat" {
		t.Errorf("%+v", e)
	}
}

// TestExpectationOfOneFamily: one's IPv4 NAT and the other's IPv6 firewall are not played against each other.
func TestExpectationOfOneFamily(t *testing.T) {
	r := newRecord()
	for p, to := range map[string]string{"a": "198.51.100.1:41000", "b": "[2001:db8:1::2]:41000"} {
		r.join(p, to)
		r.start(p, "nat-1")
		r.check(p, protocol.Check{Trial: "nat-1", Purpose: "filter", Corner: protocol.CornerSS, From: fourCorners[3], To: to, Result: "answered"})
		r.stop(p, "nat-1", protocol.OutcomeConnected)
	}
	if e := diagnosis.Diagnose(r.events).Expectation; e == nil || e.Direct != nil {
		t.Errorf("%+v", e)
	}
}

// TestUnseenAddressOfAPool: an address from which no request was recorded may be one of a pool. The peer's own address as the server's answer is one that cannot be right.
func TestUnseenAddressOfAPool(t *testing.T) {
	for told, want := range map[string]protocol.Confidence{"198.51.100.3 40000": protocol.Likely, "10.1.0.2 40000": protocol.Certain} {
		r := newRecord()
		r.join("a", "198.51.100.1:5555")
		r.candidate("a", "alone-1", "1 1 udp 9 10.1.0.2 40000 typ host")
		r.seen("a", "198.51.100.1:40000", 60, fourCorners[0])
		r.add(protocol.Event{Peer: "a", Type: protocol.EventCandidate, Candidate: &protocol.Candidate{Trial: "alone-1", URL: "stun:" + fourCorners[2],
			Line: "candidate:2 1 udp 1 " + told + " typ srflx raddr 10.1.0.2 rport 40000"}})
		r.add(protocol.Event{Peer: "a", Type: protocol.EventPing, Ping: &protocol.Ping{RTTMs: 1}, AtMs: 5000})
		found := false
		for _, f := range diagnosis.Diagnose(r.events).Findings {
			if f.Code == protocol.CodeSTUNRewritten {
				found = true
				if f.Confidence != want {
					t.Errorf("%s: %s, want %s", told, f.Confidence, want)
				}
			}
		}
		if !found {
			t.Errorf("%s: nothing is found", told)
		}
	}
}

// TestAnotherNetworkIsNoShortLifetime: the browser's beat goes on from where its machine went, at the same corner.
func TestAnotherNetworkIsNoShortLifetime(t *testing.T) {
	for again, want := range map[string]bool{"198.51.100.1:40077": true, "203.0.113.77:40077": false} {
		r := newRecord()
		r.join("a", "198.51.100.1:5555")
		r.candidate("a", "alone-1", "1 1 udp 9 11111111-1111-4111-8111-111111111111.local 40000 typ host")
		r.candidate("a", "alone-1", srflx("198.51.100.1", 40000))
		r.seen("a", "198.51.100.1:40000", 60, fourCorners[0])
		at := r.events[len(r.events)-1].AtMs + 10_000
		r.candidate("a", "alone-1", "")
		r.seen("a", again, 60, fourCorners[0])
		r.events[len(r.events)-1].AtMs = at
		fires := slices.ContainsFunc(diagnosis.Diagnose(r.events).Findings, func(f diagnosis.Finding) bool { return f.Code == protocol.CodeShortMappingLifetime })
		if fires != want {
			t.Errorf("%s: fires %t, want %t", again, fires, want)
		}
	}
}
