package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
	"github.com/icescope/icescope/signaling"
)

// maxBody bounds the body of a request. The API reads none; what a client sends along is read so that its connection can be used again.
const maxBody = 4 << 10

// rooms is what the API needs to know of them.
type rooms interface {
	// Create makes a room and returns its code.
	Create() (code string, err error)
	// Has tells whether there is such a room.
	Has(code string) bool
	// Report and Recording are of this moment; ok is false where there is no such room.
	Report(code string, lang protocol.Lang) (r protocol.Report, ok bool)
	Recording(code string) (events []protocol.Event, ok bool)
}

type api struct {
	rooms   rooms
	info    func(r *http.Request) protocol.Info
	lang    protocol.Lang // of reports, where the request names none
	sources sourceLimiter
}

func (a *api) createRoom(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		writeError(w, protocol.ErrTooLarge, fmt.Sprintf("the body has more than %d bytes", maxBody), "send no body: making a room needs none")
		return
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !a.sources.allow(peer.Addr()) {
		w.Header().Set("Retry-After", strconv.Itoa(int(roomEvery.Seconds())))
		writeError(w, protocol.ErrRateLimited, "too many rooms were made from this address",
			fmt.Sprintf("wait %v, or use the rooms that are there; automation can run with serve --open-rooms", roomEvery))
		return
	}
	code, err := a.rooms.Create()
	switch {
	case errors.Is(err, signaling.ErrTooManyRooms):
		writeError(w, protocol.ErrTooManyRooms, "this server has as many rooms as it may have", "wait until unused rooms expire, or restart the server")
	case err != nil:
		writeError(w, protocol.ErrInternal, err.Error(), "this is a defect of icescope: its log says more")
	default:
		w.Header().Set("Location", "/r/"+code)
		writeJSON(w, http.StatusCreated, protocol.RoomCreated{Room: code, URL: origin(r) + "/r/" + code})
	}
}

func (a *api) serveInfo(w http.ResponseWriter, r *http.Request) {
	info := a.info(r)
	info.Proxy = proxyOf(r.Header)
	writeJSON(w, http.StatusOK, info)
}

// formats are the forms of a report: content type, and how it is written.
var formats = map[string]struct {
	contentType string
	write       func(protocol.Report) []byte
}{
	"json": {"application/json", report.JSON},
	"md":   {"text/markdown; charset=utf-8", func(r protocol.Report) []byte { return []byte(report.Markdown(r)) }},
	"html": {"text/html; charset=utf-8", func(r protocol.Report) []byte { return []byte(report.HTML(r)) }},
}

func (a *api) serveReport(w http.ResponseWriter, r *http.Request) {
	format, ok := choice(w, r, "format", "json", "md", "html")
	if !ok {
		return
	}
	lang, ok := choice(w, r, "lang", languages(a.lang)...)
	if !ok {
		return
	}
	redact, ok := choice(w, r, "redact", "none", "pseudonym")
	if !ok {
		return
	}
	code := chi.URLParam(r, "room")
	made, ok := a.rooms.Report(code, protocol.Lang(lang))
	if !ok {
		writeUnknownRoom(w)
		return
	}
	if redact == "pseudonym" {
		made = report.Redact(made)
	}
	if format == "html" {
		w.Header().Set("Content-Security-Policy", reportCSP)
	}
	writeDocument(w, r, formats[format].contentType, "icescope-"+code+"."+format, formats[format].write(made))
}

// serveRecording writes the events as JSON Lines, as `icescope diagnose` reads them.
func (a *api) serveRecording(w http.ResponseWriter, r *http.Request) {
	redact, ok := choice(w, r, "redact", "none", "pseudonym")
	if !ok {
		return
	}
	code := chi.URLParam(r, "room")
	events, ok := a.rooms.Recording(code)
	if !ok {
		writeUnknownRoom(w)
		return
	}
	if redact == "pseudonym" {
		events = report.RedactEvents(events)
	}
	writeRecording(w, r, code, events)
}

// part is which events the query asks for, by their numbers: from and to, both included. A number beyond the newest event is no mistake: that one may be on its way.
func part(w http.ResponseWriter, r *http.Request) (from, to int, ok bool) {
	to = math.MaxInt
	for name, seq := range map[string]*int{"from": &from, "to": &to} {
		value := r.URL.Query().Get(name)
		if value == "" {
			continue
		}
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			writeError(w, protocol.ErrBadMessage, fmt.Sprintf("%s=%q is no number of an event", name, value), "events are numbered from 0: from=40&to=49 asks for ten of them")
			return 0, 0, false
		}
		*seq = int(n)
	}
	if to < from {
		writeError(w, protocol.ErrBadMessage, fmt.Sprintf("from=%d comes after to=%d", from, to), "both are included: from=40&to=40 asks for one event")
		return 0, 0, false
	}
	return from, to, true
}

// writeRecording answers with the events of what is called name in the file's, or the part of them that is asked for.
func writeRecording(w http.ResponseWriter, r *http.Request, name string, events []protocol.Event) {
	from, to, ok := part(w, r)
	if !ok {
		return
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for i := range events {
		if events[i].Seq < from || events[i].Seq > to {
			continue
		}
		if err := encoder.Encode(&events[i]); err != nil {
			writeError(w, protocol.ErrInternal, err.Error(), "this is a defect of icescope: its log says more")
			return
		}
	}
	writeDocument(w, r, "application/x-ndjson", "icescope-"+name+".jsonl", lines.Bytes())
}

// writeDocument answers with something that a person may want to keep as a file: ?download=1 makes the browser ask where.
func writeDocument(w http.ResponseWriter, r *http.Request, contentType, filename string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store") // it is of this moment
	if r.URL.Query().Get("download") == "1" {
		h.Set("Content-Disposition", `attachment; filename="`+filename+`"`) // a known room's code: letters, digits and hyphens
	}
	_, _ = w.Write(body) // the reader is gone: nothing to do
}

func writeUnknownRoom(w http.ResponseWriter) {
	writeError(w, protocol.ErrUnknownRoom, "there is no room with this code", "it may have expired; make a new one with POST /api/v1/rooms")
}

func notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, protocol.ErrUnknownType, "there is no "+r.Method+" "+r.URL.Path, "docs/protocol.md lists the paths")
}

// choice reads a query parameter that is one of a few words, the first of which is the default. Where it is none of them it answers with 400 and returns false.
func choice(w http.ResponseWriter, r *http.Request, name string, words ...string) (string, bool) {
	value := r.URL.Query().Get(name)
	switch {
	case value == "":
		return words[0], true
	case slices.Contains(words, value):
		return value, true
	}
	writeError(w, protocol.ErrBadMessage, fmt.Sprintf("%s=%q is not known", name, value), fmt.Sprintf("use one of: %s", strings.Join(words, ", ")))
	return "", false
}

func languages(first protocol.Lang) []string {
	if first == protocol.Japanese {
		return []string{"ja", "en"}
	}
	return []string{"en", "ja"}
}

// serveWhoami tells a client what address its TCP connection comes from, in the words of the STUN port's whoami. Proxies' headers are not believed:
// the question is what this server sees.
func serveWhoami(w http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		writeError(w, protocol.ErrInternal, err.Error(), "this is a defect of icescope: its log says more")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, hostOnly(host)+","+port+"\n") // the reader is gone: nothing to do
}

// origin is where the page of this request lives, as its reader wrote it.
func origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
