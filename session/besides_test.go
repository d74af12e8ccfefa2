package session_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/session"
	"github.com/icescope/icescope/signaling"
)

var companion = protocol.Hello{Kind: protocol.KindHeadless, Live: true, Beside: "auto",
	Trials: []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN, protocol.TrialRelayUDP, protocol.TrialRelayTCP, protocol.TrialCustom}}

// connect plays both ends of a trial up to the point where everything is measured.
func connect(id protocol.TrialID, ends ...*client) {
	for _, p := range ends {
		p.state(id, "ice", "connected")
		p.state(id, "connection", "connected")
		p.measured(id)
	}
}

func (p *client) state(id protocol.TrialID, what, value string) {
	p.t.Helper()
	p.say(protocol.ClientMessage{Type: protocol.ClientState, State: &protocol.State{Trial: id, What: what, Value: value}})
}

func (p *client) measured(id protocol.TrialID) {
	p.t.Helper()
	kbps := 1000.0
	p.say(protocol.ClientMessage{Type: protocol.ClientMeasurement, Measurement: &protocol.Measurement{Trial: id, Data: &protocol.DataResult{RTTMs: 1, ThroughputKbps: &kbps},
		Video: &protocol.VideoResult{FramesDecoded: 10}}})
}

func ran(events []protocol.Event) (out []protocol.RunMade) {
	for _, e := range of(events, protocol.EventRun) {
		out = append(out, *e.Run)
	}
	return out
}

func TestAPeerBesideAnotherIsTriedAgainstItsOtherEnd(t *testing.T) {
	w := newWorld(t, session.Config{})
	a, b := w.join(browser), w.join(browser)
	beside := companion
	beside.Beside = b.id
	c := w.join(beside)
	if joined := of(w.events(), protocol.EventJoined); joined[2].Joined.Beside != b.id {
		t.Errorf("%+v", joined[2].Joined)
	}
	connect("host-1", a, b)
	a.stop("host-1")
	c.sync()
	if got := ran(w.events()); len(got) != 1 {
		t.Fatalf("a run beside one that is still out: %+v", got)
	}
	connect("stun-1", a, b)
	for _, id := range []protocol.TrialID{"host-2", "stun-2"} {
		if got := a.start(id); got.Role != protocol.RoleOfferer || got.Peer != c.id {
			t.Errorf("a: %+v", got)
		}
		if got := c.start(id); got.Role != protocol.RoleAnswerer || got.Peer != a.id {
			t.Errorf("c: %+v", got)
		}
	}
	run := ran(w.events())[1]
	if !slices.Equal(run.Peers, []string{a.id, c.id}) || !run.Automatic || !slices.Equal(run.Trials, []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN}) {
		t.Errorf("%+v", run)
	}
	// What belongs to a trial goes between its ends.
	c.say(candidateFrame("host-2", hostLine("10.0.0.3", 3)))
	a.say(candidateFrame("host-2", hostLine("10.0.0.1", 1)))
	a.say(candidateFrame("host-1", hostLine("10.0.0.1", 2)))
	from := func(p *client, trial protocol.TrialID, id string) {
		t.Helper()
		p.wait("a candidate", func(m protocol.ServerMessage) bool {
			return m.Candidate != nil && m.Candidate.Trial == trial && m.From == id
		})
	}
	from(a, "host-2", c.id)
	from(c, "host-2", a.id)
	from(b, "host-1", a.id)
	if got := b.all(func(m protocol.ServerMessage) bool { return m.Candidate != nil && m.Candidate.Trial != "host-1" }); len(got) > 0 {
		t.Errorf("b was told of %+v", got)
	}
	connect("host-2", a, c)
	connect("stun-2", a, c)
	c.stop("stun-2")
	if got := b.all(func(m protocol.ServerMessage) bool { return m.Stop != nil && m.Stop.Trial == "stun-2" }); len(got) > 0 {
		t.Errorf("b was told of %+v", got)
	}
	report := w.talk.Report(w.room(), protocol.English)
	if len(report.Beside) != 1 || report.Beside[0].Beside != b.id || len(report.Beside[0].Trials) != 2 || report.Verdict.Needs != protocol.NeedsNothing || report.Run != 1 {
		t.Errorf("%+v, %+v", report.Beside, report.Verdict)
	}
	// Again where it asks, and again after the two were tried again.
	c.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: []protocol.TrialKind{protocol.TrialHost}}})
	c.start("host-3")
	a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: []protocol.TrialKind{protocol.TrialHost}}})
	b.start("host-4")
	if got := c.stop("host-3"); got.Reason != protocol.ReasonSuperseded {
		t.Errorf("%+v", got)
	}
	connect("host-4", a, b)
	c.start("host-5")
	// Where the one that it stands beside leaves, it may stay.
	_ = b.Close()
	if got := c.stop("host-5"); got.Reason != protocol.ReasonPeerLeft {
		t.Errorf("%+v", got)
	}
	c.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{}})
	c.refused(protocol.ErrRefused)
	w.checkReplay()
}

