package diagnosis_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// made is a recording of one browser that gathers with pasted servers, and what is told after.
func made(servers []protocol.ICEServer, more ...protocol.Event) []protocol.Event {
	events := append([]protocol.Event{
		{Type: protocol.EventRoom, Room: &protocol.RoomMade{Started: "2026-01-01T00:00:00Z"}},
		{Type: protocol.EventJoined, Peer: "a", Joined: &protocol.Joined{Kind: protocol.KindBrowser, UserAgent: "Chrome/156", HTTPAddress: "10.1.0.2:1"}},
		{Type: protocol.EventStart, Peer: "a", Start: &protocol.TrialStart{Trial: "gather-1", Offerer: "a", ICEServers: servers}},
	}, more...)
	for i := range events {
		events[i].Seq, events[i].AtMs = i, float64(i*100)
	}
	return events
}

func candidateError(code int, text, url, address string) protocol.Event {
	return protocol.Event{Type: protocol.EventCandidateError, Peer: "a", CandidateError: &protocol.CandidateError{Trial: "gather-1", Code: code, Text: text, URL: url, Address: address}}
}

func probe(what string, answered bool) protocol.Event {
	return protocol.Event{Type: protocol.EventProbe, Peer: "a", Probe: &protocol.Probe{What: what, To: "10.9.0.10:3478", Sent: 4, Answered: answered}}
}

// What servers say of themselves is read by its code, and a name's other family is no failure.
func TestServers(t *testing.T) {
	complete := protocol.Event{Type: protocol.EventState, Peer: "a", State: &protocol.State{Trial: "gather-1", What: "gathering", Value: "complete"}}
	turn := func(user string) []protocol.ICEServer {
		return []protocol.ICEServer{{URLs: []string{"turn:10.9.0.20:3478"}, Username: user}}
	}
	named := []protocol.ICEServer{{URLs: []string{"stun:stun.plant.example:3478"}}}
	candidate := func(line, url string) protocol.Event {
		return protocol.Event{Type: protocol.EventCandidate, Peer: "a", Candidate: &protocol.Candidate{Trial: "gather-1", Line: line, URL: url}}
	}
	host := func(ip string, port int) protocol.Event {
		return candidate("candidate:1 1 udp 2122260223 "+ip+" "+strconv.Itoa(port)+" typ host", "")
	}
	relayed := candidate("candidate:1 1 udp 1 10.9.0.20 50000 typ relay raddr 10.1.0.2 rport 40000", "turn:10.9.0.20:3478?transport=udp")
	reflexive := candidate("candidate:1 1 udp 1 10.1.0.1 50000 typ srflx raddr 0.0.0.0 rport 0", "stun:10.9.0.10:3478")
	plain := []protocol.ICEServer{{URLs: []string{"stun:10.9.0.10:3478"}}}
	lookup := "STUN host lookup received error."
	for _, c := range []struct {
		name   string
		events []protocol.Event
		want   string // code, confidence, ending of the summary's key; empty: none
	}{
		{"password", made(turn("alice"), candidateError(401, "Unauthorized", "turn:10.9.0.20:3478?transport=udp", ""), complete), "relay-unusable certain .summary-credentials"},
		{"expired", made(turn("1700000000:alice"), candidateError(401, "", "turn:10.9.0.20:3478", ""), complete), "relay-unusable likely .summary-expired"},
		{"not expired", made(turn("4000000000:alice"), candidateError(401, "", "turn:10.9.0.20:3478", ""), complete), "relay-unusable certain .summary-credentials"},
		{"a number far too high", made(turn("99999999999999999:alice"), candidateError(401, "", "turn:10.9.0.20:3478", ""), complete), "relay-unusable certain .summary-credentials"},
		{"quota", made(turn("alice"), candidateError(486, "", "turn:10.9.0.20:3478", ""), complete), "relay-unusable certain .summary-quota"},
		{"forbidden", made(turn("alice"), candidateError(403, "", "turn:10.9.0.20:3478", ""), complete), "relay-unusable certain .summary-refused"},
		{"silent", made(turn("alice"), candidateError(701, "TURN allocate request timed out.", "turn:10.9.0.20:3478?transport=udp", ""), complete), "relay-unusable certain .summary-silent"},
		{"refused once, and given an address", made(turn("alice"), candidateError(437, "", "turn:10.9.0.20:3478", ""), relayed, complete), ""},
		{"silent so far", made(turn("alice"), candidateError(701, "", "turn:10.9.0.20:3478?transport=udp", "")), "relay-unusable likely .summary-silent"},
		{"refused so far", made(turn("alice"), candidateError(437, "", "turn:10.9.0.20:3478", "")), "relay-unusable likely .summary-refused"},
		{"dead", made(plain, candidateError(701, "", "stun:10.9.0.10:3478", ""), complete), "dead-ice-server certain .summary"},
		{"dead from one interface", made(plain, candidateError(701, "", "stun:10.9.0.10:3478", ""), reflexive, complete), ""},
		{"perhaps dead from one interface", made(plain, host("10.1.0.2", 40000), host("10.2.0.2", 40001), candidateError(701, "", "stun:10.9.0.10:3478", ""), complete), "dead-ice-server likely .summary"},
		{"no name", made(named, candidateError(701, lookup, "stun:stun.plant.example:3478", "0.0.0.x"), complete), "dns-failure certain .summary"},
		{"no IPv6 for the name", made(named, candidateError(701, lookup, "stun:stun.plant.example:3478", "[0:0:0:x:x:x:x:x]")), "dns-failure possible .summary"},
		{"found and silent", made(named, candidateError(701, lookup, "stun:stun.plant.example:3478", "[0:0:0:x:x:x:x:x]"),
			candidateError(701, "STUN binding request timed out.", "stun:stun.plant.example:3478", "0.0.0.x")), ""},
		{"STUN lost, words not", made(nil, probe("whoami-udp", true), probe("binding-udp", false), probe("whoami-udp", true), probe("binding-udp", false)), "stun-filtered certain .summary"},
		{"lost once", made(nil, probe("whoami-udp", true), probe("binding-udp", false)), "stun-filtered likely .summary"},
		{"all lost", made(nil, probe("whoami-udp", false), probe("binding-udp", false)), ""},
	} {
		var got []string
		for _, f := range diagnosis.Diagnose(c.events).Findings {
			switch f.Code {
			case protocol.CodeRelayUnusable, protocol.CodeDeadICEServer, protocol.CodeDNSFailure, protocol.CodeSTUNFiltered:
				got = append(got, string(f.Code)+" "+string(f.Confidence)+" "+strings.TrimPrefix(f.Summary.Key, "finding."+string(f.Code)))
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
	}
}

// A header that also what stands before this server adds is no proof of a proxy before the browser.
func TestAReverseProxyIsNotTheOnlyWay(t *testing.T) {
	d := diagnosis.Diagnose(retold(t, "http-proxy-only", "Via: 1.1 lab-proxy", "X-Forwarded-For: 10.1.0.2"))
	for _, x := range found(d, protocol.CodeHTTPProxyOnly) {
		if x.Confidence != protocol.Possible {
			t.Errorf("%s", x.Confidence)
		}
	}
	if d.Verdict.Cause == protocol.CodeHTTPProxyOnly {
		t.Errorf("%+v", d.Verdict)
	}
}
