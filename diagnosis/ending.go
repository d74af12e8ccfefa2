package diagnosis

import (
	"math"

	"github.com/icescope/icescope/protocol"
)

// The clocks of a trial, in milliseconds. A browser's own are no use: Chromium gives up after 15 s, or never (facts L10, L12, L15).
const (
	// UnansweredMs after the last thing that could lead to a connection: an agent has then sent every check a dozen times or more (facts section 6), and RFC 8445
	// section 14 gives up after seven.
	UnansweredMs = 4500
	// NoPairsMs after the last candidate arrived: Chromium's mDNS query for a .local name ends after 3 s, and what resolves does so within one.
	NoPairsMs = 4000
	// STUNPatienceMs from the start: a browser has asked five times (RFC 8489 section 6.2.1: 0, 250, 750, 1750, 3750 ms) without an answer.
	STUNPatienceMs = 5000
	// DTLSMs from ICE's connection: DTLS has repeated its flight six times (facts section 6: 50 ms doubling up to 3 s).
	DTLSMs = 6000
	// DataMs from DTLS to the first answer over the data channel.
	DataMs = 5000
	// CountMs after the measuring both ends are sampled once more, so that what they counted of the burst can be compared: the samples of the two are not taken in the same moment.
	// CountedMs is how long that is waited for.
	CountMs   = 300
	CountedMs = 1500
	// MeasureMs from the connection: round trips, burst and video are bounded by their peers and take about 2 s.
	MeasureMs = 6000
	// TrialMs bounds every trial.
	TrialMs = 25_000
	// GatherMs is how long pasted servers are given to answer: Firefox reports a silent one after 11.2 s (facts L14). Chromium needs 40 s, which nobody waits for.
	GatherMs = 12_500
	// SilentMs is how long an end that shows next to nothing of itself is waited for: it runs on a machine that cannot keep up, or its page is suspended. Its trial then says
	// nothing of the network.
	SilentMs = 60_000
	// HeldMs is how long an end that says nothing any more (its page is suspended, its socket dropped) is waited for: a dropped peer has 30 s to resume.
	HeldMs = 31_000
)

