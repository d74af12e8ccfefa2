package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/session"
	"github.com/icescope/icescope/signaling"
	"github.com/icescope/icescope/stunsrv"
)

func TestTrialsStartWithTheSecondPeerThatRunsThem(t *testing.T) {
	w := newWorld(t, session.Config{})
	a := w.join(browser)
	watcher := w.join(protocol.Hello{Kind: protocol.KindWatcher, Live: true})
	automation := w.join(protocol.Hello{Kind: protocol.KindHeadless})
	if got := of(w.events(), protocol.EventRun); len(got) > 0 {
		t.Fatalf("a run without a second peer that has trials: %+v", got)
	}
	_ = automation.Close()
	c := w.join(browser)
	for _, kind := range []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN} {
		id := protocol.NewTrialID(kind, 1)
		offers, answers := a.start(id), c.start(id)
		if offers.Role != protocol.RoleOfferer || offers.Peer != c.id || answers.Role != protocol.RoleAnswerer || answers.Peer != a.id {
			t.Errorf("%s: %+v, %+v", id, offers, answers)
		}
		if servers := len(offers.ICEServers); (kind == protocol.TrialHost) != (servers == 0) || offers.ICEServers == nil {
			t.Errorf("%s has ICE servers %v", id, offers.ICEServers)
		}
	}
	watcher.wait("a snapshot of the run", func(m protocol.ServerMessage) bool {
		return m.Snapshot != nil && m.Snapshot.Run == 1 && len(m.Snapshot.Trials) == 2
	})
	if got := watcher.all(func(m protocol.ServerMessage) bool { return m.Start != nil }); len(got) > 0 {
		t.Errorf("a watcher was told to start: %+v", got)
	}
	run := of(w.events(), protocol.EventRun)
	if len(run) != 1 || !run[0].Run.Automatic || !slices.Equal(run[0].Run.Trials, []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN}) {
		t.Errorf("run %+v", run)
	}
	w.checkReplay()
}

func TestRunAgainSupersedesAndSwaps(t *testing.T) {
	w := newWorld(t, session.Config{})
	a, b := w.join(browser), w.join(browser)
	b.start("host-1")
	b.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: []protocol.TrialKind{protocol.TrialHost}, SwapOfferer: true}})
	for _, p := range []*client{a, b} {
		if got := p.stop("host-1"); got.Outcome != protocol.OutcomeSkipped || got.Reason != protocol.ReasonSuperseded {
			t.Errorf("%s: %+v", p.id, got)
		}
		want := protocol.RoleAnswerer
		if p == b {
			want = protocol.RoleOfferer
		}
		if got := p.start("host-2"); got.Role != want {
			t.Errorf("%s: %+v, want %s", p.id, got, want)
		}
	}
	// The other trial of the first run goes on, and what nobody can run is refused.
	a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: []protocol.TrialKind{protocol.TrialRelayTCP}}})
	a.refused(protocol.ErrRefused)
	if got := of(w.events(), protocol.EventStop); len(got) != 1 {
		t.Errorf("stops %+v", got)
	}
	run := of(w.events(), protocol.EventRun)
	if len(run) != 2 || run[1].Peer != b.id || !run[1].Run.SwapOfferer || run[1].Run.Automatic {
		t.Errorf("runs %+v", run)
	}
	w.checkReplay()
}

// refused waits for an error frame.
func (p *client) refused(code protocol.ErrorCode) protocol.Error {
	p.t.Helper()
	return *p.wait("the error "+string(code), func(m protocol.ServerMessage) bool { return m.Error != nil && m.Error.Code == code }).Error
}

func TestRunAlone(t *testing.T) {
	w := newWorld(t, session.Config{})
	a := w.join(browser)
	a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{}})
	if e := a.refused(protocol.ErrRefused); e.Hint == "" || e.Type != "run" || e.Ref == 0 {
		t.Errorf("%+v", e)
	}
}

