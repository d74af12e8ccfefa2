package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// The proxy tells of itself where it can be seen, and tunnels what it cannot read.
func TestLabProxy(t *testing.T) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "via "+r.Header.Get("Via")) })
	plain, secure, proxy := httptest.NewServer(hello), httptest.NewTLSServer(hello), httptest.NewServer(newProxy())
	defer proxy.Close()
	defer secure.Close()
	defer plain.Close()
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		server *httptest.Server
		want   string
	}{{plain, "via 1.1 " + proxyName}, {secure, "via"}} {
		client := c.server.Client()
		client.Transport.(*http.Transport).Proxy = http.ProxyURL(at)
		res, err := client.Get(c.server.URL)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if got := strings.TrimSpace(string(text)); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.server.URL, got, err, c.want)
		}
		client.CloseIdleConnections()
	}
}
