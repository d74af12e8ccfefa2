package signaling

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/icescope/icescope/protocol"
)

func TestTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, b := w.join(room), w.join(room)
		w.seen.take()
		large := `{"type":"candidate","candidate":{"trial":"host-1","candidate":"` + strings.Repeat("x", 1<<20) + `"}}`
		_ = a.ws.WriteMessage(websocket.TextMessage, []byte(large)) // the answer may come before the end
		a.wantError(protocol.ErrTooLarge)
		a.wantClosed(closeTooBig)
		w.seen.want(t, "broken a too-large", "dropped a") // and may resume
		b.candidate(1)
		a2, _ := a.back(room, 0)
		a2.wantCandidate(1)

		fits := `{"type":"environment","environment":{"error":""}}`
		a2.say("%s", strings.Replace(fits, `""`, `"`+strings.Repeat("x", maxFrame-len(fits))+`"`, 1))
		a2.wantQuiet()
		_ = a2.ws.WriteMessage(websocket.TextMessage, []byte(strings.Replace(fits, `""`, `"`+strings.Repeat("x", maxFrame-len(fits)+1)+`"`, 1)))
		a2.wantError(protocol.ErrTooLarge)
	})
}

func TestBinary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		a := w.join(w.create())
		if err := a.ws.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"ack"}`)); err != nil {
			t.Fatal(err)
		}
		a.wantError(protocol.ErrNotBinary)
		a.say(`{"type":"ack"}`)
		a.wantQuiet()
	})
}

func TestHalfAFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, b := w.join(room), w.join(room)
		half := []byte{0x81, 0xfe, 0x01, 0x00, 1, 2, 3, 4, 'x', 'y'} // 256 bytes are announced, and two come
		if _, err := a.ws.NetConn().Write(half); err != nil {
			t.Fatal(err)
		}
		a.drop()
		w.seen.take()
		a2, _ := a.back(room, 0)
		b.candidate(1)
		a2.wantCandidate(1)

		if _, err := a2.ws.NetConn().Write([]byte{0xf3, 0x80, 1, 2, 3, 4}); err != nil { // reserved bits and a reserved opcode (RFC 6455 section 5.2)
			t.Fatal(err)
		}
		a2.wantClosed(websocket.CloseProtocolError)
	})
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, b := w.join(room), w.join(room)
		for range framesBurst - 1 { // the clock stands still; the hello was one
			a.say(`{"type":"ack"}`)
		}
		a.wantQuiet()
		for range 100 {
			a.candidate(0)
		}
		a.wantError(protocol.ErrRateLimited)
		a.wantQuiet() // it is said once a second
		b.wantQuiet()
		if s := w.hub.Stats(); s.RateLimited != 100 {
			t.Errorf("%d frames were dropped", s.RateLimited)
		}
		<-time.After(time.Second)
		a.candidate(1)
		b.wantCandidate(1)
	})
}

func TestRunRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		a := w.join(w.create())
		for range runsBurst {
			a.say(`{"type":"run","run":{}}`)
		}
		a.wantQuiet()
		a.say(`{"type":"run","run":{}}`)
		a.wantError(protocol.ErrRateLimited)
		a.say(`{"type":"ack"}`) // other frames pass
		<-time.After(time.Second)
		for range runsPerSecond {
			a.say(`{"type":"run","run":{}}`)
		}
		a.wantQuiet()
	})
}

func TestByteRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		a := w.join(w.create())
		large := `{"type":"environment","environment":{"error":"` + strings.Repeat("x", maxFrame-100) + `"}}`
		for range bytesBurst/len(large) + 1 {
			a.say("%s", large)
		}
		a.wantError(protocol.ErrRateLimited)
	})
}

func TestErrorsAreBoundedAndAbuseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		a := w.join(w.create())
		w.seen.take()
		for range maxRefused / 2 {
			a.say(`x`)
		}
		synctest.Wait()
		if n := len(a.frames); n > errorsBurst {
			t.Errorf("%d error frames", n)
		}
		if n := len(w.seen.take()); n > errorsBurst {
			t.Errorf("%d were recorded", n)
		}
		<-time.After(time.Second)
		for len(a.frames) > 0 {
			a.next()
		}
		for range maxRefused {
			if a.ws.WriteMessage(websocket.TextMessage, []byte("x")) != nil {
				break
			}
		}
		for range a.frames { // errors, bounded by the buffer of the channel
		}
		if a.code != closePolicy {
			t.Errorf("closed with %d", a.code)
		}
	})
}

// A client that reads nothing is told so and closed; its numbered frames wait for the resume.
func TestTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{QueueBytes: 1}) // which is as little as there can be
		room := w.create()
		a := w.join(room)
		lazy := w.mute(room)
		var welcome protocol.ServerMessage
		if err := lazy.ReadJSON(&welcome); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			a.candidate(i + 1)
		}
		a.wantQuiet()
		r, _ := w.hub.Room(room)
		r.Do(func() {
			for range 5 {
				r.Members()[1].SendEncoded(bytes.Repeat([]byte(" "), keepBytes))
			}
		})
		if s := w.hub.Stats(); s.TooSlow != 1 {
			t.Fatalf("too slow: %d", s.TooSlow)
		}
		var last []byte
		for { // what was being written, then bye
			_, data, err := lazy.ReadMessage()
			if err != nil {
				if !websocket.IsCloseError(err, closeTryLater) {
					t.Errorf("closed by %v", err)
				}
				break
			}
			last = data
		}
		if !bytes.Contains(last, []byte("too-slow")) {
			t.Errorf("the last frame was %s", last)
		}
		_ = lazy.Close()

		b := &peer{w: w, token: welcome.Welcome.Resume}
		b2, _ := b.back(room, 0)
		for i := range 100 {
			b2.wantCandidate(i + 1)
		}
	})
}

// mute says hello on a WebSocket that nobody reads unasked.
func (w *world) mute(room string) *websocket.Conn {
	w.t.Helper()
	dialer := websocket.Dialer{NetDialContext: w.net.dial}
	ws, _, err := dialer.Dial("ws://icescope/ws?room="+room, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = ws.Close() })
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello","hello":{"kind":"headless"}}`)); err != nil {
		w.t.Fatal(err)
	}
	return ws
}

// A socket that takes nothing at all is cut by the sweeper, and so is one that never answers.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		lazy := w.mute(room)
		<-time.After(writeWait + 2*sweepEvery) // the welcome does not get out
		w.seen.want(t, "made", "joined a", "welcomed a", "dropped a")

		mute := w.mute(room)
		mute.SetPingHandler(func(string) error { return nil }) // it reads, and answers nothing
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, _, err := mute.ReadMessage(); err != nil {
					return
				}
			}
		}()
		w.seen.take()
		<-time.After(silence + 2*sweepEvery)
		w.seen.want(t, "left a expired", "dropped b")
		<-done
		_, _ = lazy.Close(), mute.Close()
	})
}
