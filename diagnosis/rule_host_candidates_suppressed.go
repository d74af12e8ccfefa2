package diagnosis

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// A browser without a host candidate is one of three things: a Chromium without a default route (no-default-route), a browser that was told to hide them (RFC 8828 section
// 5.2, mode 3), or one that may use no UDP at all (non-proxied-udp-disabled). The statistics list the sockets that were bound and never signaled, and with
// them most of the answer.

// bare is a gathering that went to its end without a host candidate, as its statistics show it.
type bare struct {
	*end
	// hidden, shown, own: a UDP socket whose address is withheld as that of a masked candidate is, one bound to the unspecified address and shown as such, one shown with an
	// address of the machine.
	hidden, shown, own bool
	udp, tcp           bool
	reflexive          []int
	// granted: it began after the page was allowed to see the interfaces.
	granted bool
}

// bareEnds are a peer's gatherings without host candidates. ok is false where a host candidate was seen in any that could have been as bare.
func (f *Fold) bareEnds(p *peer) (out []bare, ok bool) {
	ok = true
	for _, n := range f.endsOf(p) {
		if n.trial.Kind().Relay() || n.confined != "" {
			continue // there none is wanted
		}
		b := bare{end: n, granted: p.granted >= 0 && p.granted < n.startEvent}
		hosts := 0
		for _, c := range n.candidates {
			switch c.Type {
			case "host":
				hosts++
			case "srflx":
				b.reflexive = addEvents(b.reflexive, c.event)
			}
		}
		if hosts > 0 {
			ok = ok && b.granted // what a permission reveals says nothing of what was gathered without
			continue
		}
		// A masked candidate comes late, because its name has to be registered first, and a browser that is connected before stops gathering without it.
		if n.gatherEv < 0 || n.iceConnected() {
			continue
		}
		for _, c := range n.local {
			if c.Type != "host" {
				continue
			}
			b.udp, b.tcp = b.udp || c.Protocol == "udp", b.tcp || c.Protocol == "tcp"
			if c.Protocol != "udp" {
				continue
			}
			switch ip, err := netip.ParseAddr(c.Address); {
			case c.Address == "":
				b.hidden = true
			case err == nil && ip.IsUnspecified():
				b.shown = true
			case err == nil:
				b.own = true
			}
		}
		out = append(out, b)
	}
	return out, ok && len(out) > 0
}

func isFirefox(p *peer) bool { return strings.Contains(p.joined.UserAgent, "Firefox/") }

// defaultRoute: does the machine have one, as icescope peer beside the browser sees it?
func (f *Fold) defaultRoute(p *peer) (a answer, beside *peer) {
	for _, q := range f.peers {
		if q.joined.Beside != p.id || q.env == nil || len(q.env.Interfaces) == 0 {
			continue
		}
		if slices.ContainsFunc(q.env.Interfaces, func(i protocol.Interface) bool { return i.Default }) {
			return yes, q
		}
		if q.readsRoutes() {
			return no, q
		}
	}
	return unknown, nil
}

// readsRoutes: can icescope peer tell on this system where the default routes leave? Only Linux lets it; elsewhere that none is named says nothing.
func (p *peer) readsRoutes() bool { return strings.Contains(p.joined.UserAgent, "(linux;") }

// hostSuppressed: sockets are bound and host candidates withheld, though nothing is missing that would be needed for them.
//
// Chromium under the policy default_public_interface_only shows its sockets in the statistics as 0.0.0.0, while those of a masked gathering are withheld. An unmasked
// Chromium without a default route shows the same; a permission tells the two apart, because it makes every interface a candidate unless the policy forbids that, and
// so does icescope peer beside it. Firefox shows the very addresses that it does not signal.
func hostSuppressed(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		if p.joined.Kind != protocol.KindBrowser {
			continue
		}
		ends, ok := f.bareEnds(p)
		route, beside := f.defaultRoute(p)
		x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Possible, Peers: []string{p.id}, Summary: catalog.T("", "peer", p.name())}
		x.separatedBy = []separation{{kind: protocol.ExperimentReveal, peer: p.id}, {kind: protocol.ExperimentHeadless, peer: p.id}}
		var sockets, granted, reflexive, nothing []int
		for _, b := range ends {
			switch {
			case isFirefox(p) && b.own:
				x.Confidence = protocol.Certain // the addresses are there and kept back
			case b.granted && b.shown && !b.own:
				x.Confidence = protocol.Certain
				granted = addEvents(granted, p.granted, b.gatherEv)
			case ok && b.shown && !b.own && !b.hidden && route == yes:
				x.Confidence = better(x.Confidence, protocol.Likely)
			case ok && b.shown && !b.own && !b.hidden && route == unknown && !isFirefox(p):
			default:
				continue
			}
			sockets = addEvents(sockets, b.lastSample)
		}
		if len(sockets) == 0 {
			continue
		}
		for _, b := range ends { // the statistics of some came too late to show the sockets
			reflexive = addEvents(reflexive, b.reflexive...)
			if len(b.candidates) > 0 {
				continue
			}
			nothing = addEvents(nothing, b.gatherEv)
			if k, r, _ := b.trial.Split(); k == protocol.TrialHost {
				x.breaks, x.Trial, x.Run, x.Severity = []protocol.TrialKind{k}, k, r, protocol.SeverityError
			}
		}
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.sockets-not-signaled", "peer", p.name()), sockets...))
		if len(nothing) > 0 {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.gathered-nothing", "peer", p.name()), nothing...))
		}
		if len(reflexive) > 0 {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.srflx-without-host", "peer", p.name()), reflexive...))
		}
		if len(granted) > 0 {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.granted-without-host", "peer", p.name()), granted...))
		}
		if route == yes {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.has-default-route", "peer", p.name(), "beside", beside.name()), beside.envEvent))
		}
		out = append(out, x)
	}
	return out
}

func better(x, y protocol.Confidence) protocol.Confidence {
	if confidenceOrder(y) < confidenceOrder(x) {
		return y
	}
	return x
}

// withheld: is this a host candidate that its browser keeps back altogether? Then it is not the signaling that lost it.
func (n *end) withheld(c protocol.SampleCandidate) bool {
	if !isFirefox(n.peer) {
		return false
	}
	relaysOnly := len(n.candidates) > 0 && len(n.ofType("relay")) == len(n.candidates) // media.peerconnection.ice.relay_only
	return c.Type == "host" && len(n.ofType("host")) == 0 || c.Type == "srflx" && relaysOnly
}
