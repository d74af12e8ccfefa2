package diagnosis

import (
	"math"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// deadICEServer: a pasted STUN server does not answer (of TURN servers relayUnusable says more), and gathering waits for it: 40 s in Chromium, 11 s in Firefox. Looked at where the browser gathers with the
// pasted servers and without a peer, because a browser that connects stops gathering and says nothing of the servers that it still waited for.
func deadICEServer(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		for _, n := range p.alone {
			kind, run, _ := n.trial.Split()
			if kind != protocol.TrialGather {
				continue
			}
			x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Likely, Peers: []string{p.id}, Trial: protocol.TrialCustom, Run: run, breaks: []protocol.TrialKind{protocol.TrialCustom}}
			var reported, silent []string
			named := false
			for _, u := range n.urls() {
				if isTURN(u) || f.unfound(n, run, hostOf(u)) {
					continue
				}
				if events := n.unreachable(u); len(events) > 0 {
					named = named || isName(hostOf(u)) && p.firefox() // which does not tell a name without an address from a server without an answer
					reported = append(reported, u)
					x.Evidence = append(x.Evidence, note(catalog.T("evidence.server-error", "peer", p.name(), "url", u), events...))
				} else if n.stopped && !n.answered(u) && n.gatherEv < 0 {
					silent = append(silent, u)
					x.Evidence = append(x.Evidence, note(catalog.T("evidence.server-silent", "peer", p.name(), "url", u, "seconds", itoa(int(n.stopMs-n.startMs)/1000)), n.stopEvent))
				}
			}
			switch {
			case named:
				x.Confidence = protocol.Possible
			case len(reported) > 0 && n.over() < math.MaxInt && len(n.hosts("udp")) < 2: // of several sockets, each asks for itself, and who is answered at its own address gives no candidate
				x.Confidence = protocol.Certain
			}
			if len(x.Evidence) > 0 {
				x.Summary = catalog.T("", "peer", p.name(), "urls", strings.Join(append(reported, silent...), ", "))
				out = append(out, x)
			}
		}
	}
	return out
}

func (n *end) urls() (urls []string) {
	for _, s := range n.servers {
		urls = append(urls, s.URLs...)
	}
	return urls
}

// unreachable are the browser's own reports that the server did not answer (facts section 5), unless it gave a candidate, too: a machine with two
// interfaces, or both families, asks from each, and one of them may lead nowhere.
func (n *end) unreachable(url string) (events []int) {
	for _, e := range n.errors {
		if e.Code == 701 && e.URL != "" && sameURL(url, e.URL) && !n.gave(url, n.over()) {
			events = addEvents(events, e.event)
		}
	}
	return events
}

// over is the event that ended the gathering; where it goes on, one that never comes.
func (n *end) over() int {
	at := math.MaxInt
	if n.gatherEv >= 0 {
		at = n.gatherEv
	}
	if n.stopped {
		at = min(at, n.stopEvent)
	}
	return at
}

// gave: had the server given a candidate before this event?
func (n *end) gave(url string, before int) bool {
	for _, c := range n.candidates {
		if c.Type != "host" && sameURL(c.url, url) && c.event < before {
			return true
		}
	}
	return false
}

// answered: has the server given a candidate, or is it this icescope's own, which has seen the peer's request?
func (n *end) answered(url string) bool {
	if n.gave(url, n.stopEvent) {
		return true
	}
	host := strings.TrimPrefix(strings.TrimPrefix(normalURL(url), "stun:"), "turn:")
	host, _, _ = strings.Cut(host, "?")
	for _, s := range n.peer.sightings {
		if s.Local == host {
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
