package server

import (
	"bytes"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/go-chi/chi/v5"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"github.com/icescope/icescope/protocol"
)

// documents serves docs/ offline. Each page is rendered when somebody first asks for it, and kept: they never change.
type documents struct {
	files fs.FS
	lang  protocol.Lang
	pages map[string]func() ([]byte, error) // by file name
}

// markdown is what our documents are written in: CommonMark with tables, and headings that can be linked to. Raw HTML is left out.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))

// anchors names headings as GitHub does, where our documents are read too: goldmark's own names drop every letter beyond ASCII, and so all of a Japanese heading.
type anchors map[string]bool

// Generate implements parser.IDs.
func (a anchors) Generate(heading []byte, _ ast.NodeKind) []byte {
	name := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsNumber(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.TrimSpace(string(heading)))
	if name == "" {
		name = "heading"
	}
	free := name
	for n := 1; a[free]; n++ {
		free = name + "-" + strconv.Itoa(n)
	}
	a[free] = true
	return []byte(free)
}

// Put implements parser.IDs.
func (a anchors) Put(name []byte) { a[string(name)] = true }

// unlink leaves of the links that lead to nothing here, as those into the sources do, their words. name is the document that they stand in.
func (d documents) unlink(root ast.Node, name string) error {
	var dead []*ast.Link
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if link, ok := n.(*ast.Link); ok && entering && !d.leads(path.Dir(name), string(link.Destination)) {
			dead = append(dead, link)
		}
		return ast.WalkContinue, nil
	})
	for _, link := range dead {
		for link.FirstChild() != nil {
			link.Parent().InsertBefore(link.Parent(), link, link.FirstChild())
		}
		link.Parent().RemoveChild(link.Parent(), link)
	}
	return err
}

// leads tells whether a link is to somewhere else, within its document, or to a file that is here.
func (d documents) leads(dir, to string) bool {
	u, err := url.Parse(to)
	if err != nil {
		return false
	}
	if u.IsAbs() || u.Host != "" || u.Path == "" {
		return true
	}
	info, err := fs.Stat(d.files, path.Join(dir, u.Path))
	return err == nil && !info.IsDir()
}

// scrollable gives the keyboard what may be wider than a narrow window (WCAG 2.1.1). Goldmark escapes both in the text.
var scrollable = strings.NewReplacer("<pre>", `<pre tabindex="0">`, "<table>", `<table tabindex="0">`)

// documentPage is the frame around a document. Its style stands inside, as reportCSP wants it.
var documentPage = template.Must(template.New("document").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Title}} · icescope</title>
<style>
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); --soft: color-mix(in srgb, currentColor 6%, transparent) }
html { background: light-dark(#fff, #12161b); color: light-dark(#111, #e8edf2) } a { color: light-dark(#0a4f9e, #8cc4ff) }
body { font: 1rem/1.6 system-ui, "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", sans-serif; max-width: 64rem; margin: 0 auto; padding: 1rem 1.25rem 6rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem } h3 { font-size: 1rem }
h2:target { background: color-mix(in srgb, #f5c400 30%, transparent); border-radius: .25rem }
pre { overflow: auto; background: var(--soft); padding: .75rem 1rem; border-radius: .375rem; font-size: .85rem; line-height: 1.4 }
code { font-family: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", "Noto Sans Mono CJK JP", monospace; font-size: .92em }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow-x: auto } td, th { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left }
img { max-width: 100% } nav { font-size: .9rem } :focus-visible { outline: 2px solid; outline-offset: 2px }
</style>
<nav>{{if .Other}}<a href="?lang={{.Other}}" lang="{{.Other}}" hreflang="{{.Other}}">{{.OtherName}}</a>{{end}}</nav>
<main>
{{.Body}}
</main>
</html>
`))

func newDocuments(files fs.FS, lang protocol.Lang) (documents, error) {
	d := documents{files: files, lang: lang, pages: map[string]func() ([]byte, error){}}
	for _, pattern := range []string{"*.md", "adr/*.md"} {
		names, err := fs.Glob(files, pattern)
		if err != nil {
			return d, err
		}
		for _, name := range names {
			d.pages[name] = sync.OnceValues(func() ([]byte, error) { return d.render(name) })
		}
	}
	return d, nil
}

func (d documents) render(name string) ([]byte, error) {
	source, err := fs.ReadFile(d.files, name)
	if err != nil {
		return nil, err
	}
	var body, page bytes.Buffer
	root := markdown.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(anchors{}))))
	if err := d.unlink(root, name); err != nil {
		return nil, err
	}
	if err := markdown.Renderer().Render(&body, source, root); err != nil {
		return nil, err
	}
	title, _, _ := strings.Cut(strings.TrimPrefix(string(source), "# "), "\n")
	frame := struct {
		Lang, Other     protocol.Lang
		Title           string
		OtherName, Body template.HTML
	}{Lang: protocol.English, Title: title, Body: template.HTML(scrollable.Replace(body.String()))} //nolint:gosec // our own documents, and goldmark leaves raw HTML out
	if strings.HasSuffix(name, ".ja.md") {
		frame.Lang, frame.Other, frame.OtherName = protocol.Japanese, protocol.English, "English"
	} else if _, err := fs.Stat(d.files, japanese(name)); err == nil {
		frame.Other, frame.OtherName = protocol.Japanese, "日本語"
	}
	err = documentPage.Execute(&page, frame)
	return page.Bytes(), err
}

// japanese is the file of a document in Japanese.
func japanese(name string) string { return strings.TrimSuffix(name, ".md") + ".ja.md" }

// serveFindings answers GET /findings: what every code means, looks like, and what to change. The page links each finding here.
func (d documents) serveFindings(w http.ResponseWriter, r *http.Request) {
	d.serve(w, r, "findings.md")
}

// serveDocument answers GET /docs/NAME, for the links between the documents: with .md at the end or without, and in Japanese where it ends on .ja.md and no language is asked for.
func (d documents) serveDocument(w http.ResponseWriter, r *http.Request) {
	name := path.Clean(chi.URLParam(r, "*"))
	if strings.HasPrefix(name, "images/") {
		http.ServeFileFS(w, r, d.files, name)
		return
	}
	d.serve(w, r, strings.TrimSuffix(name, ".md")+".md")
}

func (d documents) serve(w http.ResponseWriter, r *http.Request, name string) {
	lang := protocol.Lang(r.URL.Query().Get("lang"))
	base, isJapanese := strings.CutSuffix(name, ".ja.md")
	switch {
	case isJapanese && lang == "":
		lang = protocol.Japanese
	case lang == "":
		lang = d.lang
	}
	if isJapanese { // the other language of this document is asked for by the same name
		name = base + ".md"
	}
	render, ok := d.pages[name]
	if own, translated := d.pages[japanese(name)]; lang == protocol.Japanese && translated {
		render, ok = own, true
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	page, err := render()
	if err != nil { // a defect of the document, which the tests would have found
		http.Error(w, "this document cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", documentCSP)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(page) // the reader is gone: nothing to do
}

// documentCSP is that of an exported report, with the pictures of this server.
const documentCSP = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
