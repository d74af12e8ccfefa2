package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
)

// running is a server on free ports of the loopback, and what it takes to talk to it.
type running struct {
	*Server
	t    *testing.T
	base string
}

func start(t *testing.T, change func(*Config)) *running {
	t.Helper()
	config := Config{
		HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", STUN: []string{"127.0.0.1:0"}, TLSDir: t.TempDir(), Version: "test",
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&config)
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	return &running{s, t, "http://" + s.Addrs().HTTP}
}

// do sends one request. Its headers are given as name and value in turn.
func (r *running) do(method, path string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	request, err := http.NewRequest(method, r.base+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response, string(body)
}

func (r *running) room() protocol.RoomCreated {
	r.t.Helper()
	response, body := r.do(http.MethodPost, "/api/v1/rooms")
	var made protocol.RoomCreated
	if err := json.Unmarshal([]byte(body), &made); err != nil || response.StatusCode != http.StatusCreated || made.Room == "" {
		r.t.Fatalf("%s %q", response.Status, body)
	}
	return made
}

func TestRooms(t *testing.T) {
	r := start(t, nil)
	made := r.room()
	if want := r.base + "/r/" + made.Room; made.URL != want {
		t.Errorf("url is %q, want %q", made.URL, want)
	}
	for path, contentType := range map[string]string{
		"report":                              "application/json",
		"report?format=json&lang=ja":          "application/json",
		"report?format=md&redact=none":        "text/markdown; charset=utf-8",
		"report?format=html&redact=pseudonym": "text/html; charset=utf-8",
		"recording":                           "application/x-ndjson",
		"recording?redact=pseudonym":          "application/x-ndjson",
	} {
		response, body := r.do(http.MethodGet, "/api/v1/rooms/"+made.Room+"/"+path)
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != contentType || body == "" {
			t.Errorf("%s: %s, %q, %d bytes", path, response.Status, response.Header.Get("Content-Type"), len(body))
		}
		if csp := response.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe-inline") != strings.Contains(path, "html") {
			t.Errorf("%s: %q", path, csp)
		}
		if got := response.Header.Get("Content-Disposition"); got != "" {
			t.Errorf("%s: %q, and nobody asked for a download", path, got)
		}
	}
	response, _ := r.do(http.MethodGet, "/api/v1/rooms/"+made.Room+"/report?format=md&download=1")
	if got, want := response.Header.Get("Content-Disposition"), `attachment; filename="icescope-`+made.Room+`.md"`; got != want {
		t.Errorf("Content-Disposition is %q, want %q", got, want)
	}
}

// TestLang: the request's language, else the server's own.
func TestLang(t *testing.T) {
	r := start(t, func(c *Config) { c.Lang = protocol.Japanese })
	room := r.room().Room
	for query, want := range map[string]protocol.Lang{"": protocol.Japanese, "?lang=en": protocol.English} {
		_, body := r.do(http.MethodGet, "/api/v1/rooms/"+room+"/report"+query)
		var report protocol.Report
		if err := json.Unmarshal([]byte(body), &report); err != nil || report.Lang != want {
			t.Errorf("%q: %v, language %q, want %q", query, err, report.Lang, want)
		}
	}
}

func TestErrors(t *testing.T) {
	r := start(t, nil)
	room := "/api/v1/rooms/" + r.room().Room
	for _, c := range []struct {
		method, path string
		headers      []string
		status       int
		code         protocol.ErrorCode
	}{
		{"GET", "/api/v1/rooms/none/report", nil, 404, protocol.ErrUnknownRoom},
		{"GET", "/api/v1/rooms/none/recording", nil, 404, protocol.ErrUnknownRoom},
		{"GET", room + "/report?format=pdf", nil, 400, protocol.ErrBadMessage},
		{"GET", room + "/report?lang=fr", nil, 400, protocol.ErrBadMessage},
		{"GET", room + "/report?redact=all", nil, 400, protocol.ErrBadMessage},
		{"GET", room + "/recording?redact=all", nil, 400, protocol.ErrBadMessage},
		{"GET", room + "/recording?from=-1", nil, 400, protocol.ErrBadMessage},
		{"GET", room + "/recording?to=last", nil, 400, protocol.ErrBadMessage},
		{"GET", room + "/recording?from=99999999999", nil, 400, protocol.ErrBadMessage},
		{"GET", room + "/recording?from=2&to=1", nil, 400, protocol.ErrBadMessage},
		{"GET", "/api/v1/nothing", nil, 404, protocol.ErrUnknownType},
		{"GET", "/api/v1/rooms", nil, 405, protocol.ErrUnknownType},
		{"POST", "/api/v1/rooms", []string{"Origin", "http://elsewhere.example"}, 403, protocol.ErrForbiddenOrigin},
		{"POST", "/api/v1/rooms", []string{"Sec-Fetch-Site", "cross-site"}, 403, protocol.ErrForbiddenOrigin},
	} {
		response, body := r.do(c.method, c.path, c.headers...)
		var answer struct{ Error protocol.Error }
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Errorf("%s %s: not JSON: %q", c.method, c.path, body)
		}
		if response.StatusCode != c.status || answer.Error.Code != c.code || answer.Error.Message == "" || answer.Error.Hint == "" {
			t.Errorf("%s %s: %s %+v, want %d %s", c.method, c.path, response.Status, answer.Error, c.status, c.code)
		}
	}
}

