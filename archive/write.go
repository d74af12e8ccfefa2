package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// rowBytes is what a report costs beside its recording: its row, its places in two indexes, its share of half-filled pages.
const rowBytes = 1 << 10

// Keep takes a room that has come to a verdict; it returns at once. false: too many are waiting, or the store is closed; the room may be handed in again.
func (s *Store) Keep(f Finished) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, waits := s.pending[f.ID]
	if s.closed || !waits && len(s.pending) >= maxPending {
		return false
	}
	if !waits {
		s.order = append(s.order, f.ID)
	}
	s.pending[f.ID] = f
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return true
}

func (s *Store) next() (Finished, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == 0 {
		return Finished{}, false
	}
	f := s.pending[s.order[0]]
	delete(s.pending, s.order[0])
	s.order = s.order[1:]
	return f, true
}

// Run writes what Keep takes, deletes what is too old or too much, and judges anew what another version has judged. When ctx ends it writes what still waits,
// within drainWait, and closes the database.
func (s *Store) Run(ctx context.Context) error {
	defer s.Close()
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	rejudge := time.NewTicker(rejudgeEvery)
	defer rejudge.Stop()
	s.prune(ctx)
	for {
		select {
		case <-s.wake:
			s.writeAll(ctx)
		case <-sweep.C:
			s.prune(ctx)
		case <-rejudge.C:
			if !s.rejudge(ctx) {
				rejudge.Stop()
			}
		case <-ctx.Done():
			s.drain(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// writeAll ends early where ctx does: drain goes on.
func (s *Store) writeAll(ctx context.Context) {
	for ctx.Err() == nil {
		f, ok := s.next()
		if !ok {
			return
		}
		s.write(context.WithoutCancel(ctx), f)
	}
}

func (s *Store) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainWait)
	defer cancel()
	s.writeAll(ctx)
	s.mu.Lock()
	left := len(s.pending)
	s.mu.Unlock()
	if left > 0 {
		s.log.Warn("reports were not kept: the server had to end", "reports", left)
	}
}

// write keeps one room. What goes wrong with it is logged and harms no other.
func (s *Store) write(ctx context.Context, f Finished) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("keeping a report panicked", "id", f.ID, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	d := diagnosis.Diagnose(f.Events)
	if !d.Verdict.Final || len(d.Trials) == 0 { // what was kept of the room before is better than half of a run
		return
	}
	blob, err := encode(f.Events, f.Code, RoomName(f.ID))
	if err == nil {
		err = s.insert(ctx, f.ID, blob, d)
	}
	if err != nil {
		s.log.Error("a report was not kept; is the disk full?", "id", f.ID, "bytes", len(blob), "err", err)
		return
	}
	s.prune(ctx)
}

func (s *Store) insert(ctx context.Context, id string, blob []byte, d diagnosis.Diagnosis) error {
	started, ended, peers, err := index(d)
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO reports (id, started, ended, needs, cause, confidence, runs, peers, bytes, version) VALUES (?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT (id) DO UPDATE SET started = excluded.started, ended = excluded.ended, needs = excluded.needs, cause = excluded.cause, confidence = excluded.confidence,
			runs = excluded.runs, peers = excluded.peers, bytes = excluded.bytes, version = excluded.version`,
		id, started, ended, d.Verdict.Needs, d.Verdict.Cause, d.Verdict.Confidence, d.Run, peers, len(blob)+rowBytes, s.config.Version)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO recordings (report, events) VALUES (?,?) ON CONFLICT (report) DO UPDATE SET events = excluded.events`, id, blob)
	}
	if err != nil {
		_ = tx.Rollback() // the first error says more
		return err
	}
	return tx.Commit()
}

// index is what the list says of a diagnosis.
func index(d diagnosis.Diagnosis) (started, ended int64, peers string, err error) {
	at, err := time.Parse(time.RFC3339Nano, d.Room.Started)
	if err != nil {
		return 0, 0, "", fmt.Errorf("the recording has no start: %w", err)
	}
	list := []protocol.KeptPeer{}
	for _, p := range d.Peers {
		if p.Kind != protocol.KindWatcher && !beside(d, p.ID) {
			list = append(list, protocol.KeptPeer{ID: p.ID, Label: p.Label, Kind: p.Kind, Browser: p.Browser})
		}
	}
	text, err := json.Marshal(list)
	return at.UnixMilli(), at.UnixMilli() + int64(d.LastMs), string(text), err
}

func beside(d diagnosis.Diagnosis, peer string) bool {
	for _, b := range d.Beside {
		if b.Peer == peer {
			return true
		}
	}
	return false
}

// prune deletes what is older than it may be, then the oldest of what is more than it may be, and gives the space back.
func (s *Store) prune(ctx context.Context) {
	deleted := int64(0)
	run := func(statement string, args ...any) error {
		done, err := s.db.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		deleted += n
		return err
	}
	var err error
	if s.config.KeepFor > 0 {
		err = run("DELETE FROM reports WHERE ended < ?", time.Now().Add(-s.config.KeepFor).UnixMilli())
	}
	if s.config.KeepBytes > 0 {
		err = errors.Join(err, run(`DELETE FROM reports WHERE id IN
			(SELECT id FROM (SELECT id, sum(bytes) OVER (ORDER BY ended DESC, id DESC) AS upto FROM reports) WHERE upto > ?)`, s.config.KeepBytes))
	}
	if err == nil && deleted > 0 {
		_, err = s.db.ExecContext(ctx, "PRAGMA incremental_vacuum")
	}
	if err != nil && ctx.Err() == nil {
		s.log.Error("old reports were not deleted", "err", err)
	}
}

// rejudge judges one report anew that another version has judged, so that the list says what the report says. false: there is none.
func (s *Store) rejudge(ctx context.Context) bool {
	var id string
	if s.db.QueryRowContext(ctx, "SELECT id FROM reports WHERE version <> ? ORDER BY ended DESC LIMIT 1", s.config.Version).Scan(&id) != nil {
		return false
	}
	var d diagnosis.Diagnosis
	events, err := s.Recording(ctx, id)
	if err == nil {
		d = diagnosis.Diagnose(events)
		_, err = s.db.ExecContext(ctx, "UPDATE reports SET needs = ?, cause = ?, confidence = ?, version = ? WHERE id = ?",
			d.Verdict.Needs, d.Verdict.Cause, d.Verdict.Confidence, s.config.Version, id)
	} else if ctx.Err() == nil { // it stays in the list as it was judged, and is not tried again
		s.log.Error("a kept report cannot be read", "id", id, "err", err)
		_, err = s.db.ExecContext(ctx, "UPDATE reports SET version = ? WHERE id = ?", s.config.Version, id)
	}
	return err == nil
}
