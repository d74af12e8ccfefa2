package session

import (
	"encoding/json"
	"runtime/debug"
	"time"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

const (
	// snapshotEvery bounds how often a room is diagnosed and drawn: 25 times a second looks live, and no snapshot is out later than 50 ms after its event.
	snapshotEvery = 40 * time.Millisecond
	// snapshotHaste is what may be taken off that where drawing takes its time, so that the 50 ms are kept; where it takes more than a third of a processor for long (a
	// hundred rooms at once), there are fewer snapshots.
	snapshotHaste = 12 * time.Millisecond
	snapshotShare = 3
	// unseenEvery is the same where nobody looks on and no trial runs: an experiment may have become due by what came late, and a second is soon enough for it.
	unseenEvery = time.Second
	// settle waits for the rest of a burst: a browser hands out its candidates within a few milliseconds.
	settle = 5 * time.Millisecond
	// maxEventsFrame bounds one events frame, so that a newcomer's history does not come as one huge message.
	maxEventsFrame = 200
)

// changed makes sure that the room is looked at soon. One in which nobody looks and no trial runs is looked at for what may be due besides, and costs nothing where nothing can be.
func (s *state) changed() {
	if s.closed {
		return
	}
	if !s.watched() && len(s.fold.Running()) == 0 {
		if s.main > 0 && !s.recording.full && len(s.players()) == 2 {
			s.wake(unseenEvery)
		}
		return
	}
	every := max(snapshotEvery-min(s.cost, snapshotHaste), snapshotShare*s.cost)
	s.wake(max(settle, time.Until(s.last.Add(every))))
}

// watched: is there anyone who asked for snapshots?
func (s *state) watched() bool {
	for _, p := range s.room.Members() {
		if p.Hello().Live {
			return true
		}
	}
	return false
}

// wake arms the timer, unless it fires sooner anyway.
func (s *state) wake(wait time.Duration) {
	at := time.Now().Add(wait)
	if !s.due.IsZero() {
		if !at.Before(s.due) {
			return
		}
		s.cancel()
	}
	s.due = at
	s.c.work.Add(1)
	s.timer = time.AfterFunc(wait, func() {
		defer s.c.work.Done()
		s.room.Do(s.tick)
	})
}

func (s *state) cancel() {
	if s.timer != nil && s.timer.Stop() {
		s.c.work.Done()
	}
	s.timer, s.due = nil, time.Time{}
}

// tick conducts the trials and publishes what changed.
func (s *state) tick() {
	if s.closed {
		return
	}
	if s.due.After(time.Now()) { // an older timer, overtaken by a call to wake while it waited for the room
		return
	}
	s.timer, s.due = nil, time.Time{}
	defer s.survive()
	again := 0.0
	if !s.recording.full { // else nothing runs any more
		again = s.conduct()
	}
	s.yield()
	s.publish()
	if again > 0 {
		s.wake(max(settle, time.Duration((again-s.now())*float64(time.Millisecond))))
	}
}

// survive keeps a defect in one room from ending the others, as the reader of a WebSocket does: this room is looked at no more, and its recording can still be fetched.
func (s *state) survive() {
	if p := recover(); p != nil {
		s.c.log.Error("looking at a room panicked", "room", s.room.Code(), "panic", p, "stack", string(debug.Stack()))
		s.c.RoomGone(s.room)
	}
}

// publish sends the snapshot and the new events to all who asked for them.
func (s *state) publish() {
	if !s.dirty { // the timer was for a trial that is not over yet
		return
	}
	s.dirty, s.last = false, time.Now()
	defer func() { s.cost = time.Since(s.last) }()
	later := time.Duration(-1) // until the first of those is due who asked for fewer
	var diagnosed *diagnosis.Diagnosis
	snapshots := map[protocol.Lang][]byte{}
	for _, p := range s.room.Members() {
		if !p.Hello().Live || !p.Online() {
			continue
		}
		pace := time.Duration(min(max(p.Hello().SnapshotEveryMs, 0), protocol.MaxSnapshotEveryMs)) * time.Millisecond
		if wait := pace - s.last.Sub(s.shown[p.ID()]); wait > 0 {
			if s.dirty = true; later < 0 || wait < later {
				later = wait
			}
			continue
		}
		if diagnosed == nil {
			diagnosed = s.diagnosis()
		}
		lang := language(p.Hello().Lang)
		if snapshots[lang] == nil {
			r := report.Make(*diagnosed, report.Options{Lang: lang})
			snapshots[lang] = encode(&protocol.ServerMessage{Type: protocol.ServerSnapshot, Snapshot: &r})
		}
		if s.sent == nil {
			s.sent, s.shown = map[string]int{}, map[string]time.Time{}
		}
		s.shown[p.ID()] = s.last
		for from := s.sent[p.ID()]; from < len(s.recording.entries); {
			events := s.recording.events(from, maxEventsFrame)
			from += len(events)
			s.sent[p.ID()] = from
			p.SendEncoded(encode(&protocol.ServerMessage{Type: protocol.ServerEvents, Events: events}))
		}
		p.SendSnapshot(snapshots[lang])
	}
	if later >= 0 {
		s.wake(later)
	}
}

func encode(m *protocol.ServerMessage) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic("session: " + err.Error()) // protocol's types hold nothing that cannot be encoded: numbers come from JSON
	}
	return b
}