func TestRoomLimits(t *testing.T) {
	r := start(t, nil)
	response, err := http.Post(r.base+"/api/v1/rooms", "text/plain", bytes.NewReader(make([]byte, maxBody+1)))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %s", response.Status)
	}
	for range roomBurst {
		r.room()
	}
	limited, body := r.do(http.MethodPost, "/api/v1/rooms")
	if limited.StatusCode != http.StatusTooManyRequests || limited.Header.Get("Retry-After") == "" || !strings.Contains(body, string(protocol.ErrRateLimited)) {
		t.Errorf("beyond the burst: %s %q", limited.Status, body)
	}
}

func TestSmallAnswers(t *testing.T) {
	r := start(t, nil)
	for path, holds := range map[string]string{
		"/healthz": "ok", "/readyz": "ok", "/metrics": "icescope_rooms 0", "/whoami": "127.0.0.1,", "/api/v1/info": `"stun:127.0.0.1:`, "/": "<!doctype html>", "/r/none": "<!doctype html>",
	} {
		response, body := r.do(http.MethodGet, path)
		if response.StatusCode != http.StatusOK || !strings.Contains(strings.ToLower(body), strings.ToLower(holds)) {
			t.Errorf("%s: %s %q", path, response.Status, body)
		}
		if head, _ := r.do(http.MethodHead, path); head.StatusCode != http.StatusOK {
			t.Errorf("HEAD %s: %s", path, head.Status)
		}
	}
}

func TestInfo(t *testing.T) {
	r := start(t, func(c *Config) { c.Advertise = "198.51.100.7" })
	_, body := r.do(http.MethodGet, "/api/v1/info")
	var info protocol.Info
	if err := json.Unmarshal([]byte(body), &info); err != nil {
		t.Fatal(err)
	}
	if info.Version != "test" || len(info.Trials) == 0 || !info.DirectCheck || len(info.ICEServers) != 1 || len(info.ICEServers[0].URLs) != 2 ||
		!strings.HasPrefix(info.ICEServers[0].URLs[0], "stun:198.51.100.7:") || info.HTTPSURL != "https://"+r.Addrs().HTTPS+"/" {
		t.Errorf("%+v", info)
	}
}

// TestHTTPS: the certificate that the server made holds for the address that it listens on.
func TestHTTPS(t *testing.T) {
	dir := t.TempDir()
	r := start(t, func(c *Config) { c.TLSDir = dir })
	text, err := os.ReadFile(filepath.Join(dir, certificateFile))
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(text)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	defer client.CloseIdleConnections()
	response, err := client.Get(r.Addrs().SecureURLs[0] + "healthz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Error(response.Status)
	}
}

func TestWithoutHTTPS(t *testing.T) {
	r := start(t, func(c *Config) { c.HTTPS = "" })
	if a := r.Addrs(); a.HTTPS != "" || len(a.SecureURLs) != 0 || len(a.URLs) != 1 || len(a.STUN) != 2 {
		t.Errorf("%+v", a)
	}
}