// What a peer beside another says of the trials of the two is not taken for theirs, and it neither brings servers to try nor gets theirs.
func TestAPeerBesideAnotherMindsItsOwnTrials(t *testing.T) {
	const secret = "hunter2-hunter2"
	w := newWorld(t, session.Config{})
	a, b := w.join(browser), w.join(browser)
	beside, custom := companion, []protocol.TrialKind{protocol.TrialCustom}
	beside.Beside, beside.Trials = b.id, append(slices.Clone(companion.Trials), protocol.TrialCustom)
	c := w.join(beside)
	a.start("host-1")
	c.say(protocol.ClientMessage{Type: protocol.ClientTrialError, TrialError: &protocol.TrialError{Trial: "host-1", Step: "offer", Error: "no", Fatal: true}})
	c.say(candidateFrame("host-1", hostLine("10.0.0.3", 3)))
	c.sync()
	connect("host-1", a, b)
	if got := a.stop("host-1"); got.Outcome != protocol.OutcomeConnected {
		t.Errorf("%+v", got)
	}
	if got := append(of(w.events(), protocol.EventTrialError), of(w.events(), protocol.EventCandidate)...); len(got) > 0 {
		t.Errorf("recorded: %+v", got)
	}
	pasted := json.RawMessage(`[{"urls":"turn:192.0.2.7:3478","username":"alice","credential":"` + secret + `"}]`)
	c.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{ICEServers: pasted}})
	c.refused(protocol.ErrRefused)
	a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: custom}})
	a.refused(protocol.ErrBadICEServers) // what it brought is not there
	a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: custom, ICEServers: pasted}})
	b.start("custom-2")
	c.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: custom}})
	c.sync()
	if got := c.all(func(m protocol.ServerMessage) bool { return m.Error != nil && m.Error.Code == protocol.ErrRefused }); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	for _, m := range c.all(func(m protocol.ServerMessage) bool { return true }) {
		if strings.Contains(string(encode(t, m)), secret) {
			t.Errorf("it was told the password: %+v", m)
		}
	}
	w.checkReplay()
}

func TestBesideWhom(t *testing.T) {
	w := newWorld(t, session.Config{})
	refused := func(hello protocol.Hello, code protocol.ErrorCode) {
		t.Helper()
		_, err := signaling.Dial(t.Context(), "ws"+w.url[4:]+"/ws?room="+w.code, signaling.ClientConfig{Hello: hello})
		var why *signaling.RefusedError
		if !errors.As(err, &why) || why.Refusal.Code != code || why.Refusal.Hint == "" {
			t.Errorf("%+v was answered with %v", hello, err)
		}
	}
	refused(companion, protocol.ErrRefused) // nobody is there
	a, b := w.join(browser), w.join(browser)
	unknown, page := companion, browser
	unknown.Beside, page.Beside = "z", a.id
	refused(unknown, protocol.ErrRefused)
	refused(page, protocol.ErrBadMessage)
	refused(companion, protocol.ErrRefused) // both come from this address
	first, second := companion, companion
	first.Beside, second.Beside = a.id, b.id
	c, d := w.join(first), w.join(second)
	joined := of(w.events(), protocol.EventJoined)
	if got := []string{joined[2].Joined.Beside, joined[3].Joined.Beside}; !slices.Equal(got, []string{a.id, b.id}) {
		t.Errorf("beside %q", got)
	}
	refused(first, protocol.ErrRefused) // it has one
	refused(browser, protocol.ErrRoomFull)
	_ = c.Close()
	w.join(first)
	d.sync()
	_ = b.Close()
	a.event("b's leaving", func(e protocol.Event) bool { return e.Type == protocol.EventLeft && e.Peer == b.id })
	alone := companion
	refused(alone, protocol.ErrRefused) // the only one has a companion
	w.checkReplay()
}

