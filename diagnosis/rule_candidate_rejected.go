package diagnosis

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// candidateRejected: addIceCandidate resolved, and the browser dropped the candidate all the same. Chromium does so with ports below 1024, except 80 and 443, and with
// those, too, where the address is private (facts section 8).
func candidateRejected(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		for _, n := range t.ends() {
			far := t.other(n)
			if far.peer.joined.Kind != protocol.KindBrowser || !strings.Contains(far.peer.joined.UserAgent, "Chrome/") || t.stop == nil || !far.sampledBefore(t.stopEvent) {
				continue
			}
			x := Finding{Severity: t.severity(), Confidence: protocol.Certain, Peers: []string{n.peer.id, far.peer.id}, Trial: t.kind, Run: t.run,
				Direction: &protocol.Direction{From: far.peer.id, To: n.peer.id}, breaks: []protocol.TrialKind{t.kind}}
			for _, c := range n.candidates {
				if c.applied == nil || !*c.applied || !forbiddenPort(c) || c.appEvent > t.stopEvent || !c.sampled || !far.couldPair(c, t.stopEvent) || far.shows(c, t.stopEvent) {
					continue
				}
				x.Summary = catalog.T("", "peer", n.peer.name(), "other", far.peer.name(), "address", endpoint(c.Address, c.Port), "port", itoa(c.Port))
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.rejected", "peer", n.peer.name(), "other", far.peer.name(), "type", c.Type, "address", endpoint(c.Address, c.Port)),
					c.event, far.lastSample))
			}
			if len(x.Evidence) > 0 {
				out = append(out, x)
			}
		}
	}
	return out
}

func forbiddenPort(c *candidate) bool {
	if c.Protocol != "udp" || c.Port >= 1024 || c.Port == 0 {
		return false
	}
	ip, err := netip.ParseAddr(c.Address)
	return err == nil && (c.Port != 80 && c.Port != 443 || ip.IsPrivate())
}

// couldPair: had the end a candidate of UDP of the same family that a pair could have been made with?
func (n *end) couldPair(c *candidate, before int) bool {
	return slices.ContainsFunc(n.candidates, func(o *candidate) bool {
		ip := addrOf(o.Address)
		return o.event < before && o.Protocol == "udp" && (o.Masked() || ip.IsValid() && ip.Is4() == addrOf(c.Address).Is4())
	})
}

// shows: does the candidate appear among the remote candidates that the browser took a pair for?
func (n *end) shows(c *candidate, before int) bool {
	for _, r := range n.remote {
		if r.event < before && r.Port == c.Port && sameHost(r.Address, c.Address) && r.Type != "prflx" {
			return true
		}
	}
	return false
}