// TestJoin: a peer joins over the WebSocket, and is in the recording, in the metrics, and told where STUN is.
func TestJoin(t *testing.T) {
	r := start(t, nil)
	made := r.room()
	client, err := signaling.Dial(t.Context(), "ws://"+r.Addrs().HTTP+"/ws?room="+made.Room, signaling.ClientConfig{
		Hello: protocol.Hello{Kind: protocol.KindBrowser, Label: "left", Trials: []protocol.TrialKind{protocol.TrialHost}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	welcome, err := client.Receive(t.Context())
	if err != nil || welcome.Welcome == nil || len(welcome.Welcome.ICEServers) != 1 {
		t.Fatalf("%+v %v", welcome, err)
	}
	whoami(t, r.Addrs().STUN[0])
	for _, a := range r.Addrs().STUN {
		if !strings.Contains(fmt.Sprint(welcome.Welcome.ICEServers), a) {
			t.Errorf("%s is not among %v", a, welcome.Welcome.ICEServers)
		}
	}
	if _, body := r.do(http.MethodGet, "/api/v1/rooms/"+made.Room+"/recording"); !strings.Contains(body, `"label":"left"`) {
		t.Errorf("the recording does not know who joined:\n%s", body)
	}
	if _, body := r.do(http.MethodGet, "/metrics"); !strings.Contains(body, "icescope_rooms 1") || !strings.Contains(body, "icescope_peers 1") {
		t.Error("the metrics do not know who joined")
	}
}

// whoami asks the STUN port in plain words.
func whoami(t *testing.T, address string) {
	t.Helper()
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("whoami")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 64)
	n, err := conn.Read(answer)
	host, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	if got, want := string(answer[:n]), host+","+port+"\n"; err != nil || got != want {
		t.Errorf("whoami is %q, %v; want %q", got, err, want)
	}
}

func TestBadConfig(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for hint, change := range map[string]func(*Config){
		"--http":      func(c *Config) { c.HTTP = busy.Addr().String() },
		"--https":     func(c *Config) { c.HTTPS = busy.Addr().String() },
		"--stun":      func(c *Config) { c.STUN = []string{"nowhere"} },
		"--stun :":    func(c *Config) { c.STUN = nil },
		"--tls-key":   func(c *Config) { c.TLSCert = "cert.pem" },
		"--advertise": func(c *Config) { c.Advertise = "two words" },
	} {
		config := Config{HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", STUN: []string{"127.0.0.1:0"}, TLSDir: t.TempDir()}
		change(&config)
		if s, err := New(config); err == nil {
			s.Close()
			t.Errorf("%s: no error", hint)
		} else if !strings.Contains(err.Error(), hint) {
			t.Errorf("%q does not say what to try with %s", err, hint)
		}
	}
}

// TestSTUNPorts: the second port follows the first unless it is named.
func TestSTUNPorts(t *testing.T) {
	for _, c := range []struct {
		stun     string
		alt, got int
	}{{":3478", 0, 3479}, {"127.0.0.1:21052", 0, 21053}, {":3478", 5000, 5000}, {":0", 0, 0}, {":65535", 0, 65534}} {
		config := Config{HTTP: ":0", STUN: []string{c.stun}, STUNAltPort: c.alt}
		if err := config.validate(); err != nil || config.STUNAltPort != c.got {
			t.Errorf("%s with %d: %d, %v; want %d", c.stun, c.alt, config.STUNAltPort, err, c.got)
		}
	}
}

// TestServeEndsAll: when Serve has returned, nobody answers any more, an open WebSocket or not.
func TestServeEndsAll(t *testing.T) {
	s, err := New(Config{HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", STUN: []string{"127.0.0.1:0"}, TLSDir: t.TempDir(), OpenRooms: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	address := "ws://" + s.Addrs().HTTP + "/ws?" + url.Values{"room": {"any"}}.Encode()
	client, err := signaling.Dial(t.Context(), address, signaling.ClientConfig{Hello: protocol.Hello{Kind: protocol.KindBrowser}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, address := range []string{s.Addrs().HTTP, s.Addrs().HTTPS, s.Addrs().STUN[0]} {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("%s still listens", address)
		}
	}
}

// TestSecondPortLeavesThePageItsOwn: STUN is served over TCP on the second port, too.
func TestSecondPortLeavesThePageItsOwn(t *testing.T) {
	config := Config{HTTP: "127.0.0.1:3479", HTTPS: ":3480", STUN: []string{":3478"}}
	if err := config.validate(); err != nil || config.STUNAltPort != 3481 {
		t.Errorf("second port %d, %v", config.STUNAltPort, err)
	}
}
