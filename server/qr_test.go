package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/icescope/icescope/qr"
)

// TestQR: the code says what the link says, for this server's own addresses and rooms only. That it can be read is tested where it is drawn.
func TestQR(t *testing.T) {
	r := start(t, nil)
	room := r.room().Room
	path := "/api/v1/rooms/" + room + "/qr.svg"
	at := "http://" + r.Addrs().HTTP
	want, err := qr.New(at + "/r/" + room)
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"", "?at=" + url.QueryEscape(at)} {
		response, body := r.do(http.MethodGet, path+query)
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "image/svg+xml" || body != string(want.SVG()) {
			t.Errorf("%q: %s %s", query, response.Status, response.Header.Get("Content-Type"))
		}
	}
	if _, body := r.do(http.MethodGet, "/api/v1/rooms/"+room+"/qr.txt"); body != want.Text() {
		t.Error("the terminal's code is another")
	}
	secure := strings.TrimSuffix(r.Addrs().SecureURLs[0], "/")
	if response, _ := r.do(http.MethodGet, path+"?at="+url.QueryEscape(secure)); response.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", secure, response.Status)
	}
	for query, status := range map[string]int{"?at=" + url.QueryEscape("https://elsewhere.example"): http.StatusBadRequest, "?at=javascript:alert(1)": http.StatusBadRequest} {
		if response, body := r.do(http.MethodGet, path+query); response.StatusCode != status {
			t.Errorf("%s: %s %s", query, response.Status, body)
		}
	}
	if response, _ := r.do(http.MethodGet, "/api/v1/rooms/nono-nono-nono-nono/qr.svg"); response.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown room: %s", response.Status)
	}
}
