package diagnosis

import (
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// PatienceMs is how long a server may take to answer before its silence counts: browsers have then asked at least six times (facts section 6).
const PatienceMs = 10_000

// deadICEServer: one of several configured servers does not answer while another does, and gathering waits for it: 40 s in Chromium, 11 s in Firefox.
func deadICEServer(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		for _, n := range t.ends() {
			urls := map[string][]int{} // the silent ones, with the error events
			for _, s := range n.servers {
				for _, u := range s.URLs {
					if !n.alive(u) || n.failed(u) {
						urls[u] = nil
					}
				}
			}
			total := 0
			for _, s := range n.servers {
				total += len(s.URLs)
			}
			if len(n.servers) == 0 || len(urls) == 0 || len(urls) == total && t.kind != protocol.TrialCustom || t.kind == protocol.TrialSTUN || t.kind == protocol.TrialHost {
				continue
			}
			certain := false
			for _, e := range n.errors {
				for u := range urls {
					if e.Code == 701 && sameURL(u, e.URL) && e.URL != "" && !n.gave(u, e.event) {
						urls[u] = addEvents(urls[u], e.event)
						certain = true
					}
				}
			}
			slow := t.stop != nil && t.stopMs-n.startMs >= PatienceMs && !n.gathered()
			if !certain && !slow {
				continue
			}
			x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Likely, Peers: []string{n.peer.id}, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind}}
			var names []string
			for _, s := range n.servers { // in the order given
				for _, u := range s.URLs {
					events, silent := urls[u]
					if !silent || certain && len(events) == 0 {
						continue
					}
					names = append(names, u)
					if len(events) > 0 {
						x.Evidence = append(x.Evidence, note(catalog.T("evidence.server-error", "peer", n.peer.name(), "url", u), events...))
					} else {
						x.Evidence = append(x.Evidence, note(catalog.T("evidence.server-silent", "peer", n.peer.name(), "url", u, "seconds", itoa(int(t.stopMs-n.startMs)/1000)), t.stopEvent))
					}
				}
			}
			if certain {
				x.Confidence = protocol.Certain
			}
			x.Summary = catalog.T("", "peer", n.peer.name(), "urls", strings.Join(names, ", "))
			out = append(out, x)
		}
	}
	return out
}

// gave: had the server given a candidate before this event?
func (n *end) gave(url string, before int) bool {
	for _, c := range n.candidates {
		if c.Type == "srflx" && sameURL(c.url, url) && c.event < before {
			return true
		}
	}
	return false
}

// failed: has the browser reported that the server did not answer?
func (n *end) failed(url string) bool {
	for _, e := range n.errors {
		if e.Code == 701 && e.URL != "" && sameURL(url, e.URL) && !n.gave(url, e.event) {
			return true
		}
	}
	return false
}

// alive: has the server given a candidate, or has this icescope, whose own server it is, seen the peer's request?
func (n *end) alive(url string) bool {
	for _, c := range n.candidates {
		if c.Type == "srflx" && sameURL(c.url, url) {
			return true
		}
	}
	_, hostport, _ := strings.Cut(url, ":")
	hostport, _, _ = strings.Cut(hostport, "?")
	for _, s := range n.peer.sightings {
		if s.Local == hostport || !strings.Contains(hostport, ":") && strings.HasPrefix(s.Local, hostport+":3478") {
			return true
		}
	}
	return false
}

// sameURL compares server URLs the way browsers print them back: with the default port and transport added.
func sameURL(x, y string) bool { return normalURL(x) == normalURL(y) }

func normalURL(u string) string {
	scheme, rest, _ := strings.Cut(strings.ToLower(u), ":")
	host, query, _ := strings.Cut(rest, "?")
	if i := strings.LastIndexByte(host, ':'); i < 0 || strings.HasSuffix(host, "]") {
		port := ":3478"
		if strings.HasSuffix(scheme, "s") {
			port = ":5349"
		}
		host += port
	}
	if query == "" && (scheme == "turn" || scheme == "turns") {
		query = "transport=udp"
	}
	return scheme + ":" + host + "?" + query
}
