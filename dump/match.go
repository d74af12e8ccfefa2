package dump

import (
	"math"
	"slices"
)

// pair is one connection: what both ends logged of it, or one.
type pair struct {
	a, b *conn // b is nil where its log is not there
}

// match joins the connections of two logs: what one calls its own fragment the other was given. Fragments of four letters (RFC 8839 section 5.4) meet by chance once in two million; both
// directions of a finished exchange must meet.
func match(x, y *logged) (out []pair) {
	taken := map[*conn]bool{}
	for _, a := range x.conns {
		var best *conn
		score := 0
		for _, b := range y.conns {
			if n := a.meets(b); n > score && !taken[b] {
				best, score = b, n
			}
		}
		if best != nil {
			taken[best] = true
			out = append(out, pair{a, best})
		}
	}
	return out
}

// meets counts the directions in which descriptions of the one arrived at the other; 0 where one contradicts.
func (c *conn) meets(d *conn) int {
	score := 0
	for _, way := range [][2]*conn{{c, d}, {d, c}} {
		mine, theirs := way[0].fragments(true), way[1].fragments(false)
		switch {
		case len(mine) == 0 || len(theirs) == 0: // it never arrived, or was never made
		case slices.ContainsFunc(mine, func(f string) bool { return slices.Contains(theirs, f) }):
			score++
		case overlap(way[0].prints(true), way[1].prints(false)): // the fragment was changed on the way, the certificate was not
			score++
		default:
			return 0
		}
	}
	return score
}

func (c *conn) prints(local bool) (out []string) {
	for _, d := range c.descs {
		if d.local == local {
			out = append(out, attributes(d.SDP, "fingerprint")...)
		}
	}
	return out
}

func overlap(x, y []string) bool {
	return slices.ContainsFunc(x, func(s string) bool { return slices.Contains(y, s) })
}

// align is what to add to the second machine's clock so that nothing arrives before it was sent, and by how much that is not certain. ok is false where no description was
// seen at both ends, or none of the shifts will do for all of them.
func align(pairs []pair) (shift, unsure float64, ok bool) {
	low, high := math.Inf(-1), math.Inf(1)
	for _, p := range pairs {
		if p.b == nil {
			continue
		}
		for i, d := range p.a.descs { // made at A, arrived at B: aMs <= bMs + shift
			if x, seen := p.b.counterpart(p.a, i); d.local && seen {
				low = max(low, d.atMs-x.atMs)
			}
		}
		for i, d := range p.b.descs { // made at B, arrived at A: bMs + shift <= aMs
			if x, seen := p.a.counterpart(p.b, i); d.local && seen {
				high = min(high, x.atMs-d.atMs)
			}
		}
	}
	switch {
	case math.IsInf(low, 0) && math.IsInf(high, 0):
		return 0, 0, false
	case math.IsInf(low, 0):
		return min(0, high), math.Inf(1), true
	case math.IsInf(high, 0):
		return max(0, low), math.Inf(1), true
	case low > high:
		return (low + high) / 2, (low - high) / 2, false
	case low <= 0 && high >= 0:
		return 0, high - low, true
	}
	return (low + high) / 2, (high - low) / 2, true
}

// counterpart is the i-th description of the other end as it arrived here: with the same fragment, or, where an application changed that on the way, the same certificate. A
// renegotiation repeats both, so that the second of a kind belongs to the second.
func (c *conn) counterpart(from *conn, i int) (description, bool) {
	d := from.descs[i]
	for _, name := range []string{"ice-ufrag", "fingerprint"} {
		mine := attributes(d.SDP, name)
		alike := func(x description, local bool) bool {
			return x.local == local && x.Kind == d.Kind && overlap(attributes(x.SDP, name), mine)
		}
		nth := 0
		for _, x := range from.descs[:i] {
			if alike(x, true) {
				nth++
			}
		}
		for _, x := range c.descs {
			if !alike(x, false) {
				continue
			}
			if nth == 0 {
				return x, true
			}
			nth--
		}
	}
	return description{}, false
}

// move shifts all of a log's times.
func (l *logged) move(ms float64) {
	l.savedMs += ms
	for _, c := range l.conns {
		if c.createdMs > 0 {
			c.createdMs += ms
		}
		c.endMs += ms
		for i := range c.descs {
			c.descs[i].atMs += ms
		}
		for i := range c.local {
			c.local[i].atMs += ms
		}
		for i := range c.remote {
			c.remote[i].atMs += ms
		}
		for i := range c.states {
			c.states[i].atMs += ms
		}
		for i := range c.errors {
			c.errors[i].atMs += ms
		}
		for i := range c.samples {
			c.samples[i].atMs += ms
		}
	}
}
