package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// insecureContext: a page over plain http may not ask for the camera, and so cannot reveal its addresses that way.
func insecureContext(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		if p.insecure == nil {
			continue
		}
		x := Finding{Severity: protocol.SeverityInfo, Confidence: protocol.Certain, Peers: []string{p.id}, Summary: catalog.T("", "peer", p.name(), "url", p.insecure.PageURL),
			Evidence: []Evidence{note(catalog.T("evidence.insecure", "peer", p.name(), "url", p.insecure.PageURL), p.insecureEvent)}}
		out = append(out, x)
	}
	return out
}