func TestCustomServers(t *testing.T) {
	const secret = "hunter2-hunter2"
	w := newWorld(t, session.Config{})
	a, b := w.join(browser), w.join(browser)
	b.start("stun-1")
	custom := []protocol.TrialKind{protocol.TrialCustom}
	for _, bad := range []string{`"stun:"`, `[{"urls":"http://192.0.2.1"}]`, `[{"urls":5}]`, ``} {
		before := len(of(w.events(), protocol.EventRun))
		a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: custom, ICEServers: json.RawMessage(bad)}})
		a.refused(protocol.ErrBadICEServers)
		a.sync()
		if after := w.events(); len(of(after, protocol.EventRun)) != before || len(of(after, protocol.EventStop)) != 0 || len(of(after, protocol.EventBroken)) != 0 {
			t.Errorf("%q did more than answer", bad)
		}
	}
	if got := b.all(func(m protocol.ServerMessage) bool { return m.Error != nil }); len(got) > 0 {
		t.Errorf("the other peer was told: %+v", got)
	}
	pasted := `{"iceServers":[{"urls":"turn:192.0.2.7:3478","username":"alice","credential":"` + secret + `"}]}`
	a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: custom, ICEServers: json.RawMessage(pasted)}})
	for _, p := range []*client{a, b} {
		for _, id := range []protocol.TrialID{"custom-2", "gather-2"} {
			if got := p.start(id); len(got.ICEServers) != 1 || got.ICEServers[0].Credential != secret {
				t.Errorf("%s was not given the pasted servers for %s: %+v", p.id, id, got)
			}
		}
	}
	a.sync()
	for what, v := range map[string]any{"recording": w.events(), "report": w.talk.Report(w.room(), protocol.English)} {
		if got := string(encode(t, v)); strings.Contains(got, secret) {
			t.Errorf("the %s names the password", what)
		}
	}
	for _, p := range []*client{a, b} {
		for _, m := range p.all(func(m protocol.ServerMessage) bool { return m.Start == nil }) {
			if strings.Contains(string(encode(t, m)), secret) {
				t.Errorf("%s: the password in a frame of type %s", p.id, m.Type)
			}
		}
	}
	w.checkReplay()
}

func TestEachReaderHasItsLanguage(t *testing.T) {
	w := newWorld(t, session.Config{})
	japanese := browser
	japanese.Lang = protocol.Japanese
	a, b := w.join(browser), w.join(japanese)
	watcher := w.join(protocol.Hello{Kind: protocol.KindWatcher, Live: true, Lang: protocol.Japanese})
	full := func(m protocol.ServerMessage) bool {
		return m.Snapshot != nil && len(m.Snapshot.Peers) == 2 && m.Snapshot.Run == 1
	}
	en, ja, look := a.wait("a snapshot", full).Snapshot, b.wait("a snapshot", full).Snapshot, watcher.wait("a snapshot", full).Snapshot
	if en.Lang != protocol.English || ja.Lang != protocol.Japanese || look.Lang != protocol.Japanese || en.Verdict.Summary == ja.Verdict.Summary {
		t.Errorf("%s %q, %s %q, %s", en.Lang, en.Verdict.Summary, ja.Lang, ja.Verdict.Summary, look.Lang)
	}
	a.sync()
	watcher.event("what a did", func(e protocol.Event) bool { return e.State != nil && e.Peer == a.id })
	events := w.events()
	for _, p := range []*client{a, b, watcher} {
		for _, m := range p.all(snapshot) {
			checkSnapshot(t, events, *m.Snapshot)
		}
	}
}

func TestWhoLeavesEndsTheTrials(t *testing.T) {
	w := newWorld(t, session.Config{})
	a, b := w.join(browser), w.join(browser)
	a.start("stun-1")
	_ = b.Close()
	for _, id := range []protocol.TrialID{"host-1", "stun-1"} {
		if got := a.stop(id); got.Outcome != protocol.OutcomeFailed || got.Reason != protocol.ReasonPeerLeft {
			t.Errorf("%+v", got)
		}
	}
	// Another one may come: the trials begin anew.
	c := w.join(browser)
	if got := a.start("host-2"); got.Peer != c.id {
		t.Errorf("%+v, want %s", got, c.id)
	}
	w.checkReplay()
}

// A dropped WebSocket comes back, and sees every event once.
func TestEventsGoOnWhereAPeerResumes(t *testing.T) {
	w := newWorld(t, session.Config{})
	a := w.join(browser)
	watcher := w.join(protocol.Hello{Kind: protocol.KindWatcher, Live: true})
	a.sync()
	watcher.event("the first state", func(e protocol.Event) bool { return e.State != nil })
	watcher.cut()
	a.sync()
	watcher.event("its resuming", func(e protocol.Event) bool { return e.Type == protocol.EventResumed && e.Peer == watcher.id })
	next := 0
	for _, m := range watcher.all(func(m protocol.ServerMessage) bool { return len(m.Events) > 0 }) {
		for _, e := range m.Events {
			if e.Seq != next {
				t.Fatalf("event %d came where %d should", e.Seq, next)
			}
			next++
		}
	}
	w.checkReplay()
}

