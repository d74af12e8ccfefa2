package session_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/session"
	"github.com/icescope/icescope/stunsrv"
)

// natChecker is a STUN server with four corners, and a NAT in front of the browser that lets some of them in.
type natChecker struct {
	lets map[protocol.Corner]bool
	deaf bool // not even the control is heard

	mu    sync.Mutex
	asked []stunsrv.CheckRequest
}

var natCorners = stunsrv.Corners{PP: netip.MustParseAddrPort("198.51.100.1:3478"), PS: netip.MustParseAddrPort("198.51.100.1:3479"),
	SP: netip.MustParseAddrPort("198.51.100.2:3478"), SS: netip.MustParseAddrPort("198.51.100.2:3479")}

func (*natChecker) CornersFrom(netip.AddrPort) stunsrv.Corners { return natCorners }

func (*natChecker) Port(p stunsrv.Port) uint16 { return 3478 + uint16(p) }

func (c *natChecker) Check(ctx context.Context, r stunsrv.CheckRequest) (stunsrv.CheckResult, error) {
	from := netip.AddrPortFrom(r.From, c.Port(r.FromPort))
	result := stunsrv.CheckResult{From: from, To: r.To, Sent: len(r.Pauses), Result: "unanswered"}
	c.mu.Lock()
	c.asked = append(c.asked, r)
	c.mu.Unlock()
	corner := map[netip.AddrPort]protocol.Corner{natCorners.PS: protocol.CornerPS, natCorners.SP: protocol.CornerSP, natCorners.SS: protocol.CornerSS}[from]
	control := r.Enough == nil
	if control && !c.deaf || !control && c.lets[corner] {
		result.Result, result.Answerer = "answered", r.To
		return result, nil
	}
	if control {
		return result, nil
	}
	r.AllSent()
	select {
	case <-r.Enough:
	case <-ctx.Done():
	}
	return result, nil
}

var natBrowser = protocol.Hello{Kind: protocol.KindBrowser, Live: true, Trials: []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN, protocol.TrialNAT}}

const natMapped = "203.0.113.5:4000"

func natSDP(ufrag string) protocol.ClientMessage {
	return protocol.ClientMessage{Type: protocol.ClientDescription, Description: &protocol.Description{Trial: "nat-1", Kind: "offer",
		SDP: "v=0\r\na=mid:0\r\na=ice-ufrag:" + ufrag + "\r\na=ice-pwd:0123456789012345678901\r\n"}}
}

// natOffer is what a browser says of the address that natMapped is.
func natOffer(p *client) {
	p.start("nat-1")
	p.say(candidateFrame("alone-1", "")) // the gathering that shows the mapping has ended
	p.say(natSDP("abcd"))
	p.say(candidateFrame("nat-1", "candidate:2 1 udp 1677729535 203.0.113.5 4000 typ srflx raddr 0.0.0.0 rport 0"))
	p.sync()
}

func natBinding(w *world, source string) {
	w.talk.Sighting(protocol.Sighting{Source: source, Local: natCorners.PP.String(), Transport: "udp", Kind: "binding", Answered: true, Requests: 1})
}

// natSends plays the browser's checks to the candidates of the answer: its NAT maps each to a port of its own.
func natSends(t *testing.T, w *world, p *client) (corners []string) {
	d := p.wait("the answer", func(m protocol.ServerMessage) bool { return m.Description != nil && m.Description.Trial == "nat-1" }).Description
	ufrag := ""
	for line := range strings.SplitSeq(d.SDP, "\r\n") {
		if value, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok {
			ufrag = value
		}
		if f := strings.Fields(line); strings.HasPrefix(line, "a=candidate:") {
			corners = append(corners, f[4]+":"+f[5])
		}
	}
	if ufrag == "" || d.Kind != "answer" || !strings.Contains(d.SDP, "a=mid:0\r\n") {
		t.Fatalf("answer %+v", d)
	}
	for i, at := range corners {
		w.talk.Sighting(protocol.Sighting{Source: netip.AddrPortFrom(netip.MustParseAddr("203.0.113.5"), uint16(4001+i)).String(), Local: at, Transport: "udp", Kind: "check",
			Username: ufrag + ":abcd", Requests: 1})
	}
	return corners
}

