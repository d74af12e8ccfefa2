package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"strings"
	"sync"
	"time"
)

// A small HTTP proxy, for networks that nothing else leads out of: plain requests are passed on with a Via (RFC 9110 section 7.6.3), and CONNECT makes a tunnel. It runs in
// a namespace of its own as another process of this very program.

// proxyVariable makes a process of this program the proxy that listens at its value, and nothing else.
const proxyVariable = "ICESCOPE_LAB_PROXY"

// proxyName is what the proxy calls itself.
const proxyName = "lab-proxy"

// proxyDial is how long a tunnel may take to stand.
const proxyDial = 5 * time.Second

func init() {
	at := os.Getenv(proxyVariable)
	if at == "" {
		return
	}
	fmt.Fprintln(os.Stderr, http.ListenAndServe(at, newProxy())) //nolint:gosec // the lab's own clients are patient and few
	os.Exit(1)
}

// proxyProcess is the proxy on a node, at that port.
func proxyProcess(node, port string) Process {
	self, err := os.Executable()
	if err != nil {
		panic("e2e: " + err.Error())
	}
	return Process{Node: node, Command: []string{"env", proxyVariable + "=:" + port, self}, Ready: "tcp/" + port}
}

// newProxy passes on what it is asked for. It notes each tunnel on its standard error.
func newProxy() http.Handler {
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.Header.Add("Via", strings.TrimPrefix(r.In.Proto, "HTTP/")+" "+proxyName)
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Add("Via", strings.TrimPrefix(r.Proto, "HTTP/")+" "+proxyName)
			return nil
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodConnect:
			tunnel(w, r)
		case r.URL.Host == "":
			http.Error(w, "this is a proxy: ask for a whole URL", http.StatusBadRequest)
		default:
			forward.ServeHTTP(w, r)
		}
	})
}

// tunnel joins the client with where it wants to (RFC 9110 section 9.3.6), until either hangs up.
func tunnel(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), proxyDial)
	far, err := new(net.Dialer).DialContext(ctx, "tcp", r.Host)
	cancel()
	fmt.Fprintln(os.Stderr, "CONNECT", r.Host, err)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer far.Close()
	w.WriteHeader(http.StatusOK)
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer near.Close()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(far, buffered) // the end of either is the end of both
		far.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(near, far)
		near.Close()
	})
	both.Wait()
}
