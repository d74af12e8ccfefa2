// Package intake takes the files that people bring, tells what kind each is, and makes reports of them: for the command line and for the server alike. It opens no
// file itself. What a recording shows is diagnosis's affair, how it is worded report's.
package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/dump"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

const (
	// MaxFile bounds one file: a recording ends at some 6 MiB, and its report, indented, is no longer.
	MaxFile = 32 << 20
	// MaxFiles are those that can be compared.
	MaxFiles = 2
	// maxLine bounds one event of a recording: a sample of some hundred pairs is under 64 KiB, the largest frame that the server takes.
	maxLine = 1 << 20
	// maxEvents bounds the work: a room records 20,000 and is full then.
	maxEvents = 50_000
)

// File is one that a person has brought.
type File struct {
	Name string
	Data []byte
}

// FileKind is what a file holds.
type FileKind string

// The kinds. This is the one place where they are told apart.
const (
	KindRecording FileKind = "recording" // JSON Lines, as GET /api/v1/rooms/ROOM/recording gives it
	KindReport    FileKind = "report"    // JSON of schema icescope.report/v1
	KindLog       FileKind = "log"       // a browser's own, see package dump
	KindUnknown   FileKind = ""
)

// Kind tells what a file holds by how it begins.
func Kind(data []byte) FileKind {
	from := json.NewDecoder(bytes.NewReader(trimmed(data)))
	var head struct {
		Schema string             `json:"schema"`
		Type   protocol.EventType `json:"type"`
	}
	// A report is one object, and a recording one a line; both say in their first object what they are. The first may be cut off, or be no JSON at all.
	err := from.Decode(&head)
	switch {
	case err == nil && head.Schema == protocol.ReportSchema:
		return KindReport
	case err == nil && head.Type != "":
		return KindRecording
	case dump.Kind(data) != "":
		return KindLog
	}
	return KindUnknown
}

// Error says what is wrong with which file, and what to try.
type Error struct {
	Message, Hint string
}

func (e *Error) Error() string { return e.Message }

func wrong(hint, format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...), Hint: hint}
}

const (
	recordingHint = "a recording is what GET /api/v1/rooms/ROOM/recording answers with, unchanged"
	reportHint    = "a report is what GET /api/v1/rooms/ROOM/report?format=json answers with, unchanged"
)

// Reports reads all files and makes their reports, in the order of the files; of the logs of both ends of the same call one report. A recording's is made in the given language; what a report says
// in words stays in its own.
func Reports(files []File, lang protocol.Lang) (out []protocol.Report, err error) {
	if len(files) == 2 && Kind(files[0].Data) == KindLog && Kind(files[1].Data) == KindLog {
		if a, b := dump.File(files[0]), dump.File(files[1]); dump.Same(a, b) {
			r, err := readLogs(lang, a, b)
			return []protocol.Report{r}, err
		}
	}
	for _, f := range files {
		var r protocol.Report
		switch Kind(f.Data) {
		case KindReport:
			r, err = readReport(f)
		case KindLog:
			r, err = readLogs(lang, dump.File(f))
		default: // the errors of a recording say best what is wrong with a file of no known kind
			var events []protocol.Event
			if events, err = Recording(f); err == nil {
				r = report.Make(diagnosis.Diagnose(events), report.Options{Lang: lang})
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// InOrder puts two reports the earlier first, where both say when they were made; else it leaves them as they are.
func InOrder(reports []protocol.Report) {
	at := make([]time.Time, len(reports))
	for i, r := range reports {
		t, err := time.Parse(time.RFC3339Nano, r.GeneratedAt)
		if err != nil {
			return
		}
		at[i] = t
	}
	if len(reports) == 2 && at[1].Before(at[0]) {
		slices.Reverse(reports)
	}
}

// Recording reads JSON Lines. An error names the line: a recording may have gone through mail and editors.
func Recording(f File) ([]protocol.Event, error) {
	var events []protocol.Event
	number := 0
	for line := range bytes.Lines(trimmed(f.Data)) {
		number++
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
			continue
		case len(line) > maxLine:
			return nil, wrong(recordingHint, "%s:%d: the line has more than %d bytes", f.Name, number, maxLine)
		case len(events) >= maxEvents:
			return nil, wrong(recordingHint, "%s:%d: more than %d events", f.Name, number, maxEvents)
		}
		var e protocol.Event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, wrong(recordingHint, "%s:%d: not an event: %v", f.Name, number, err)
		}
		events = append(events, e)
	}
	if len(events) == 0 || events[0].Room == nil {
		return nil, wrong(recordingHint, "%s: no recording: its first event is not of type room", f.Name)
	}
	return events, nil
}

// readLogs makes the report of what browsers had logged.
func readLogs(lang protocol.Lang, logs ...dump.File) (r protocol.Report, err error) {
	events, _, err := dump.Read(logs...)
	if bad, ok := errors.AsType[*dump.Error](err); ok {
		return r, wrong(bad.Try, "%s: %s", bad.File, bad.What)
	}
	if err != nil {
		return r, err
	}
	return report.Make(diagnosis.Diagnose(events), report.Options{Lang: lang}), nil
}

func readReport(f File) (r protocol.Report, err error) {
	if err := json.Unmarshal(f.Data, &r); err != nil {
		if at, ok := errors.AsType[*json.SyntaxError](err); ok {
			return r, wrong(reportHint, "%s: no report: byte %d: %v", f.Name, at.Offset, err)
		}
		return r, wrong(reportHint, "%s: no report: %v", f.Name, err)
	}
	for i := range r.Peers {
		if nat := &r.Peers[i].NAT; nat.Corners == nil { // of an icescope that left this to its page
			nat.Corners = protocol.CornersOf(nat.Filtering, nat.Tests)
		}
	}
	return r, nil
}

// trimmed is without the mark that some editors put first.
func trimmed(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }
