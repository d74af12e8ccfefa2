// Package archive keeps what was measured after its room has gone: the recording of each room whose verdict became final, in SQLite, with a line of what it came
// to for the list. A recording and no report, because a report is in one language, and because a later icescope may read more from the same events.
//
// It judges nothing: diagnosis does. Who may read what is kept is the server's affair; but the code of a room, which lets one in while the room lives, is taken out
// before anything is written.
package archive

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite": SQLite in Go, so that the binary stays one file without libc

	"github.com/icescope/icescope/protocol"
)

const (
	// FileName is the database in Config.Dir; SQLite puts -wal and -shm beside it.
	FileName = "icescope.db"
	// maxPending rooms wait to be written: an exam's worth that ends at once. A recording is at most 6 MiB, and its events are those of the room, not a copy.
	maxPending = 64
	// memoryBytes bounds what is kept where there is no directory: some thousand ordinary recordings, no more memory than the page's own machine has to spare.
	memoryBytes = 64 << 20
	// drainWait is how long the end of the process may take to write what waits: as long as systemd and docker leave at the least, with room for the rest.
	drainWait = 5 * time.Second
	// sweepEvery is how often age is looked at where nothing is written: it is counted in days.
	sweepEvery = time.Hour
	// rejudgeEvery is the pace of judging anew what an older icescope has judged: some milliseconds each, beside live rooms.
	rejudgeEvery = 100 * time.Millisecond
	// busyTimeout is how long a statement waits for another process, such as a backup.
	busyTimeout = 5 * time.Second
	// readers are connections to the file: the list and some reports at once.
	readers = 4
)

// ErrUnknown says that there is no report with this identifier, or it has been deleted since.
var ErrUnknown = errors.New("no report with this identifier is kept")

// Config says where and for how long.
type Config struct {
	// Dir holds the database; it is made where it is missing. Empty: in memory, and gone with the process.
	Dir string
	// KeepFor is the age at which a report is deleted; 0: never. KeepBytes bounds all together, the oldest are deleted first; 0: not bounded.
	KeepFor   time.Duration
	KeepBytes int64
	// Version is this icescope's: what another one has judged is judged anew.
	Version string
	Logger  *slog.Logger // nil: nothing is logged
}

// Finished is a room that has come to a verdict.
type Finished struct {
	// ID is from NewID, and the same each time that the room is handed in: the later recording replaces the earlier one.
	ID string
	// Code is the room's, to be taken out.
	Code   string
	Events []protocol.Event // not changed by anybody any more
}

// Store is what is kept. Its methods may be called at once. Run writes; what Keep took before Run ends is written.
type Store struct {
	config Config
	log    *slog.Logger
	db     *sql.DB
	anchor *sql.Conn // keeps a database in memory alive

	wake chan struct{}

	mu      sync.Mutex
	pending map[string]Finished
	order   []string // of pending, the first come first
	closed  bool
}

// NewID makes the identifier of a report: 128 random bits, so that who has not seen it cannot guess it.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Open opens the database, or makes it. An error says what is wrong with which file, and what to try.
func Open(config Config) (*Store, error) {
	s := &Store{config: config, log: config.Logger, wake: make(chan struct{}, 1), pending: map[string]Finished{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if config.Dir == "" && (config.KeepBytes == 0 || config.KeepBytes > memoryBytes) {
		s.config.KeepBytes = memoryBytes
	}
	if err := s.open(); err != nil {
		s.Close()
		if config.Dir == "" {
			return nil, fmt.Errorf("keeping reports in memory: %w", err)
		}
		return nil, err
	}
	return s, nil
}

// Durable tells whether what is kept outlives the process.
func (s *Store) Durable() bool { return s.config.Dir != "" }

// KeepFor is the age at which a report is deleted; 0: never.
func (s *Store) KeepFor() time.Duration { return s.config.KeepFor }

// Close closes the database without writing what waits. Run does it by itself.
func (s *Store) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if s.anchor != nil {
		_ = s.anchor.Close()
	}
	if s.db != nil {
		_ = s.db.Close()
	}
}

func (s *Store) open() (err error) {
	ctx := context.Background()
	name := "/" + NewID() // a database in memory is known by its name within the process
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {"foreign_keys(1)", "synchronous(NORMAL)", fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds())}}
	if s.config.Dir == "" {
		query.Set("vfs", "memdb")
	} else if name, err = s.file(); err != nil {
		return err
	}
	if s.db, err = sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: name}).EscapedPath(), RawQuery: query.Encode()}).String()); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(readers + 1)
	if s.anchor, err = s.db.Conn(ctx); err != nil {
		return s.unreadable(err)
	}
	if s.config.Dir != "" {
		if err := s.check(ctx); err != nil {
			return err
		}
	}
	return s.unreadable(s.migrate(ctx))
}