func natWorld(t *testing.T, c *natChecker, on bool) *world {
	return newWorld(t, session.Config{STUN: c, NATChecks: on,
		Corners: func() []protocol.CornerSet {
			return []protocol.CornerSet{{Primary: "198.51.100.1", Secondary: "198.51.100.2", PrimaryPort: 3478, SecondaryPort: 3479}}
		}})
}

func TestNATFiltering(t *testing.T) {
	for name, x := range map[string]struct {
		lets   map[protocol.Corner]bool
		deaf   bool
		opened int // corners that the browser is asked to send to
		want   protocol.Behavior
	}{
		"endpoint-independent":          {map[protocol.Corner]bool{"PS": true, "SP": true, "SS": true}, false, 0, protocol.EndpointIndependent},
		"address-dependent":             {map[protocol.Corner]bool{"PS": true}, false, 2, protocol.AddressDependent},
		"address-and-port-dependent":    {nil, false, 3, protocol.AddressAndPortDependent},
		"port-dependent has no word":    {map[protocol.Corner]bool{"SP": true}, false, 2, protocol.NotMeasurable},
		"silence without control":       {nil, true, 3, protocol.NotMeasurable},
		"heard from one, no control":    {map[protocol.Corner]bool{"PS": true}, true, 2, protocol.NotMeasurable},
		"both others heard but not one": {map[protocol.Corner]bool{"SS": true}, false, 2, protocol.EndpointIndependent},
	} {
		t.Run(name, func(t *testing.T) {
			c := &natChecker{lets: x.lets, deaf: x.deaf}
			w := natWorld(t, c, true)
			p := w.join(natBrowser)
			natOffer(p)
			natBinding(w, natMapped)
			if x.opened > 0 {
				if got := natSends(t, w, p); len(got) != x.opened {
					t.Errorf("asked to send to %v", got)
				}
			}
			if stop := p.stop("nat-1"); stop.Reason != protocol.ReasonMeasured {
				t.Fatalf("%+v", stop)
			}
			r := w.talk.Report(w.room(), protocol.English)
			if got := r.Peers[0].NAT.Filtering; got != x.want {
				t.Errorf("filtering %s, want %s: %+v", got, x.want, r.Peers[0].NAT.Tests)
			}
			w.checkReplay()
			w.end()
			for _, r := range c.asked {
				if r.To.String() != natMapped && (r.Enough != nil || r.To.Addr() != netip.MustParseAddr("203.0.113.5")) || r.RemoteUfrag != "abcd" || r.Controlling {
					t.Errorf("asked %+v", r)
				}
			}
		})
	}
}

// TestNATAsksOnlyWhatSTUNSaw: an address that a peer names and STUN did not see, or STUN saw and the peer did not name, is never sent anything.
func TestNATAsksOnlyWhatSTUNSaw(t *testing.T) {
	c := &natChecker{}
	w := natWorld(t, c, true)
	p := w.join(natBrowser)
	natOffer(p)
	natBinding(w, "203.0.113.9:4000")
	natBinding(w, "203.0.113.5:4001")
	w.talk.Sighting(protocol.Sighting{Source: natMapped, Local: natCorners.PP.String(), Transport: "tcp", Kind: "binding", Answered: true})
	w.talk.Sighting(protocol.Sighting{Source: natMapped, Local: natCorners.PP.String(), Transport: "udp", Kind: "whoami", Answered: true})
	p.sync()
	p.say(protocol.ClientMessage{Type: protocol.ClientRun, Run: &protocol.Run{Trials: []protocol.TrialKind{protocol.TrialNAT}}}) // measuring anew gives the first up
	if stop := p.stop("nat-1"); stop.Reason != protocol.ReasonSuperseded {
		t.Errorf("%+v", stop)
	}
	p.start("nat-2")
	p.sync()
	w.end()
	if len(c.asked) > 0 {
		t.Errorf("asked %+v", c.asked)
	}
}

