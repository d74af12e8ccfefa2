package server

import (
	"net/http"
	"strings"
)

// pageCSP lets the page load its own files and talk to its own server, nothing else. 'self' covers ws: and wss: of the same host and port
// (Content Security Policy Level 3, section 6.7.2.8).
var pageCSP = strings.Join([]string{
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self' data:", // the icon and the QR code
	"font-src 'self'",
	"connect-src 'self'",
	"form-action 'self'",
	"base-uri 'none'",
	"object-src 'none'",
	"frame-ancestors 'none'",
}, "; ")

// reportCSP is for the exported HTML: one file with its style inside and no script at all.
const reportCSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// permissions lets the page ask for the devices (a granted camera or microphone is what makes a browser show its host addresses) and no frame in it.
const permissions = "camera=(self), microphone=(self), geolocation=(), display-capture=()"

// secureHeaders sets what holds for every answer. A handler may set a stricter policy of its own.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pageCSP)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // the URL of a room is what lets one in
		h.Set("Permissions-Policy", permissions)
		next.ServeHTTP(w, r)
	})
}
