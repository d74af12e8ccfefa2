package archive

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
)

// Query says which part of the list is wanted.
type Query struct {
	Limit int
	// Before is the Next of the page before; empty: from the newest on.
	Before string
	// Needs is the one verdict that is wanted; empty: all.
	Needs protocol.Needs
}

// ErrBadCursor says that Query.Before is no Next that List has given.
var ErrBadCursor = errors.New("this is no place in the list")

// List is the kept reports, the newest first; next is where the following page begins, empty: there is none. Sentences are left to who knows the reader's language.
func (s *Store) List(ctx context.Context, q Query) (list []protocol.KeptReport, next string, err error) {
	ended, id := int64(1<<62), ""
	if q.Before != "" {
		if ended, id, err = cursor(q.Before); err != nil {
			return nil, "", err
		}
	}
	// One more than wanted tells whether there is a next page.
	rows, err := s.db.QueryContext(ctx, `SELECT id, started, ended, needs, cause, confidence, runs, peers FROM reports
		WHERE (ended, id) < (?, ?) AND (? = '' OR needs = ?) ORDER BY ended DESC, id DESC LIMIT ?`, ended, id, q.Needs, q.Needs, q.Limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	list = []protocol.KeptReport{}
	var last int64
	for rows.Next() {
		if len(list) == q.Limit {
			return list, fmt.Sprintf("%d-%s", last, list[len(list)-1].ID), nil
		}
		var r protocol.KeptReport
		var started int64
		var peers string
		if err := rows.Scan(&r.ID, &started, &last, &r.Needs, &r.Cause, &r.Confidence, &r.Runs, &peers); err != nil {
			return nil, "", err
		}
		if err := json.Unmarshal([]byte(peers), &r.Peers); err != nil {
			return nil, "", fmt.Errorf("report %s: %w", r.ID, err)
		}
		r.Room, r.StartedAt, r.EndedAt = RoomName(r.ID), stamp(started), stamp(last)
		list = append(list, r)
	}
	return list, "", rows.Err()
}

// Recording is what a report is made from; ErrUnknown where there is none.
func (s *Store) Recording(ctx context.Context, id string) ([]protocol.Event, error) {
	var blob []byte
	err := s.db.QueryRowContext(ctx, "SELECT events FROM recordings WHERE report = ?", id).Scan(&blob)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	return decode(blob)
}

func cursor(text string) (ended int64, id string, err error) {
	at, id, ok := strings.Cut(text, "-")
	ended, err = strconv.ParseInt(at, 10, 64)
	if !ok || err != nil {
		return 0, "", ErrBadCursor
	}
	return ended, id, nil
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00") }
