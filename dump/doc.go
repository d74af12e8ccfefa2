// Package dump reads what browsers log of their RTCPeerConnections by themselves, and makes a recording of it that goes through the same rules as one of a room: a dump of
// Chromium's chrome://webrtc-internals, the page that Firefox's about:webrtc saves, and what its "Copy Report" copies. One log of each end of a call becomes one
// recording of both, joined by the ICE username fragments (RFC 8839 section 5.4) of their descriptions.
//
// It is pure, and it judges nothing. What a log does not hold is left out, never made up: there are no sightings, no probes, no NAT and no HTTP address in these recordings, and they
// say of themselves that they are imported (protocol.RoomMade.Imported), so that the rules take nothing for evidence that is only missing.
//
// No standard describes these formats. They follow what Chromium 90 to 156 and Firefox 100 to 153 write; see docs/imports.md.
package dump

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/icescope/icescope/protocol"
)

// Limits of what is read. A log may come from anybody.
const (
	// MaxBytes of one log, unpacked: an hour of a call of two is under 10 MiB.
	MaxBytes = 64 << 20
	// MaxNesting of its JSON: webrtc-internals nests five deep, and what a page hands to it (constraints) a few more.
	MaxNesting = 64
	// MaxConnections that are read of one log, the newest. A page makes one a call.
	MaxConnections = 64
	// MaxEvents of the recording, which is what a room records at the most.
	MaxEvents = 50_000
	// maxSamples of one connection: its first and its last seconds, where everything happens that is judged.
	maxSamples = 120
	// maxCandidates of one end of one connection: browsers gather a dozen.
	maxCandidates = 256
	// maxPairs of one sample: 64 candidates at each end, far more than browsers pair.
	maxPairs = 4096
	// maxDescriptions of one connection: each renegotiation adds two.
	maxDescriptions = 64
	// MaxFiles are the logs of both ends.
	MaxFiles = 2
)

// The kinds of log.
const (
	Internals     = "webrtc-internals"    // Chromium's dump, also packed (gzip)
	AboutWebRTC   = "about-webrtc"        // the page that Firefox's "Save Page" writes
	FirefoxReport = "about-webrtc-report" // what Firefox's "Copy Report" copies
	RTCStats      = "rtcstats"            // Chromium's other dump, which is told from the first and not read
)

// File is a log as it was saved.
type File struct {
	Name string
	Data []byte
}

// Note is something that a reader of the diagnosis has to know: what the logs cannot say, or what was assumed of them.
type Note = protocol.ImportNote

// Error says which log cannot be read, why, and what to try.
type Error struct {
	File, What, Try string
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s; %s", e.File, e.What, e.Try) }

// Kind tells what the data is: one of the kinds above, or "" where it is none of them.
func Kind(data []byte) string {
	data, err := unpack(data)
	if err != nil {
		return ""
	}
	switch head := bytes.TrimSpace(data[:min(len(data), 4096)]); {
	case bytes.HasPrefix(head, []byte("RTCStatsDump")):
		return RTCStats
	case bytes.HasPrefix(head, []byte("<")):
		if looksLikeAboutWebRTC(data) {
			return AboutWebRTC
		}
	case bytes.HasPrefix(head, []byte("{")), bytes.HasPrefix(head, []byte("[")):
		return jsonKind(data)
	}
	return ""
}

func jsonKind(data []byte) string {
	if nesting(data) > MaxNesting {
		return ""
	}
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil {
		if len(list) == 0 {
			return ""
		}
		data = list[0]
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(data, &top) != nil {
		return "" // a recording is several values, one a line
	}
	has := func(name string) bool { _, ok := top[name]; return ok }
	switch {
	case has("PeerConnections"):
		return Internals
	case has("pcid") && (has("iceCandidateStats") || has("sdpHistory")), has("reports") && has("sdpHistories"):
		return FirefoxReport
	}
	return ""
}

// Read makes a recording of one log, or of one of each end of the same call. The recording's room carries the notes, too.
func Read(files ...File) ([]protocol.Event, []Note, error) {
	if len(files) == 0 || len(files) > MaxFiles {
		return nil, nil, &Error{"dump", fmt.Sprintf("%d logs", len(files)), "hand over one log, or one of each end"}
	}
	var logs []*logged
	for _, f := range files {
		l, err := read(f)
		if err != nil {
			return nil, nil, err
		}
		logs = append(logs, l)
	}
	return record(logs)
}

// Same tells whether two logs are of the two ends of the same call.
func Same(a, b File) bool {
	x, err := read(a)
	if err != nil {
		return false
	}
	y, err := read(b)
	return err == nil && len(match(x, y)) > 0
}

// read takes one log apart.
func read(f File) (*logged, error) {
	data, err := unpack(f.Data)
	if err != nil {
		return nil, &Error{f.Name, err.Error(), "save the log again, and hand it over unchanged"}
	}
	l := &logged{name: f.Name, kind: Kind(data)}
	switch l.kind {
	case Internals:
		err = l.internals(data)
	case AboutWebRTC:
		err = l.aboutWebRTC(data)
	case FirefoxReport:
		err = l.reports(data)
	case RTCStats:
		return nil, &Error{f.Name, "this is an rtcstats dump", `press the other button of chrome://webrtc-internals, "Download the webrtc-internals dump"`}
	default:
		if nesting(data) > MaxNesting {
			return nil, &Error{f.Name, fmt.Sprintf("its JSON is nested deeper than %d", MaxNesting), "hand the log over unchanged"}
		}
		return nil, &Error{f.Name, "this is no log of a browser's RTCPeerConnections",
			"save one with chrome://webrtc-internals (Create a WebRTC-Internals dump) or about:webrtc (Save Page)"}
	}
	if err != nil {
		return nil, &Error{f.Name, err.Error(), "hand the log over as the browser saved it"}
	}
	if len(l.conns) == 0 {
		if l.kind == Internals {
			return nil, &Error{f.Name, "this is a webrtc-internals dump without any RTCPeerConnection",
				"open chrome://webrtc-internals/?keepRemovedConnections=true before the call, and save the dump while that tab is still open"}
		}
		return nil, &Error{f.Name, "about:webrtc showed no RTCPeerConnection", "save the page during the call or after it, before Firefox is closed"}
	}
	return l, nil
}

// unpack takes off the gzip that Chromium's page puts around its dump.
func unpack(data []byte) ([]byte, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("it is of %d bytes, and %d are the limit", len(data), MaxBytes)
	}
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) { // RFC 1952 section 2.3.1
		return data, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("its gzip cannot be read: %w", err)
	}
	data, err = io.ReadAll(io.LimitReader(z, MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("its gzip cannot be read: %w", err)
	case len(data) > MaxBytes:
		return nil, fmt.Errorf("it unpacks to more than %d bytes, the limit", MaxBytes)
	}
	return data, nil
}

// nesting is how deep JSON goes. What is no JSON is nested as it looks.
func nesting(data []byte) (deepest int) {
	depth, text, escaped := 0, false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case text:
			text, escaped = c != '"', c == '\\'
		case c == '"':
			text = true
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

var errNoJSON = errors.New("its JSON cannot be read; perhaps it was cut off")