// Ending says whether a running trial is over at nowMs (since the room was made), and how. If not, again is when to ask next, at the latest.
func (f *Fold) Ending(id protocol.TrialID, nowMs float64) (stop protocol.Stop, over bool, again float64) {
	t := f.trial(id)
	if t == nil || t.stop != nil {
		return stop, false, 0
	}
	stop.Trial = id
	finish := func(o protocol.Outcome, r protocol.Reason) (protocol.Stop, bool, float64) {
		stop.Outcome, stop.Reason = o, r
		return stop, true, 0
	}
	again = nowMs + TrialMs
	// past tells whether the time is over, and otherwise remembers to ask when it is.
	past := func(since, limit float64) bool {
		if nowMs >= since+limit {
			return true
		}
		again = min(again, since+limit)
		return false
	}
	// waited is past for what a network is blamed for: both ends must have been alive for that time.
	waited := func(since, limit float64) bool {
		if !past(since, limit) {
			return false
		}
		if !t.both(func(n *end) bool { return n.beats.since(since) }) {
			again = min(again, nowMs+beatMost)
			return false
		}
		return true
	}
	held := t.held(nowMs)
	switch {
	case held && t.abandoned(f):
		return finish(protocol.OutcomeConnected, protocol.ReasonPeerLeft)
	case held && t.failure != "":
		return finish(protocol.OutcomeConnected, protocol.ReasonPeerError)
	case held:
		return t.holds(nowMs)
	case t.abandoned(f):
		return finish(protocol.OutcomeFailed, protocol.ReasonPeerLeft)
	case t.failure != "":
		return finish(protocol.OutcomeFailed, protocol.ReasonPeerError)
	case !t.a.peer.online || !t.b.peer.online:
		if past(t.startedMs, HeldMs+TrialMs) {
			return finish(protocol.OutcomeFailed, protocol.ReasonPeerLeft)
		}
		return stop, false, again
	}
	if t.either(func(n *end) bool { return n.data != nil }) || t.both((*end).connected) {
		since := t.since("connection=connected")
		if at, _ := t.measuredAt(nowMs); t.measured() && (t.both(func(n *end) bool { return n.sampledMs >= at+CountMs }) || past(at, CountedMs)) {
			return finish(protocol.OutcomeConnected, protocol.ReasonMeasured)
		}
		if !t.either(func(n *end) bool { return n.data != nil }) && waited(since, DataMs) {
			return finish(protocol.OutcomeStuck, protocol.ReasonDataTimeout)
		}
		if t.either(func(n *end) bool { return n.data != nil }) && past(since, MeasureMs) {
			return finish(protocol.OutcomeConnected, protocol.ReasonMeasured)
		}
		if past(t.startedMs, SilentMs) {
			return finish(protocol.OutcomeSkipped, protocol.ReasonPeerError)
		}
		return stop, false, again
	}
	if t.either((*end).iceConnected) {
		// One end may have failed by its own clock after the other connected: that is DTLS's failure, too.
		if waited(t.since("ice=connected", "ice=completed", "connection=connected"), DTLSMs) || t.both((*end).agentFailed) {
			return finish(protocol.OutcomeStuck, protocol.ReasonDTLSTimeout)
		}
		if past(t.startedMs, SilentMs) {
			return finish(protocol.OutcomeSkipped, protocol.ReasonPeerError)
		}
		return stop, false, again
	}
	if t.either((*end).agentFailed) {
		return finish(protocol.OutcomeFailed, protocol.ReasonAgentFailed)
	}
	if t.either(func(n *end) bool { return n.gathering == "complete" && len(n.candidates) == 0 }) {
		if t.kind.Relay() {
			return finish(protocol.OutcomeFailed, protocol.ReasonNoRelay)
		}
		return finish(protocol.OutcomeFailed, protocol.ReasonNoCandidates)
	}
	checking := t.either(func(n *end) bool { return len(n.pairs) > 0 })
	wanted, missing := "srflx", protocol.ReasonNoSTUNAnswer
	if t.kind.Relay() {
		wanted, missing = "relay", protocol.ReasonNoRelay
	}
	awaiting := t.either(func(n *end) bool { return len(n.servers) > 0 && !n.gathered() && len(n.ofType(wanted)) == 0 })
	// asked: have both ends gathered what is wanted, or for as long as it may take? One that began late is not cut short, or its silence would say nothing.
	asked := func(wanted string) bool {
		ok := t.both(func(n *end) bool {
			return n.gathered() || wanted == "" && len(n.candidates) > 0 || wanted != "" && len(n.ofType(wanted)) > 0 || n.waited(nowMs)
		})
		if !ok {
			again = min(again, nowMs+beatMost)
		}
		return ok
	}
	if awaiting {
		if waited(t.startedMs, STUNPatienceMs) && waited(t.progressMs, NoPairsMs) && asked(wanted) {
			return finish(protocol.OutcomeFailed, missing)
		}
	} else if !checking && waited(t.progressMs, NoPairsMs) && asked("") {
		return finish(protocol.OutcomeFailed, protocol.ReasonNoPairs)
	} else if checking && waited(t.progressMs, UnansweredMs) && asked("") {
		return finish(protocol.OutcomeFailed, protocol.ReasonUnanswered)
	}
	switch {
	case waited(t.startedMs, TrialMs):
		return finish(protocol.OutcomeFailed, protocol.ReasonUnanswered)
	case past(t.startedMs, SilentMs):
		return finish(protocol.OutcomeSkipped, protocol.ReasonPeerError)
	}
	return stop, false, again
}

// beats are the last samples of an end, by the server's clock. They come four times a second, twice where nothing changes, or once a second from a page in the background.
type beats struct {
	at   [enoughBeats]float64
	next int
	n    int
}