// file makes the directory and the file, for this user alone: what is kept names people's machines.
func (s *Store) file() (string, error) {
	dir, err := filepath.Abs(s.config.Dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return "", fmt.Errorf("--data: %w; try a directory that this user may write to, or none: reports are then kept in memory", err)
	}
	name := filepath.Join(dir, FileName)
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", fmt.Errorf("--data: %w; try a directory that this user may write to, or none: reports are then kept in memory", err)
	}
	return name, file.Close()
}

// check reads the file through once: better no start than a list that breaks off in the middle.
func (s *Store) check(ctx context.Context) error {
	var found string
	if err := s.anchor.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return s.unreadable(err)
	}
	if found != "ok" {
		return s.unreadable(errors.New(strings.ReplaceAll(found, "\n", " ")))
	}
	return nil
}

func (s *Store) unreadable(err error) error {
	if err == nil || s.config.Dir == "" {
		return err
	}
	return fmt.Errorf("the kept reports in %s cannot be used: %w; move that file and those named %s-* away and start again, which makes a new one, or start with another --data",
		filepath.Join(s.config.Dir, FileName), err, FileName)
}

// application marks the file as icescope's (PRAGMA application_id): "ices".
const application = 0x69636573

// migrations lead from one version of the schema (PRAGMA user_version) to the next. What was released is never changed, only followed.
var migrations = []string{
	`CREATE TABLE reports (
		id         TEXT    PRIMARY KEY,
		started    INTEGER NOT NULL, -- Unix milliseconds
		ended      INTEGER NOT NULL,
		needs      TEXT    NOT NULL,
		cause      TEXT    NOT NULL,
		confidence TEXT    NOT NULL,
		runs       INTEGER NOT NULL,
		peers      TEXT    NOT NULL, -- JSON
		bytes      INTEGER NOT NULL, -- of the recording, and of this row, about
		version    TEXT    NOT NULL  -- of the icescope that judged it
	) STRICT;
	CREATE INDEX reports_by_end ON reports (ended, id);
	CREATE TABLE recordings (
		report TEXT PRIMARY KEY REFERENCES reports (id) ON DELETE CASCADE,
		events BLOB NOT NULL -- JSON Lines, gzip
	) STRICT;`,
}

func (s *Store) migrate(ctx context.Context) error {
	var is, version int
	if err := s.anchor.QueryRowContext(ctx, "PRAGMA application_id").Scan(&is); err != nil {
		return err
	}
	if err := s.anchor.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case is != 0 && is != application || is == 0 && version != 0:
		return errors.New("it is the database of another program")
	case version > len(migrations):
		return fmt.Errorf("a newer icescope made it (schema %d, this one knows %d)", version, len(migrations))
	}
	if version == 0 { // both are kept in the file. auto_vacuum gives deleted pages back, and must come before the first table
		for _, pragma := range []string{"PRAGMA auto_vacuum = INCREMENTAL", "PRAGMA journal_mode = WAL"} {
			if _, err := s.anchor.ExecContext(ctx, pragma); err != nil {
				return err
			}
		}
	}
	for ; version < len(migrations); version++ {
		tx, err := s.anchor.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf("%s\nPRAGMA user_version = %d; PRAGMA application_id = %d;", migrations[version], version+1, application))
		if err != nil {
			_ = tx.Rollback() // the first error says more
			return fmt.Errorf("schema %d: %w", version+1, err)
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}
