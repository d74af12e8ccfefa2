package dump

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// logged is one log.
type logged struct {
	name, kind string
	userAgent  string
	conns      []*conn
	savedMs    float64 // when it was saved; 0: it does not say
	dropped    int     // connections beyond MaxConnections
}

// conn is one RTCPeerConnection as a log shows it. All times are in milliseconds since 1970 by that machine's clock.
type conn struct {
	url       string
	servers   []protocol.ICEServer
	relayOnly bool
	createdMs float64 // 0: not known
	endMs     float64 // when it was closed, or the log ends
	closed    bool
	// trickled: the log tells of every candidate and every state when it came. Else (Firefox) it shows only how things stood at its end.
	trickled bool
	descs    []description
	local    []gathered // what this end gathered
	remote   []gathered // what it was given
	states   []state
	errors   []candidateError
	samples  []sample
	// connected: something proves that DTLS stood, where no state says so.
	connected bool
}

type description struct {
	protocol.Description
	local bool
	atMs  float64
	// err is why it could not be applied, where it could not.
	err string
}

// gathered is a candidate. No line: the end of candidates.
type gathered struct {
	line, mid, url string
	atMs           float64
	err            string // of addIceCandidate
	inSDP          bool
}

type state struct {
	what, value string
	atMs        float64
}

type candidateError struct {
	protocol.CandidateError
	atMs float64
}

type sample struct {
	protocol.Sample
	atMs float64
}

// fragments are the ICE username fragments of one side's descriptions.
func (c *conn) fragments(local bool) (out []string) {
	for _, d := range c.descs {
		if d.local == local {
			for _, f := range attributes(d.SDP, "ice-ufrag") {
				if !slices.Contains(out, f) {
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// offers: did this end make the first offer? known is false before there is any description.
func (c *conn) offers() (yes, known bool) {
	for _, d := range c.descs {
		if d.Kind == "offer" || d.Kind == "answer" {
			return d.local == (d.Kind == "offer"), true
		}
	}
	return false, false
}

// firefox: does the log come from it?
func (l *logged) firefox() bool { return l.kind != Internals }

// alone: was this connection never given anything of another end?
func (c *conn) alone() bool {
	return !slices.ContainsFunc(c.descs, func(d description) bool { return !d.local })
}

// began is when the first thing happened.
func (c *conn) began() float64 {
	at := math.Inf(1)
	take := func(ms float64) {
		if ms > 0 {
			at = min(at, ms)
		}
	}
	take(c.createdMs)
	for _, d := range c.descs {
		take(d.atMs)
	}
	for _, s := range c.states {
		take(s.atMs)
	}
	for _, g := range c.local {
		take(g.atMs)
	}
	for _, s := range c.samples {
		take(s.atMs)
	}
	if math.IsInf(at, 1) {
		return c.endMs
	}
	return at
}

// settle puts everything in order and bounds it.
func (c *conn) settle() {
	slices.SortStableFunc(c.descs, func(x, y description) int { return cmp.Compare(x.atMs, y.atMs) })
	slices.SortStableFunc(c.states, func(x, y state) int { return cmp.Compare(x.atMs, y.atMs) })
	slices.SortStableFunc(c.samples, func(x, y sample) int { return cmp.Compare(x.atMs, y.atMs) })
	if len(c.descs) > maxDescriptions {
		c.descs = c.descs[:maxDescriptions]
	}
	for _, d := range c.descs { // candidates that stand in a description were not trickled
		list := &c.remote
		if d.local {
			list = &c.local
		}
		for _, line := range attributes(d.SDP, "candidate") {
			if d.err == "" && !slices.ContainsFunc(*list, func(g gathered) bool { return sameLine(g.line, line) }) {
				*list = append(*list, gathered{line: "candidate:" + line, atMs: d.atMs, inSDP: true})
			}
		}
	}
	for _, list := range []*[]gathered{&c.local, &c.remote} {
		*list = slices.DeleteFunc(*list, func(g gathered) bool {
			if g.line == "" {
				return false
			}
			_, err := protocol.ParseCandidate(g.line)
			return err != nil
		})
		slices.SortStableFunc(*list, func(x, y gathered) int { return cmp.Compare(x.atMs, y.atMs) })
		if len(*list) > maxCandidates {
			*list = (*list)[:maxCandidates]
		}
	}
	if n := len(c.samples); n > maxSamples { // the course is decided at its beginning and at its end
		c.samples = slices.Concat(c.samples[:maxSamples/2], c.samples[n-maxSamples/2:])
	}
	last := c.began()
	for _, s := range c.samples {
		last = max(last, s.atMs)
	}
	for _, s := range c.states {
		last = max(last, s.atMs)
	}
	c.endMs = max(c.endMs, last)
}

// sameLine compares two candidates by what makes them one: they are written in more than one order.
func sameLine(x, y string) bool {
	if x == y {
		return true
	}
	a, errA := protocol.ParseCandidate(x)
	b, errB := protocol.ParseCandidate(y)
	return errA == nil && errB == nil && a.Type == b.Type && a.Protocol == b.Protocol && a.Address == b.Address && a.Port == b.Port && a.Component == b.Component
}

// attributes are the values of all a=name: lines of a description.
func attributes(sdp, name string) (out []string) {
	for line := range strings.Lines(sdp) {
		if v, ok := strings.CutPrefix(line, "a="+name+":"); ok && len(out) < maxCandidates {
			out = append(out, strings.TrimSpace(v))
		}
	}
	return out
}

// hidden stands in recordings in the place of what a server wants from nobody else.
const hidden = "(hidden)"

// safeMs is a time that a recording can hold: what is no number, or is before 1970 or after the year 9999, is none.
func safeMs(ms float64) float64 {
	if math.IsNaN(ms) || ms < 0 || ms > maxMs {
		return 0
	}
	return ms
}

const maxMs = 253402300799000
