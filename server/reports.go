package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/icescope/icescope/archive"
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/compare"
	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

const (
	// listDefault and listMost are how many kept reports one page of the list has: a screenful or two, and what a script may take at once.
	listDefault = 50
	listMost    = 500
)

// keeper is what the API asks of the archive; *archive.Store is one.
type keeper interface {
	List(ctx context.Context, q archive.Query) ([]protocol.KeptReport, string, error)
	Recording(ctx context.Context, id string) ([]protocol.Event, error)
}

// kept is the part of the API that is about reports of rooms that have come to a verdict. Who has a report's identifier may read it; the list, which has the identifiers
// of all, is for everybody who reaches this server, unless it is turned off. Neither ever has the code of a room.
type kept struct {
	store   keeper
	lang    protocol.Lang
	hidden  bool // the list is turned off
	durable bool
	hours   float64
}

func (k *kept) serveList(w http.ResponseWriter, r *http.Request) {
	if k.hidden {
		writeError(w, protocol.ErrNotListed, "this server does not list the reports that it keeps (--no-list)", "open a report by its own address, or drop a saved one on the page")
		return
	}
	lang, ok := choice(w, r, "lang", languages(k.lang)...)
	if !ok {
		return
	}
	needs, ok := choice(w, r, "needs", "", string(protocol.NeedsNothing), string(protocol.NeedsSTUN), string(protocol.NeedsTURNUDP), string(protocol.NeedsTURNTCP),
		string(protocol.NeedsUnreachable), string(protocol.NeedsUndetermined))
	if !ok {
		return
	}
	limit := listDefault
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > listMost {
			writeError(w, protocol.ErrBadMessage, fmt.Sprintf("limit=%q is not a number from 1 to %d", text, listMost), "leave it out, or use next for the following page")
			return
		}
		limit = n
	}
	list, next, err := k.store.List(r.Context(), archive.Query{Limit: limit, Before: r.URL.Query().Get("before"), Needs: protocol.Needs(needs)})
	switch {
	case errors.Is(err, archive.ErrBadCursor):
		writeError(w, protocol.ErrBadMessage, "before is no place in the list", "use the next of the page before, unchanged")
		return
	case err != nil:
		writeError(w, protocol.ErrInternal, "the list of kept reports cannot be read: "+err.Error(), "the server's log, or its disk, may say more")
		return
	}
	for i := range list {
		if key := "finding." + string(list[i].Cause) + ".title"; catalog.Has(key) {
			list[i].CauseTitle = catalog.Text{Key: key}.In(protocol.Lang(lang))
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, protocol.KeptReports{Reports: list, Next: next, Durable: k.durable, KeepForHours: k.hours})
}

// events are a kept report's. Where there are none it answers and returns false.
func (k *kept) events(w http.ResponseWriter, r *http.Request, id string) ([]protocol.Event, bool) {
	events, err := k.store.Recording(r.Context(), id)
	switch {
	case errors.Is(err, archive.ErrUnknown):
		writeError(w, protocol.ErrUnknownReport, "there is no report "+strconv.Quote(id), "it may have been deleted for its age or for want of space (--keep-for, --keep-size)")
		return nil, false
	case err != nil:
		writeError(w, protocol.ErrInternal, "the report cannot be read: "+err.Error(), "the server's log, or its disk, may say more")
		return nil, false
	}
	return events, true
}

func (k *kept) serveReport(w http.ResponseWriter, r *http.Request) {
	format, ok := choice(w, r, "format", "json", "md", "html")
	if !ok {
		return
	}
	lang, ok := choice(w, r, "lang", languages(k.lang)...)
	if !ok {
		return
	}
	redact, ok := choice(w, r, "redact", "none", "pseudonym")
	if !ok {
		return
	}
	events, ok := k.events(w, r, chi.URLParam(r, "id"))
	if !ok {
		return
	}
	made := report.Make(diagnosis.Diagnose(events), report.Options{Lang: protocol.Lang(lang)})
	if redact == "pseudonym" {
		made = report.Redact(made)
	}
	if format == "html" {
		w.Header().Set("Content-Security-Policy", reportCSP)
	}
	writeDocument(w, r, formats[format].contentType, "icescope-"+chi.URLParam(r, "id")+"."+format, formats[format].write(made))
}

func (k *kept) serveRecording(w http.ResponseWriter, r *http.Request) {
	redact, ok := choice(w, r, "redact", "none", "pseudonym")
	if !ok {
		return
	}
	events, ok := k.events(w, r, chi.URLParam(r, "id"))
	if !ok {
		return
	}
	if redact == "pseudonym" {
		events = report.RedactEvents(events)
	}
	writeRecording(w, r, chi.URLParam(r, "id"), events)
}

func (k *kept) serveComparison(w http.ResponseWriter, r *http.Request) {
	lang, ok := choice(w, r, "lang", languages(k.lang)...)
	if !ok {
		return
	}
	var sides [2]protocol.Report
	var from compare.Sources
	for i, name := range []string{"a", "b"} {
		id := r.URL.Query().Get(name)
		if id == "" {
			writeError(w, protocol.ErrBadMessage, "a comparison needs two reports", "name them as a, the earlier one, and b: GET /api/v1/reports lists them")
			return
		}
		events, ok := k.events(w, r, id)
		if !ok {
			return
		}
		from.IDs[i] = id
		sides[i] = report.Make(diagnosis.Diagnose(events), report.Options{Lang: protocol.Lang(lang)})
	}
	w.Header().Set("Cache-Control", "no-store")
	compared := compare.Compare(sides[0], sides[1], protocol.Lang(lang))
	compared.HTML = compare.HTML(compared, from)
	writeJSON(w, http.StatusOK, compared)
}
