package session

import (
	"slices"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
)

// A trial is judged by clocks. On a machine that cannot keep up, and where the peers may run as well (CI, a class room of virtual machines), all rooms at once would make every
// one of them late, and what is late looks like what is blocked. So the trials that start by themselves wait for their turn where many rooms begin at once: a few go at once,
// further ones at a pace, and only while the machine keeps its own time. Who asks for a run gets it.

const (
	// turnsAtOnce rooms need not wait for anything.
	turnsAtOnce = 8
	// turnPace is between two further rooms: what one of them does to the machine shows by then.
	turnPace = 100 * time.Millisecond
	// turnLag is how late a timer may come on a machine that keeps up: a few time slices of the kernel's scheduler.
	turnLag = 20 * time.Millisecond
)

// turns are the rooms that have trials out which started by themselves, and those that wait for that.
type turns struct {
	mu      sync.Mutex
	out     map[*state]struct{}
	waiting []*state
	pacing  bool
	freed   chan struct{} // a token where a room has ended its turn
}

// turn asks for the room's turn. false: it has to wait, and begins when its turn comes.
func (c *Conductor) turn(s *state) bool {
	t := &c.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.out[s]; ok {
		return true
	}
	if len(t.out) < turnsAtOnce && len(t.waiting) == 0 {
		t.out[s] = struct{}{}
		return true
	}
	if !slices.Contains(t.waiting, s) {
		t.waiting = append(t.waiting, s)
	}
	if !t.pacing && c.ctx.Err() == nil {
		t.pacing = true
		c.work.Go(c.pace)
	}
	return false
}

// over ends a room's turn, or its waiting.
func (c *Conductor) over(s *state) {
	t := &c.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, s); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
	if _, ok := t.out[s]; ok {
		delete(t.out, s)
		select {
		case t.freed <- struct{}{}:
		default:
		}
	}
}

// pace gives turns until nobody waits.
func (c *Conductor) pace() {
	timer := time.NewTimer(turnPace)
	defer timer.Stop()
	due := time.Now().Add(turnPace)
	for {
		keepsUp := false
		select {
		case <-c.ctx.Done():
			return
		case <-c.turns.freed:
		case <-timer.C:
			keepsUp = time.Since(due) < turnLag
			timer.Reset(turnPace)
			due = time.Now().Add(turnPace)
		}
		s, more := c.nextTurn(keepsUp)
		if s != nil {
			s.room.Do(s.myTurn)
		}
		if !more {
			return
		}
	}
}

// nextTurn takes the next room that may begin.
func (c *Conductor) nextTurn(keepsUp bool) (s *state, more bool) {
	t := &c.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) > 0 && (keepsUp || len(t.out) < turnsAtOnce) {
		s = t.waiting[0]
		t.waiting = slices.Delete(t.waiting, 0, 1)
		t.out[s] = struct{}{}
	}
	t.pacing = len(t.waiting) > 0
	return s, t.pacing
}

// myTurn begins what waited, if it is still wanted.
func (s *state) myTurn() {
	if !s.closed && s.waits {
		s.waits = false
		s.begin(&protocol.Run{}, nil, automatic)
	}
	s.yield()
	s.changed()
}

// yield ends the turn of a room that has no trial out.
func (s *state) yield() {
	if s.closed || !s.waits && !s.fold.Busy(s.now()) {
		s.c.over(s)
	}
}
