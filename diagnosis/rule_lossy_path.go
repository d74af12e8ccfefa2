package diagnosis

import (
	"math"
	"slices"
	"strconv"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// lossyPath: packets get lost on a path that works. Both ends count what they sent and got, and some hundred packets of a trial bear out a loss of a few percent. The measuring
// itself makes a burst that may overflow a slow link's queue; that takes the long packets of the burst, where a bad path takes short ones as readily. Round trips
// prove nothing: a busy machine stretches them as well.
func lossyPath(f *Fold) (out []Finding) {
	for _, t := range f.side {
		if x, ok := t.quietLoss(); ok {
			out = append(out, x)
		}
	}
	out = onePerPair(out)
	for _, t := range f.trials {
		if t.stop == nil || t.start.HoldMs > 0 || t.kind == protocol.TrialRelayTCP {
			continue // over TCP the path loses nothing; what is missing there the relay dropped because TCP was slow
		}
		x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Possible, Peers: []string{t.a.peer.id, t.b.peer.id}, Trial: t.kind, Run: t.run,
			Summary: catalog.T("", "a", t.a.peer.name(), "b", t.b.peer.name(), "trial", "@trial."+string(t.kind))}
		lossy, all := false, t.losses()
		for _, l := range all {
			if l.bad() && (l.blind() || !t.kind.Relay()) {
				lossy = true
				x.Evidence = append(x.Evidence, l.evidence())
				if l.blind() && !t.kind.Relay() { // a relay may be busy
					x.Confidence = protocol.Likely
				}
			}
		}
		if !lossy && !(len(all) == 0 && !t.kind.Relay() && t.either((*end).lostOfBurst) && t.either(func(n *end) bool { return !n.counters })) {
			continue
		}
		for _, n := range t.ends() {
			if t.connected() && n.data != nil && n.data.LossPercent != nil && *n.data.LossPercent > 0 {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.burst-loss", "from", n.peer.name(), "to", t.other(n).peer.name(), "percent", percent(*n.data.LossPercent/100)), n.dataEvent))
			}
		}
		x.separatedBy = []separation{{kind: protocol.ExperimentHold, trials: []protocol.TrialKind{t.kind}}}
		out = append(out, x)
	}
	return out
}

// lostOfBurst: did the burst lose more than a queue's last packets? All there is to go by where an end counts no packets (Firefox), and no more than a hint.
func (n *end) lostOfBurst() bool {
	return n.data != nil && n.data.LossPercent != nil && *n.data.LossPercent >= burstPercent && !n.swallowed()
}

// burstPercent of a burst of some hundred packets are beyond a loss of 1 percent and chance.
const burstPercent = 5

// quietLoss is the finding of a trial that was held: what is lost while next to nothing is sent is lost by the path.
func (t *trial) quietLoss() (x Finding, ok bool) {
	x = Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Certain, Peers: []string{t.a.peer.id, t.b.peer.id},
		Summary: catalog.T("", "a", t.a.peer.name(), "b", t.b.peer.name(), "trial", "@trial."+string(t.kind))}
	for _, l := range t.quiet() {
		if l.bad() {
			e := l.evidence()
			e.Text.Key = "evidence.quiet-loss"
			x.Evidence = append(x.Evidence, e)
		}
	}
	return x, len(x.Evidence) > 0
}

// losses are the packets of one direction that were sent and did not arrive: those beside STUN where a trial connected, checks where it did not.
type losses struct {
	from, to        *end
	sent, lost      int64
	mean, lostBytes int64 // the size of the sent ones, and of the lost ones; 0: not known
	checks          bool
	events          []int
}

// losses are both directions', as far as both ends count.
func (t *trial) losses() (out []losses) {
	if !t.connected() {
		if t.kind.Relay() {
			return nil
		}
		for _, l := range t.ways() { // one direction may be dead, and the other lose some
			if l.alive() && l.counted && !l.several {
				out = append(out, losses{from: l.from, to: l.to, sent: l.sent, lost: max(0, l.sent-l.arrived-startChecks), checks: true, events: l.events})
			}
		}
		return out
	}
	for _, l := range [2]losses{lost(t.a, t.b, 0), lost(t.b, t.a, 0)} {
		if l.sent > 0 && !l.from.swallowed() { // else the path swallows what is long
			out = append(out, l)
		}
	}
	return out
}

