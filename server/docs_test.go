package server

import (
	"bytes"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-chi/chi/v5"
	"github.com/yuin/goldmark/ast"

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
		{"/docs/deployment.ja.md", http.StatusOK, []string{`id="ファイアウォールの管理者への依頼文"`, `id="中継turn"`}},
		{"/docs/deployment", http.StatusOK, []string{`href="adr/0004-partner.md"`}},
		{"/docs/adr/0004-partner.md", http.StatusOK, []string{"<h1"}},
		{"/docs/report.md", http.StatusOK, []string{`is report/schema.json;`}},
		{"/docs/adr", http.StatusNotFound, nil},
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

// TestDocumentsLinks: a link from one document to another, to one of its headings or to a picture, leads somewhere for a reader without internet.
func TestDocumentsLinks(t *testing.T) {
	d, err := newDocuments(docs.Files, protocol.English)
	if err != nil {
		t.Fatal(err)
	}
	anchors := regexp.MustCompile(`\bid="([^"]*)"`)
	for name, render := range d.pages {
		page, err := render()
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllSubmatch(page, -1) {
			to, err := url.Parse(html.UnescapeString(string(link[1])))
			if err != nil {
				t.Errorf("docs/%s leads to %s: %v", name, link[1], err)
				continue
			}
			if to.IsAbs() || to.Path == "" && to.Fragment == "" {
				continue
			}
			file := name
			if to.Path != "" {
				file = path.Join(path.Dir(name), to.Path)
			}
			info, err := fs.Stat(docs.Files, file)
			if err != nil {
				t.Errorf("docs/%s leads to %s: %v", name, to, err)
				continue
			}
			if strings.HasSuffix(file, ".png") && info.Size() > maxPicture {
				t.Errorf("docs/%s has %d bytes, %d are the limit", file, info.Size(), maxPicture)
			}
			if to.Fragment == "" {
				continue
			}
			there, err := d.pages[file]()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(anchors.FindAllSubmatch(there, -1), func(m [][]byte) bool { return string(m[1]) == to.Fragment }) {
				t.Errorf("docs/%s leads to %s, and there is no such heading", name, to)
			}
		}
	}
}

// TestDeadLinks: what is not in the binary is named, and not linked to.
func TestDeadLinks(t *testing.T) {
	d, err := newDocuments(fstest.MapFS{
		"a.md": {Data: []byte("# A\n\n[one *bold*](../server/docs.go), [two](b.md#x), [three](https://example.org/), [four](#a), [five](adr/c.md), [six](/findings), [seven](%zz), [eight](adr)\n")},
		"b.md": {Data: []byte("# B\n")}, "adr/c.md": {Data: []byte("# C\n\n[up](../a.md) [beside](a.md)\n")},
	}, protocol.English)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a.md":     `<p>one <em>bold</em>, <a href="b.md#x">two</a>, <a href="https://example.org/">three</a>, <a href="#a">four</a>, <a href="adr/c.md">five</a>, six, seven, eight</p>`,
		"adr/c.md": `<p><a href="../a.md">up</a> beside</p>`,
	} {
		page, err := d.pages[name]()
		if err != nil || !strings.Contains(string(page), want) {
			t.Errorf("%s: %v: %s; want %s", name, err, page[bytes.Index(page, []byte("<main>")):], want)
		}
	}
}

func TestAnchors(t *testing.T) {
	a := anchors{}
	a.Put([]byte("taken"))
	for _, c := range []struct{ heading, want string }{
		{"What to ask the firewall's owner for", "what-to-ask-the-firewalls-owner-for"},
		{"ファイアウォールの管理者に頼むこと", "ファイアウォールの管理者に頼むこと"},
		{"`--http`: 待ち受け (TCP)", "--http-待ち受け-tcp"},
		{"が", "が"}, // the letter and its mark, apart
		{"snake_case, 2.5 GHz", "snake_case-25-ghz"},
		{"Taken", "taken-1"},
		{"taken", "taken-2"},
		{"!", "heading"},
		{"?", "heading-1"},
		{"\xff", "heading-2"},
	} {
		if got := string(a.Generate([]byte(c.heading), ast.KindHeading)); got != c.want {
			t.Errorf("%q is %q, want %q", c.heading, got, c.want)
		}
	}
}
