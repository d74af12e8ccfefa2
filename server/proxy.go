package server

import (
	"net/http"
	"strings"
)

// maxProxy bounds what is passed on of a proxy's headers: they go into recordings and reports. A chain of a few proxies fits.
const maxProxy = 200

// proxyHeaders in which proxies tell of themselves: Via (RFC 9110 section 7.6.3), Forwarded (RFC 7239), and what was there before it.
var proxyHeaders = []string{"Via", "Forwarded", "X-Forwarded-For"}

// proxyOf is the proxy that a request came through, in its own words; empty: none told of itself.
func proxyOf(h http.Header) string {
	for _, name := range proxyHeaders {
		value := strings.Join(h.Values(name), ", ")
		// It is shown to people: what does not print is left out.
		value = strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return -1
			}
			return r
		}, value))
		if value != "" {
			return name + ": " + value[:min(len(value), maxProxy)]
		}
	}
	return ""
}
