package diagnosis

import (
	"net/netip"
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
			x := Finding{Severity: protocol.SeverityInfo, Confidence: protocol.Certain, Peers: []string{p.id},
				Summary: catalog.T("", "peer", p.name(), "address", src.String()), Evidence: []Evidence{note(text, s.event)}}
			if tr, why, events := f.translatedAt(p, func(ip netip.Addr) bool { return ip.Is4() != src.Is4() }); tr == yes {
				x.Summary.Key = "-one-family"
				x.Summary.Args["family"], x.Summary.Args["other"] = family(src.Is4()), family(!src.Is4())
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.translated", "peer", p.name(), "address", first(f.outsides(p, !src.Is4())).String(), "why", why.terse()), events...))
			}
			out = append(out, x)
			break
		}
	}
	return out
}

func family(v4 bool) string {
	if v4 {
		return "IPv4"
	}
	return "IPv6"
}
