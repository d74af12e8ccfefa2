package signaling

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icescope/icescope/protocol"
)

func TestPingsMeasureTheRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		a := w.join(w.create())
		w.seen.take()
		if err := a.ws.WriteControl(10, []byte("unasked"), time.Time{}); err != nil {
			t.Fatal(err)
		}
		w.seen.want(t)
		<-time.After(3*pingEvery + time.Second)
		w.seen.want(t, "pong a 0s", "pong a 0s", "pong a 0s", "pong a 0s") // the first at once
		a.wantQuiet()                                                      // and it was never taken for dropped
	})
}

func TestClientsMayPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		a := w.dial(w.create())
		got := make(chan string, 1)
		a.ws.SetPongHandler(func(s string) error { got <- s; return nil })
		a.hello(protocol.KindBrowser)
		if err := a.ws.WriteControl(9, []byte("are you there"), time.Time{}); err != nil {
			t.Fatal(err)
		}
		if s := <-got; s != "are you there" {
			t.Errorf("pong %q", s)
		}
	})
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, b := w.join(room), w.join(room)
		early := w.dial(room) // has not said hello
		b.drop()
		w.seen.take()
		w.shutdown()
		for _, p := range []*peer{a, early} {
			if m := p.next(); m.Bye == nil || m.Bye.Reason != "shutdown" || m.Bye.RetryMs == 0 {
				t.Errorf("got %s", encode(m))
			}
			p.wantClosed(closeGoingAway)
		}
		w.seen.want(t, "left a shutdown", "left b shutdown", "gone 1")
		if s := w.hub.Stats(); s.Conns != 0 || s.Peers != 0 {
			t.Errorf("stats %+v", s)
		}
		rec := httptest.NewRecorder()
		w.hub.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/ws?room="+room, nil))
		if rec.Code != http.StatusServiceUnavailable {
			t.Errorf("after the shutdown: %d", rec.Code)
		}
		if _, err := w.hub.Create(); err == nil {
			t.Error("a room was made after the shutdown")
		}
	})
}

type panicking struct{ NopHandler }

func (panicking) Message(*Room, *Peer, *protocol.ClientMessage) int { panic("a defect") }

func TestADefectEndsOneConnectionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{Handler: panicking{}})
		room := w.create()
		a := w.join(room)
		a.candidate(1)
		a.wantError(protocol.ErrInternal)
		a.wantClosed(closeInternal)
		w.join(room).wantQuiet()
	})
}

func TestPeerTellsWhereItCameFrom(t *testing.T) {
	seen := &recorder{}
	got := make(chan string, 1)
	seen.joined = func(_ *Room, p *Peer) {
		got <- strings.Join([]string{p.RemoteAddr().Addr().String(), p.Host(), string(p.Kind())}, " ")
		if p.TLS() || !p.Online() || p.Watcher() {
			t.Error("TLS, online, watcher:", p.TLS(), p.Online(), p.Watcher())
		}
	}
	hub, stop := listen(t, Config{Handler: seen})
	defer stop()
	code, err := hub.Create()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Dial(t.Context(), hub.url(code), ClientConfig{Hello: protocol.Hello{Kind: protocol.KindHeadless}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if want := "127.0.0.1 " + hub.host + " headless"; <-got != want {
		t.Errorf("want %q", want)
	}
}
