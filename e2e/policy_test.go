package e2e

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"testing"
)

// What an administrator sets must reach that browser, and nothing else on the machine.
func TestPolicies(t *testing.T) {
	need(t, "ip", "nft", "chromium", "firefox")
	l, err := Build(oneSegment(""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, path := range []string{"/etc/chromium/policies/managed/lab.json", "/etc/firefox/policies/policies.json"} {
			if _, err := os.Stat(path); err == nil {
				t.Errorf("%s is on the machine itself", path)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	const gathers = `(async () => {
		if (typeof RTCPeerConnection === "undefined") return "none"
		const pc = new RTCPeerConnection(), done = new Promise(f => pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && f())
		let n = 0
		pc.onicecandidate = e => { if (e.candidate && e.candidate.candidate) n++ }
		pc.createDataChannel("x")
		await pc.setLocalDescription()
		await done
		return n > 0 ? "some" : "nothing"
	})()`
	for _, c := range []struct {
		name string
		kind Kind
		o    Options
		want string
	}{
		{"chromium", Chromium, Options{}, "some"},
		{"chromium-policy", Chromium, Options{Policies: map[string]any{"WebRtcIPHandling": "disable_non_proxied_udp"}}, "nothing"},
		{"firefox", Firefox, Options{}, "some"},
		{"firefox-policy", Firefox, Options{Preferences: map[string]any{"media.peerconnection.enabled": false}}, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), startDeadline)
			defer cancel()
			c.o.NS = l.NS(NodeA)
			b, err := Start(ctx, c.kind, c.o)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			var got string
			if err := b.Eval(ctx, gathers, &got); err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("WebRTC has %s candidates, want %s", got, c.want)
			}
		})
	}
}

// A browser with a proxy asks it for everything: pages, WebSockets, and what is on its own machine.
func TestProxy(t *testing.T) {
	need(t, "ip", "chromium", "firefox")
	l, err := Build(oneSegment(""))
	if err != nil {
		t.Fatal(err)
	}
	var listener net.Listener
	if err := InNamespace(l.NS(NodeServer), func() (err error) {
		listener, err = net.Listen("tcp", ServerIP+":3128")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 100)
	proxy := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusForbidden)
		}
	})}
	done := make(chan error, 1)
	go func() { done <- proxy.Serve(listener) }()
	t.Cleanup(func() {
		proxy.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, kind := range []Kind{Chromium, Firefox} {
		t.Run(string(kind), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), startDeadline)
			defer cancel()
			b, err := Start(ctx, kind, Options{NS: l.NS(NodeA), Proxy: ServerIP + ":3128"})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if err := b.Open(ctx, "http://10.66.0.1/"); err != nil {
				t.Fatal(err)
			}
			for _, url := range []string{"ws://10.66.0.1:8080/", "ws://127.0.0.1:8080/"} {
				if err := b.Eval(ctx, `new Promise(f => new WebSocket(`+quote(url)+`).onerror = () => f(1))`, nil); err != nil {
					t.Fatal(err)
				}
			}
			want := map[string]bool{"GET 10.66.0.1": true, "CONNECT 10.66.0.1:8080": true, "CONNECT 127.0.0.1:8080": true}
			for len(want) > 0 {
				select {
				case what := <-asked:
					delete(want, what)
				case <-ctx.Done():
					t.Fatalf("the proxy was never asked for %v", want)
				}
			}
		})
	}
}
