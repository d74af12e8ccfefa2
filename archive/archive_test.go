package archive

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/icescope/icescope/protocol"
)

const code = "bodu-kafi-zomu-rita"

// recorded is a room of the lab, as if it had ended a while ago.
func recorded(t *testing.T, story string, ago time.Duration) []protocol.Event {
	t.Helper()
	archive, err := txtar.ParseFile("../diagnosis/testdata/" + story + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	var events []protocol.Event
	for _, f := range archive.Files {
		if f.Name != "recording.jsonl" {
			continue
		}
		for line := range bytes.Lines(f.Data) {
			var e protocol.Event
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
	}
	events[0].Room.Room, events[0].Room.Started = code, time.Now().Add(-ago).UTC().Format(time.RFC3339Nano)
	for i := range events {
		if e := events[i].Environment; e != nil {
			e.PageURL = "http://192.0.2.1:8080/r/" + strings.ToUpper(code) + "?name=x"
		}
	}
	return events
}

// keep opens a store, hands rooms in, and ends it: what was taken has been written then.
func keep(t *testing.T, config Config, rooms ...Finished) {
	t.Helper()
	config.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rooms {
		if !s.Keep(f) {
			t.Fatal("not taken")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if s.Keep(Finished{ID: "late"}) {
		t.Error("a closed store takes rooms")
	}
}

func open(t *testing.T, config Config) *Store {
	t.Helper()
	s, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func list(t *testing.T, s *Store, q Query) ([]protocol.KeptReport, string) {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 10
	}
	l, next, err := s.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return l, next
}

// TestRestart: what was kept is there after a restart, once a room, and nowhere in the file stands the room's code.
func TestRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by 100% us?")
	first, second := NewID(), NewID()
	keep(t, Config{Dir: dir, Version: "1"},
		Finished{first, code, recorded(t, "asymmetric-nat", 3*time.Hour)}, Finished{second, code, recorded(t, "routed", time.Hour)},
		Finished{first, code, recorded(t, "asymmetric-nat-revealed", 2*time.Hour)})
	s := open(t, Config{Dir: dir, Version: "1"})
	l, next := list(t, s, Query{})
	if len(l) != 2 || next != "" || l[0].ID != second || l[1].ID != first || l[1].Needs != protocol.NeedsNothing || l[0].Needs != protocol.NeedsSTUN || len(l[0].Peers) != 2 || l[0].Peers[0].Label != "Office" {
		t.Fatalf("%+v %q", l, next)
	}
	events, err := s.Recording(t.Context(), first)
	if err != nil || len(events) < 100 || events[0].Room.Room != l[1].Room {
		t.Fatal(len(events), err)
	}
	text, _ := json.Marshal(events)
	if strings.Contains(strings.ToLower(string(text)), code) {
		t.Error("the code of the room was kept")
	}
	if _, err := s.Recording(t.Context(), "none"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if info, err := os.Stat(filepath.Join(dir, FileName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if l, next := list(t, s, Query{Limit: 1}); len(l) != 1 || next == "" {
		t.Error(l, next)
	} else if rest, end := list(t, s, Query{Limit: 1, Before: next}); len(rest) != 1 || rest[0].ID != first || end != "" {
		t.Error(rest, end)
	}
	if l, _ := list(t, s, Query{Needs: protocol.NeedsSTUN}); len(l) != 1 || l[0].ID != second {
		t.Error(l)
	}
	if _, _, err := s.List(t.Context(), Query{Limit: 1, Before: "x"}); !errors.Is(err, ErrBadCursor) {
		t.Error(err)
	}
}

// TestUnfinished: half of a run does not replace what came to a verdict.
func TestUnfinished(t *testing.T) {
	dir, id := t.TempDir(), NewID()
	whole := recorded(t, "routed", time.Hour)
	keep(t, Config{Dir: dir}, Finished{id, code, whole})
	keep(t, Config{Dir: dir}, Finished{id, code, whole[:len(whole)/4]})
	if l, _ := list(t, open(t, Config{Dir: dir}), Query{}); len(l) != 1 || l[0].Needs != protocol.NeedsSTUN {
		t.Errorf("%+v", l)
	}
}

func TestRetention(t *testing.T) {
	old, mid, young := NewID(), NewID(), NewID()
	rooms := []Finished{{young, code, recorded(t, "routed", time.Hour)}, {old, code, recorded(t, "routed", 72*time.Hour)}, {mid, code, recorded(t, "routed", 24*time.Hour)}}
	blob, err := encode(rooms[0].Events, code, "kept")
	if err != nil {
		t.Fatal(err)
	}
	one := int64(len(blob)) + rowBytes
	for name, c := range map[string]struct {
		config Config
		want   int
	}{
		"all":     {Config{}, 3},
		"by age":  {Config{KeepFor: 48 * time.Hour}, 2},
		"by size": {Config{KeepBytes: one + one/2}, 1},
	} {
		c.config.Dir = t.TempDir()
		keep(t, c.config, rooms...)
		l, _ := list(t, open(t, Config{Dir: c.config.Dir}), Query{})
		if len(l) != c.want || l[0].ID != young {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

func TestInMemory(t *testing.T) {
	s := open(t, Config{})
	s.write(t.Context(), Finished{NewID(), code, recorded(t, "routed", time.Hour)})
	if l, _ := list(t, s, Query{}); len(l) != 1 || s.Durable() || s.config.KeepBytes != memoryBytes {
		t.Errorf("%+v", l)
	}
	if l, _ := list(t, open(t, Config{}), Query{}); len(l) != 0 {
		t.Error("two stores in memory are one")
	}
}

// TestUnusable: a file that cannot be used is named, with what to do.
func TestUnusable(t *testing.T) {
	for name, make := range map[string]func(dir, file string) error{
		"file is not a database": func(_, file string) error {
			return os.WriteFile(file, bytes.Repeat([]byte("no database "), 1000), 0o600)
		},
		"cannot be used": func(dir, file string) error {
			keep(t, Config{Dir: dir}, Finished{NewID(), code, recorded(t, "routed", time.Hour)})
			text, err := os.ReadFile(file)
			for i := 4096; i < len(text)/2; i++ {
				text[i] ^= 0x5a
			}
			return errors.Join(err, os.WriteFile(file, text, 0o600))
		},
		"a newer icescope": func(dir, file string) error {
			keep(t, Config{Dir: dir})
			return execute(file, "PRAGMA user_version = 99")
		},
		"another program": func(_, file string) error { return execute(file, "CREATE TABLE t (x); PRAGMA user_version = 7") },
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, FileName)
		if err := make(dir, file); err != nil {
			t.Fatal(err)
		}
		_, err := Open(Config{Dir: dir})
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "move that file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(Config{Dir: "/dev/null/x"}); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Error(err)
	}
}

func execute(file, statement string) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

// TestFull: a full disk costs the report that does not fit, and nothing else.
func TestFull(t *testing.T) {
	var said bytes.Buffer
	s := open(t, Config{Logger: slog.New(slog.NewTextHandler(&said, nil))})
	fits := NewID()
	s.write(t.Context(), Finished{fits, code, recorded(t, "routed", time.Hour)})
	s.db.SetMaxIdleConns(0) // the limit is a connection's: one alone is left
	s.db.SetMaxOpenConns(1)
	if _, err := s.anchor.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	s.db.SetMaxIdleConns(1)
	if err := s.anchor.Close(); err != nil {
		t.Fatal(err)
	}
	s.write(t.Context(), Finished{NewID(), code, recorded(t, "routed", time.Minute)})
	if !strings.Contains(said.String(), "a report was not kept; is the disk full?") || !strings.Contains(said.String(), "full") {
		t.Error(said.String())
	}
	if l, _ := list(t, s, Query{}); len(l) != 1 || l[0].ID != fits {
		t.Errorf("%+v", l)
	}
}

// TestQueue: who hands rooms in never waits, and what is too much is refused.
func TestQueue(t *testing.T) {
	s := open(t, Config{})
	for range maxPending {
		if !s.Keep(Finished{ID: NewID()}) {
			t.Fatal("refused")
		}
	}
	if s.Keep(Finished{ID: NewID()}) || !s.Keep(Finished{ID: s.order[0]}) || len(s.order) != maxPending {
		t.Error("the queue has no end, or takes no newer recording of a room that waits")
	}
}

// TestRejudged: what another version has judged is judged anew.
func TestRejudged(t *testing.T) {
	dir, id := t.TempDir(), NewID()
	keep(t, Config{Dir: dir, Version: "1"}, Finished{id, code, recorded(t, "routed", time.Hour)})
	if err := execute(filepath.Join(dir, FileName), "UPDATE reports SET needs = 'unreachable'"); err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{Dir: dir, Version: "2"})
	if !s.rejudge(t.Context()) || s.rejudge(t.Context()) {
		t.Error("not once")
	}
	if l, _ := list(t, s, Query{}); l[0].Needs != protocol.NeedsSTUN {
		t.Errorf("%+v", l)
	}
}

// TestShortCode: the code of a room that a person named is an ordinary word; elsewhere it stays.
func TestShortCode(t *testing.T) {
	blob, err := encode([]protocol.Event{{Type: protocol.EventRoom, Room: &protocol.RoomMade{Room: "host"}}, {Type: protocol.EventJoined, Joined: &protocol.Joined{Label: "host 7"}}}, "host", "kept")
	if err != nil {
		t.Fatal(err)
	}
	events, err := decode(blob)
	if err != nil || events[0].Room.Room != "kept" || events[1].Joined.Label != "host 7" {
		t.Errorf("%+v %v", events, err)
	}
}
