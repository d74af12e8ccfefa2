package session_test

import (
	"slices"
	"testing"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/session"
)

// sampled says a sample that was taken so long after the trial began.
func (p *client) sampled(id protocol.TrialID, atMs float64) {
	p.t.Helper()
	p.say(protocol.ClientMessage{Type: protocol.ClientSample, Sample: &protocol.Sample{Trial: id, AtMs: atMs}})
}

// slowly fails a trial while b shows nothing of itself for longer than a machine that keeps up.
func slowly(id protocol.TrialID, a, b *client) {
	a.start(id)
	b.start(id)
	a.sampled(id, 250)
	b.sampled(id, diagnosis.LateMs+1)
	b.sync()
	a.state(id, "connection", "failed")
	a.stop(id)
}

func TestWhatAMachineHinderedIsTriedAgain(t *testing.T) {
	w := newWorld(t, session.Config{})
	a, b := w.join(browser), w.join(browser)
	connect("stun-1", a, b)
	a.stop("stun-1")
	slowly("host-1", a, b)
	a.start("host-2")
	r := w.talk.Report(w.room(), protocol.English)
	if r.Verdict.Final || r.Run != 2 {
		t.Errorf("run %d, %+v", r.Run, r.Verdict)
	}
	connect("host-2", a, b)
	a.stop("host-2")
	a.sync()
	r = w.talk.Report(w.room(), protocol.English)
	if !r.Verdict.Final || r.Verdict.Needs != protocol.NeedsNothing {
		t.Errorf("%+v", r.Verdict)
	}
	if runs := ran(w.events()); len(runs) != 2 || !runs[1].Repeat || !runs[1].Automatic || !slices.Equal(runs[1].Trials, []protocol.TrialKind{protocol.TrialHost}) {
		t.Errorf("%+v", runs)
	}
	w.checkReplay()
}

func TestAMachineThatNeverKeepsUpIsTriedOnlySoOften(t *testing.T) {
	w := newWorld(t, session.Config{})
	a, b := w.join(browser), w.join(browser)
	connect("stun-1", a, b)
	a.stop("stun-1")
	for n := range diagnosis.MaxRepeats + 1 {
		slowly(protocol.NewTrialID(protocol.TrialHost, n+1), a, b)
	}
	a.sync()
	r := w.talk.Report(w.room(), protocol.English)
	if got := ran(w.events()); len(got) != diagnosis.MaxRepeats+1 || !r.Verdict.Final || r.Trials[0].Hindered != b.id {
		t.Errorf("%+v, %+v", got, r.Verdict)
	}
	// A person may ask again, and then it is as the first time.
	a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: []protocol.TrialKind{protocol.TrialHost}}})
	again := protocol.NewTrialID(protocol.TrialHost, diagnosis.MaxRepeats+2)
	slowly(again, a, b)
	a.start(protocol.NewTrialID(protocol.TrialHost, diagnosis.MaxRepeats+3))
	w.checkReplay()
}
