package diagnosis

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// rewriteMs is how long after a candidate its request may come into the recording: it does with the candidate itself, since the answer made it.
const rewriteMs = 2000

// stunRewritten: the browser signals, as this server's answer, an address from which this server saw no request, while it did answer the peer's requests from another one.
// The server answers with the source that it sees (RFC 8489 section 14.2), so that something on the way has changed the answer. It is certain where the address is one that
// cannot be right; that a request was not recorded is an absence, and a NAT with several addresses may have sent it from the one that is missing.
func stunRewritten(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Likely, Peers: []string{p.id}}
		for _, n := range f.endsOf(p) {
			kind := n.trial.Kind()
			if kind != protocol.TrialAlone && kind != protocol.TrialSTUN {
				continue
			}
			for _, c := range n.srflx() {
				real, ok := f.unseen(p, n, c)
				if !ok {
					continue
				}
				if f.surelyWrong(p, n, c) {
					x.Confidence = protocol.Certain
				}
				if t := f.newestTrial(protocol.TrialSTUN); t != nil && t.failed() && t.id == n.trial {
					x.Severity, x.breaks = protocol.SeverityError, []protocol.TrialKind{protocol.TrialSTUN}
				}
				if x.Summary.Args == nil {
					x.Summary = catalog.T("", "peer", p.name(), "told", endpoint(c.Address, c.Port), "real", addrOf(real.Source).String())
					x.Evidence = append(x.Evidence, note(catalog.T("evidence.stun-request-came", "address", real.Source), real.event))
				}
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.srflx-never-seen", "peer", p.name(), "address", endpoint(c.Address, c.Port)), c.event))
			}
		}
		if len(x.Evidence) > 0 {
			out = append(out, x)
		}
	}
	return out
}

// unseen: is the candidate an answer of this server that it cannot have given? real is a request of the peer's that it did answer.
func (f *Fold) unseen(p *peer, n *end, c *candidate) (real sighting, ok bool) {
	told := addrOf(c.Address)
	if !told.IsValid() || c.Protocol != "udp" || !f.ours(n, c) || f.lastMs < c.sig.AtMs+rewriteMs {
		return real, false
	}
	for _, s := range p.sightings {
		// The port is not looked at: a request that was lost to the recording came from the same address as those that were not.
		if addrOf(s.Source) == told && s.atMs < c.sig.AtMs+rewriteMs {
			return real, false
		}
	}
	for _, s := range udpSightings(p) {
		if s.atMs < c.sig.AtMs+rewriteMs && addrOf(s.Source).Is4() == told.Is4() {
			return s, true
		}
	}
	return real, false
}

// ours: was the candidate learned from an address that this server itself answers on? Firefox does not tell which of its servers answered, so all must be.
func (f *Fold) ours(n *end, c *candidate) bool {
	own := func(url string) bool {
		at, err := netip.ParseAddrPort(strings.TrimPrefix(strings.TrimSuffix(normalURL(url), "?"), "stun:"))
		return err == nil && slices.Contains(f.room.STUN, at.String())
	}
	if c.url != "" {
		return own(c.url)
	}
	urls := n.urls()
	return len(urls) > 0 && !slices.ContainsFunc(urls, func(u string) bool { return !own(u) })
}

// surelyWrong: is the told address the peer's own, though it is seen under another? It also is where its port is the socket's own and this server saw none of the end's
// ports, for then the NAT keeps none. Or did the corner that answered see the same port under another IP, so that this one was put in its place?
func (f *Fold) surelyWrong(p *peer, n *end, c *candidate) bool {
	if slices.Contains(f.hostAddresses(p), addrOf(c.Address)) {
		return true
	}
	own := n.hosts("udp")
	kept, replaced := false, false
	for _, s := range udpSightings(p) {
		at, err := netip.ParseAddrPort(s.Source)
		if err != nil || s.atMs >= c.sig.AtMs+rewriteMs {
			continue
		}
		kept = kept || slices.Contains(own, int(at.Port()))
		replaced = replaced || int(at.Port()) == c.Port && c.url != "" && normalURL(c.url) == normalURL("stun:"+s.Local)
	}
	return replaced || !kept && slices.Contains(own, c.Port)
}
