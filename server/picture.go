package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

const (
	// maxDrawnBody is twenty times the largest picture of the lab.
	maxDrawnBody = 256 << 10
	// drawingsAtOnce leaves the rooms a processor, however many pages draw: a drawing takes about a millisecond.
	drawingsAtOnce = 1
)

// drawer answers POST /api/v1/picture: a picture that the page has of a report, laid out for the page's width. It knows no rooms and keeps nothing.
type drawer struct{ turns chan struct{} }

func newDrawer() *drawer { return &drawer{make(chan struct{}, drawingsAtOnce)} }

func (d *drawer) serve(w http.ResponseWriter, r *http.Request) {
	bad := func(format string, args ...any) {
		writeError(w, protocol.ErrBadMessage, fmt.Sprintf(format, args...), "send {\"picture\": …, \"kinds\": […]} with the picture of a report, unchanged, to /api/v1/picture?width=920")
	}
	width, err := strconv.Atoi(r.URL.Query().Get("width"))
	if err != nil {
		bad("width=%q is no number", r.URL.Query().Get("width"))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDrawnBody))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		writeError(w, protocol.ErrTooLarge, fmt.Sprintf("the picture has more than %d bytes", maxDrawnBody), "a picture of icescope is never so large")
		return
	case err != nil:
		bad("the body ended early: %v", err)
		return
	}
	var q protocol.DrawingRequest
	if err := json.Unmarshal(body, &q); err != nil {
		bad("the body is no picture: %v", err)
		return
	}
	drawing, err := d.draw(r.Context(), q, width)
	if r.Context().Err() != nil {
		return // nobody waits for it any more
	}
	if err != nil {
		bad("the picture cannot be drawn: %v", err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, drawing)
}

// draw waits for its turn, and gives it back whatever becomes of the drawing.
func (d *drawer) draw(ctx context.Context, q protocol.DrawingRequest, width int) (protocol.Drawing, error) {
	select {
	case d.turns <- struct{}{}:
	case <-ctx.Done():
		return protocol.Drawing{}, ctx.Err()
	}
	defer func() { <-d.turns }()
	return report.Draw(q, width)
}