// quiet are the losses of a held trial since it was measured: then next to nothing is sent, and no queue overflows. A connection that was cut in the meantime lost more
// than the path usually loses.
func (t *trial) quiet() (out []losses) {
	from, ok := t.measuredAt(t.lastMs)
	if t.start.HoldMs == 0 || t.stop == nil || !ok || len(t.outages) > 0 {
		return nil
	}
	for _, l := range [2]losses{lost(t.a, t.b, from+settleMs), lost(t.b, t.a, from+settleMs)} {
		if l.sent > 0 {
			out = append(out, l)
		}
	}
	return out
}

// lost counts the packets of one direction from a time on. The ends are not sampled in the same moment, so the sender is taken at its last sample that surely came before
// the receiver's last, and at the first that surely came after the receiver's first: no packet is called lost that was merely on its way between two samples.
func lost(from, to *end, since float64) losses {
	l := losses{from: from, to: to}
	heard := slices.DeleteFunc(slices.Clone(to.counted), func(c counted) bool { return c.notBefore < since })
	if len(heard) == 0 {
		return l
	}
	first, last := heard[0], heard[len(heard)-1]
	if since == 0 {
		first = counted{}
	}
	var begin, until counted
	for _, c := range from.counted {
		if since > 0 && begin.sent == 0 && c.notBefore >= max(first.notAfter, since) {
			begin = c
		}
		if c.notAfter <= last.notBefore {
			until = c
		}
	}
	if since > 0 && begin.sent == 0 || until.sent <= begin.sent {
		return l
	}
	missing, missingBytes := until.sent-begin.sent-(last.got-first.got), until.sentBytes-begin.sentBytes-(last.gotBytes-first.gotBytes)
	l.sent, l.lost = until.sent-begin.sent, max(0, missing-underWay)
	l.mean = (until.sentBytes - begin.sentBytes) / l.sent
	if l.lost > 0 {
		l.lostBytes = max(0, missingBytes) / missing
	}
	l.events = addEvents(nil, from.lastSample, to.lastSample)
	return l
}

const (
	// underWay packets may have been sent and not have arrived when the last samples were taken: two frames of video.
	underWay = 3
	// settleMs after the measuring its last packets are through.
	settleMs = 500
	// startChecks may be lost because the ends do not begin at once.
	startChecks = 6
	// enoughPackets to speak of percents at all.
	enoughPackets = 50
	// tolerable is the loss that calls and meetings bear without a word (ITU-T G.1010 annex A: 3 % for conversational voice, with concealment less is heard).
	tolerable = 0.01
	// deviations of the confidence interval: 99 percent.
	deviations = 2.576
)

// bad: is the loss beyond what is tolerable, though it were the least that the number of packets allows (Wilson's interval)?
func (l losses) bad() bool {
	least, _ := l.interval()
	return l.sent >= enoughPackets && least > tolerable
}

// interval is the range of the path's loss that such a count leaves open.
func (l losses) interval() (least, most float64) {
	n := float64(l.sent)
	p := float64(l.lost) / n
	z2 := deviations * deviations
	centre, half := p+z2/(2*n), deviations*math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	return max(0, (centre-half)/(1+z2/n)), min(1, (centre+half)/(1+z2/n))
}

// blind: did the loss take short packets as readily as long ones? A queue that overflows in the burst takes its long ones.
func (l losses) blind() bool { return l.checks || l.lostBytes > 0 && 4*l.lostBytes <= 5*l.mean }

func (l losses) evidence() Evidence {
	least, most := l.interval()
	args := []string{"from", l.from.peer.name(), "to", l.to.peer.name(), "sent", itoa64(l.sent), "lost", itoa64(l.lost), "percent", percent(float64(l.lost) / float64(l.sent)),
		"least", percent(least), "most", percent(most), "mean", itoa64(l.mean), "lostMean", itoa64(l.lostBytes)}
	key := "evidence.packets-lost"
	if l.checks {
		key = "evidence.checks-lost"
	}
	return note(catalog.T(key, args...), l.events...)
}

// percent is a share with one decimal.
func percent(x float64) string { return strconv.FormatFloat(100*x, 'f', 1, 64) }