const (
	// enoughBeats are under two seconds of an end that runs as it should, and three of one whose statistics do not change: within the shortest patience.
	enoughBeats = 6
	// beatMost is when to look again for one that is late.
	beatMost = 1000
)

func (b *beats) add(atMs float64) {
	b.at[b.next] = atMs
	b.next = (b.next + 1) % enoughBeats
	b.n++
}

// since: did enough of them come after that?
func (b *beats) since(ms float64) bool { return b.n >= enoughBeats && b.at[b.next] >= ms }

// holds says whether a trial that was measured has been held for long enough: for as long as was asked, and, where it is down then, until it is back or lost for good.
func (t *trial) holds(nowMs float64) (stop protocol.Stop, over bool, again float64) {
	stop = protocol.Stop{Trial: t.id, Outcome: protocol.OutcomeConnected, Reason: protocol.ReasonHeld}
	from, _ := t.measuredAt(nowMs)
	until := from + float64(t.start.HoldMs)
	if down := t.down(); down != nil && nowMs >= until {
		until = down.FromMs + LostMs
		stop.Reason = protocol.ReasonPathLost
	}
	return stop, nowMs >= until, until
}

// abandoned: has an end left, or the peer that an end stands beside?
func (t *trial) abandoned(f *Fold) bool {
	return t.either(func(n *end) bool {
		host := f.peer(n.peer.joined.Beside)
		return n.peer.left || host != nil && host.left
	})
}

// Busy tells whether a trial is still out. One that is merely held does not count: it sends nothing to speak of.
func (f *Fold) Busy(nowMs float64) bool {
	for t := range f.allTrials() {
		if t.stop == nil && !t.held(nowMs) {
			return true
		}
	}
	return false
}

// Held tells whether a trial was measured and is kept up since.
func (f *Fold) Held(id protocol.TrialID, nowMs float64) bool {
	t := f.trial(id)
	return t != nil && t.held(nowMs)
}

// since is when the second end reached one of the states, and where only one did, when that one did: what comes next needs both.
func (t *trial) since(keys ...string) (at float64) {
	for _, n := range t.ends() {
		first := math.Inf(1)
		for _, k := range keys {
			if v, ok := n.stateAt[k]; ok {
				first = min(first, v)
			}
		}
		if !math.IsInf(first, 1) {
			at = max(at, first)
		}
	}
	if at == 0 {
		return t.progressMs
	}
	return at
}

// SoloEnding says whether a peer's newest gathering without a peer is over for the session: it has waited for this server's STUN in vain, or has tried the pasted
// servers long enough. again is when to ask next, 0 if never.
func (f *Fold) SoloEnding(peer string, nowMs float64) (stop protocol.Stop, over bool, again float64) {
	p := f.peer(peer)
	if p == nil || len(p.alone) == 0 || !p.online {
		return stop, false, 0
	}
	n := p.alone[len(p.alone)-1]
	patience := float64(STUNPatienceMs)
	if n.trial.Kind() == protocol.TrialGather {
		patience = GatherMs
	} else if len(n.srflx()) > 0 || n.gathered() {
		return stop, false, 0 // the page ends it by itself
	}
	if n.stopped || len(n.servers) == 0 {
		return stop, false, 0
	}
	stop = protocol.Stop{Trial: n.trial, Outcome: protocol.OutcomeFailed, Reason: protocol.ReasonNoSTUNAnswer}
	if n.gathered() {
		stop.Outcome, stop.Reason = protocol.OutcomeConnected, protocol.ReasonMeasured
		return stop, true, 0
	}
	return stop, nowMs >= n.startMs+patience, n.startMs + patience
}

// Running are the trials that have not ended.
func (f *Fold) Running() (ids []protocol.TrialID) {
	for t := range f.allTrials() {
		if t.stop == nil {
			ids = append(ids, t.id)
		}
	}
	return ids
}

// drawn: do both ends send video? The headless peer has nothing to draw with.
func (t *trial) drawn() bool {
	return t.both(func(n *end) bool { return n.peer.joined.Kind == protocol.KindBrowser })
}
