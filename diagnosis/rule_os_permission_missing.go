package diagnosis

import (
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// osPermission: since macOS 15 and iOS 14 a program needs a permission to talk to machines of its own network, and whoever dismissed the question once is never asked again. The
// system drops the packets without telling the browser. No lab of ours can make that, so it is possible at best, and only where the silence is between neighbours.
func osPermission(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind.Relay() || !t.beaten() || t.connected() || f.met(t) {
			continue
		}
		var peers []string
		var from lane
		ab, ba := t.lanes()
		for _, l := range []lane{ab, ba} {
			if needsLocalNetwork(l.from.peer) && l.dead() {
				peers, from = append(peers, l.from.peer.id), l
			}
		}
		if len(peers) == 0 {
			continue
		}
		same, _, segment := f.sameSegment(t.a.peer, t.b.peer)
		if same != yes {
			continue
		}
		p := from.from.peer
		x := Finding{Severity: t.severity(), Confidence: protocol.Possible, Peers: peers, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind},
			separatedBy: []separation{{kind: protocol.ExperimentHeadless, peer: p.id}},
			Summary:     catalog.T("", "peer", p.name(), "other", from.to.peer.name(), "trial", "@trial."+string(t.kind))}
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.apple-system", "peer", p.name()), p.joinedAt), from.silence(),
			note(catalog.T("evidence.same-segment", "addressA", f.seenAt(t.a.peer), "addressB", f.seenAt(t.b.peer)), segment...))
		out = append(out, x)
	}
	return out
}

// needsLocalNetwork: is it a browser on a system that has the permission "Local Network"? Chromium on macOS says Macintosh whatever the processor.
func needsLocalNetwork(p *peer) bool {
	ua := p.joined.UserAgent
	return p.joined.Kind == protocol.KindBrowser && (strings.Contains(ua, "Macintosh;") || strings.Contains(ua, "iPhone;") || strings.Contains(ua, "iPad;"))
}
