package server

import (
	"io"
	"net/http"
	"sync/atomic"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/icescope/icescope/protocol"
)

// compression is gzip's level: 5 is where more time stops to make the page much smaller.
const compression = 5

// routes is the whole of HTTP, the same on both listeners.
type routes struct {
	page    page
	docs    documents
	api     *api
	kept    *kept
	bring   *diagnoser
	draw    *drawer
	socket  http.Handler // the WebSocket of signaling
	metrics http.Handler
	ready   *atomic.Bool
}

func (s routes) handler() http.Handler {
	r := chi.NewRouter()
	r.Use(secureHeaders, middleware.GetHead, sameOrigin())
	r.Handle("/ws", s.socket) // outside the group: a compressing writer cannot be taken over (RFC 6455 section 4.2.2)
	// The page is packed by its build. The middleware would pack it again for who refuses that, and pack parts of files as if they were whole.
	for _, path := range []string{"/", "/r/{room}", "/reports", "/reports/{id}", "/compare"} {
		r.Get(path, s.page.serveIndex)
	}
	r.Get("/*", s.page.serveFile)
	r.Group(func(r chi.Router) {
		r.Use(middleware.Compress(compression))
		r.Get("/findings", s.docs.serveFindings)
		r.Get("/docs/*", s.docs.serveDocument)
		r.Get("/whoami", serveWhoami)
		r.Get("/healthz", serveOK)
		r.Get("/readyz", s.serveReady)
		r.Method(http.MethodGet, "/metrics", s.metrics)
		r.Route("/api/v1", func(r chi.Router) {
			r.NotFound(notFound)
			r.MethodNotAllowed(methodNotAllowed)
			r.Post("/rooms", s.api.createRoom)
			r.Get("/rooms/{room}/report", s.api.serveReport)
			r.Get("/rooms/{room}/recording", s.api.serveRecording)
			r.Get("/rooms/{room}/qr.svg", s.api.serveQR)
			r.Get("/rooms/{room}/qr.txt", s.api.serveQR)
			r.Get("/info", s.api.serveInfo)
			r.Get("/terms", s.api.serveTerms)
			r.Get("/reports", s.kept.serveList)
			r.Get("/reports/{id}", s.kept.serveReport)
			r.Get("/reports/{id}/recording", s.kept.serveRecording)
			r.Get("/compare", s.kept.serveComparison)
			r.Post("/diagnose", s.bring.serve)
			r.Post("/picture", s.draw.serve)
		})
	})
	return r
}

// sameOrigin keeps other sites' pages from making rooms with a visitor's browser, by Sec-Fetch-Site and Origin (RFC 6454).
func sameOrigin() func(http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, protocol.ErrForbiddenOrigin, "the request came from another site's page", "open icescope's own page, or send no Origin header")
	}))
	return guard.Handler
}

func serveOK(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n") // the reader is gone: nothing to do
}

// serveReady says whether all that Serve runs is running: not before, and no more once it is told to end.
func (s routes) serveReady(w http.ResponseWriter, r *http.Request) {
	if !s.ready.Load() {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	serveOK(w, r)
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusMethodNotAllowed, map[string]protocol.Error{"error": {
		Code: protocol.ErrUnknownType, Message: r.Method + " does not go with " + r.URL.Path, Hint: "docs/protocol.md lists the paths and their methods",
	}})
}
