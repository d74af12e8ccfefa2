package server

import (
	"net/http"
	"strings"
	"testing"
)

func TestProxyOf(t *testing.T) {
	for _, c := range []struct {
		name   string
		header http.Header
		want   string
	}{
		{"none", http.Header{"Accept": {"*/*"}}, ""},
		{"via", http.Header{"Via": {"1.1 proxy.plant.example (squid/6.6)"}, "X-Forwarded-For": {"10.1.0.2"}}, "Via: 1.1 proxy.plant.example (squid/6.6)"},
		{"two", http.Header{"Via": {"1.1 one", "1.1 two"}}, "Via: 1.1 one, 1.1 two"},
		{"forwarded", http.Header{"Forwarded": {"for=10.1.0.2"}}, "Forwarded: for=10.1.0.2"},
		{"old", http.Header{"X-Forwarded-For": {"10.1.0.2"}}, "X-Forwarded-For: 10.1.0.2"},
		{"empty", http.Header{"Via": {" "}}, ""},
		{"what does not print", http.Header{"Via": {"1.1 \x1b[2Jx\u202e"}}, "Via: 1.1 [2Jx"},
		{"long", http.Header{"Via": {strings.Repeat("x", 5000)}}, "Via: " + strings.Repeat("x", maxProxy)},
	} {
		if got := proxyOf(c.header); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
