package session

import (
	"time"

	"github.com/icescope/icescope/archive"
	"github.com/icescope/icescope/protocol"
)

// keepQuiet is how long nothing but pings must have happened in a room for it to be kept: longer than the pauses between a run and the experiments that follow it, and
// short enough that a server that is cut off loses little.
const keepQuiet = 15 * time.Second

// Archive takes rooms that may have come to a verdict, and never waits; *archive.Store does.
type Archive interface {
	// Keep is given a room again when more has happened in it. false: not now.
	Keep(archive.Finished) bool
}

// kept is what a room remembers of being kept. Whether there is a verdict to keep is not asked in here: that would be a diagnosis in the room.
type kept struct {
	id      string
	stirred float64 // AtMs of the last event that counts
	at      float64 // stirred when it was kept last
	timer   *time.Timer
}

// stir notes an event, after which the room is kept when it goes quiet.
func (s *state) stir(typ protocol.EventType, atMs float64) {
	if s.c.config.Archive == nil || s.main == 0 || typ == protocol.EventPing || s.closed {
		return
	}
	s.kept.stirred = atMs
	if s.kept.timer == nil {
		s.keepIn(keepQuiet)
	}
}

func (s *state) keepIn(wait time.Duration) {
	s.c.work.Add(1)
	s.kept.timer = time.AfterFunc(wait, func() {
		defer s.c.work.Done()
		s.room.Do(s.quiet)
	})
}

// quiet is called when a room may have been quiet for long enough.
func (s *state) quiet() {
	if s.closed {
		return
	}
	s.kept.timer = nil
	if left := keepQuiet - time.Duration((s.now()-s.kept.stirred)*float64(time.Millisecond)); left > 0 {
		s.keepIn(left)
		return
	}
	if !s.keep() {
		s.keepIn(keepQuiet)
	}
}

// keep hands the room in, if anything has happened since the last time. false: it was not taken.
func (s *state) keep() bool {
	if s.c.config.Archive == nil || s.main == 0 || s.kept.stirred <= s.kept.at {
		return true
	}
	if s.kept.id == "" {
		s.kept.id = archive.NewID()
	}
	if !s.c.config.Archive.Keep(archive.Finished{ID: s.kept.id, Code: s.room.Code(), Events: s.recording.events(0, len(s.recording.entries))}) {
		return false
	}
	s.kept.at = s.kept.stirred
	return true
}

// keepLast is for a room that ends.
func (s *state) keepLast() {
	if !s.keep() {
		s.c.log.Warn("a report was not kept: too many are waiting", "room", s.room.Code())
	}
	if t := s.kept.timer; t != nil && t.Stop() {
		s.c.work.Done()
	}
	s.kept.timer = nil
}
