package server

import (
	"net/http"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// termsLast is how long a browser need not ask again: the sentences change with the server's version only, and after an upgrade an hour of the older ones does no harm.
const termsLast = "max-age=3600"

// serveTerms answers GET /api/v1/terms: what the words mean that the page explains where they stand.
func (a *api) serveTerms(w http.ResponseWriter, r *http.Request) {
	lang, ok := choice(w, r, "lang", languages(a.lang)...)
	if !ok {
		return
	}
	terms := map[string]string{}
	for _, key := range catalog.Keys() {
		if term, found := strings.CutPrefix(key, "term."); found {
			terms[term] = catalog.Text{Key: key}.In(protocol.Lang(lang))
		}
	}
	w.Header().Set("Cache-Control", termsLast)
	writeJSON(w, http.StatusOK, terms)
}
