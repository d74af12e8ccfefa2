package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/icescope/icescope/docs"
	"github.com/icescope/icescope/protocol"
)

func TestDocuments(t *testing.T) {
	d, err := newDocuments(docs.Files, protocol.English)
	if err != nil {
		t.Fatal(err)
	}
	for name, render := range d.pages {
		if page, err := render(); err != nil || len(page) == 0 {
			t.Errorf("docs/%s: %v", name, err)
		}
	}
	r := chi.NewRouter()
	r.Get("/findings", d.serveFindings)
	r.Get("/docs/*", d.serveDocument)
	for _, c := range []struct {
		path   string
		status int
		holds  []string
	}{
		{"/findings", http.StatusOK, []string{`lang="en"`, `id="mdns-masked"`}},
		{"/findings?lang=ja", http.StatusOK, []string{`lang="ja"`, `id="mdns-masked"`, `href="?lang=en"`}},
		{"/docs/nat.md", http.StatusOK, []string{`lang="en"`, "<h1"}},
		{"/docs/nat", http.StatusOK, []string{"<h1"}},
		{"/docs/nat.md?lang=ja", http.StatusOK, []string{`lang="en"`}}, // there is no other
		{"/docs/nowhere.md", http.StatusNotFound, nil},
		{"/docs/../server.go", http.StatusNotFound, nil},
		{"/docs/docs.go", http.StatusNotFound, nil},
	} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.path, nil))
		body, err := io.ReadAll(w.Body)
		if err != nil || w.Code != c.status {
			t.Errorf("%s: %d, %v; want %d", c.path, w.Code, err, c.status)
		}
		for _, want := range c.holds {
			if !strings.Contains(string(body), want) {
				t.Errorf("%s does not hold %q", c.path, want)
			}
		}
		if c.status == http.StatusOK && !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s has no policy", c.path)
		}
	}
}
