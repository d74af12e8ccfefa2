package compare

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/icescope/icescope/protocol"
)

const (
	// Two runs of one network differ by chance. A round trip has changed where it is half as long again and by more than a scheduler's delay, loss where it is more
	// than what a single packet of the burst makes.
	rttFactor    = 1.5
	rttLeastMs   = 5
	lossLeastPct = 1
)

// ofTrial notes a change of one trial: "trial, what: before, now".
func (c *comparison) ofTrial(k protocol.TrialKind, what, named, before, after string, tone protocol.ChangeTone) {
	c.add(protocol.Change{Group: protocol.ChangePaths, What: what, Trial: k, Before: before, After: after, Tone: tone,
		Text: c.say("compare.of-trial", "trial", c.word("trial.", string(k)), "what", named, "before", before, "after", after)})
}

// far is the order of the outcomes that tell something; 0: they do not.
var far = map[protocol.Outcome]int{protocol.OutcomeConnected: 1, protocol.OutcomeStuck: 2, protocol.OutcomeFailed: 3}

// paths: what came of each trial, and how far each direction came in it.
func (c *comparison) paths() {
	var kinds []protocol.TrialKind
	for _, t := range slices.Concat(c.after.Trials, c.before.Trials) {
		if !slices.Contains(kinds, t.Kind) {
			kinds = append(kinds, t.Kind)
		}
	}
	order := []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN, protocol.TrialRelayUDP, protocol.TrialRelayTCP, protocol.TrialCustom}
	slices.SortStableFunc(kinds, func(a, b protocol.TrialKind) int { return slices.Index(order, a) - slices.Index(order, b) })
	for _, k := range kinds {
		b, a := trialOf(c.before, k), trialOf(c.after, k)
		outcome := func(t *protocol.TrialReport) string {
			switch {
			case t == nil:
				return c.say("compare.not-run")
			case t.Outcome == "":
				return c.say("outcome.running")
			}
			return c.word("outcome.", string(t.Outcome))
		}
		switch {
		case b == nil || a == nil:
			c.ofTrial(k, "outcome", c.say("compare.what.outcome"), outcome(b), outcome(a), protocol.ToneOther)
			continue
		case b.Outcome != a.Outcome:
			c.ofTrial(k, "outcome", c.say("compare.what.outcome"), outcome(b), outcome(a), lessIsBetter(far[b.Outcome], far[a.Outcome]))
		case b.Reason != a.Reason && a.Outcome != protocol.OutcomeConnected:
			before, after := c.word("reason.", string(b.Reason)), c.word("reason.", string(a.Reason))
			c.add(protocol.Change{Group: protocol.ChangePaths, What: "reason", Trial: k, Before: before, After: after, Tone: protocol.ToneOther,
				Text: c.say("compare.reason", "trial", c.word("trial.", string(k)), "before", before, "after", after)})
		}
		c.directions(k, *b, *a)
		c.measures(k, b.Data, a.Data)
	}
}

func trialOf(r protocol.Report, k protocol.TrialKind) *protocol.TrialReport {
	for i := range r.Trials {
		if r.Trials[i].Kind == k {
			return &r.Trials[i]
		}
	}
	return nil
}

// reach is the order of what one direction did; 0: not observable.
var reach = map[protocol.DirectionState]int{protocol.DirAnswered: 1, protocol.DirNonSymmetric: 2, protocol.DirLostOnReturn: 3, protocol.DirUnanswered: 4}

// directions compares the pair that came furthest, each way: one that works is enough, and which one it is changes with every run.
func (c *comparison) directions(k protocol.TrialKind, before, after protocol.TrialReport) {
	for from := range c.ends {
		for to := range c.ends {
			b, a := c.furthest(before, from, to, false), c.furthest(after, from, to, true)
			if from == to || b == "" || a == "" || b == a {
				continue
			}
			c.ofTrial(k, "direction", c.say("compare.direction", "from", c.ends[from].name(), "to", c.ends[to].name()),
				c.word("direction.", string(b)), c.word("direction.", string(a)), lessIsBetter(reach[b], reach[a]))
			c.changes[len(c.changes)-1].Peer = c.ends[from].letter()
		}
	}
}

// furthest is the best that any pair of a trial did from one machine to another; empty: the trial was not between them, or has no pairs.
func (c *comparison) furthest(t protocol.TrialReport, from, to int, later bool) (best protocol.DirectionState) {
	a, b := c.of(t.A, later), c.of(t.B, later)
	for _, p := range t.Pairs {
		var state protocol.DirectionState
		switch {
		case a == from && b == to:
			state = p.Directions.AToB
		case a == to && b == from:
			state = p.Directions.BToA
		}
		if state != "" && (best == "" || reach[state] > 0 && (reach[best] == 0 || reach[state] < reach[best])) {
			best = state
		}
	}
	return best
}

// measures compares what was measured on a connection; what one side lacks was not measured there.
func (c *comparison) measures(k protocol.TrialKind, before, after *protocol.DataReport) {
	if before == nil || after == nil {
		return
	}
	less, more := min(before.RTTMs, after.RTTMs), max(before.RTTMs, after.RTTMs)
	if less > 0 && more > less*rttFactor && more-less > rttLeastMs {
		c.ofTrial(k, "rtt", c.say("compare.what.rtt"), number(before.RTTMs)+" ms", number(after.RTTMs)+" ms", lessIsBetter(before.RTTMs, after.RTTMs))
	}
	if b, a := before.LossPercent, after.LossPercent; b != nil && a != nil && math.Abs(*a-*b) > lossLeastPct {
		c.ofTrial(k, "loss", c.say("compare.what.loss"), number(*b)+" %", number(*a)+" %", yesIsBetter(*a > *b, *b > *a)) // 0 is known, and best
	}
}

// number has one decimal where it is small.
func number(f float64) string {
	if math.Abs(f) >= 10 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
}
