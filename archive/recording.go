package archive

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"regexp"

	"github.com/icescope/icescope/protocol"
)

const (
	// maxRecording bounds what a stored recording may unpack to: the session stops at some 6 MiB, and its count is an estimate.
	maxRecording = 64 << 20
	// leastSecret is the length from which the code of a room is looked for everywhere: codes that icescope makes are longer, shorter ones are a person's own
	// (--open-rooms), let nobody in who could not make the room as well, and may be an ordinary word.
	leastSecret = 8
)

// RoomName stands in the place of a room's code.
func RoomName(id string) string { return "kept-" + id[:min(8, len(id))] }

// pagePath is where a page's address has the code, however its reader wrote it.
var pagePath = regexp.MustCompile(`(/r/)[^/?#"\\]+`)

// encode writes a recording as JSON Lines, packed, with another name in the place of the room's code.
func encode(events []protocol.Event, code, name string) ([]byte, error) {
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	for _, e := range events {
		line, err := json.Marshal(anonymous(e, name))
		if err != nil {
			return nil, err
		}
		if len(code) >= leastSecret {
			line = bytes.ReplaceAll(line, []byte(code), []byte(name))
		}
		if _, err := packed.Write(append(line, '\n')); err != nil {
			return nil, err
		}
	}
	err := packed.Close()
	return out.Bytes(), err
}

// anonymous is an event without the code where it is known to stand.
func anonymous(e protocol.Event, name string) protocol.Event {
	if e.Room != nil {
		made := *e.Room
		made.Room, e.Room = name, &made
	}
	if e.Environment != nil {
		there := *e.Environment
		there.PageURL, e.Environment = pagePath.ReplaceAllString(there.PageURL, "${1}"+name), &there
	}
	return e
}

// decode is the other way.
func decode(blob []byte) ([]protocol.Event, error) {
	packed, err := gzip.NewReader(bytes.NewReader(blob))
	if err != nil {
		return nil, err
	}
	from := json.NewDecoder(io.LimitReader(packed, maxRecording))
	var events []protocol.Event
	for {
		var e protocol.Event
		switch err := from.Decode(&e); err {
		case nil:
			events = append(events, e)
		case io.EOF:
			return events, nil
		default:
			return nil, fmt.Errorf("event %d: %w", len(events), err)
		}
	}
}
