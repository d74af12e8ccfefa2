package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// slowFirstPacket: the first packets of a flow are lost and later ones pass: a firewall that needs time to let a new flow in, an inspection that holds it, an address that
// is looked up first. What is late because a machine is busy arrives nevertheless, and a NAT that waits for a packet from inside waits no longer than the other end: so both
// ends must have sent many checks before either got an answer, and those checks must never have arrived.
func slowFirstPacket(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind.Relay() || t.stop == nil {
			continue
		}
		for _, r := range t.rows() {
			if x, ok := t.slowStart(r); ok {
				out = append(out, x)
				break
			}
		}
	}
	return out
}

const (
	// firstLost checks without an answer are beyond what two ends that do not start in the same moment lose: a check is repeated every 50 ms (facts section 6), and signaling
	// over this server takes less than 200 ms.
	firstLost = 8
	// firstMs is how long that takes at the least.
	firstMs = 600
)

// slowStart judges a pair.
func (t *trial) slowStart(r row) (x Finding, ok bool) {
	x = Finding{Severity: t.severity(), Confidence: protocol.Likely, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind},
		Summary: catalog.T("", "a", t.a.peer.name(), "b", t.b.peer.name(), "trial", "@trial."+string(t.kind))}
	waited := 0.0
	for i, p := range []*endPair{r.p, r.q} {
		from, to, mine, theirs := t.a, t.b, r.group.a, r.group.b
		if i == 1 {
			from, to, mine, theirs = t.b, t.a, r.group.b, r.group.a
		}
		if p == nil || p.RequestsSent == nil { // Firefox does not say
			x.Confidence = protocol.Possible
			continue
		}
		if p.remote.Protocol != "udp" || p.silent < firstLost || p.opened == nil || p.openedMs-p.sinceMs < firstMs || p.keepsLosing() {
			return x, false
		}
		var sent, arrived int64
		counted := false
		for _, s := range mine {
			sent += value(s.RequestsSent)
		}
		for _, s := range theirs {
			arrived += value(s.RequestsReceived)
			counted = counted || s.RequestsReceived != nil
		}
		if counted && sent-arrived < firstLost {
			return x, false // they came, only late
		}
		waited = max(waited, p.openedMs-p.sinceMs)
		if counted {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.first-lost", "from", from.peer.name(), "to", to.peer.name(), "silent", itoa64(p.silent), "lost", itoa64(sent-arrived),
				"seconds", seconds(p.openedMs-p.sinceMs)), p.event, theirs[0].event))
		} else {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.first-unanswered", "from", from.peer.name(), "to", to.peer.name(), "silent", itoa64(p.silent),
				"seconds", seconds(p.openedMs-p.sinceMs)), p.event))
		}
	}
	x.Summary.Args["seconds"] = seconds(waited)
	return x, len(x.Evidence) > 0
}

// keepsLosing: were checks lost after the first answer, too? Then it is not the first ones.
func (p *endPair) keepsLosing() bool {
	after := value(p.RequestsSent) - value(p.opened.RequestsSent)
	answered := value(p.ResponsesReceived) - value(p.opened.ResponsesReceived)
	return after-answered > 2+after/5
}