func TestAHeldTrialGoesOn(t *testing.T) {
	const minute = 60_000
	for _, x := range []struct {
		name   string
		play   func(a, b *client)
		last   time.Duration // how long after the measuring the trial ends, about
		reason protocol.Reason
		check  func(protocol.HoldReport) bool
	}{
		{"quiet", func(_, _ *client) {}, time.Minute, protocol.ReasonHeld, func(r protocol.HoldReport) bool { return len(r.Outages) == 0 && r.HeldMs >= minute }},
		{"lost", func(a, b *client) {
			time.Sleep(10 * time.Second)
			a.state("stun-2", "connection", "disconnected")
		}, time.Minute, protocol.ReasonPathLost, func(r protocol.HoldReport) bool { return len(r.Outages) == 1 && r.Outages[0].BackMs == nil }},
		{"lost at the end", func(a, b *client) {
			time.Sleep(50 * time.Second)
			a.state("stun-2", "connection", "failed")
		}, 90 * time.Second, protocol.ReasonPathLost, func(r protocol.HoldReport) bool { return len(r.Outages) == 1 }},
		{"back", func(a, b *client) {
			time.Sleep(10 * time.Second)
			n := int64(5)
			a.say(protocol.ClientMessage{Type: protocol.ClientSample, Sample: &protocol.Sample{Trial: "stun-2", Pairs: []protocol.SamplePair{{ID: "P", ResponsesReceived: &n}}}})
			time.Sleep(5 * time.Second)
			a.state("stun-2", "ice", "disconnected")
			a.state("stun-2", "restart", "begun")
			time.Sleep(time.Second)
			b.state("stun-2", "ice", "disconnected")
			time.Sleep(time.Second)
			b.state("stun-2", "ice", "connected")
			a.state("stun-2", "ice", "connected")
			a.state("stun-2", "restart", "connected")
		}, time.Minute, protocol.ReasonHeld, func(r protocol.HoldReport) bool {
			return len(r.Outages) == 1 && r.Outages[0].BackMs != nil && *r.Outages[0].BackMs-r.Outages[0].FromMs == 2000 && r.Outages[0].Restarts == 1 &&
				r.Outages[0].LastAnswerMs != nil && r.Outages[0].FromMs-*r.Outages[0].LastAnswerMs == 5000
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				w := newWorldOn(t, session.Config{}, l)
				w.dial = l.dial
				a, b := w.join(browser), w.join(browser)
				connect("host-1", a, b)
				connect("stun-1", a, b)
				a.stop("stun-1")
				a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Experiment: protocol.ExperimentHold, HoldMs: minute, Trials: []protocol.TrialKind{protocol.TrialSTUN}}})
				if got := b.start("stun-2"); got.HoldMs != minute || got.RestartMs == 0 {
					t.Errorf("%+v", got)
				}
				connect("stun-2", a, b)
				synctest.Wait()
				began := time.Now()
				x.play(a, b)
				// A second offer of the same trial passes, and breaks nothing.
				a.say(descriptionFrame("stun-2", "offer", "first"))
				a.say(descriptionFrame("stun-2", "offer", "again"))
				b.wait("the second offer", func(m protocol.ServerMessage) bool {
					return m.Description != nil && m.Description.SDP == descriptionFrame("", "", "again").Description.SDP
				})
				stop := a.waitLong("stun-2", 3*time.Minute)
				if took := time.Since(began); stop.Outcome != protocol.OutcomeConnected || stop.Reason != x.reason || took < x.last-time.Second || took > x.last+time.Second {
					t.Errorf("%+v after %v", stop, took)
				}
				r := w.talk.Report(w.room(), protocol.English)
				if len(r.Experiments) != 1 || r.Experiments[0].State != "done" || len(r.Experiments[0].Trials) != 1 || !x.check(*r.Experiments[0].Trials[0].Hold) {
					t.Errorf("%s", encode(t, r.Experiments))
				}
				if r.Verdict.Needs != protocol.NeedsNothing || len(r.Verdict.Pending) > 0 || r.Trials[1].ID != "stun-1" {
					t.Errorf("%+v", r.Verdict)
				}
				w.checkReplay()
			})
		})
	}
}

