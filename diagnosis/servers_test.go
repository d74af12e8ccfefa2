package diagnosis_test

import (
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
	lookup := "STUN host lookup received error."
	for _, c := range []struct {
		name   string
		events []protocol.Event
		want   string // code, confidence, ending of the summary's key; empty: none
	}{
		{"password", made(turn("alice"), candidateError(401, "Unauthorized", "turn:10.9.0.20:3478?transport=udp", "")), "relay-unusable certain .summary-credentials"},
		{"expired", made(turn("1700000000:alice"), candidateError(401, "", "turn:10.9.0.20:3478", "")), "relay-unusable certain .summary-expired"},
		{"not expired", made(turn("4000000000:alice"), candidateError(401, "", "turn:10.9.0.20:3478", "")), "relay-unusable certain .summary-credentials"},
		{"a number far too high", made(turn("99999999999999999:alice"), candidateError(401, "", "turn:10.9.0.20:3478", "")), "relay-unusable certain .summary-credentials"},
		{"quota", made(turn("alice"), candidateError(486, "", "turn:10.9.0.20:3478", "")), "relay-unusable certain .summary-quota"},
		{"forbidden", made(turn("alice"), candidateError(403, "", "turn:10.9.0.20:3478", "")), "relay-unusable certain .summary-refused"},
		{"silent", made(turn("alice"), candidateError(701, "TURN allocate request timed out.", "turn:10.9.0.20:3478?transport=udp", "")), "relay-unusable certain .summary-silent"},
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
			case protocol.CodeRelayUnusable, protocol.CodeDNSFailure, protocol.CodeSTUNFiltered:
				got = append(got, string(f.Code)+" "+string(f.Confidence)+" "+strings.TrimPrefix(f.Summary.Key, "finding."+string(f.Code)))
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
	}
}
