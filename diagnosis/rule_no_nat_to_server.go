package diagnosis

import (
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// noNATToServer is no fault: the peer's requests arrive from its own address. It explains why a browser that shows its host address gives no srflx.
func noNATToServer(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		hosts := f.hostAddresses(p)
		for _, s := range udpSightings(p) {
			src := addrOf(s.Source)
			own := slices.Contains(hosts, src)
			if !own && !f.direct(p, s) {
				continue
			}
			text := catalog.T("evidence.same-address", "peer", p.name(), "address", src.String())
			if !own {
				text = catalog.T("evidence.no-router-crossed", "peer", p.name(), "address", src.String(), "ttl", itoa(s.SourceTTL))
			}
			out = append(out, Finding{Severity: protocol.SeverityInfo, Confidence: protocol.Certain, Peers: []string{p.id},
				Summary: catalog.T("", "peer", p.name(), "address", src.String()), Evidence: []Evidence{note(text, s.event)}})
			break
		}
	}
	return out
}
