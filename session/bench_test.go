package session

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

// BenchmarkSnapshot is what publishing costs a room of two browsers, all trials over: once for each language, at most 25 times a second.
func BenchmarkSnapshot(b *testing.B) {
	story, err := os.ReadFile("../diagnosis/testdata/udp-blocked.txtar")
	if err != nil {
		b.Fatal(err)
	}
	fold := diagnosis.NewFold()
	events := 0
	for line := range bytes.Lines(story) {
		var e protocol.Event
		if !bytes.HasPrefix(line, []byte(`{"seq":`)) {
			continue
		}
		if err := json.Unmarshal(line, &e); err != nil {
			b.Fatal(err)
		}
		fold.Add(&e)
		events++
	}
	var frame []byte
	for b.Loop() {
		r := report.Make(fold.Diagnose(), report.Options{Lang: protocol.Japanese})
		frame = encode(&protocol.ServerMessage{Type: protocol.ServerSnapshot, Snapshot: &r})
	}
	b.ReportMetric(float64(len(frame)), "bytes/snapshot")
	b.ReportMetric(float64(events), "events")
}

// BenchmarkRecord is what recording costs a relayed candidate.
func BenchmarkRecord(b *testing.B) {
	var r recording
	mid, line := "0", 0
	for b.Loop() {
		if len(r.entries) == maxEvents {
			r = recording{}
		}
		c := &protocol.Candidate{Trial: "host-1", Line: "candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host generation 0", SDPMid: &mid, SDPMLineIndex: &line}
		r.add(entry{1, protocol.EventCandidate, "a", c})
	}
}