func TestSightingsAreTied(t *testing.T) {
	w := newWorld(t, session.Config{})
	a := w.join(browser)
	binding := func(source string) protocol.Sighting {
		return protocol.Sighting{Source: source, Local: stunAddress + ":3478", Transport: "udp", Kind: "binding", Answered: true, Requests: 1}
	}
	tied := func(want ...string) {
		t.Helper()
		got := []string{}
		for _, e := range of(w.events(), protocol.EventSighting) {
			got = append(got, e.Peer+" "+e.Sighting.Source+" "+e.Sighting.TiedBy)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("tied %q, want %q", got, want)
		}
	}
	reflexive := func(p *client, address string) {
		t.Helper()
		p.say(candidateFrame("alone-1", "candidate:2 1 udp 1677729535 "+strings.Replace(address, ":", " ", 1)+" typ srflx raddr 0.0.0.0 rport 0"))
		p.sync()
	}
	w.join(companion) // beside it, from the same address, which it does not hide
	w.talk.Sighting(binding("127.0.0.1:5000"))
	w.talk.Sighting(binding("127.0.0.1:5000")) // again, which says nothing new
	w.talk.Sighting(binding("192.0.2.9:5000")) // nobody's
	tied("a 127.0.0.1:5000 address")

	w.talk.Sighting(binding("203.0.113.5:4000")) // before its candidate
	tied("a 127.0.0.1:5000 address")
	reflexive(a, "203.0.113.5:4000")
	reflexive(a, "203.0.113.5:4001") // before its sighting
	w.talk.Sighting(binding("[::ffff:203.0.113.5]:4001"))
	tied("a 127.0.0.1:5000 address", "a 203.0.113.5:4000 candidate", "a [::ffff:203.0.113.5]:4001 candidate")

	b := w.join(browser) // from the same address
	w.talk.Sighting(binding("127.0.0.1:5001"))
	if got := of(w.events(), protocol.EventSighting); len(got) != 3 {
		t.Fatalf("tied to one of two at the same address: %+v", got[3:])
	}
	reflexive(b, "203.0.113.5:4002")
	w.talk.Sighting(binding("203.0.113.5:4002"))
	if got := of(w.events(), protocol.EventSighting); len(got) != 4 || got[3].Peer != b.id {
		t.Fatalf("%+v", got)
	}
	_ = b.Close() // and a is the only one again
	w.talk.Sighting(binding("203.0.113.5:4003"))
	w.talk.Sighting(binding("127.0.0.1:5002"))
	if got := of(w.events(), protocol.EventSighting); len(got) != 5 || got[4].Peer != a.id || got[4].Sighting.TiedBy != "address" {
		t.Fatalf("%+v", got)
	}
	w.checkReplay()
}

// checker is a STUN server that writes down what it is asked to check.
type checker struct {
	mu    sync.Mutex
	asked []stunsrv.CheckRequest
	hold  bool // each check lasts until its context ends
}

func (c *checker) Check(ctx context.Context, r stunsrv.CheckRequest) (stunsrv.CheckResult, error) {
	c.mu.Lock()
	c.asked = append(c.asked, r)
	c.mu.Unlock()
	if c.hold {
		<-ctx.Done()
	}
	return stunsrv.CheckResult{From: netip.MustParseAddrPort(stunAddress + ":3478"), To: r.To, Sent: 1, Result: "answered", Answerer: r.To}, nil
}

func (c *checker) CornersFrom(netip.AddrPort) stunsrv.Corners { return stunsrv.Corners{} }

func (c *checker) Port(stunsrv.Port) uint16 { return 3478 }

