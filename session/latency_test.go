package session_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/session"
	"github.com/icescope/icescope/signaling"
)

// BenchmarkEventToSnapshot is how long after an event the snapshot that knows of it has reached a watcher, in a room that holds a minute of five trials: real sockets, two
// languages. The rhythm of the events meets the pause between snapshots at every phase.
func BenchmarkEventToSnapshot(b *testing.B) {
	w := newWorld(b, session.Config{RelayServers: func(string, netip.Addr, string, protocol.TrialKind) []protocol.ICEServer {
		return []protocol.ICEServer{{URLs: []string{"turn:" + stunAddress + ":3478"}, Username: "u", Credential: "c"}}
	}})
	hello := browser
	hello.Live = false
	hello.Trials = []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN, protocol.TrialRelayUDP, protocol.TrialRelayTCP, protocol.TrialCustom}
	x := w.join(hello)
	w.join(hello)
	x.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: []protocol.TrialKind{protocol.TrialCustom}, ICEServers: json.RawMessage(`[{"urls":"stun:192.0.2.7"}]`)}})
	trials := []protocol.TrialID{"host-1", "stun-1", "relay-udp-1", "relay-tcp-1", "custom-2"}
	for _, id := range trials {
		x.start(id)
	}
	r := w.room()
	n := int64(0)
	r.Do(func() {
		members := r.Members()
		for range 240 {
			n++
			for _, p := range members {
				for i, id := range trials {
					w.talk.Message(r, p, &protocol.ClientMessage{Type: protocol.ClientSample, Sample: someSample(id, i, slices.Index(members, p), n)})
				}
			}
		}
	})
	watch := protocol.Hello{Kind: protocol.KindWatcher, Live: true}
	look := w.join(watch)
	watch.Lang = protocol.Japanese
	w.join(watch)
	look.wait("a snapshot", snapshot)

	var worst, all time.Duration
	for i := 0; b.Loop(); i++ {
		time.Sleep(time.Duration(i%47) * time.Millisecond)
		var seq int
		began := time.Now()
		r.Do(func() { seq = say(w, r, i) })
		look.wait("the snapshot of it", func(m protocol.ServerMessage) bool { return m.Snapshot != nil && m.Snapshot.Events > seq })
		took := time.Since(began)
		worst, all = max(worst, took), all+took
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
	b.ReportMetric(float64(all.Microseconds())/1000/float64(b.N), "ms/snapshot")
	b.ReportMetric(float64(len(w.events())), "events")
}

func say(w *world, r *signaling.Room, i int) int {
	return w.talk.Message(r, r.Members()[i%2], &protocol.ClientMessage{Type: protocol.ClientState, State: &protocol.State{Trial: "host-1", What: "signaling", Value: fmt.Sprint(i)}})
}

func someSample(id protocol.TrialID, trial, end int, n int64) *protocol.Sample {
	s := &protocol.Sample{Trial: id, AtMs: float64(n) * 250, Counters: true}
	for i := range 2 {
		at := protocol.SampleCandidate{ID: fmt.Sprintf("L%d", i), Type: "host", Protocol: "udp", Address: fmt.Sprintf("10.%d.0.%d", end, i+1), Port: 5000 + 10*trial + i}
		to := protocol.SampleCandidate{ID: fmt.Sprintf("R%d", i), Type: "host", Protocol: "udp", Address: fmt.Sprintf("10.%d.0.%d", 1-end, i+1), Port: 5000 + 10*trial + i}
		s.Local, s.Remote = append(s.Local, at), append(s.Remote, to)
	}
	for i := range 2 {
		sent, none := n, int64(0)
		s.Pairs = append(s.Pairs, protocol.SamplePair{ID: fmt.Sprintf("P%d", i), Local: fmt.Sprintf("L%d", i), Remote: fmt.Sprintf("R%d", 1-i), State: "in-progress", RequestsSent: &sent,
			RequestsReceived: &none, ResponsesSent: &none, ResponsesReceived: &none})
	}
	return s
}