// A path that is down for all of the longest hold, with restart after restart, does not fill the recording.
func TestALongOutageFitsTheRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		w := newWorldOn(t, session.Config{}, l)
		w.dial = l.dial
		unseen := browser
		unseen.Live = false
		a, b := w.join(unseen), w.join(unseen)
		connect("host-1", a, b)
		connect("stun-1", a, b)
		a.stop("stun-1")
		a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Experiment: protocol.ExperimentHold, HoldMs: protocol.MaxHoldMs, Trials: []protocol.TrialKind{protocol.TrialSTUN}}})
		restart := time.Duration(b.start("stun-2").RestartMs) * time.Millisecond
		connect("stun-2", a, b)
		synctest.Wait()
		a.state("stun-2", "connection", "disconnected")
		const each = 10 // candidates of an end
		sample := protocol.Sample{Trial: "stun-2"}
		for i := range each {
			sample.Local = append(sample.Local, protocol.SampleCandidate{ID: "L" + string(rune('0'+i))})
			sample.Remote = append(sample.Remote, protocol.SampleCandidate{ID: "R" + string(rune('0'+i))})
			for range each {
				sample.Pairs = append(sample.Pairs, protocol.SamplePair{ID: "P", State: "failed"})
			}
		}
		began, restarted := time.Now(), time.Time{}
		for time.Since(began) < protocol.MaxHoldMs*time.Millisecond-time.Second {
			again := time.Since(restarted) >= restart
			if again {
				restarted = time.Now()
				a.state("stun-2", "restart", "begun")
			}
			for i, p := range []*client{a, b} {
				if again {
					told := descriptionFrame("stun-2", []string{"offer", "answer"}[i], "again")
					told.Description.SDP += strings.Repeat("x", 6<<10)
					p.say(told)
					for port := range each {
						p.say(candidateFrame("stun-2", hostLine("10.0.0.1", 5000+port)))
						p.say(protocol.ClientMessage{Type: protocol.ClientApplied, Applied: &protocol.Applied{Trial: "stun-2"}})
					}
				}
				p.say(protocol.ClientMessage{Type: protocol.ClientSample, Sample: &sample})
			}
			time.Sleep(500 * time.Millisecond)
		}
		if stop := a.waitLong("stun-2", time.Minute); stop.Reason != protocol.ReasonPathLost {
			t.Errorf("%+v", stop)
		}
		if events := w.events(); len(of(events, protocol.EventFull)) > 0 || len(of(events, protocol.EventDescription)) < 60 {
			t.Errorf("%d events, %d descriptions", len(events), len(of(events, protocol.EventDescription)))
		}
		w.end()
	})
}

// waitLong is stop for what takes its time.
func (p *client) waitLong(id protocol.TrialID, patience time.Duration) (stop protocol.Stop) {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Second / 2) {
		if got := p.all(func(m protocol.ServerMessage) bool { return m.Stop != nil && m.Stop.Trial == id }); len(got) > 0 {
			return *got[0].Stop
		}
	}
	p.t.Fatalf("%s was not stopped", id)
	return stop
}

// asking has the session see one experiment of each kind proposed until it was made.
func asking(kinds ...protocol.Experiment) func(*diagnosis.Diagnosis) {
	return func(d *diagnosis.Diagnosis) {
		for _, k := range kinds {
			if !slices.ContainsFunc(d.Experiments, func(x diagnosis.Experiment) bool { return x.Kind == k }) {
				x := diagnosis.Experiment{Kinds: []protocol.TrialKind{protocol.TrialSTUN}}
				x.Kind, x.By, x.State = k, "session", "proposed"
				d.Experiments = append(d.Experiments, x)
			}
		}
	}
}