func TestNATIsNotMeasuredWhereItIsTurnedOff(t *testing.T) {
	w := natWorld(t, &natChecker{}, false)
	p := w.join(natBrowser)
	p.say(protocol.ClientMessage{Type: protocol.ClientRun, Seq: 1, Run: &protocol.Run{Trials: []protocol.TrialKind{protocol.TrialNAT}}})
	e := p.wait("the refusal", func(m protocol.ServerMessage) bool { return m.Error != nil }).Error
	if e.Code != protocol.ErrRefused || !strings.Contains(e.Hint, "--no-nat-check") {
		t.Errorf("%+v", e)
	}
	if got := p.all(func(m protocol.ServerMessage) bool { return m.Start != nil }); len(got) > 0 {
		t.Errorf("started %+v", got)
	}
	if r := w.talk.Report(w.room(), protocol.English); r.Peers[0].NAT.State != protocol.NATOff || r.Peers[0].NAT.Filtering != protocol.NotMeasurable {
		t.Errorf("%+v", r.Peers[0].NAT)
	}
}

// TestNATEndsWithItsPeer: a peer that leaves in the middle leaves nothing behind (TestMain counts goroutines).
func TestNATEndsWithItsPeer(t *testing.T) {
	w := natWorld(t, &natChecker{}, true)
	p := w.join(natBrowser)
	other := w.join(natBrowser)
	natOffer(p)
	natBinding(w, natMapped)
	p.wait("the answer", func(m protocol.ServerMessage) bool { return m.Description != nil && m.Description.Trial == "nat-1" })
	p.say(protocol.ClientMessage{Type: protocol.ClientLeave})
	other.event("the end", func(e protocol.Event) bool { return e.Type == protocol.EventStop && e.Peer == p.id })
}

// TestNATPortUsedBefore: an address that has asked a corner before has perhaps still opened its NAT for it. What is heard from there would prove nothing, so another port is
// tried, and where that has been used as well, the corner is left out.
func TestNATPortUsedBefore(t *testing.T) {
	c := &natChecker{lets: map[protocol.Corner]bool{"PS": true, "SP": true, "SS": true}}
	w := natWorld(t, c, true)
	p := w.join(natBrowser)
	w.talk.Sighting(protocol.Sighting{Source: natMapped, Local: natCorners.SS.String(), Transport: "udp", Kind: "check", Requests: 1})
	natOffer(p)
	natBinding(w, natMapped)
	if stop := p.stop("nat-1"); stop.Reason != protocol.ReasonSuperseded {
		t.Fatalf("%+v", stop)
	}
	for _, id := range []protocol.TrialID{"nat-2", "nat-3"} {
		p.start(id)
		offer := natSDP("abcd")
		offer.Description.Trial = id
		p.say(offer)
		p.say(candidateFrame(id, "candidate:2 1 udp 1677729535 203.0.113.5 4000 typ srflx raddr 0.0.0.0 rport 0"))
		p.say(candidateFrame("alone-"+id[len("nat-"):], ""))
		p.sync()
		natBinding(w, natMapped)
		p.stop(id)
	}
	nat := w.talk.Report(w.room(), protocol.English).Peers[0].NAT
	if nat.Filtering != protocol.NotMeasurable || nat.State != protocol.NATDone {
		t.Errorf("%s, %s: %+v", nat.Filtering, nat.State, nat.Tests)
	}
}

// TestNATSecrets: what a check of a measurement has to be signed with is shown to nobody in the room.
func TestNATSecrets(t *testing.T) {
	w := natWorld(t, &natChecker{}, true)
	p := w.join(natBrowser)
	natOffer(p)
	natBinding(w, natMapped)
	natSends(t, w, p)
	d := p.wait("the answer", func(m protocol.ServerMessage) bool { return m.Description != nil }).Description
	p.stop("nat-1")
	seen := 0
	for _, e := range w.events() {
		switch {
		case e.Description != nil:
			seen++
			if strings.Contains(e.Description.SDP, "0123456789012345678901") || e.Description.SDP == d.SDP || strings.Count(e.Description.SDP, "(hidden)") != 2 {
				t.Errorf("recorded %q", e.Description.SDP)
			}
		case e.Sighting != nil && e.Sighting.Kind == "check":
			seen++
			if e.Sighting.Username != "nat-1:abcd" {
				t.Errorf("recorded %q", e.Sighting.Username)
			}
		}
	}
	if seen != 5 {
		t.Errorf("%d descriptions and checks, want 2 and 3", seen)
	}
}
