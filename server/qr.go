package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/qr"
)

// serveQR draws the link to a room: as SVG for the page, as text for a terminal (curl). ?at= is the origin in the link, one of this server's; without it, the likeliest to
// be reached by others. No other is drawn: a code that this server has drawn leads to this server.
func (a *api) serveQR(w http.ResponseWriter, r *http.Request) {
	code := chi.URLParam(r, "room")
	if !a.rooms.Has(code) {
		writeUnknownRoom(w)
		return
	}
	origins := originsFor(r, a.info(r).Links)
	at := r.URL.Query().Get("at")
	if at == "" {
		at = origins[0]
	}
	if !slices.Contains(origins, at) {
		writeError(w, protocol.ErrBadMessage, "at is not an address of this server", "use one of: "+strings.Join(origins, ", "))
		return
	}
	drawn, err := qr.New(at + "/r/" + url.PathEscape(code))
	if err != nil {
		writeError(w, protocol.ErrTooLarge, err.Error(), "use a shorter address")
		return
	}
	if strings.HasSuffix(r.URL.Path, ".txt") {
		writeDocument(w, r, "text/plain; charset=utf-8", "icescope-"+code+".txt", []byte(drawn.Text()))
		return
	}
	writeDocument(w, r, "image/svg+xml", "icescope-"+code+".svg", drawn.SVG())
}

// originsFor are the origins that a link may have, the best first: what others reach, then the one that this request was made to. Where something in front of this server
// ends TLS, the reader's scheme is not the one that is seen here.
func originsFor(r *http.Request, links []protocol.PageLink) []string {
	var out, alone []string
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	for _, link := range links {
		urls := []string{link.URL, link.SecureURL}
		if scheme == "https" {
			slices.Reverse(urls)
		}
		for _, u := range urls {
			switch u = strings.TrimSuffix(u, "/"); {
			case u == "":
			case link.Reach == protocol.ReachLoopback:
				alone = append(alone, u)
			default:
				out = append(out, u)
			}
		}
	}
	out = append(out, scheme+"://"+r.Host, "http://"+r.Host, "https://"+r.Host)
	return append(out, alone...)
}
