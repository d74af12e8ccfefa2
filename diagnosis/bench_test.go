package diagnosis_test

import (
	"slices"
	"testing"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// BenchmarkDiagnose folds and diagnoses a whole recording of the lab: what icescope diagnose does.
func BenchmarkDiagnose(b *testing.B) {
	for _, s := range stories(b) {
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				diagnosis.Diagnose(s.recording)
			}
			b.ReportMetric(float64(len(s.recording)), "events")
		})
	}
}

// BenchmarkSnapshot diagnoses a picture that is there already: what a room does after each change.
func BenchmarkSnapshot(b *testing.B) {
	for _, s := range stories(b) {
		b.Run(s.name, func(b *testing.B) {
			f := diagnosis.NewFold()
			for i := range s.recording {
				f.Add(&s.recording[i])
			}
			for b.Loop() {
				f.Diagnose()
			}
		})
	}
}

// BenchmarkDiagnose60s folds and diagnoses what a room of two browsers records in a minute in which five trials are out all the time: every end samples every trial four
// times a second. It is made of a story, whose trials and samples are repeated.
func BenchmarkDiagnose60s(b *testing.B) {
	for _, name := range []string{"nat-dependent-both", "udp-blocked", "asymmetric-nat-revealed"} {
		recording := minute(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				diagnosis.Diagnose(recording)
			}
			b.ReportMetric(float64(len(recording)), "events")
		})
		b.Run(name+"/snapshot", func(b *testing.B) {
			f := diagnosis.NewFold()
			for i := range recording {
				f.Add(&recording[i])
			}
			for b.Loop() {
				f.Diagnose()
			}
		})
	}
}

// minute makes such a recording.
func minute(b *testing.B, name string) (out []protocol.Event) {
	const everyMs, lastMs = 250, 60_000
	var of story
	for _, s := range stories(b) {
		if s.name == name {
			of = s
		}
	}
	kinds := []protocol.TrialKind{protocol.TrialSTUN, protocol.TrialRelayUDP, protocol.TrialRelayTCP, protocol.TrialCustom}
	type end struct {
		peer  string
		trial protocol.TrialID
	}
	last := map[end]protocol.Sample{}
	var order []end
	refs := map[int]int{} // of the recording, to those of out
	add := func(e protocol.Event) {
		e.Seq = len(out)
		out = append(out, e)
		if e.Sample != nil && !e.Sample.Trial.Kind().Solo() {
			at := end{e.Peer, e.Sample.Trial}
			if _, ok := last[at]; !ok {
				order = append(order, at)
			}
			last[at] = *e.Sample
		}
	}
	for _, e := range of.recording {
		if e.Type == protocol.EventStop && e.Peer == "" || e.Type == protocol.EventLeft {
			continue
		}
		refs[e.Seq] = len(out)
		if _, trial := withTrial(e, "", refs, 0); trial != "stun-1" {
			e, _ = withTrial(e, trial, refs, 0)
			add(e)
			continue
		}
		for i, kind := range kinds { // an event's copies stand behind one another, which is how an applied of a copy finds what it is about
			c, _ := withTrial(e, protocol.NewTrialID(kind, 1), refs, i)
			add(c)
		}
	}
	for at := out[len(out)-1].AtMs + everyMs; at < lastMs; at += everyMs {
		for _, o := range order {
			s := last[o]
			s.AtMs = at
			s.Pairs = slices.Clone(s.Pairs)
			for i := range s.Pairs {
				if n := s.Pairs[i].RequestsSent; n != nil {
					more := *n + 1
					s.Pairs[i].RequestsSent = &more
				}
			}
			add(protocol.Event{Type: protocol.EventSample, Peer: o.peer, AtMs: at, Sample: &s})
		}
	}
	return out
}

// withTrial is the event as one of another trial.
func withTrial(e protocol.Event, id protocol.TrialID, refs map[int]int, nth int) (protocol.Event, protocol.TrialID) {
	was := protocol.TrialID("")
	set := func(p *protocol.TrialID) { was, *p = *p, id }
	switch {
	case e.Start != nil:
		c := *e.Start
		e.Start = &c
		set(&c.Trial)
	case e.Description != nil:
		c := *e.Description
		e.Description = &c
		set(&c.Trial)
	case e.Candidate != nil:
		c := *e.Candidate
		e.Candidate = &c
		set(&c.Trial)
	case e.Applied != nil:
		c := *e.Applied
		c.Ref = refs[c.Ref] + nth
		e.Applied = &c
		set(&c.Trial)
	case e.State != nil:
		c := *e.State
		e.State = &c
		set(&c.Trial)
	case e.Sample != nil:
		c := *e.Sample
		e.Sample = &c
		set(&c.Trial)
	case e.Measurement != nil:
		c := *e.Measurement
		e.Measurement = &c
		set(&c.Trial)
	}
	return e, was
}
