package server

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
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
		{"/docs/guide?lang=en", http.StatusOK, []string{`lang="en"`, `src="images/guide/verdict.en.png"`, `href="?lang=ja"`}},
		{"/docs/guide?lang=ja", http.StatusOK, []string{`lang="ja"`, `src="images/guide/verdict.ja.png"`}},
		{"/docs/guide.ja.md", http.StatusOK, []string{`lang="ja"`}},
		{"/docs/guide.ja.md?lang=en", http.StatusOK, []string{`lang="en"`}},
		{"/docs/deployment.md", http.StatusOK, []string{`id="what-to-ask-the-firewalls-owner-for"`}},
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

// maxPicture bounds a picture of the guide: all of them are in the binary.
const maxPicture = 150_000

// TestDocumentsLinks: a link from one document to another, or to a picture, leads somewhere for a reader without internet.
func TestDocumentsLinks(t *testing.T) {
	d, err := newDocuments(docs.Files, protocol.English)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"guide.md", "guide.ja.md", "deployment.ja.md", "flags.md", "flags.ja.md"} { // of the others some lead into the sources
		render, ok := d.pages[name]
		if !ok {
			t.Errorf("docs/%s is not there", name)
			continue
		}
		page, err := render()
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`(?:href|src)="([^"?#][^"#]*)`).FindAllSubmatch(page, -1) {
			if to := string(link[1]); !strings.Contains(to, ":") {
				info, err := fs.Stat(docs.Files, to)
				if err != nil {
					t.Errorf("docs/%s leads to %s: %v", name, to, err)
				} else if strings.HasSuffix(to, ".png") && info.Size() > maxPicture {
					t.Errorf("docs/%s has %d bytes, %d are the limit", to, info.Size(), maxPicture)
				}
			}
		}
	}
}
