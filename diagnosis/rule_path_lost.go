package diagnosis

import (
	"strconv"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// pathLost: a connection that was kept up is lost while both ends go on to tell this server what they see, so neither machine is gone and the way between them is. Agents ask
// for consent every few seconds (RFC 7675 section 5.1); browsers say "disconnected" after some five seconds without it. Where one end still takes in what the other sends,
// one direction only is dead.
func pathLost(f *Fold) (out []Finding) {
	for t := range f.allTrials() {
		if t.start.HoldMs == 0 {
			continue
		}
		for _, o := range t.outages {
			until := f.lastMs
			if t.stop != nil {
				until = t.stopMs
			}
			if o.BackMs != nil {
				until = *o.BackMs
			}
			if x, ok := t.outage(o, until); ok {
				out = append(out, x)
			}
		}
	}
	return onePerPair(out)
}

// The time of an outage in which a direction is judged, in milliseconds: not its last part, when the way may be open again already.
const (
	openingMs = 3000
	// fewTaken samples without anything coming in are two seconds, and four checks.
	fewTaken = 4
)

// outage judges one.
func (t *trial) outage(o protocol.Outage, until float64) (x Finding, ok bool) {
	a, b := t.a.within(o.FromMs, until), t.b.within(o.FromMs, until)
	if len(a) == 0 || len(b) == 0 {
		return x, false // an end that says nothing may be gone itself
	}
	x = Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Certain, Peers: []string{t.a.peer.id, t.b.peer.id},
		Summary: catalog.T("", "a", t.a.peer.name(), "b", t.b.peer.name(), "trial", "@trial."+string(t.kind))}
	lost := o.FromMs
	if o.LastAnswerMs != nil {
		lost = *o.LastAnswerMs
	}
	x.Evidence = append(x.Evidence, note(catalog.T("evidence.path-lost", "at", seconds(o.FromMs-t.startedMs), "silent", seconds(o.FromMs-lost)), t.a.lossEvent(), t.b.lossEvent()))
	if !t.a.steady(lost, o.FromMs) || !t.b.steady(lost, o.FromMs) {
		x.Confidence = protocol.Likely // a machine that slept is silent in the same way
	}
	if o.BackMs == nil && t.stop == nil {
		x.Confidence = protocol.Likely // what is heard until then is not all yet
		return x, true
	}
	toA, toB := hears(t.a, a, until), hears(t.b, b, until)
	from, to := t.a, t.b
	switch {
	case toA == no && toB == no:
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.path-dead-both", "a", t.a.peer.name(), "b", t.b.peer.name()), t.a.lastSample, t.b.lastSample))
	case toA == no && toB == yes:
		from, to = t.b, t.a
		fallthrough
	case toB == no && toA == yes:
		x.Direction = &protocol.Direction{From: from.peer.id, To: to.peer.id}
		x.Summary.Key = "-one-way"
		x.Summary.Args["from"], x.Summary.Args["to"] = from.peer.name(), to.peer.name()
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.path-dead-one", "from", from.peer.name(), "to", to.peer.name()), t.a.lastSample, t.b.lastSample))
	}
	begun := 0.0
	for _, n := range t.ends() {
		for _, at := range n.begun {
			if at >= o.FromMs && at <= until {
				begun = max(begun, at)
			}
		}
	}
	switch {
	case o.BackMs == nil:
		x.Severity = protocol.SeverityError
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.path-not-back", "seconds", seconds(until-o.FromMs), "restarts", itoa(o.Restarts))))
	case begun > 0:
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.path-back", "seconds", seconds(*o.BackMs-lost), "restarts", itoa(o.Restarts), "restart", seconds(*o.BackMs-begun))))
	default:
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.path-back-alone", "seconds", seconds(*o.BackMs-lost))))
	}
	return x, true
}

// steadyMs is how far apart samples may be: of a trial that is merely held one is recorded every five seconds, and a busy machine is late.
const steadyMs = 8000

// steady: did the end go on to tell what it sees while the way was lost, until after the outage was noticed?
func (c *course) steady(from, noticed float64) bool {
	last, after := from, false
	for _, s := range c.taken {
		if s.atMs <= from {
			continue
		}
		if s.atMs-last > steadyMs {
			return false
		}
		if last = s.atMs; last > noticed {
			after = true
			break
		}
	}
	return after
}

// within are the samples of a span of time.
func (c *course) within(from, until float64) (out []taken) {
	for _, s := range c.taken {
		if s.atMs > from && s.atMs < until {
			out = append(out, s)
		}
	}
	return out
}

// hears tells whether anything came in at an end during an outage. Firefox counts no requests, so that what it does not hear may have come all the same.
func hears(n *end, samples []taken, until float64) answer {
	judged, came := 0, 0
	for _, s := range samples {
		if s.atMs < until-openingMs {
			judged++
			if s.more {
				came++
			}
		}
	}
	switch {
	case judged < fewTaken:
		return unknown
	case came >= 2:
		return yes
	case came == 0 && n.counters:
		return no
	}
	return unknown
}

// lossEvent is where the end first said that its connection is gone; -1: it never did.
func (n *end) lossEvent() int {
	for _, state := range []string{"connection=disconnected", "ice=disconnected", "connection=failed"} {
		if v := n.event(state); v >= 0 {
			return v
		}
	}
	return -1
}

// onePerPair joins the outages of the same ends: one cause, seen several times.
func onePerPair(all []Finding) (out []Finding) {
	for _, x := range all {
		joined := false
		for i := range out {
			if out[i].ID() == x.ID() {
				out[i].Evidence, joined = append(out[i].Evidence, x.Evidence...), true
			}
		}
		if !joined {
			out = append(out, x)
		}
	}
	return out
}

// seconds is a time with one decimal.
func seconds(ms float64) string { return strconv.FormatFloat(ms/1000, 'f', 1, 64) }
