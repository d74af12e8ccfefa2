package diagnosis

import (
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// fingerprintMismatch: the certificate that an end uses is not the one whose fingerprint it signaled, so the other end must refuse it (RFC 8827 section 6.5). Both are known
// to the letter; where one is not, DTLS that fails at once while packets flow both ways looks the same as other faults of the handshake.
func fingerprintMismatch(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		named := false
		for _, n := range t.ends() {
			far := t.other(n)
			said, ok := n.saidPrint()
			used, by := n.own, n
			if used.value == "" {
				used, by = far.shown, far
			}
			if !ok || used.value == "" || used.value == said.print || !sameHash(used.value, said.print) {
				continue
			}
			named = true
			out = append(out, Finding{Severity: t.severity(), Confidence: protocol.Certain, Peers: []string{n.peer.id, far.peer.id}, Trial: t.kind, Run: t.run,
				breaks:  []protocol.TrialKind{t.kind},
				Summary: catalog.T("", "peer", n.peer.name(), "other", far.peer.name(), "trial", "@trial."+string(t.kind)),
				Evidence: []Evidence{
					note(catalog.T("evidence.fingerprint-signaled", "peer", n.peer.name(), "fingerprint", said.print), said.event),
					note(catalog.T("evidence.fingerprint-used", "peer", n.peer.name(), "by", by.peer.name(), "fingerprint", used.value), used.event),
				}})
		}
		if x, ok := t.refusedCertificate(); ok && !named {
			out = append(out, x)
		}
	}
	return out
}

// saidPrint is the fingerprint that the end signaled.
func (n *end) saidPrint() (w words, ok bool) {
	for _, w := range n.said {
		if w.print != "" {
			return w, true
		}
	}
	return w, false
}

// sameHash: only fingerprints of the same hash can be compared.
func sameHash(x, y string) bool {
	hash, _, _ := strings.Cut(x, " ")
	return strings.HasPrefix(y, hash+" ")
}

// refusedMs is how soon after ICE connected an end refuses a certificate: it has it after one round trip. A path that loses the handshake takes far longer to fail, if it
// ever does.
const refusedMs = 2000

// refusedCertificate is the finding for ends that do not tell their certificates: DTLS failed at once, though packets came in both ways.
func (t *trial) refusedCertificate() (x Finding, ok bool) {
	ab, ba := t.loads()
	if t.stop == nil || t.connected() || ab.got == 0 && ba.got == 0 {
		return x, false
	}
	for _, n := range t.ends() {
		failed := n.states["dtls"] == "failed" || n.states["connection"] == "failed"
		ice, connected := n.stateMs["ice=connected"]
		at, seen := n.stateMs["connection=failed"]
		if v, ok := n.stateMs["dtls=failed"]; ok && (!seen || v < at) {
			at, seen = v, true
		}
		named := strings.Contains(n.detail, "fingerprint-failure")
		if !failed || !seen || !connected || at-ice > refusedMs && !named {
			continue
		}
		x = Finding{Severity: t.severity(), Confidence: protocol.Possible, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind},
			Summary:  catalog.Text{Key: "-refused", Args: map[string]string{"peer": n.peer.name(), "other": t.other(n).peer.name(), "trial": "@trial." + string(t.kind)}},
			Evidence: []Evidence{note(catalog.T("evidence.dtls-failed-at-once", "peer", n.peer.name(), "ms", itoa(int(max(0, at-ice)))), n.event("dtls=failed"), n.event("connection=failed"))}}
		if named {
			x.Confidence = protocol.Certain
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.dtls-error", "peer", n.peer.name(), "error", n.detail), n.detailEvent))
		}
		return x, true
	}
	return x, false
}

// event is where the end was first seen in a state; -1: never.
func (n *end) event(state string) int {
	if v, ok := n.stateEv[state]; ok {
		return v
	}
	return -1
}
