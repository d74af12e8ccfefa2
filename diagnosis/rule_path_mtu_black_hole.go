package diagnosis

import (
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// pathMTUBlackHole: large packets vanish and small ones pass, and no ICMP says so (RFC 8899 section 1.1). Checks are small, so ICE connects; DTLS with its long ClientHello,
// or the data after it, does not get through. A filter that knows DTLS resembles it where it lets a part of the handshake pass. So it is certain only where checks, too,
// vanish once they are long.
func pathMTUBlackHole(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind.Relay() || t.stop == nil {
			continue
		}
		ab, ba := t.loads()
		all := []load{ab, ba}
		for _, s := range f.experiment(protocol.ExperimentSwap) { // the other end speaks first there, and the one that counts may be the one that hears
			if s.kind == t.kind && s.stuck() && s.lively() && t.stuck() {
				ab, ba := s.loads()
				all = append(all, ab, ba)
			}
		}
		for _, l := range all {
			if x, ok := f.blackHole(t, l); ok && !slices.ContainsFunc(out, func(y Finding) bool { return y.ID() == x.ID() }) {
				out = append(out, x)
			}
		}
	}
	return out
}

// blackHole judges one direction of an ended trial.
func (f *Fold) blackHole(t *trial, l load) (x Finding, ok bool) {
	c := f.longChecks(t, l.from.peer, l.to.peer)
	small, large, sorted := l.sorted()
	// An end whose burst was never reported on may have lost it to the last packet, or only have had no time: only sizes that lie far apart speak for the former.
	surely := lost(l.from, l.to, 0)
	unheard := sorted && l.from.data != nil && l.from.data.LossPercent == nil && surely.lost >= fewPackets && surely.lostBytes >= farApart*surely.mean
	burst := t.connected() && (l.from.swallowed() || unheard && !l.to.received(large))
	switch {
	case t.connected():
		sorted = sorted && burst // a congested queue also lets small packets pass rather than large ones, but never none
		if !burst && c.died == 0 {
			return x, false
		}
	case !t.stuck() || !t.lively():
		return x, false
	case !sorted && !l.partly() && !(c.died > 0 && (l.none() || l.sent == 0 || l.lostBytes() > 0)):
		return x, false
	}
	x = t.directed(l.from.peer, l.to.peer, protocol.Likely)
	if sorted {
		l = l.inTime()
	}
	if sorted && !l.countsSent {
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.sizes-sorted-bytes", "from", l.from.peer.name(), "to", l.to.peer.name(), "got", itoa64(l.gotPackets),
			"bytes", itoa64(l.sent), "gotBytes", itoa64(l.got), "small", itoa64(small), "large", itoa64(large)), l.events...))
	} else if sorted {
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.sizes-sorted", "from", l.from.peer.name(), "to", l.to.peer.name(), "sent", itoa64(l.sentPackets), "got", itoa64(l.gotPackets),
			"bytes", itoa64(l.sent), "gotBytes", itoa64(l.got), "small", itoa64(small), "large", itoa64(large)), l.events...))
	} else if l.none() {
		x.Evidence = append(x.Evidence, l.noneArrived())
	} else if l.partly() {
		x.Confidence = protocol.Possible
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.dtls-partly", "from", l.from.peer.name(), "to", l.to.peer.name(), "bytes", itoa64(l.sent), "gotBytes", itoa64(l.got)), l.events...))
		x.separatedBy = []separation{{kind: protocol.ExperimentSwap, trials: []protocol.TrialKind{t.kind}}}
	}
	if burst && !unheard {
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.burst-swallowed", "from", l.from.peer.name(), "to", l.to.peer.name()), l.from.dataEvent))
	}
	x.Evidence = append(x.Evidence, c.evidence(l.from.peer, l.to.peer)...)
	switch {
	case c.died > 0 && c.sure && !surely.bad():
		x.Confidence = protocol.Certain
	case c.died > 0: // chance takes long packets as well
	case burst && (unheard || !sorted): // a queue that overflows may do the same; or the sizes are not known
		x.Confidence = protocol.Possible
	}
	if x.Confidence != protocol.Certain {
		x.separatedBy = append(x.separatedBy, t.bySize(l, c)...)
	}
	x.Summary = catalog.T("", "from", l.from.peer.name(), "to", l.to.peer.name(), "trial", "@trial."+string(t.kind))
	if burst {
		x.Summary.Key = "-data"
	}
	return x, true
}

// farApart times the mean size of all that was sent is that of what surely did not arrive, where it is the long packets of the burst: a loss that is blind to sizes takes
// as much off the one as off the other.
const farApart = 2

// partly: did some bytes of DTLS arrive, and far fewer than half, at an end that counts no packets (Firefox)? Not where nothing comes back: that is reason enough to be stuck.
func (l load) partly() bool {
	return !l.countsIn && l.known() && l.got > 0 && l.sent > 3*l.got && !loadOf(l.to, l.from).none()
}

// directed is a finding about one direction of a trial.
func (t *trial) directed(from, to *peer, c protocol.Confidence) Finding {
	return Finding{Severity: t.severity(), Confidence: c, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run,
		Direction: &protocol.Direction{From: from.id, To: to.id}, breaks: []protocol.TrialKind{t.kind}}
}

// bySize are the experiments that tell a path which swallows large packets from a filter which knows DTLS: long checks, by the browsers themselves, and, size by size, by a
// headless peer in the sender's place. What was tried is not proposed again.
func (t *trial) bySize(l load, c long) (s []separation) {
	if c.passed == 0 && c.died == 0 && !t.connected() {
		s = append(s, separation{kind: protocol.ExperimentSize, trials: []protocol.TrialKind{t.kind}})
	}
	if !c.sweep && l.from.peer.joined.Kind == protocol.KindBrowser {
		s = append(s, separation{kind: protocol.ExperimentHeadless, peer: l.from.peer.id})
	}
	return s
}

// evidence words what long checks did.
func (c long) evidence(from, to *peer) (out []Evidence) {
	if c.passed > 0 {
		out = append(out, note(catalog.T("evidence.long-passed", "from", from.name(), "to", to.name(), "size", itoa(c.passed)), c.events...))
	}
	if c.died > 0 {
		out = append(out, note(catalog.T("evidence.long-died", "from", from.name(), "to", to.name(), "size", itoa(c.died), "mtu", itoa(c.died+28)), c.events...))
	}
	return out
}

// noneArrived words that nothing but checks arrived.
func (l load) noneArrived() Evidence {
	if !l.countsSent {
		return note(catalog.T("evidence.dtls-none-arrived-bytes", "from", l.from.peer.name(), "to", l.to.peer.name(), "bytes", itoa64(l.sent)), l.events...)
	}
	return note(catalog.T("evidence.dtls-none-arrived", "from", l.from.peer.name(), "to", l.to.peer.name(), "sent", itoa64(l.sentPackets), "bytes", itoa64(l.sent)), l.events...)
}

// received: did packets of about that mean size in bytes arrive at this end, one after the other? Then it is not their size that some of them did not.
func (n *end) received(size int64) bool {
	for i, c := range n.counted {
		if i == 0 {
			continue
		}
		if packets := c.got - n.counted[i-1].got; packets >= fewPackets && 5*(c.gotBytes-n.counted[i-1].gotBytes) >= 4*size*packets {
			return true
		}
	}
	return false
}

// swallowed: was this end's burst lost to the last packet, though the channel beside it answered?
func (n *end) swallowed() bool {
	return n.data != nil && n.data.LossPercent != nil && *n.data.LossPercent >= 100 && len(n.data.RoundTripsMs) > 0
}
