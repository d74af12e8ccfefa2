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
