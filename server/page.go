package server

import (
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// unbuiltPage is what / says when the binary was built without the user interface. The API and the headless peer work all the same.
const unbuiltPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>icescope: the page is not built</title>
<h1>The page is not built into this binary</h1>
<p>icescope runs, but it was compiled without its user interface. In the source tree, with Node.js 20.19 or newer, run</p>
<pre>make build</pre>
<p>and start the new binary. Without it, <code>icescope peer</code> and <code>/api/v1/</code> work all the same.</p>
<h1 lang="ja">この実行ファイルには画面が含まれていません</h1>
<p lang="ja">ソースツリーで Node.js 20.19 以降を使って <code>make build</code> を実行し、できた実行ファイルを起動してください。
<code>icescope peer</code> と <code>/api/v1/</code> はこのままでも使えます。</p>
</html>
`

// immutable is for files whose name holds the hash of their content: a year, the most that caches honour (RFC 9111 section 5.2.2.1, RFC 8246).
const immutable = "public, max-age=31536000, immutable"

// packed is what a file's name has behind it where the build packed it (web/dev/pack.ts).
const packed = ".gz"

// page serves the single page at every address that is the page's, and its assets.
type page struct {
	ui    fs.FS // nil: the user interface is not built
	index []byte
	files http.Handler
}

func newPage(ui fs.FS, built bool) (page, error) {
	if !built {
		return page{index: []byte(unbuiltPage)}, nil
	}
	index, err := fs.ReadFile(ui, "index.html")
	return page{ui: ui, index: index, files: http.FileServerFS(ui)}, err
}

// serveIndex answers /, /r/{room} and the paths of kept reports: the page finds out by itself what it is to show, and says so where there is none.
func (p page) serveIndex(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache") // its asset names change with every version
	if !p.servePacked(w, r, "index.html") {
		_, _ = w.Write(p.index) // the reader is gone: nothing to do
	}
}

// serveFile answers all other paths. Vite puts what it names by hash under assets/.
func (p page) serveFile(w http.ResponseWriter, r *http.Request) {
	if p.files == nil || strings.HasSuffix(r.URL.Path, "/") {
		http.NotFound(w, r)
		return
	}
	cache := "no-cache"
	if strings.HasPrefix(r.URL.Path, "/assets/") {
		cache = immutable
	}
	w = &onSuccess{ResponseWriter: w, cache: cache}
	if !p.servePacked(w, r, strings.TrimPrefix(r.URL.Path, "/")) {
		p.files.ServeHTTP(w, r)
	}
}

// servePacked answers with the file as the build packed it, where there is such a one and the reader takes gzip (RFC 9110 section 12.5.3): it is smaller than what
// would be packed for each answer, and costs nothing. Who asks for a part of a file gets it of the plain one.
func (p page) servePacked(w http.ResponseWriter, r *http.Request, name string) bool {
	if p.ui == nil || r.Header.Get("Range") != "" || !takesGzip(r.Header.Values("Accept-Encoding")) {
		return false
	}
	content, err := fs.ReadFile(p.ui, name+packed) // a name that is no path of a file is an error, too
	if err != nil {
		return false
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		w.Header().Set("Content-Type", kind)
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Add("Vary", "Accept-Encoding")
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(content) // the reader is gone: nothing to do
	return true
}

// takesGzip reads Accept-Encoding: gzip, or anything, unless its weight is 0.
func takesGzip(accepted []string) bool {
	anyCoding := false
	for _, one := range strings.Split(strings.Join(accepted, ","), ",") {
		coding, weight, _ := strings.Cut(one, ";")
		refused := strings.Trim(strings.ReplaceAll(weight, " ", ""), "0.") == "q=" && weight != ""
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return !refused
		case "*":
			anyCoding = !refused
		}
	}
	return anyCoding
}

// onSuccess sets Cache-Control on answers that hold the file: a 404 that is kept for a year would outlive the deployment that caused it.
type onSuccess struct {
	http.ResponseWriter
	cache string
}

func (o *onSuccess) WriteHeader(status int) {
	if status < http.StatusBadRequest {
		o.Header().Set("Cache-Control", o.cache)
	}
	o.ResponseWriter.WriteHeader(status)
}