func TestDirectChecks(t *testing.T) {
	for _, on := range []bool{true, false} {
		t.Run(fmt.Sprintf("DirectChecks %t", on), func(t *testing.T) {
			stun := &checker{}
			w := newWorld(t, session.Config{STUN: stun, DirectChecks: on})
			a, b := w.join(browser), w.join(browser)
			a.start("stun-1")
			for i, p := range []*client{a, b} {
				p.say(candidateFrame("host-1", hostLine(fmt.Sprintf("10.0.%d.200", i), 5000))) // it waits for the credentials of both
				p.say(descriptionFrame("host-1", []string{"offer", "answer"}[i], "frag"+p.id))
			}
			for i, p := range []*client{a, b} {
				for n := range 20 {
					for port := range 2 {
						p.say(candidateFrame("host-1", hostLine(fmt.Sprintf("10.0.%d.%d", i, n+1), 5000+port)))
					}
				}
				p.say(candidateFrame("host-1", hostLine("0d8a2a4c-0000-4000-8000-000000000000.local", 5000)))
				p.say(candidateFrame("host-1", "candidate:1 1 tcp 1518280447 10.0.9.1 9 typ host tcptype active"))
				p.say(candidateFrame("host-1", "candidate:2 1 udp 1677729535 203.0.113.5 4000 typ srflx raddr 0.0.0.0 rport 0"))
				p.say(candidateFrame("stun-1", hostLine("10.0.9.2", 5000)))
				p.sync()
			}
			if on {
				a.wait("all results", func(protocol.ServerMessage) bool { return len(of(w.events(), protocol.EventCheck)) == 32 })
			}
			w.checkReplay()
			w.end() // after which nothing is under way
			if !on {
				if len(stun.asked) > 0 {
					t.Errorf("checked %+v", stun.asked)
				}
				return
			}
			seen := map[netip.Addr]bool{}
			count := map[string]int{}
			for _, r := range stun.asked {
				if seen[r.To.Addr()] {
					t.Errorf("%v was asked twice", r.To)
				}
				seen[r.To.Addr()] = true
				p, other, controlling := a, b, false // the offerer is controlling, so the check must not be
				if r.RemoteUfrag == "frag"+b.id {
					p, other, controlling = b, a, true
				}
				count[p.id]++
				want := fmt.Sprintf("10.0.%d.", map[*client]int{a: 0, b: 1}[p])
				if r.RemoteUfrag != "frag"+p.id || !strings.HasPrefix(r.RemotePwd, r.RemoteUfrag) || r.LocalUfrag != "frag"+other.id || r.Controlling != controlling ||
					!strings.HasPrefix(r.To.String(), want) {
					t.Errorf("%+v", r)
				}
			}
			if count[a.id] != 16 || count[b.id] != 16 {
				t.Errorf("checks by peer: %v", count)
			}
		})
	}
}

// Run waits for the checks that are under way, and ends them.
func TestRunEndsChecks(t *testing.T) {
	stun := &checker{hold: true}
	w := newWorld(t, session.Config{STUN: stun, DirectChecks: true})
	a, b := w.join(browser), w.join(browser)
	a.start("host-1")
	a.say(candidateFrame("host-1", hostLine("10.0.0.1", 5000)))
	a.say(descriptionFrame("host-1", "offer", "frag"))
	a.sync()
	b.say(descriptionFrame("host-1", "answer", "garf"))
	b.sync()
	w.end()
	if len(stun.asked) != 1 {
		t.Errorf("asked %+v", stun.asked)
	}
}

// fill has a peer say so much that the recording takes no more.
func (w *world) fill(p *client) {
	w.t.Helper()
	r := w.room()
	r.Do(func() {
		i := slices.IndexFunc(r.Members(), func(q *signaling.Peer) bool { return q.ID() == p.id })
		last := -1
		for {
			n := w.talk.Message(r, r.Members()[i], &protocol.ClientMessage{Type: protocol.ClientState, State: &protocol.State{Trial: "host-1", What: "signaling", Value: "stable"}})
			if n == last {
				return
			}
			last = n
		}
	})
}

