package signaling

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/icescope/icescope/protocol"
)

// cable is a client's network, which can be pulled.
type cable struct {
	*pipes
	mu   sync.Mutex
	conn net.Conn
	cut  bool // and stays so
}

func (c *cable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return nil, errors.New("no cable")
	}
	conn, err := c.pipes.dial(ctx, network, address)
	c.conn = conn
	return conn, err
}

// pull breaks the connection, for good if so wished.
func (c *cable) pull(stay bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = stay
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

func (w *world) client(room string) (*Client, *cable) {
	w.t.Helper()
	net := &cable{pipes: w.net}
	c, err := Dial(context.Background(), "ws://icescope/ws?room="+room, ClientConfig{Hello: protocol.Hello{Kind: protocol.KindHeadless}, NetDial: net.dial})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c, net
}

func numbered(n int) protocol.ClientMessage {
	mid := strconv.Itoa(n)
	return protocol.ClientMessage{Type: protocol.ClientCandidate, Candidate: &protocol.Candidate{Trial: "host-1", Line: candidateLine, SDPMid: &mid}}
}

func receive(t testing.TB, c *Client) protocol.ServerMessage {
	t.Helper()
	m, err := c.Receive(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestClientResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, cableA := w.client(room)
		b, cableB := w.client(room)
		if m := receive(t, a); m.Welcome == nil || m.Welcome.Peer != "a" || m.Welcome.Resumed {
			t.Errorf("got %s", encode(m))
		}
		receive(t, b)
		cableA.pull(true)
		cableB.pull(true)
		for i := range 3 {
			if err := errors.Join(a.Send(numbered(i)), b.Send(numbered(i))); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(5 * time.Second)
		cableA.pull(false)
		cableB.pull(false)
		for _, c := range []*Client{a, b} {
			if m := receive(t, c); m.Welcome == nil || !m.Welcome.Resumed {
				t.Errorf("got %s", encode(m))
			}
			for i := range 3 {
				if m := receive(t, c); m.Candidate == nil || *m.Candidate.SDPMid != strconv.Itoa(i) {
					t.Errorf("got %s, want candidate %d", encode(m), i)
				}
			}
		}
		<-time.After(2 * clientAckAfter)
		synctest.Wait()
		r, _ := w.hub.Room(room)
		r.Do(func() {
			for _, p := range r.Members() {
				if len(p.kept) > 0 {
					t.Errorf("%d frames wait for an ack of %s", len(p.kept), p.ID())
				}
			}
		})
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if lines := w.seen.take(); lines[len(lines)-1] != "left a leave" {
			t.Errorf("at last: %q", lines)
		}
		if err := a.Send(numbered(0)); !errors.Is(err, ErrClosed) {
			t.Errorf("Send after Close: %v", err)
		}
		if _, err := a.Receive(context.Background()); !errors.Is(err, ErrClosed) {
			t.Errorf("Receive after Close: %v", err)
		}
	})
}

func TestClientGivesUpWhenItsPlaceIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		a, cable := w.client(w.create())
		receive(t, a)
		cable.pull(true)
		start := time.Now()
		if _, err := a.Receive(context.Background()); err == nil || time.Since(start) != resumeWait {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestClientIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		_, err := Dial(context.Background(), "ws://icescope/ws?room=nowhere", ClientConfig{Hello: protocol.Hello{Kind: protocol.KindHeadless}, NetDial: w.net.dial})
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Refusal.Code != protocol.ErrUnknownRoom {
			t.Errorf("got %v", err)
		}
	})
}

func TestClientObeysBye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, _ := w.client(room)
		token := receive(t, a).Welcome.Resume
		thief := &peer{w: w, token: token}
		thief.back(room, 0)
		if m := receive(t, a); m.Bye == nil || m.Bye.Reason != "replaced" {
			t.Errorf("got %s", encode(m))
		}
		_, err := a.Receive(context.Background())
		var bye *ByeError
		if !errors.As(err, &bye) || bye.Bye.Reason != "replaced" {
			t.Errorf("got %v", err)
		}
	})
}

func TestClientComesBackToARestartedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, cable := w.client(room)
		receive(t, a)
		w.shutdown()
		if m := receive(t, a); m.Bye == nil || m.Bye.RetryMs == 0 {
			t.Errorf("got %s", encode(m))
		}
		w2 := newWorld(t, Config{}) // which does not know the room
		cable.mu.Lock()
		cable.pipes = w2.net
		cable.mu.Unlock()
		_, err := a.Receive(context.Background())
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Refusal.Code != protocol.ErrUnknownRoom {
			t.Errorf("got %v", err)
		}
	})
}

func TestClientBacklogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		a, cable := w.client(w.create())
		receive(t, a)
		cable.pull(true)
		for i := range clientBacklog {
			if err := a.Send(numbered(i)); err != nil {
				t.Fatal(i, err)
			}
		}
		if err := a.Send(numbered(0)); !errors.Is(err, ErrBacklog) {
			t.Errorf("got %v", err)
		}
	})
}

// Whatever drops and resumes lie between, every relayed frame arrives exactly once and in order, in both directions.
func TestNothingIsLostNorRepeated(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, Config{})
		defer w.shutdown()
		room := w.create()
		type end struct {
			client    *Client
			cable     *cable
			sent      int
			got, want []int
		}
		ends := [2]*end{}
		for i := range ends {
			c, cable := w.client(room)
			defer c.Close()
			ends[i] = &end{client: c, cable: cable}
		}
		send := func(e *end) {
			if err := e.client.Send(numbered(e.sent)); err != nil {
				rt.Fatal(err)
			}
			e.sent++
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			e := ends[rapid.IntRange(0, 1).Draw(rt, "end")]
			switch rapid.SampledFrom([]string{"send", "send", "send", "pull", "unplug", "plug"}).Draw(rt, "step") {
			case "send":
				send(e)
			case "pull":
				e.cable.pull(false)
			case "unplug":
				e.cable.pull(true)
			case "plug":
				e.cable.mu.Lock()
				e.cable.cut = false
				e.cable.mu.Unlock()
			}
		}
		for i, e := range ends {
			e.cable.mu.Lock()
			e.cable.cut = false
			e.cable.mu.Unlock()
			for n := range ends[1-i].sent {
				e.want = append(e.want, n)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for i, e := range ends {
			for len(e.got) < len(e.want) {
				m, err := e.client.Receive(ctx)
				if err != nil {
					rt.Fatalf("end %d after %d of %d: %v", i, len(e.got), len(e.want), err)
				}
				if m.Candidate != nil {
					n, _ := strconv.Atoi(*m.Candidate.SDPMid)
					e.got = append(e.got, n)
				}
			}
			if !slices.Equal(e.got, e.want) {
				rt.Fatalf("end %d got %v", i, e.got)
			}
		}
	})
}