func TestTheSessionRunsItsExperiments(t *testing.T) {
	var open atomic.Int32
	fresh := []protocol.ICEServer{{URLs: []string{"stun:" + stunAddress + ":54321"}}}
	w := newWorld(t, session.Config{FreshPort: func(string, netip.Addr) ([]protocol.ICEServer, func(), error) {
		open.Add(1)
		return fresh, func() { open.Add(-1) }, nil
	}})
	w.talk.Amend(asking(protocol.ExperimentSwap, protocol.ExperimentPort, protocol.ExperimentSize, protocol.ExperimentFamily))
	a, b := w.join(browser), w.join(browser)
	connect("host-1", a, b)
	connect("stun-1", a, b)
	if got := a.start("stun-2"); got.Role != protocol.RoleAnswerer {
		t.Errorf("swapped: %+v", got)
	}
	if got := ran(w.events()); len(got) != 2 || got[1].Experiment != protocol.ExperimentSwap || !got[1].SwapOfferer || !got[1].Automatic {
		t.Fatalf("%+v", got)
	}
	connect("stun-2", a, b)
	if got := b.start("stun-3"); got.ICEServers[0].URLs[0] != fresh[0].URLs[0] || got.Role != protocol.RoleAnswerer {
		t.Errorf("port: %+v", got)
	}
	if n := open.Load(); n != 2 {
		t.Errorf("%d ports are open", n)
	}
	connect("stun-3", a, b)
	if got := a.start("stun-4"); got.UfragLength != 253 {
		t.Errorf("size: %+v", got)
	}
	if n := open.Load(); n != 0 {
		t.Errorf("%d ports are still open", n)
	}
	connect("stun-4", a, b)
	if four, six := a.start("stun-5"), a.start("stun-6"); four.Family != "ipv4" || six.Family != "ipv6" {
		t.Errorf("family: %+v, %+v", four, six)
	}
	connect("stun-5", a, b)
	connect("stun-6", a, b)
	a.stop("stun-6")
	a.sync()
	if got := ran(w.events()); len(got) != 6 {
		t.Errorf("%+v", got)
	}
	// A person may have one again, and what cannot be is refused.
	a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Experiment: protocol.ExperimentSwap}})
	b.start("stun-7")
	if got := ran(w.events()); got[6].Automatic || got[6].Experiment != protocol.ExperimentSwap {
		t.Errorf("%+v", got)
	}
	for _, x := range []protocol.Experiment{protocol.ExperimentHeadless, "tea-leaves"} {
		before := len(a.all(func(m protocol.ServerMessage) bool { return m.Error != nil }))
		a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Experiment: x}})
		a.sync()
		if got := a.all(func(m protocol.ServerMessage) bool { return m.Error != nil }); len(got) != before+1 || got[before].Error.Code != protocol.ErrRefused {
			t.Errorf("%s: %+v", x, got)
		}
	}
}

// What becomes due after the last trial has ended is run where nobody looks on.
func TestExperimentsRunUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		w := newWorldOn(t, session.Config{}, l)
		w.dial = l.dial
		var late atomic.Bool
		w.talk.Amend(func(d *diagnosis.Diagnosis) {
			if late.Load() {
				asking(protocol.ExperimentSwap)(d)
			}
		})
		unseen := browser
		unseen.Live = false
		a, b := w.join(unseen), w.join(unseen)
		connect("host-1", a, b)
		connect("stun-1", a, b)
		a.stop("host-1")
		a.stop("stun-1")
		time.Sleep(time.Minute)
		if got := ran(w.events()); len(got) != 1 {
			t.Fatalf("%+v", got)
		}
		late.Store(true)
		a.state("stun-1", "signaling", "stable")
		a.start("stun-2")
		w.end()
	})
}

// What cannot be run is recorded as a run of no trials, so that nobody waits for it.
func TestImpossibleExperiments(t *testing.T) {
	w := newWorld(t, session.Config{})
	asked := false // once: the fold sees from the recording that it was tried
	w.talk.Amend(func(d *diagnosis.Diagnosis) {
		if len(d.Trials) == 2 && len(d.Verdict.Pending) == 0 && !asked {
			asked = true
			asking(protocol.ExperimentPort)(d)
		}
	})
	a, b := w.join(browser), w.join(browser)
	connect("host-1", a, b)
	connect("stun-1", a, b)
	run := b.event("the run", func(e protocol.Event) bool { return e.Run != nil && e.Run.Experiment == protocol.ExperimentPort })
	if len(run.Run.Trials) > 0 || !run.Run.Automatic {
		t.Errorf("%+v", run.Run)
	}
	a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Experiment: protocol.ExperimentPort}})
	a.refused(protocol.ErrRefused)
	if got := w.talk.Report(w.room(), protocol.English).Experiments; len(got) > 0 {
		t.Errorf("%+v", got)
	}
}
