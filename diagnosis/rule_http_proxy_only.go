package diagnosis

import (
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// httpProxyOnly: the page came through an HTTP proxy, and no UDP reaches this server. A browser takes TURN over TCP through the proxy, too (CONNECT), so that a relay is the way.
func httpProxyOnly(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		if p.env == nil || p.env.Proxy == "" || len(udpSightings(p)) > 0 {
			continue
		}
		m := f.mute(p)
		if !m.seen() {
			continue
		}
		x := Finding{Severity: m.severity, Confidence: protocol.Likely, Peers: []string{p.id}, breaks: m.breaks,
			Summary: catalog.T("", "peer", p.name(), "proxy", p.env.Proxy)}
		switch {
		case !strings.HasPrefix(p.env.Proxy, "Via:"): // what stands before this server, as one that ends TLS, adds the other headers as well
			x.Confidence = protocol.Possible
		case len(m.failures) > 0:
			x.Confidence = protocol.Certain
		}
		if len(m.closed) > 0 {
			x.Summary.Key = "-closed" // the proxy lets nobody through to that port
		}
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.via-proxy", "peer", p.name(), "proxy", p.env.Proxy), p.joinedAt))
		x.Evidence = append(x.Evidence, m.evidence(p)...)
		out = append(out, x)
	}
	return out
}
