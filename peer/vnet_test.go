package peer_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/pion/transport/v4/vnet"
)

var stunServer = protocol.ICEServer{URLs: []string{"stun:" + stunAddress + ":3478"}}

func connected(id protocol.TrialID) func(protocol.ClientMessage) bool {
	return func(m protocol.ClientMessage) bool {
		return m.State != nil && m.State.Trial == id && m.State.What == "connection" && m.State.Value == "connected"
	}
}

func measured(id protocol.TrialID) func(protocol.ClientMessage) bool {
	return func(m protocol.ClientMessage) bool {
		return m.Measurement != nil && m.Measurement.Trial == id && m.Measurement.Data != nil && m.Measurement.Data.LossPercent != nil
	}
}

func samples(id protocol.TrialID) func(protocol.ClientMessage) bool {
	return func(m protocol.ClientMessage) bool { return m.Sample != nil && m.Sample.Trial == id }
}

func TestHostConnectsOnAFlatNetwork(t *testing.T) {
	n := buildNetwork(t, nil)
	defer n.stop()
	r := newRoom(t, stunServer)
	leave := r.join(n.a, n.b)
	defer leave()

	trial := r.start(protocol.TrialHost)
	for _, id := range []string{"a", "b"} {
		r.wait(id, "connected", connected(trial))
		data := r.wait(id, "a measurement", measured(trial)).Measurement.Data
		if len(data.RoundTripsMs) != 5 || data.RTTMs <= 0 {
			t.Errorf("%s: want 5 round trips, got %+v", id, data)
		}
		if *data.LossPercent != 0 || data.ThroughputKbps == nil || *data.ThroughputKbps <= 0 {
			t.Errorf("%s: want a burst without loss, got loss %v %% at %v kbit/s", id, deref(data.LossPercent), deref(data.ThroughputKbps))
		}
	}
	r.tell(protocol.ServerMessage{Type: protocol.ServerStop, Stop: &protocol.Stop{Trial: trial, Outcome: protocol.OutcomeConnected}})
	leave()

	ends := map[string]*protocol.Sample{}
	for _, id := range []string{"a", "b"} {
		all := r.all(id, samples(trial))
		last := all[len(all)-1].Sample
		ends[id] = last
		if !last.Counters || last.SelectedPair == "" || last.DTLSState != "connected" {
			t.Errorf("%s: last sample %+v", id, last)
		}
		answered := false
		for _, p := range last.Pairs {
			answered = answered || p.ID == last.SelectedPair && *p.RequestsSent > 0 && *p.ResponsesReceived > 0 && *p.RequestsReceived > 0 && *p.ResponsesSent > 0
		}
		if !answered {
			t.Errorf("%s: no counters on the selected pair: %+v", id, last.Pairs)
		}
	}
	checkExchange(t, r, trial)
	a, b := ends["a"], ends["b"]
	if !strings.HasPrefix(a.LocalFingerprint, "sha-256 ") || a.LocalFingerprint != b.RemoteFingerprint || b.LocalFingerprint != a.RemoteFingerprint {
		t.Errorf("certificates: %s %s, %s %s", a.LocalFingerprint, a.RemoteFingerprint, b.LocalFingerprint, b.RemoteFingerprint)
	}
	if a.DTLSRole != "server" || b.DTLSRole != "client" { // pion answers actively (RFC 8842 section 5.3)
		t.Errorf("DTLS roles %q and %q", a.DTLSRole, b.DTLSRole)
	}
	if p := selected(a); p.PacketsSent == nil || *p.PacketsSent == 0 || *p.PacketsReceived == 0 {
		t.Errorf("no packets counted: %+v", p)
	}
}

// selected is the pair in use.
func selected(s *protocol.Sample) protocol.SamplePair {
	for _, p := range s.Pairs {
		if p.ID == s.SelectedPair {
			return p
		}
	}
	return protocol.SamplePair{}
}

func TestSTUNIsNeededBehindNATs(t *testing.T) {
	n := buildNetwork(t, &vnet.NATType{MappingBehavior: vnet.EndpointIndependent, FilteringBehavior: vnet.EndpointAddrPortDependent})
	defer n.stop()
	r := newRoom(t, stunServer)
	leave := r.join(n.a, n.b)
	defer leave()

	stun := r.start(protocol.TrialSTUN)
	host := r.start(protocol.TrialHost)
	for _, id := range []string{"a", "b"} {
		r.wait(id, "connected", connected(stun))
		r.wait(id, "a measurement", measured(stun))
		unanswered := r.wait(id, "ten unanswered checks", func(m protocol.ClientMessage) bool {
			return samples(host)(m) && len(m.Sample.Pairs) == 1 && *m.Sample.Pairs[0].RequestsSent >= 10
		}).Sample.Pairs[0]
		if *unanswered.ResponsesReceived != 0 || *unanswered.RequestsReceived != 0 || unanswered.State != "in-progress" {
			t.Errorf("%s: host: %+v", id, unanswered)
		}
		srflx := r.wait(id, "an srflx candidate", func(m protocol.ClientMessage) bool {
			if m.Candidate == nil || m.Candidate.Trial != stun {
				return false
			}
			c, err := protocol.ParseCandidate(m.Candidate.Line)
			return err == nil && c.Type == "srflx" && strings.HasPrefix(c.RelatedAddress, "10.") && strings.HasPrefix(c.Address, "198.51.100.")
		}).Candidate
		if srflx.URL != stunServer.URLs[0] {
			t.Errorf("%s: the candidate does not name its server: %+v", id, srflx)
		}
	}
	leave()
	for _, id := range []string{"a", "b"} {
		if got := r.all(id, connected(host)); len(got) > 0 {
			t.Errorf("%s: host connected through two NATs", id)
		}
		if got := r.all(id, func(m protocol.ClientMessage) bool { return m.CandidateError != nil }); len(got) > 0 {
			t.Errorf("%s: candidate errors though the server answered: %+v", id, got[0].CandidateError)
		}
	}
	checkExchange(t, r, stun)
}

