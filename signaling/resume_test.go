package signaling

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/icescope/icescope/protocol"
)

func TestResumeSendsAgainWhatWasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, b := w.join(room), w.join(room)
		for i := range 3 {
			a.candidate(i + 1)
			b.wantCandidate(i + 1)
		}
		b.candidate(1)
		a.wantCandidate(1)
		w.seen.take()

		b.drop() // it has processed one frame of three, let us say
		w.seen.want(t, "dropped b")
		a.candidate(4) // into the gap
		b2, wel := b.back(room, 1)
		if !wel.Resumed || wel.Peer != "b" || wel.Received != 1 || wel.Resume != b.token || len(wel.ICEServers) != 1 {
			t.Errorf("welcome %+v", wel)
		}
		for i := range 3 {
			if m := b2.wantCandidate(i + 2); m.Seq != int64(i+2) {
				t.Errorf("seq %d, want %d", m.Seq, i+2)
			}
		}
		w.seen.want(t, "message a candidate 4", "resumed b 3")

		b2.candidate(1) // it could not know that this one had arrived
		b2.candidate(2)
		if m := a.wantCandidate(2); m.Seq != 2 {
			t.Errorf("seq %d", m.Seq)
		}
		a.wantQuiet()
		if s := w.hub.Stats(); s.Drops != 1 || s.Resumes != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestResumeReplacesAConnectionThatSeemsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a := w.join(room)
		w.seen.take()
		a2, _ := a.back(room, 0)
		if m := a.next(); m.Bye == nil || m.Bye.Reason != "replaced" || m.Bye.RetryMs != 0 {
			t.Errorf("the old connection got %s", encode(m))
		}
		a.wantClosed(closeReplaced)
		w.seen.want(t, "dropped a", "resumed a 3")
		a2.candidate(1)
		a2.wantError(protocol.ErrNoPeer)
	})
}

func TestResumeIsOverAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, b := w.join(room), w.join(room)
		b.drop()
		w.seen.take()
		<-time.After(resumeWait - 2*sweepEvery)
		c := w.dial(room)
		c.say(`{"type":"hello","hello":{"kind":"browser"}}`)
		c.wantError(protocol.ErrRoomFull) // the dropped one has its place still
		<-time.After(4 * sweepEvery)
		w.seen.want(t, "pong a 0s", "pong a 0s", "left b expired") // one at once, one after pingEvery
		c.say(`{"type":"hello","hello":{"kind":"browser","resume":%q}}`, b.token)
		c.wantError(protocol.ErrBadResume)
		if wel := c.hello(protocol.KindBrowser); wel.Peer != "c" { // on the same connection
			t.Errorf("welcome %+v", wel)
		}
		c.say(`{"type":"leave"}`)
		c.wantClosed(closeNormal)
		a.candidate(1)
		a.wantError(protocol.ErrNoPeer)
	})
}

func TestResumeIsRefusedWhereAFrameIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, b := w.join(room), w.join(room)
		b.drop()
		for i := range keepFrames + 1 {
			a.candidate(i + 1)
		}
		w.seen.take()
		c := w.dial(room)
		c.say(`{"type":"hello","hello":{"kind":"browser","resume":%q}}`, b.token)
		c.wantError(protocol.ErrBadResume)
		w.seen.want(t, "left b expired")
		c.hello(protocol.KindBrowser) // and its place is free at once
	})
}

func TestAcknowledgedFramesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, b := w.join(room), w.join(room)
		for i := range 5 {
			a.candidate(i + 1)
			b.wantCandidate(i + 1)
		}
		kept := func() (n, size int) {
			synctest.Wait()
			r, _ := w.hub.Room(room)
			r.Do(func() { n, size = len(r.Members()[1].kept), r.Members()[1].keptBytes })
			return n, size
		}
		b.say(`{"type":"ack","ack":3}`)
		if n, _ := kept(); n != 2 {
			t.Errorf("%d frames are kept, want 2", n)
		}
		b.say(`{"type":"environment","seq":1,"ack":99,"environment":{}}`) // more than there is
		if n, size := kept(); n != 0 || size != 0 {
			t.Errorf("%d frames of %d bytes are kept", n, size)
		}
	})
}

func TestMuchIsAcknowledgedWithoutAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		a := w.join(w.create())
		for i := range ackEvery {
			a.say(`{"type":"environment","seq":%d,"environment":{}}`, i+1)
		}
		if m := a.next(); m.Type != protocol.ServerEvents || m.Ack != ackEvery || m.Events != nil {
			t.Errorf("got %s", encode(m))
		}
		a.wantQuiet()
	})
}

func TestGoingAwayIsLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		a := w.join(w.create())
		w.seen.take()
		if err := a.ws.WriteControl(8, []byte{3, 0xe9}, time.Time{}); err != nil { // 1001: the page was closed
			t.Fatal(err)
		}
		a.wantClosed(closeGoingAway)
		w.seen.want(t, "left a leave")
	})
}

func TestStartsWaitForTheResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a := w.join(room)
		a.drop()
		synctest.Wait()
		r, _ := w.hub.Room(room)
		r.Do(func() {
			p := r.Members()[0]
			if p.Online() {
				t.Error("a dropped peer is online")
			}
			p.Send(&protocol.ServerMessage{Type: protocol.ServerStart, Start: &protocol.Start{Trial: "host-1"}})
			p.Send(&protocol.ServerMessage{Type: protocol.ServerEvents}) // lost
			p.SendSnapshot([]byte(`{"type":"snapshot"}`))                // lost
			p.Send(&protocol.ServerMessage{Type: protocol.ServerStop, Stop: &protocol.Stop{Trial: "host-1"}})
		})
		a2, _ := a.back(room, 0)
		var got []string
		for range 2 {
			m := a2.next()
			got = append(got, fmt.Sprint(m.Type, m.Seq))
		}
		if !slices.Equal(got, []string{"start1", "stop2"}) {
			t.Errorf("got %q", got)
		}
		a2.wantQuiet()
	})
}

func TestSnapshotsReplaceEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		ws := w.mute(room)
		if err := ws.ReadJSON(new(protocol.ServerMessage)); err != nil { // the welcome
			t.Fatal(err)
		}
		if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"environment","seq":7,"environment":{}}`)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		r, _ := w.hub.Room(room)
		r.Do(func() { r.Members()[0].SendEncoded([]byte(`{"type":"events","from":"-"}`)) })
		synctest.Wait() // the writer is stuck in that one, as nobody reads
		r.Do(func() {
			p := r.Members()[0]
			for i := range 5 {
				p.SendSnapshot(fmt.Appendf(nil, `{"type":"snapshot","from":"%d"}`, i))
				p.SendEncoded(fmt.Appendf(nil, `{"type":"events","from":"%d"}`, i))
			}
		})
		var got strings.Builder
		for range 7 {
			var m protocol.ServerMessage
			if err := ws.ReadJSON(&m); err != nil {
				t.Fatal(err)
			}
			if m.Ack != 7 {
				t.Errorf("ack %d was not put in", m.Ack)
			}
			got.WriteString(string(m.Type)[:1] + m.From + " ")
		}
		if s := got.String(); s != "e- e0 e1 e2 e3 s4 e4 " {
			t.Errorf("got %s", s)
		}
	})
}
