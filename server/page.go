package server

import (
	"io/fs"
	"net/http"
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

// page serves the single page at every address that is the page's, and its assets.
type page struct {
	index []byte
	files http.Handler // nil: the user interface is not built
}

func newPage(ui fs.FS, built bool) (page, error) {
	if !built {
		return page{index: []byte(unbuiltPage)}, nil
	}
	index, err := fs.ReadFile(ui, "index.html")
	return page{index: index, files: http.FileServerFS(ui)}, err
}

// serveIndex answers /, /r/{room} and the paths of kept reports: the page finds out by itself what it is to show, and says so where there is none.
func (p page) serveIndex(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache") // its asset names change with every version
	_, _ = w.Write(p.index)                     // the reader is gone: nothing to do
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
	p.files.ServeHTTP(&onSuccess{ResponseWriter: w, cache: cache}, r)
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