// RFC 4787 section 4.1: one socket, two servers' ports. As from a browser, a mapping that depends on the destination shows as two srflx candidates of one
// base, and any other as one.
func TestMappingShowsInTheCandidates(t *testing.T) {
	second := "stun:" + stunAddress + ":3479"
	for name, c := range map[string]struct {
		mapping vnet.EndpointDependencyType
		want    int
	}{
		"endpoint-independent":       {vnet.EndpointIndependent, 1},
		"address-dependent":          {vnet.EndpointAddrDependent, 1}, // one address cannot tell
		"address-and-port-dependent": {vnet.EndpointAddrPortDependent, 2},
	} {
		t.Run(name, func(t *testing.T) {
			n := buildNetwork(t, &vnet.NATType{MappingBehavior: c.mapping, FilteringBehavior: vnet.EndpointAddrPortDependent})
			defer n.stop()
			r := newRoom(t, protocol.ICEServer{URLs: []string{stunServer.URLs[0], second}})
			defer runOne(t, peer.Config{Dial: r.dial("a"), Net: n.a})()
			r.wait("a", "the end of candidates", func(m protocol.ClientMessage) bool { return m.Candidate != nil && m.Candidate.Line == "" })

			mapped, bases, urls := map[string]bool{}, map[int]bool{}, map[string]bool{}
			for _, m := range r.all("a", func(m protocol.ClientMessage) bool { return m.Candidate != nil }) {
				if line, err := protocol.ParseCandidate(m.Candidate.Line); err == nil && line.Type == "srflx" {
					mapped[line.Address+" "+strconv.Itoa(line.Port)] = true
					bases[line.RelatedPort] = true
					urls[m.Candidate.URL] = true
				}
			}
			if len(mapped) != c.want || len(bases) != 1 || len(urls) != c.want || urls[""] {
				t.Errorf("mapped %v from %v by %v, want %d from one base", mapped, bases, urls, c.want)
			}
		})
	}
}

// One silent server must neither hide the living one's answer nor go unnamed. It takes the 5 s that a server has to answer.
func TestSilentServerIsNamed(t *testing.T) {
	n := buildNetwork(t, nil)
	defer n.stop()
	dead := "stun:198.51.100.9:3478"
	r := newRoom(t, protocol.ICEServer{URLs: []string{dead, stunServer.URLs[0]}})
	defer runOne(t, peer.Config{Dial: r.dial("a"), Net: n.a})()
	r.wait("a", "an srflx candidate of the living server", func(m protocol.ClientMessage) bool {
		return m.Candidate != nil && m.Candidate.URL == stunServer.URLs[0]
	})
	if got := r.wait("a", "a candidate error", func(m protocol.ClientMessage) bool { return m.CandidateError != nil }).CandidateError; got.URL != dead || got.Code != 701 || got.Text == "" || got.Trial != "alone-1" {
		t.Errorf("got %+v", got)
	}
}

// checkExchange holds what the server must be able to say of the signaling: every frame that it relayed was applied, and each end came to its end of
// candidates, with the description before them all.
func checkExchange(t *testing.T, r *room, trial protocol.TrialID) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	open := map[int]string{}
	described := map[string]bool{}
	ended := map[string]bool{}
	for i, f := range r.frames {
		switch {
		case f.Description != nil && f.Description.Trial == trial:
			open[i+1] = f.from
			described[f.from] = true
		case f.Candidate != nil && f.Candidate.Trial == trial:
			if !described[f.from] {
				t.Errorf("%s: a candidate before its description", f.from)
			}
			open[i+1] = f.from
			ended[f.from] = f.Candidate.Line == ""
		case f.Applied != nil && f.Applied.Trial == trial:
			if !f.Applied.OK || open[f.Applied.Ref] == f.from || open[f.Applied.Ref] == "" {
				t.Errorf("%s: %+v of %q", f.from, f.Applied, open[f.Applied.Ref])
			}
			delete(open, f.Applied.Ref)
		}
	}
	if len(open) > 0 || !ended["a"] || !ended["b"] {
		t.Errorf("not acknowledged %v, ended %v", open, ended)
	}
}

func deref(p *float64) any {
	if p == nil {
		return nil
	}
	return *p
}