func TestFullRecording(t *testing.T) {
	w := newWorld(t, session.Config{})
	a, b := w.join(browser), w.join(browser)
	a.start("stun-1")
	w.fill(a)
	for _, id := range []protocol.TrialID{"host-1", "stun-1"} {
		if got := b.stop(id); got.Outcome != protocol.OutcomeSkipped {
			t.Errorf("%+v", got)
		}
	}
	full := b.event("the end of the recording", func(e protocol.Event) bool { return e.Type == protocol.EventFull })
	a.say(candidateFrame("host-1", hostLine("10.0.0.1", 5000)))
	b.wait("a candidate", func(m protocol.ServerMessage) bool { return m.Candidate != nil && m.From == a.id })
	a.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{}})
	a.refused(protocol.ErrRefused)
	watcher := w.join(protocol.Hello{Kind: protocol.KindWatcher, Live: true})
	watcher.event("the end of the recording", func(e protocol.Event) bool { return e.Type == protocol.EventFull })
	watcher.wait("a snapshot", snapshot)

	events := w.events()
	if last := events[len(events)-1]; last.Type != protocol.EventFull || last.Seq != full.Seq || len(of(events, protocol.EventFull)) != 1 {
		t.Errorf("%d events, the last %+v", len(events), last)
	}
	if n := len(encode(t, events)); len(events) < 10_000 || n > 8<<20 {
		t.Errorf("a full recording of %d events is %d bytes of JSON: not an honest room's, or more than a newcomer's queue takes", len(events), n)
	}
	w.checkReplay()
	for _, p := range []*client{a, b} {
		if got := p.all(func(m protocol.ServerMessage) bool { return m.Stop != nil }); len(got) != 2 {
			t.Errorf("%s was sent %d stops", p.id, len(got))
		}
	}
}

func TestBrokenFramesAreRecordedUpToALimit(t *testing.T) {
	w := newWorld(t, session.Config{})
	a := w.join(browser)
	a.say(protocol.ClientMessage{Type: protocol.ClientDescription, Description: &protocol.Description{Trial: "host-1", Kind: "offer"}})
	a.refused(protocol.ErrBadMessage)
	r := w.room()
	r.Do(func() {
		for range 300 {
			w.talk.Broken(r, r.Members()[0], protocol.Error{Code: protocol.ErrBadJSON})
		}
	})
	got := of(w.events(), protocol.EventBroken)
	if len(got) != 100 || got[0].Broken.Code != protocol.ErrBadMessage || got[0].Peer != a.id {
		t.Errorf("%d, the first %+v", len(got), got[0])
	}
	w.checkReplay()
}

// A snapshot that knows of an event is out within 50 ms of it, whatever the rhythm of events, and there are not many more than one in 40 ms.
func TestSnapshotsAreTimely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		w := newWorldOn(t, session.Config{}, l)
		w.dial = l.dial
		began := time.Now()
		a, b := w.join(browser), w.join(browser)
		for i := range 200 {
			a.say(protocol.ClientMessage{Type: protocol.ClientState, State: &protocol.State{Trial: "host-1", What: "signaling", Value: fmt.Sprint(i)}})
			time.Sleep(time.Duration(i%23) * time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		took := time.Since(began)

		known := 0
		events := w.events()
		snapshots := 0
		b.mu.Lock()
		defer b.mu.Unlock()
		for i, m := range b.frames {
			if m.Snapshot == nil {
				continue
			}
			snapshots++
			at := float64(b.times[i].Sub(began).Microseconds()) / 1000
			for ; known < m.Snapshot.Events; known++ {
				// What was there before b came is as late as b is.
				if late := at - events[known].AtMs; late > 50 {
					t.Errorf("event %d (%s) of %v ms is in the snapshot of %v ms", known, events[known].Type, events[known].AtMs, at)
				}
			}
		}
		if known != len(events) {
			t.Errorf("the last snapshot knows %d of %d events", known, len(events))
		}
		if limit := int(took/(40*time.Millisecond)) + 2; snapshots > limit {
			t.Errorf("%d snapshots in %v, want at most %d", snapshots, took, limit)
		}
		w.checkReplay()
	})
}

// A defect in what is made of one room does not end the others.
func TestADefectEndsOneRoom(t *testing.T) {
	var log bytes.Buffer
	defect := ""
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		w := newWorldOn(t, session.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, l)
		w.dial = l.dial
		w.talk.Amend(func(d *diagnosis.Diagnosis) {
			if d.Room.Room == defect {
				panic("a defect")
			}
		})
		defect = w.code
		w.join(browser)
		time.Sleep(time.Second)
		if n := len(w.events()); n < 2 {
			t.Errorf("%d events of the room with the defect", n)
		}
		code, err := w.hub.Create()
		if err != nil {
			t.Fatal(err)
		}
		w.code = code
		w.join(browser).wait("a snapshot", snapshot)
	})
	if n := strings.Count(log.String(), "a defect"); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
}
