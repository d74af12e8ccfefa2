package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPage(t *testing.T) {
	p, err := newPage(fstest.MapFS{
		"index.html":             {Data: []byte("<!doctype html>built")},
		"icon.svg":               {Data: []byte("<svg/>")},
		"assets/index-D3adB3.js": {Data: []byte("export {}")},
	}, true)
	if err != nil {
		t.Fatal(err)
	}
	handler := routes{page: p}.handler()
	for _, c := range []struct {
		path   string
		status int
		cache  string
		holds  string
	}{
		{"/", http.StatusOK, "no-cache", "built"},
		{"/r/bodu-kafi", http.StatusOK, "no-cache", "built"},
		{"/r/unknown?name=x&lang=ja", http.StatusOK, "no-cache", "built"},
		{"/icon.svg", http.StatusOK, "no-cache", "<svg/>"},
		{"/assets/index-D3adB3.js", http.StatusOK, immutable, "export"},
		{"/assets/index-0ld.js", http.StatusNotFound, "", ""},
		{"/assets/", http.StatusNotFound, "", ""},
		{"/r/", http.StatusNotFound, "", ""},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.path, nil))
		if w.Code != c.status || w.Header().Get("Cache-Control") != c.cache || !strings.Contains(w.Body.String(), c.holds) {
			t.Errorf("%s: %d, Cache-Control %q, %q", c.path, w.Code, w.Header().Get("Cache-Control"), w.Body.String())
		}
		if got := w.Header().Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options is %q", c.path, got)
		}
	}
}

// What the build packed travels as it is; who takes no gzip, or asks for a part, gets the plain file.
func TestPackedPage(t *testing.T) {
	p, err := newPage(fstest.MapFS{
		"index.html":      {Data: []byte("plain index")},
		"index.html.gz":   {Data: []byte("packed index")},
		"assets/a.js":     {Data: []byte("plain script")},
		"assets/a.js.gz":  {Data: []byte("packed script")},
		"assets/tiny.svg": {Data: []byte("<svg/>")},
	}, true)
	if err != nil {
		t.Fatal(err)
	}
	handler := routes{page: p}.handler()
	for _, c := range []struct{ path, accept, ranged, holds, encoding, kind string }{
		{"/", "gzip, deflate, br", "", "packed index", "gzip", "text/html"},
		{"/r/bodu-kafi", "br;q=1.0, gzip;q=0.8", "", "packed index", "gzip", "text/html"},
		{"/assets/a.js", "gzip", "", "packed script", "gzip", "text/javascript"},
		{"/assets/a.js", "*", "", "packed script", "gzip", "text/javascript"},
		{"/assets/a.js", "", "", "plain script", "", "text/javascript"},
		{"/assets/a.js", "gzip;q=0, identity", "", "plain script", "", "text/javascript"},
		{"/assets/a.js", "*;q=0.0", "", "plain script", "", "text/javascript"},
		{"/assets/a.js", "gzip", "bytes=0-4", "plain", "", "text/javascript"},
		{"/assets/a.js.gz", "", "", "packed script", "", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.Header.Set("Accept-Encoding", c.accept)
		if c.ranged != "" {
			r.Header.Set("Range", c.ranged)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Body.String() != c.holds || w.Header().Get("Content-Encoding") != c.encoding || !strings.HasPrefix(w.Header().Get("Content-Type"), c.kind) {
			t.Errorf("%s, Accept-Encoding %q: %q, %v", c.path, c.accept, w.Body.String(), w.Header())
		}
		if strings.Contains(c.path, "assets") && w.Header().Get("Cache-Control") != immutable {
			t.Errorf("%s: Cache-Control %q", c.path, w.Header().Get("Cache-Control"))
		}
	}
	for _, wrong := range []string{"/assets/../index.html", "/assets/none.js", "/assets//a.js"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = wrong
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if strings.Contains(w.Body.String(), "packed") {
			t.Errorf("%s: %d %q", wrong, w.Code, w.Body.String())
		}
	}
}

// TestCSP: what the policy is for. That it lets the page's WebSocket through is proved by the browsers of the lab.
func TestCSP(t *testing.T) {
	for _, directive := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(pageCSP, directive) {
			t.Errorf("%q is not in %q", directive, pageCSP)
		}
	}
	if strings.Contains(pageCSP, "unsafe") || strings.Contains(pageCSP, "*") {
		t.Errorf("too wide: %q", pageCSP)
	}
}

func TestUnbuiltPage(t *testing.T) {
	p, err := newPage(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	handler := routes{page: p}.handler()
	for path, status := range map[string]int{"/": http.StatusOK, "/r/x": http.StatusOK, "/assets/x.js": http.StatusNotFound} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != status || status == http.StatusOK && !strings.Contains(w.Body.String(), "make build") {
			t.Errorf("%s: %d %q", path, w.Code, w.Body.String())
		}
	}
}
