package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/session"
)

// Many rooms at once: a few begin at once, the others one after the other, and who asks need not wait.
func TestRoomsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		w := newWorldOn(t, session.Config{}, l)
		w.dial = l.dial
		began := time.Now()
		var first []*client
		for range 12 {
			code, err := w.hub.Create()
			if err != nil {
				t.Fatal(err)
			}
			w.code = code
			first = append(first, w.join(browser))
			w.join(browser)
		}
		started := func() (n int) {
			synctest.Wait()
			for _, p := range first {
				n += len(p.all(func(m protocol.ServerMessage) bool { return m.Start != nil && m.Start.Trial == "host-1" }))
			}
			return n
		}
		if n := started(); n != 8 || time.Since(began) > 50*time.Millisecond {
			t.Fatalf("%d of 12 rooms began at once, after %v", n, time.Since(began))
		}
		last := first[11]
		last.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{}})
		if n := started(); n != 9 {
			t.Errorf("%d after one has asked", n)
		}
		time.Sleep(150 * time.Millisecond)
		if n := started(); n != 10 {
			t.Errorf("%d after 150 ms", n)
		}
		_ = first[9].Close() // nobody is left to try it with
		time.Sleep(time.Second)
		if n := started(); n != 11 {
			t.Errorf("%d after a second", n)
		}
		if got := last.all(func(m protocol.ServerMessage) bool { return m.Start != nil && m.Start.Trial == "host-2" }); len(got) > 0 {
			t.Error("who had asked was started again")
		}
	})
}

// A room that has nothing to try takes no turn.
func TestARoomWithoutTrialsTakesNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		w := newWorldOn(t, session.Config{}, l)
		w.dial = l.dial
		began := time.Now()
		for i := range 9 {
			one, other := browser, browser
			if i < 8 {
				one.Live, other.Live = false, false
				one.Trials, other.Trials = []protocol.TrialKind{protocol.TrialHost}, []protocol.TrialKind{protocol.TrialSTUN}
			}
			code, err := w.hub.Create()
			if err != nil {
				t.Fatal(err)
			}
			w.code = code
			w.join(one)
			if last := w.join(other); i == 8 {
				last.start("host-1")
			}
		}
		if waited := time.Since(began); waited > 50*time.Millisecond {
			t.Errorf("the ninth room waited for %v", waited)
		}
	})
}
