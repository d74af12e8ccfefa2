package signaling

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icescope/icescope/protocol"
)

func TestTwoPeersAndAWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{Version: "v1"})
		room := w.create()
		a := w.dial(room)
		if got := a.ws.Subprotocol(); got != protocol.Subprotocol {
			t.Errorf("subprotocol %q", got)
		}
		wel := a.hello(protocol.KindBrowser)
		if wel.Peer != "a" || wel.Room != room || wel.Version != "v1" || wel.ResumeSeconds != 30 || wel.Resumed || len(wel.ICEServers) != 1 {
			t.Errorf("welcome %+v", wel)
		}
		b := w.join(strings.ToUpper(strings.ReplaceAll(room, "-", ""))) // as somebody heard it over the telephone
		if b.id != "b" {
			t.Errorf("second peer is %q", b.id)
		}
		c := w.dial(room)
		c.say(`{"type":"hello","seq":9,"hello":{"kind":"headless"}}`)
		if e := c.wantError(protocol.ErrRoomFull); e.Ref != 9 || e.Type != "hello" {
			t.Errorf("the error does not say what it is about: %+v", e)
		}
		if got := c.hello(protocol.KindWatcher); got.Peer != "w1" || got.Kind != protocol.KindWatcher {
			t.Errorf("watcher is %+v", got)
		}
		b.say(`{"type":"leave"}`)
		b.wantClosed(closeNormal)
		if d := w.join(room); d.id != "c" {
			t.Errorf("the third peer is %q: letters are not given twice", d.id)
		}
		w.seen.want(t, "made", "joined a", "welcomed a", "joined b", "welcomed b", "joined w1", "welcomed w1", "left b leave", "joined c", "welcomed c")
		if s := w.hub.Stats(); s.Rooms != 1 || s.Peers != 3 || s.Conns != 3 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestHelloRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		p := w.dial(room)
		p.say(`{"type":"ack"}`)
		p.wantError(protocol.ErrHelloFirst)
		p.say(`{"type":"hello"}`)
		p.wantError(protocol.ErrBadMessage)
		p.say(`{"type":"hello","hello":{"kind":"toaster"}}`)
		p.wantError(protocol.ErrBadMessage)
		p.hello(protocol.KindBrowser)
		p.say(`{"type":"hello","hello":{"kind":"browser"}}`)
		p.wantError(protocol.ErrHelloTwice)

		silent := w.dial(room)
		silent.wantError(protocol.ErrHelloFirst) // when its time is over
		silent.wantClosed(closePolicy)
	})
}

func TestHelloIsCutToItsLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		var hello *protocol.Hello
		w.seen.joined = func(_ *Room, p *Peer) { hello = p.Hello() }
		p := w.dial(w.create())
		p.say(`{"type":"hello","hello":{"kind":"browser","label":"%s"}}`, strings.Repeat("あ", 100))
		p.welcome()
		synctest.Wait() // Welcomed follows the welcome
		if want := strings.Repeat("あ", 64); hello.Label != want {
			t.Errorf("label %q", hello.Label)
		}
	})
}

func TestUnknownRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		p := w.dial("bodu-kafi-zomu-rita")
		p.wantError(protocol.ErrUnknownRoom)
		p.wantClosed(closeUnknownRoom)
		synctest.Wait()
		if s := w.hub.Stats(); s.Conns != 0 {
			t.Errorf("%d connections are left", s.Conns)
		}
	})
}

func TestOpenRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{OpenRooms: true, MaxRooms: 2})
		if a, b := w.join("Room-1"), w.join("Room-1"); a.id != "a" || b.id != "b" {
			t.Errorf("peers %q and %q", a.id, b.id)
		}
		if a := w.join("room1"); a.id != "a" {
			t.Error("an open room's code is taken as it is given")
		}
		p := w.dial("room3")
		p.say(`{"type":"hello","hello":{"kind":"browser"}}`)
		p.wantError(protocol.ErrTooManyRooms)
		if _, err := w.hub.Create(); !errors.Is(err, ErrTooManyRooms) {
			t.Errorf("Create: %v", err)
		}
		bad := w.dial("no_such/room")
		bad.wantError(protocol.ErrUnknownRoom)
	})
}

func TestRoomsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		used, unused := w.create(), w.create()
		p := w.join(used)
		p.say(`{"type":"leave"}`)
		p.wantClosed(closeNormal)
		w.seen.take()
		<-time.After(unusedRoomWait + 2*sweepEvery) // by the clock of the bubble
		w.seen.want(t, "gone 1")
		if _, ok := w.hub.Room(unused); ok {
			t.Error("a room that nobody used is still there")
		}
		if _, ok := w.hub.Room(used); !ok {
			t.Error("a room's report is gone too early")
		}
		<-time.After(emptyRoomWait)
		w.seen.want(t, "gone 1")
		if s := w.hub.Stats(); s.Rooms != 0 {
			t.Errorf("%d rooms are left", s.Rooms)
		}
	})
}

func TestWatchersOnlyLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a := w.join(room)
		v := w.dial(room)
		v.hello(protocol.KindWatcher)
		v.candidate(1)
		v.wantError(protocol.ErrNotForWatchers)
		v.say(`{"type":"run","seq":2,"run":{}}`)
		v.wantError(protocol.ErrNotForWatchers)
		v.say(`{"type":"environment","seq":3,"environment":{}}`)
		v.wantQuiet()
		a.wantQuiet()
		for range maxWatchers - 1 {
			w.dial(room).hello(protocol.KindWatcher)
		}
		v = w.dial(room)
		v.say(`{"type":"hello","hello":{"kind":"watcher"}}`)
		v.wantError(protocol.ErrTooManyWatchers)
	})
}

func TestForeignOriginIsForbidden(t *testing.T) {
	h := New(Config{})
	try := func(origin string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "http://192.0.2.1:8080/ws?room=x", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := try("http://evil.example"); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), string(protocol.ErrForbiddenOrigin)) {
		t.Errorf("a foreign page got %d: %s", w.Code, w.Body)
	}
	if w := try("http://192.0.2.1:8080"); w.Code != http.StatusBadRequest { // which is the upgrader's word for no WebSocket
		t.Errorf("our page got %d: %s", w.Code, w.Body)
	}
}

func TestTooManyConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{MaxConns: 1})
		w.join(w.create())
		rec := httptest.NewRecorder()
		w.hub.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/ws?room=x", nil))
		if rec.Code != http.StatusServiceUnavailable {
			t.Errorf("got %d", rec.Code)
		}
	})
}

func TestCodes(t *testing.T) {
	form := regexp.MustCompile(`^([bdfghjkmnprstvwz][aiou]){2}(-([bdfghjkmnprstvwz][aiou]){2}){3}$`)
	seen := map[string]bool{}
	for range 1000 {
		code := newCode()
		if !form.MatchString(code) || seen[code] {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
	}
	if got := []string{peerID(0), peerID(25), peerID(26), watcherID(0)}; strings.Join(got, " ") != "a z p27 w1" {
		t.Errorf("ids %q", got)
	}
}
