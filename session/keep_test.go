package session_test

import (
	"testing"
	"time"

	"github.com/icescope/icescope/archive"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/session"
)

// shelf is an archive that a test looks into.
type shelf chan archive.Finished

func (s shelf) Keep(f archive.Finished) bool {
	select {
	case s <- f:
		return true
	default:
		return false
	}
}

// TestKept: a room is handed in when a peer has left, each time as one and the same; one in which nothing was tried is not.
func TestKept(t *testing.T) {
	s := make(shelf, 10)
	w := newWorld(t, session.Config{Archive: s})
	x := w.join(browser)
	y := w.join(browser)
	x.start("host-1")
	take := func() (f archive.Finished) {
		select {
		case f = <-s:
		case <-time.After(patience):
			t.Fatal("not kept")
		}
		return f
	}
	y.say(protocol.ClientMessage{Type: protocol.ClientLeave})
	first := take()
	x.say(protocol.ClientMessage{Type: protocol.ClientLeave})
	second := take()
	if first.ID == "" || first.ID != second.ID || first.Code != w.code || len(second.Events) <= len(first.Events) || first.Events[0].Room == nil {
		t.Errorf("%s %s, %d and %d events", first.ID, second.ID, len(first.Events), len(second.Events))
	}
	w.end()
	if len(s) != 0 {
		t.Error("kept again, though nothing has happened")
	}
}

func TestNotKept(t *testing.T) {
	s := make(shelf, 10)
	w := newWorld(t, session.Config{Archive: s})
	w.join(browser).say(protocol.ClientMessage{Type: protocol.ClientLeave})
	w.end()
	if len(s) != 0 {
		t.Error("a room in which nothing was tried was kept")
	}
}
