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

// over shows a pair of these two types as the selected one, of an end that has also signaled a host candidate in the trial host-1.
func (p *client) over(id protocol.TrialID, own, far protocol.SampleCandidate) {
	p.t.Helper()
	own.ID, far.ID = "L", "R"
	p.say(protocol.ClientMessage{Type: protocol.ClientSample, Sample: &protocol.Sample{Trial: id, AtMs: 500, SelectedPair: "P", Local: []protocol.SampleCandidate{own}, Remote: []protocol.SampleCandidate{far},
		Pairs: []protocol.SamplePair{{ID: "P", Local: "L", Remote: "R", State: "succeeded", Nominated: true}}}})
}

func TestAFailureThatAnotherTrialRefutesIsTriedAgain(t *testing.T) {
	udp := func(typ, address string) protocol.SampleCandidate {
		return protocol.SampleCandidate{Type: typ, Protocol: "udp", Address: address, Port: 5001}
	}
	for _, c := range []struct {
		name  string
		a, b  protocol.SampleCandidate
		again bool
		needs protocol.Needs // until then
	}{
		{"over the host candidates", udp("host", "10.1.0.2"), udp("host", "10.9.0.2"), true, protocol.NeedsNothing},
		{"over their addresses", udp("srflx", "10.1.0.2"), udp("srflx", "10.9.0.2"), true, protocol.NeedsNothing},
		{"over an address of a NAT", udp("srflx", "10.9.0.1"), udp("host", "10.9.0.2"), false, protocol.NeedsSTUN},
		{"over an address that nobody knows", udp("prflx", ""), udp("host", "10.9.0.2"), false, protocol.NeedsSTUN},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, session.Config{})
			a, b := w.join(browser), w.join(browser)
			for p, ip := range map[*client]string{a: "10.1.0.2", b: "10.9.0.2"} {
				p.start("host-1")
				p.say(candidateFrame("host-1", hostLine(ip, 5000)))
			}
			a.over("stun-1", c.a, c.b)
			b.over("stun-1", c.b, c.a)
			b.sync()
			connect("stun-1", a, b)
			a.stop("stun-1")
			a.state("host-1", "connection", "failed")
			a.stop("host-1")
			a.sync()
			events := w.events()
			runs := ran(events)
			if again := len(runs) == 2 && runs[1].Repeat; again != c.again {
				t.Errorf("%+v", runs)
			}
			until := slices.IndexFunc(events, func(e protocol.Event) bool { return e.Stop != nil && e.Stop.Trial == "host-1" }) + 1
			if v := diagnosis.Diagnose(events[:until]).Verdict; v.Final == c.again || v.Needs != c.needs || v.Confidence == protocol.Certain {
				t.Errorf("%+v", v)
			}
			w.checkReplay()
		})
	}
}
