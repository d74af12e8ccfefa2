package diagnosis

import (
	"github.com/icescope/icescope/protocol"
)

// A trial that is held is kept up after it was measured, and watched: when its connection was lost, whether it came back, and after how many ICE restarts (RFC 8445
// section 2.4).

// LostMs is how long a connection may be down before it is called lost: Firefox gives up 25.7 s after the path has died (facts L16), and then restarts ICE, which is given
// time to gather and to check twice over.
const LostMs = 40_000

// holding is what is known of a trial that is kept up.
type holding struct {
	measuredMs float64 // both ends had measured everything; 0: not yet
	lastMs     float64 // the newest event of the trial
	outages    []protocol.Outage
}

// watch takes an event of a trial after the end has folded it.
func (t *trial) watch(n *end, e *protocol.Event) {
	if e.Sample != nil {
		n.beats.add(e.AtMs)
		if t != nil && t.stop == nil {
			n.late(e.Sample.AtMs)
		}
	}
	if t == nil || t.stop != nil {
		return
	}
	if t.measuredMs == 0 && t.measured() {
		t.measuredMs = e.AtMs
	}
	if t.start.HoldMs == 0 {
		return
	}
	t.lastMs = e.AtMs
	if e.Sample != nil {
		n.hear(e)
	}
	if e.State == nil || !t.both((*end).connected) {
		return
	}
	down := t.down()
	switch {
	case down == nil && t.either((*end).lost):
		t.outages = append(t.outages, protocol.Outage{FromMs: e.AtMs, LastAnswerMs: n.heardMs})
	case down != nil && t.both((*end).up):
		at := e.AtMs
		down.BackMs = &at
	case down != nil && e.State.What == "restart" && e.State.Value == "begun":
		down.Restarts++
	}
}

// measured: is there nothing more to be told of either end?
func (t *trial) measured() bool {
	return t.both(func(n *end) bool {
		return n.data != nil && n.data.ThroughputKbps != nil && (n.video != nil || !t.drawn())
	})
}

// measuredAt is when the measuring was over: all was told, or had its time.
func (t *trial) measuredAt(nowMs float64) (at float64, ok bool) {
	switch {
	case t.measuredMs > 0:
		return t.measuredMs, true
	case t.measured():
		return nowMs, true
	case !t.either(func(n *end) bool { return n.data != nil }):
		return 0, false
	}
	at = t.since("connection=connected") + MeasureMs
	return at, nowMs >= at
}

// held: is it only kept up any more?
func (t *trial) held(nowMs float64) bool {
	_, measured := t.measuredAt(nowMs)
	return t.start.HoldMs > 0 && t.stop == nil && measured
}

// Down tells whether a trial that is held has lost its path, and since when.
func (f *Fold) Down(id protocol.TrialID) (sinceMs float64, down bool) {
	if t := f.trial(id); t != nil {
		if o := t.down(); o != nil {
			return o.FromMs, true
		}
	}
	return 0, false
}

// down is the outage that goes on.
func (t *trial) down() *protocol.Outage {
	if n := len(t.outages); n > 0 && t.outages[n-1].BackMs == nil {
		return &t.outages[n-1]
	}
	return nil
}

// lost: has the end noticed that its connection is gone? Chromium's ICE state stays "disconnected" where its connection state goes on to "failed" (facts L16).
func (n *end) lost() bool {
	for _, what := range []string{"connection", "ice"} {
		if s := n.states[what]; s == "disconnected" || s == "failed" {
			return true
		}
	}
	return false
}

func (n *end) up() bool {
	return n.states["connection"] == "connected" && (n.states["ice"] == "connected" || n.states["ice"] == "completed" || n.states["ice"] == "")
}

// hear notices that answers or bytes came in on any pair. What was heard on a pair is kept by its id: a restart begins new ones, from 0.
func (n *end) hear(e *protocol.Event) {
	for _, p := range e.Sample.Pairs {
		if p.ResponsesReceived == nil && p.BytesReceived == nil {
			continue
		}
		if heard := value(p.ResponsesReceived) + value(p.BytesReceived); heard > n.heard[p.ID] && (n.heard[p.ID] > 0 || len(n.heard) < maxPairs) {
			if n.heard == nil {
				n.heard = map[string]int64{}
			}
			at := e.AtMs
			n.heard[p.ID], n.heardMs = heard, &at
		}
	}
}

// holdReport is nil where the trial was not to be held.
func (t *trial) holdReport() *protocol.HoldReport {
	if t.start.HoldMs == 0 {
		return nil
	}
	r := &protocol.HoldReport{WantedMs: float64(t.start.HoldMs), Outages: append([]protocol.Outage{}, t.outages...)}
	last := t.lastMs
	if t.stop != nil {
		last = t.stopMs
	}
	if from, ok := t.measuredAt(last); ok {
		r.HeldMs = max(0, last-from)
	}
	return r
}

// restarted takes the description that an end signaled. One with other credentials than the first restarts ICE (RFC 8839 section 4.4.1.1): what this end then gathers and
// shows is another generation and stands apart, so that the first keeps what it proved.
func (n *end) restarted(d *protocol.Description, e *protocol.Event) {
	ufrag := attribute(d.SDP, "ice-ufrag")
	switch {
	case ufrag == "" || ufrag == n.fragment:
	case n.fragment == "":
		n.fragment = ufrag
	case n.generation("").fragment != ufrag && len(n.again) < maxRestarts:
		next := makeEnd(n.peer, n.trial, e)
		next.servers, next.fragment = n.servers, ufrag
		n.again = append(n.again, next)
	}
}

// generation is the part of an end that a candidate belongs to. One that does not say is of the newest.
func (n *end) generation(ufrag string) *end {
	if len(n.again) == 0 || ufrag != "" && ufrag == n.fragment {
		return n
	}
	return n.again[len(n.again)-1]
}

// maxRestarts bounds what a broken peer can make the picture hold: the longest hold has room for as many, one every five seconds.
const maxRestarts = protocol.MaxHoldMs / 5000
