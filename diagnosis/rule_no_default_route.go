package diagnosis

import (
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// Without permission to see the interfaces, Chromium uses only the address that its default route would use; without a default route there is none, and
// no host candidate either (facts L2, L3). Firefox is not affected. The policy default_public_interface_only looks the same from outside, hence never certain.
func noDefaultRoute(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		if p.joined.Kind != protocol.KindBrowser || strings.Contains(p.joined.UserAgent, "Firefox/") || p.env != nil && p.env.MediaPermission == "granted" {
			continue
		}
		hosts, gathered, reflexive := 0, []int{}, []int{}
		ended := false
		var breaks []protocol.TrialKind
		var run int
		for _, n := range f.endsOf(p) {
			for _, c := range n.candidates {
				switch c.Type {
				case "host":
					hosts++
				case "srflx":
					reflexive = addEvents(reflexive, c.event)
				}
			}
			if len(n.candidates) == 0 && n.gatherEv >= 0 {
				gathered = addEvents(gathered, n.gatherEv)
				if k, r, _ := n.trial.Split(); k == protocol.TrialHost {
					breaks, run = []protocol.TrialKind{k}, r
				}
			}
			ended = ended || n.gatherEv >= 0 && !n.iceConnected()
		}
		// That no host candidate came says something only where gathering went to its end: a masked one comes late, because its name has to be registered first, and a
		// browser that is connected before stops gathering without it.
		if hosts > 0 || !ended || len(reflexive)+len(gathered) == 0 {
			continue
		}
		x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Likely, Peers: []string{p.id}, breaks: breaks,
			Summary: catalog.T("", "peer", p.name())}
		if len(reflexive) == 0 {
			x.Confidence = protocol.Possible // the policy disable_non_proxied_udp also leaves nothing at all
		}
		if breaks != nil {
			x.Severity, x.Trial, x.Run = protocol.SeverityError, protocol.TrialHost, run
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.gathered-nothing", "peer", p.name()), gathered...))
		}
		if len(reflexive) > 0 {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.srflx-without-host", "peer", p.name()), reflexive...))
		}
		out = append(out, x)
	}
	return out
}
