package diagnosis

import (
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// A machine that cannot keep up looks like a network that loses packets: its browser asks late, answers late, and gives up by its own clock while the other end has hardly begun. How
// late it is shows in its samples, which it stamps by its own clock, so that a network that delays them is not blamed for it.

const (
	// LateMs between two samples of an end, or before its first, is what a machine that keeps up never shows: they come four times a second, twice where nothing changes, and the
	// first a second or two after the start of a browser's first connection (the lab, idle: at most 2.3 s).
	LateMs = 2500
	// LateHeadlessMs is the same of a headless peer, which starts no browser's media and samples by a timer.
	LateHeadlessMs = 1000
	// MaxRepeats is how often the session repeats by itself what a machine has hindered. What is more is left to people: the machine will not keep up.
	MaxRepeats = 2
)

// late takes a sample's own time.
func (n *end) late(atMs float64) {
	if gap := atMs - n.ownMs; gap > n.lateMs {
		n.lateMs = gap
	}
	n.ownMs = atMs
}

// hindered: did the trial fail while one of the ends could not keep up? Then its silence says little of the network.
func (t *trial) hindered() bool {
	return t.beaten() && !t.connected() && t.stop.Reason != protocol.ReasonSuperseded && t.either((*end).lagged)
}

func (n *end) lagged() bool {
	if n.peer.joined.Kind == protocol.KindHeadless {
		return n.lateMs > LateHeadlessMs
	}
	return n.lateMs > LateMs
}

// slowest is the end that was the latest.
func (t *trial) slowest() *end {
	if !t.a.lagged() || t.b.lagged() && t.b.lateMs > t.a.lateMs {
		return t.b
	}
	return t.a
}

// refuted: did the trial with host candidates alone fail, although the one with STUN connected from and to addresses that it had, too? No server had a part in that, so what failed was
// not the way: an end, or the network for a moment. In the lab this is two hundred peers on two processors, and none of the networks.
func (f *Fold) refuted(t *trial) bool {
	if t.kind != protocol.TrialHost || !t.beaten() || t.connected() || t.stop.Reason == protocol.ReasonSuperseded {
		return false
	}
	other := f.newestTrial(protocol.TrialSTUN)
	if other == nil || !other.connected() || !other.both(func(n *end) bool { return t.endOf(n.peer).peer == n.peer }) {
		return false
	}
	return other.both(func(n *end) bool {
		p := n.selectedPair()
		return p != nil && t.endOf(n.peer).offered(p.local) && t.endOf(other.other(n).peer).offered(p.remote)
	})
}

// offered: has the end signaled a host candidate of this address, whatever the other trial calls it? Pion opens a socket of its own for each address that STUN tells it.
func (n *end) offered(c protocol.SampleCandidate) bool {
	return slices.ContainsFunc(n.ofType("host"), func(h *candidate) bool {
		ip := addrOf(h.Address)
		return h.Protocol == "udp" && c.Protocol == "udp" && (c.Type == "host" || ip.IsValid() && ip == addrOf(c.Address))
	})
}

// Doubtful are the kinds of trials whose last failure says little of the network, and that the session is to repeat: none where it has done so often enough, or cannot.
func (f *Fold) Doubtful() (kinds []protocol.TrialKind) {
	if f.full || f.repeats() >= MaxRepeats || len(f.players()) != 2 {
		return nil
	}
	for _, n := range needsOf {
		if t := f.newestTrial(n.kind); t != nil && f.doubtful(t) {
			kinds = append(kinds, n.kind)
		}
	}
	return kinds
}

func (f *Fold) doubtful(t *trial) bool { return t.hindered() || f.refuted(t) }

// repeats is how often the session has repeated trials since a person, or the second peer's coming, last began a run.
func (f *Fold) repeats() (n int) {
	for _, r := range f.runs {
		switch {
		case r.Repeat:
			n++
		case r.Experiment == "" && len(r.Peers) == 0:
			n = 0
		}
	}
	return n
}

// round is the run that a run repeats a part of; of any other run itself.
func (f *Fold) round(number int) int {
	round := number
	for _, r := range slices.Backward(f.runs) {
		switch {
		case r.Number > number || r.Experiment != "" || len(r.Peers) > 0:
		case !r.Repeat:
			return r.Number
		default:
			round = r.Number
		}
	}
	return round
}

// players are the two of the room, where they are here.
func (f *Fold) players() (out []*peer) {
	for _, p := range f.peers {
		if p.joined.Kind != protocol.KindWatcher && p.joined.Beside == "" && len(p.joined.Trials) > 0 && !p.left {
			out = append(out, p)
		}
	}
	return out
}

// doubt takes back what only a machine that could not keep up may have shown: what was found in such a trial is gone when the trial was repeated, and is possible at most
// until then. What is certain rests on what was seen, not on what was missed.
func (f *Fold) doubt(all []Finding) []Finding {
	kept := all[:0]
	for _, x := range all {
		if t := f.trial(protocol.NewTrialID(x.Trial, x.Run)); x.Confidence != protocol.Certain && t != nil && t.hindered() {
			if t.run != f.newest(t.kind) {
				continue
			}
			if x.Confidence == protocol.Likely {
				n := t.slowest()
				x.Confidence = protocol.Possible
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.hindered", "peer", n.peer.name(), "trial", "@trial."+string(t.kind), "seconds", seconds(n.lateMs)), n.lastSample, t.stopEvent))
			}
		}
		kept = append(kept, x)
	}
	return kept
}
