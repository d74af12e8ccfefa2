package diagnosis

import (
	"testing"

	"github.com/icescope/icescope/protocol"
)

func count(n int64) *int64 { return &n }

// carrying is an end whose one pair has counted so much beside STUN. Less than 0: this browser does not count it.
func carrying(sent, sentBytes, got, gotBytes int64) *end {
	p := &endPair{}
	p.BytesSent, p.BytesReceived = count(sentBytes), count(gotBytes)
	if sent >= 0 {
		p.PacketsSent, p.PacketsReceived = count(sent), count(got)
	}
	return &end{pairs: []*endPair{p}}
}

// The numbers are those that Chromium 156 and Firefox 153 showed six seconds into a DTLS that did not get on.
func TestSizesTellAHoleFromAFilter(t *testing.T) {
	for _, c := range []struct {
		name         string
		from, to     *end
		none, sorted bool
		small, large int64
		smallest     int64
	}{
		{"nothing arrives", carrying(14, 10241, 0, 0), carrying(0, 0, 0, 0), true, false, 0, 0, 274},
		{"the short half arrives", carrying(14, 10241, 0, 0), carrying(0, 0, 7, 1841), false, true, 263, 1200, 274},
		{"from Firefox, which counts bytes", carrying(-1, 12088, 0, 0), carrying(0, 0, 8, 1924), false, true, 240, 1270, 0},
		{"to Firefox, which counts bytes", carrying(14, 10241, 0, 0), carrying(-1, 0, 0, 1841), false, false, 0, 0, 274},
		{"every other one is lost, of all sizes", carrying(14, 10241, 0, 0), carrying(0, 0, 7, 5120), false, false, 731, 731, 274},
		{"all arrive", carrying(14, 10241, 0, 0), carrying(0, 0, 14, 10241), false, false, 0, 0, 274},
		{"too few to tell", carrying(4, 2926, 0, 0), carrying(0, 0, 2, 526), false, false, 0, 0, 274},
		{"nothing was sent", carrying(0, 0, 0, 0), carrying(0, 0, 0, 0), false, false, 0, 0, 0},
		{"Firefox's error responses are no DTLS", carrying(0, 0, 0, 0), carrying(0, 0, 111, 4440), false, false, 0, 0, 0},
		{"a small ClientHello of one packet", carrying(7, 1750, 0, 0), carrying(0, 0, 0, 0), true, false, 0, 0, 250},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.to.stateAt = map[string]float64{"ice=connected": 1}
			l := loadOf(c.from, c.to)
			small, large, sorted := l.sorted()
			if l.none() != c.none || sorted != c.sorted || l.smallest() != c.smallest {
				t.Errorf("none %v sorted %v smallest %d, want %v %v %d", l.none(), sorted, l.smallest(), c.none, c.sorted, c.smallest)
			}
			if sorted && (small != c.small || large != c.large) {
				t.Errorf("small %d large %d, want %d %d", small, large, c.small, c.large)
			}
		})
	}
}

func TestLossNeedsEnoughPackets(t *testing.T) {
	for _, c := range []struct {
		name            string
		sent, lost      int64
		mean, lostBytes int64
		bad, blind      bool
	}{
		{"5 % of 600", 600, 30, 590, 520, true, true},
		{"20 % of 60", 60, 12, 300, 290, true, true},
		{"2 of 60 may be 1 %", 60, 2, 300, 290, false, true},
		{"1 % of 600", 600, 6, 590, 600, false, true},
		{"20 % of 20", 20, 4, 300, 300, false, true},
		{"the long ones of a burst", 450, 40, 640, 1160, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := losses{sent: c.sent, lost: c.lost, mean: c.mean, lostBytes: c.lostBytes}
			if least, most := l.interval(); l.bad() != c.bad || l.blind() != c.blind || least > float64(c.lost)/float64(c.sent) || most < float64(c.lost)/float64(c.sent) {
				t.Errorf("bad %v blind %v, from %.3f to %.3f; want %v %v", l.bad(), l.blind(), least, most, c.bad, c.blind)
			}
		})
	}
}

func TestWordsOfADescription(t *testing.T) {
	var w transport
	w.describes(&protocol.Description{SDP: "v=0\r\na=ice-ufrag:Ab+/\r\na=ice-pwd:secret\r\na=fingerprint:SHA-256 ab:cd\r\n"}, 7)
	if got, want := w.said[0], (words{"Ab+/", "sha-256 AB:CD", 7}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	w.describes(&protocol.Description{SDP: "a=fingerprint:nonsense"}, 8)
	if got := w.said[1]; got != (words{event: 8}) {
		t.Errorf("nonsense became %v", got)
	}
	for range 2 * maxDescribed {
		w.describes(&protocol.Description{}, 9)
	}
	if len(w.said) != maxDescribed {
		t.Errorf("%d descriptions are kept", len(w.said))
	}
	if n := (&end{transport: transport{said: []words{{fragment: string(make([]byte, 253))}}}}); checkSize(n) != 584 {
		t.Errorf("a check with two fragments of 253 characters has %d bytes", checkSize(n))
	}
}

// An end whose own checks are not answered may throw away what comes; pion does.
func TestWhoIsNotConnectedCountsNothing(t *testing.T) {
	if l := loadOf(carrying(14, 10241, 0, 0), carrying(0, 0, 0, 0)); l.none() {
		t.Error("nothing is said to have arrived at an end that was not connected")
	}
}
