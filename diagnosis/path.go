package diagnosis

import (
	"slices"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// What the path does to packets of different kinds: what each end sent beside its checks and what of it arrived, the checks before the first answer and those that stayed
// unanswered afterwards, and what an end signaled of itself against what it uses.

// transport is what an end shows of its certificates and its DTLS.
type transport struct {
	said        []words
	own, shown  print   // the certificate that it uses, and that it was shown
	detail      string  // of an RTCError
	sampledMs   float64 // when the newest sample came, by the server's clock
	counted     []counted
	detailEvent int
}

// words are those of one session description that bind it to the agent which made it.
type words struct {
	fragment, print string
	event           int
}

// print is a fingerprint (RFC 8122 section 5) and the event that told it.
type print struct {
	value string
	event int
}

// checking is the course of a pair's checks, as far as samples show it.
type checking struct {
	// silent are the requests that had been sent at the last sample in which none was answered, from sinceMs to silentMs. All times are by the peer's clock.
	silent            int64
	sinceMs, silentMs float64
	// opened is the sample that showed the first answer; null: none yet.
	opened   *protocol.SamplePair
	openedMs float64
	// answeredMs is when the answers grew for the last time.
	answeredMs float64
}

// counted is what an end's pairs had carried beside STUN when a sample was taken: between notBefore and notAfter by the server's clock, since the peer's began after the server
// sent it the start, and the sample came after it was taken.
type counted struct {
	notBefore, notAfter            float64
	sent, got, sentBytes, gotBytes int64
}

// describes takes the first words of a description.
func (w *transport) describes(d *protocol.Description, event int) {
	if len(w.said) < maxDescribed {
		w.said = append(w.said, words{attribute(d.SDP, "ice-ufrag"), fingerprint(attribute(d.SDP, "fingerprint")), event})
	}
}

// maxDescribed bounds what a broken page can make the picture hold: a trial has one description of each end, and a held one another for each restart.
const maxDescribed = 256

// at notes when the sample that is folded next came.
func (n *end) at(ms float64) *end {
	n.sampledMs = ms
	return n
}

// count notes what the end has carried by now.
func (n *end) count(atMs float64) {
	now := counted{notBefore: atMs + n.startMs, notAfter: n.sampledMs}
	for _, p := range n.pairs {
		now.sent += value(p.PacketsSent)
		now.got += value(p.PacketsReceived)
		now.sentBytes += value(p.BytesSent)
		now.gotBytes += value(p.BytesReceived)
	}
	if (now.sent > 0 || now.got > 0) && len(n.counted) < maxCourse {
		n.counted = append(n.counted, now)
	}
}

// present takes what a sample tells of the certificates.
func (w *transport) present(s *protocol.Sample, event int) {
	if w.own.value == "" && s.LocalFingerprint != "" {
		w.own = print{fingerprint(s.LocalFingerprint), event}
	}
	if w.shown.value == "" && s.RemoteFingerprint != "" {
		w.shown = print{fingerprint(s.RemoteFingerprint), event}
	}
}

// take notes what the next sample of the pair adds to the course of its checks.
func (c *checking) take(p *protocol.SamplePair, before int64, atMs float64) {
	sent, answered := value(p.RequestsSent), value(p.ResponsesReceived)
	switch {
	case answered > 0 && c.opened == nil:
		kept := *p
		c.opened, c.openedMs = &kept, atMs
	case answered == 0 && sent > 0:
		if c.silent == 0 {
			c.sinceMs = atMs
		}
		c.silent, c.silentMs = max(c.silent, sent), atMs
	}
	if answered > before {
		c.answeredMs = atMs
	}
}

// explains takes the RTCError of a failed DTLS.
func (w *transport) explains(s *protocol.State, event int) {
	if w.detail == "" && s.Error != "" && (s.What == "dtls" || s.What == "connection") {
		w.detail, w.detailEvent = s.Error, event
	}
}

// attribute is the value of the first a=name: line of a description.
func attribute(sdp, name string) string {
	_, rest, ok := strings.Cut(sdp, "a="+name+":")
	if !ok {
		return ""
	}
	v, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(v)
}

// fingerprint brings the spellings of a fingerprint together: the name of the hash in small letters, the digits in capitals.
func fingerprint(s string) string {
	hash, digits, ok := strings.Cut(strings.TrimSpace(s), " ")
	if !ok {
		return ""
	}
	return strings.ToLower(hash) + " " + strings.ToUpper(strings.TrimSpace(digits))
}

// load is what one direction of a trial carried beside STUN: DTLS, and once that stands, data and video.
type load struct {
	from, to             *end
	sent, got            int64 // bytes of UDP payload
	sentPackets          int64
	gotPackets           int64
	countsSent, countsIn bool // does the end count packets? All count bytes
	events               []int
}

// loads are both directions.
func (t *trial) loads() (ab, ba load) { return loadOf(t.a, t.b), loadOf(t.b, t.a) }

func loadOf(from, to *end) (l load) {
	l.from, l.to = from, to
	for _, p := range from.pairs {
		l.sent += value(p.BytesSent)
		l.sentPackets += value(p.PacketsSent)
		l.countsSent = l.countsSent || p.PacketsSent != nil
		if value(p.BytesSent) > 0 {
			l.events = addEvents(l.events, p.event)
		}
	}
	for _, p := range to.pairs {
		l.got += value(p.BytesReceived)
		l.gotPackets += value(p.PacketsReceived)
		l.countsIn = l.countsIn || p.PacketsReceived != nil
		if p.BytesReceived != nil {
			l.events = addEvents(l.events, p.event)
		}
	}
	return l
}

// known: does the far end count what arrives at all? One whose own checks are not answered may throw away what comes (pion), or not count it.
func (l load) known() bool {
	return l.to.iceConnected() && slices.ContainsFunc(l.to.pairs, func(p *endPair) bool { return p.BytesReceived != nil })
}

// Sizes of packets, in bytes of UDP payload.
const (
	// fullDatagram is what browsers fill a datagram of DTLS to before they begin another: Chromium 156 to 1200, Firefox 153 to 1408 and, after three timeouts, to 1188.
	fullDatagram = 1188
	// everyPath is what passes every link that IPv4 may have: RFC 791 asks for 576 bytes with the headers.
	everyPath = 576 - 28
	// errorAnswer is the most that a STUN error response of a browser is long. Chromium counts Firefox's among the received packets, since they have no FINGERPRINT.
	errorAnswer = 80
	// fewPackets of each kind lie beyond chance: were a loss blind to sizes, four large ones lost and four small ones not would be one in 256.
	fewPackets = 4
)

// none: was something sent, and nothing of it arrived?
func (l load) none() bool { return l.sent > 0 && l.got == 0 && l.known() }

// lostPackets and lostBytes are what did not arrive.
func (l load) lostPackets() int64 { return l.sentPackets - l.gotPackets }
func (l load) lostBytes() int64   { return l.sent - l.got }

// sorted: did small packets arrive, and large ones not? Sizes are means, in bytes. A loss that is blind to sizes takes as much off the one as off the other.
func (l load) sorted() (small, large int64, ok bool) {
	l = l.inTime()
	if l.got == 0 || l.sent == 0 || !l.known() || !l.countsIn || l.gotPackets < fewPackets || l.lostBytes() <= 0 {
		return 0, 0, false
	}
	small = l.got / l.gotPackets
	lost := l.gotPackets // where the sender counts no packets (Firefox): each flight has one at least that is lost, for one that arrives
	if l.countsSent {
		lost = l.lostPackets()
	}
	if lost < fewPackets {
		return 0, 0, false
	}
	large = l.lostBytes() / lost
	return small, large, 2*large > 3*small
}

// inTime takes what the receiver had counted when the sender was sampled last, and not what came later.
func (l load) inTime() load {
	if len(l.from.counted) == 0 {
		return l
	}
	last := l.from.counted[len(l.from.counted)-1]
	for _, c := range slices.Backward(l.to.counted) {
		if c.notAfter <= last.notBefore {
			l.got, l.gotPackets = c.gotBytes, c.got
			break
		}
	}
	return l
}

// smallest is an upper bound for the smallest packet that was sent; 0: not known.
func (l load) smallest() int64 {
	if !l.countsSent || l.sentPackets == 0 {
		return 0
	}
	mean := l.sent / l.sentPackets
	if l.sent%l.sentPackets != 0 && mean < fullDatagram {
		// They are not all of one size, so a flight is of two at least, all but the last of them full.
		return max(1, 2*mean-fullDatagram)
	}
	return mean
}

// lively: were checks still answered well after ICE had connected? Then the path itself stood while DTLS did not get on.
func (t *trial) lively() bool {
	return t.either(func(n *end) bool {
		since, ok := n.stateMs["ice=connected"]
		return ok && slices.ContainsFunc(n.pairs, func(p *endPair) bool { return p.answeredMs >= since+livelyMs })
	})
}

// livelyMs after ICE connected DTLS has sent its flight five times, and Firefox, which asks for consent every five seconds, may not have asked at all yet.
const livelyMs = 1500

// stuck: did ICE connect, and not what comes after it?
func (t *trial) stuck() bool {
	return t.stop != nil && t.stop.Outcome == protocol.OutcomeStuck && t.either((*end).iceConnected) && !t.connected()
}

// long is what is known of long checks in one direction: the sizes, in bytes of UDP payload, of the longest that arrived and of the shortest that did not while others
// were answered; 0: none.
type long struct {
	passed, died int
	events       []int
	sweep        bool // a headless peer tried size by size
	// sure: beyond the chance of a loss that is blind to sizes.
	sure bool
}

// longChecks looks for checks that were made long: those of the experiment, and those that a headless peer sent at the end's own place or beside it.
func (f *Fold) longChecks(t *trial, from, to *peer) (c long) {
	ways := t.ways()
	ordinary := slices.ContainsFunc(ways[:], func(l lane) bool {
		return l.from.peer == from && l.to.peer == to && (l.state == protocol.DirAnswered || l.alive())
	})
	for _, x := range f.experiment(protocol.ExperimentSize) {
		if x.kind != t.kind {
			continue
		}
		size := min(checkSize(x.a), checkSize(x.b)) // a check carries both fragments, whoever sends it
		for _, l := range x.ways() {
			switch {
			case l.from.peer != from || l.to.peer != to || size <= ordinaryCheck:
			case l.state == protocol.DirAnswered || l.alive():
				c.passed, c.events = max(c.passed, size), addEvents(c.events, l.events...)
			case ordinary && l.dead() && l.counted: // else the length is not why
				c.died, c.sure, c.events = size, true, addEvents(c.events, l.events...)
			}
		}
	}
	for _, s := range f.sweeps(t, from, to) {
		c.sweep, c.events = true, addEvents(c.events, s.events...)
		c.sure = c.sure || s.sure
		c.passed = max(c.passed, s.passed)
		if s.died > 0 && (c.died == 0 || s.died < c.died) {
			c.died = s.died
		}
	}
	return c
}

// ordinaryCheck is longer than any check with the fragments that agents make of themselves.
const ordinaryCheck = 200

// sweeps are the sizes that headless peers tried on the way from one peer to the other, a row for each of its trials.
func (f *Fold) sweeps(t *trial, from, to *peer) (out []long) {
	for x := range f.allTrials() {
		if x.kind != t.kind || x.run < t.run {
			continue
		}
		for _, n := range x.ends() {
			if !n.peer.standsFor(from) || !x.other(n).peer.standsFor(to) {
				continue
			}
			var s long
			for _, q := range f.asked {
				if q.What != "size" || q.Trial != x.id || q.peer != n.peer {
					continue
				}
				s.events = append(s.events, q.event)
				if q.Answered {
					s.passed = max(s.passed, q.Size)
				}
			}
			for _, q := range f.asked { // a smaller one that was lost where a larger one passed was lost by chance
				if q.What == "size" && q.Trial == x.id && q.peer == n.peer && !q.Answered && q.Sent > 1 && q.Size > s.passed && s.passed > 0 && (s.died == 0 || q.Size < s.died) {
					s.died = q.Size
				}
			}
			s.sure = f.clean(x, n.peer, s.passed)
			if len(s.events) > 0 {
				out = append(out, s)
			}
		}
	}
	return out
}

// clean: did at least two of the biggest sizes die, and none that is smaller than the longest that passed? Each is tried three times, so that at a loss of 20 % each way one of the
// sizes dies by chance in one sweep of two.
func (f *Fold) clean(x *trial, p *peer, passed int) bool {
	died := 0
	for _, q := range f.asked {
		if q.What != "size" || q.Trial != x.id || q.peer != p || q.Answered || q.Sent <= 1 {
			continue
		}
		if q.Size < passed {
			return false
		}
		died++
	}
	return passed > 0 && died > 1
}

// standsFor: is it that peer, or a headless one on its machine?
func (p *peer) standsFor(q *peer) bool { return p == q || p.joined.Beside == q.id }

// ways are both lanes of a trial.
func (t *trial) ways() [2]lane {
	ab, ba := t.lanes()
	return [2]lane{ab, ba}
}

// checkSize is how long a check between two ends with this one's fragment at least is: its header, USERNAME (RFC 8489 section 14.3), PRIORITY, the role (RFC 8445
// section 16.1), MESSAGE-INTEGRITY and FINGERPRINT.
func checkSize(n *end) int {
	if len(n.said) == 0 {
		return 0
	}
	username := 2*len(n.said[0].fragment) + 1
	return 20 + 4 + (username+3)/4*4 + 8 + 12 + 24 + 8
}

// course is what a held trial's end took in over time: for each sample, by the server's clock, whether anything had come in since the one before.
type course struct {
	taken []taken
	came  map[string]int64 // requests and bytes that came in, by pair
	begun []float64        // ICE restarts that this end began
}

type taken struct {
	atMs float64
	more bool
}

// follow takes an event of an end of a held trial.
func (t *trial) follow(n *end, e *protocol.Event) {
	if t == nil || t.stop != nil || t.start.HoldMs == 0 {
		return
	}
	switch {
	case e.State != nil && e.State.What == "restart" && e.State.Value == "begun" && len(n.begun) < maxCourse:
		n.begun = append(n.begun, e.AtMs)
	case e.Sample != nil && len(n.taken) < maxCourse:
		more := false
		if n.came == nil {
			n.came = map[string]int64{}
		}
		for _, p := range e.Sample.Pairs {
			if in := value(p.RequestsReceived) + value(p.BytesReceived); in > n.came[p.ID] && len(n.came) < maxPairs {
				n.came[p.ID], more = in, true
			}
		}
		n.taken = append(n.taken, taken{e.AtMs, more})
	}
}

// maxCourse is ten minutes (protocol.MaxHoldMs) of samples, ten a second.
const maxCourse = 6000
