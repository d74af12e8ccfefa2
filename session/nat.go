package session

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
	"github.com/icescope/icescope/stunsrv"
)

// The measurement of filtering from a live browser (RFC 5780 section 4.4 turned round). The browser asks one corner of this server for its address, which opens
// its NAT for that corner. Then the server sends signed checks to that address from the corners that the browser never sent to: an answer proves that
// the NAT let them in. Silence proves nothing yet. So the server gives the browser a description in which it names those corners as its own candidates; the browser
// sends checks there, and thereby opens its NAT for them; and the server asks again from the same corners (the control). Only where the control is
// answered, the silence before was the filter's.
//
// The control is also the clock: it takes the same way as the checks before it and was sent later, so that once it is answered nothing more can be under way.

const (
	// maxNATRuns of one peer: it measures once when it joins; the rest are people who change a setting and look again.
	maxNATRuns = 32
	// maxAnew is how many measurements may give up because of a used port: two in a row are a NAT with very few ports.
	maxAnew = 2
	// natTargetWait is for the browser to gather: its first address comes in a few milliseconds, with two dead interfaces in a second.
	natTargetWait = 8 * time.Second
	// natOpenWait is from the description to the browser's own check: Chromium sends at once, Firefox within a few 100 ms.
	natOpenWait = 2500 * time.Millisecond
	// natMappingWait is how long a measurement waits for the corners that the page's gathering still has to reach: five requests (RFC 8489 section 6.2.1) are out by then.
	natMappingWait = 4 * time.Second
	// natMappingLook is how often it looks.
	natMappingLook = 25 * time.Millisecond
	// natQueue is how long a check may wait for its turn where many rooms measure at once: the address it goes to must have been seen lately.
	natQueue = 5 * time.Second
	// natGrace after the control's answer, for answers that were overtaken on the way through this machine.
	natGrace = 30 * time.Millisecond
	// Lengths of what an agent signals, in characters (RFC 8839 section 5.4 asks for 4 and 22 at least). The ufrag ties a check to its run, so it must not be guessed.
	ufragLength, pwdLength = 16, 32
)

var (
	// natTestPauses: four packets within a quarter second. A browser answers in a millisecond; the repetition is for lost packets.
	natTestPauses = []time.Duration{40 * time.Millisecond, 80 * time.Millisecond, 120 * time.Millisecond, 4 * time.Second}
	// natControlPauses: the control may be repeated more slowly, for it is expected to be answered.
	natControlPauses = []time.Duration{60 * time.Millisecond, 120 * time.Millisecond, 240 * time.Millisecond, 400 * time.Millisecond, 600 * time.Millisecond}
)

// strangersEvery and strangersBurst bound the measurements of addresses whose IP is not that of the peer's WebSocket, for the whole server: a NAT may have several
// addresses, but whoever forges a STUN request could name any.
const (
	strangersEvery = 2 * time.Second
	strangersBurst = 6
)

// hostPriority is that of the first host candidate (RFC 8445 section 5.1.2.1: type preference 126, local preference 65535, component 1).
const hostPriority = 126<<24 | 65535<<8 | 255

// natRun is one measurement under way.
type natRun struct {
	s     *state
	peer  *signaling.Peer
	trial protocol.TrialID
	// ufrag and pwd are this server's, as the browser will know them (RFC 8839 section 5.4). The ufrag is this run's own, so that a check names it.
	ufrag, pwd string
	cancel     context.CancelFunc

	began time.Time
	// mayGiveUp: where the browser's port has been used before, this measurement may give up; another begins then.
	mayGiveUp, gaveUp bool
	// mine are the addresses that the browser signaled for this measurement. Only one that this server's own STUN has just seen is sent anything.
	mine []netip.AddrPort

	// The rest passes from the room to the run's goroutine.
	targets chan natTarget
	opened  chan opening
	offered chan struct{} // closed when the offer is there
	offer   credentials
	mid     string
}

// natTarget is an address of the browser's that this server's STUN has just seen, and the corner that was asked.
type natTarget struct{ at, asked netip.AddrPort }

// opening is a check that the browser sent to a corner: it has opened its NAT for it, at the address at.
type opening struct{ at, corner netip.AddrPort }

// measurable: can this peer's NAT be measured at all?
func (s *state) measurable(p *signaling.Peer) bool {
	if !s.c.config.NATChecks || s.c.config.STUN == nil || p.Kind() != protocol.KindBrowser || p.Watcher() {
		return false
	}
	return slices.Contains(p.Hello().Trials, protocol.TrialNAT)
}

// measureNAT begins a measurement; one that still runs is given up.
func (s *state) measureNAT(p *signaling.Peer) {
	servers := s.c.servers(p)
	if !s.measurable(p) || s.recording.full || s.natCount[p.ID()] >= maxNATRuns || len(servers) == 0 || len(servers[0].URLs) == 0 {
		return
	}
	s.endNAT(p.ID())
	s.natCount[p.ID()]++
	// One URL only: what comes from an address that is one of its STUN servers Chromium takes for a STUN answer and nothing else.
	servers = []protocol.ICEServer{{URLs: servers[0].URLs[:1]}}
	ctx, cancel := context.WithCancel(s.c.ctx)
	n := &natRun{s: s, peer: p, trial: protocol.NewTrialID(protocol.TrialNAT, s.natCount[p.ID()]), ufrag: randomText(ufragLength), pwd: randomText(pwdLength), cancel: cancel, began: time.Now(), mayGiveUp: s.natCount[p.ID()] <= maxAnew,
		targets: make(chan natTarget, 1), opened: make(chan opening, 8), offered: make(chan struct{})}
	s.nat[p.ID()] = n
	s.c.expect(n.ufrag, owner{s.room, p.ID()})
	start := &protocol.TrialStart{Trial: n.trial, Offerer: p.ID(), ICEServers: servers}
	if s.c.config.Corners != nil {
		start.Corners = s.c.config.Corners()
	}
	s.record(p.ID(), protocol.EventStart, start)
	p.Send(&protocol.ServerMessage{Type: protocol.ServerStart, Start: &protocol.Start{Trial: n.trial, Role: protocol.RoleOfferer, ICEServers: servers, SampleMs: sampleMs}})
	s.c.work.Go(func() {
		defer cancel()
		stop := n.run(ctx)
		s.room.Do(func() {
			s.c.unexpect(n.ufrag)
			if s.nat[p.ID()] == n {
				delete(s.nat, p.ID())
			}
			if !s.closed {
				s.record(p.ID(), protocol.EventStop, &stop)
				p.Send(&protocol.ServerMessage{Type: protocol.ServerStop, Stop: &stop})
				if n.gaveUp && ctx.Err() == nil {
					s.measureNAT(p)
				}
				s.changed()
			}
		})
	})
}

// endNAT gives a measurement up: the peer left, or measures anew.
func (s *state) endNAT(peer string) {
	if n := s.nat[peer]; n != nil {
		n.cancel()
	}
}

// description takes the browser's offer.
func (n *natRun) description(d *protocol.Description) {
	if d.Trial != n.trial || n.mid != "" {
		return
	}
	n.offer = credentials{attribute(d.SDP, "ice-ufrag"), attribute(d.SDP, "ice-pwd")}
	if n.mid = attribute(d.SDP, "mid"); n.mid != "" && n.offer.pwd != "" {
		close(n.offered)
	}
}

// sighted takes what the STUN server saw of this peer.
func (n *natRun) sighted(x protocol.Sighting) {
	at, err := netip.ParseAddrPort(x.Source)
	local, err2 := netip.ParseAddrPort(x.Local)
	if err != nil || err2 != nil || x.Transport != "udp" {
		return
	}
	if x.Kind == "binding" && slices.Contains(n.mine, at) && n.s.c.seenSince(at, n.began) && (at.Addr() == n.peer.RemoteAddr().Addr().Unmap() || n.s.c.strangers.Allow()) {
		select {
		case n.targets <- natTarget{at, local}:
		default: // the first that works is measured
		}
	}
	if x.Kind == "check" && x.Username == n.ufrag+":"+n.offer.ufrag {
		select {
		case n.opened <- opening{at, local}:
		default:
		}
	}
}

// run measures, and says how it ended.
func (n *natRun) run(ctx context.Context) protocol.Stop {
	failed := func(r protocol.Reason) protocol.Stop {
		return protocol.Stop{Trial: n.trial, Outcome: protocol.OutcomeFailed, Reason: r}
	}
	patience := time.NewTimer(natTargetWait)
	defer patience.Stop()
	var target natTarget
	select {
	case target = <-n.targets:
	case <-patience.C:
		return failed(protocol.ReasonNoSTUNAnswer)
	case <-ctx.Done():
		return failed(protocol.ReasonSuperseded)
	}
	select {
	case <-n.offered:
	case <-patience.C:
		return failed(protocol.ReasonNoCandidates)
	case <-ctx.Done():
		return failed(protocol.ReasonSuperseded)
	}
	tests := n.tests(target)
	if len(tests) == 0 {
		return failed(protocol.ReasonNotOffered)
	}
	// A port that was used before may still be open for those whom it was used with: what is heard from there would say nothing. A new connection has a new port.
	if n.mayGiveUp && slices.ContainsFunc(tests, func(t *natTest) bool { return n.s.c.asked(t.to, t.from) }) {
		n.gaveUp = true
		return failed(protocol.ReasonSuperseded)
	}
	var under sync.WaitGroup
	defer under.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, t := range tests {
		under.Go(func() { n.ask(ctx, t) })
	}
	for _, t := range tests { // nothing may be opened before the last packet of the last test is out
		select {
		case <-t.sent:
		case <-ctx.Done():
			return failed(protocol.ReasonSuperseded)
		}
	}
	silent := map[netip.AddrPort]*natTest{}
	for _, t := range tests {
		if !t.over() {
			silent[t.from] = t
		}
	}
	if len(silent) > 0 {
		if !n.open(ctx, silent) {
			return failed(protocol.ReasonSuperseded)
		}
	}
	under.Wait()
	n.awaitMapping(ctx)
	return protocol.Stop{Trial: n.trial, Outcome: protocol.OutcomeConnected, Reason: protocol.ReasonMeasured}
}

// awaitMapping waits for the gathering beside it, so that the end of the measurement is the end of it all.
func (n *natRun) awaitMapping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, natMappingWait)
	defer cancel()
	for settled := false; !settled && ctx.Err() == nil; pause(ctx, natMappingLook) {
		n.s.room.Do(func() { settled = n.s.closed || n.s.fold.MappingSettled(n.peer.ID()) })
		if settled {
			return
		}
	}
}

// natTest is the test from one corner.
type natTest struct {
	corner protocol.Corner
	from   netip.AddrPort // the corner's address
	to     netip.AddrPort
	sent   chan struct{} // closed when all packets are out, or after done
	done   chan struct{} // closed when its result is recorded
	enough chan struct{} // closed when no answer can come any more
}

func (t *natTest) over() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// tests are those that this server has corners for, seen from the one that the browser asked.
func (n *natRun) tests(target natTarget) (tests []*natTest) {
	c := n.s.c.config.STUN.CornersFrom(target.asked)
	for _, x := range []struct {
		corner protocol.Corner
		from   netip.AddrPort
	}{{protocol.CornerSS, c.SS}, {protocol.CornerSP, c.SP}, {protocol.CornerPS, c.PS}} {
		if x.from.IsValid() {
			tests = append(tests, &natTest{corner: x.corner, from: x.from, to: target.at, sent: make(chan struct{}), done: make(chan struct{}), enough: make(chan struct{})})
		}
	}
	return tests
}

// ask sends one test and records what came of it.
func (n *natRun) ask(ctx context.Context, t *natTest) {
	sent := sync.OnceFunc(func() { close(t.sent) })
	if n.s.c.asked(t.to, t.from) { // a port that was used before, and is open for that corner still: the answer would say nothing
		n.record(&protocol.Check{Trial: n.trial, Purpose: "filter", Corner: t.corner, From: t.from.String(), To: t.to.String(), Result: "error",
			Error: "this address has asked that corner before"})
		close(t.done)
		sent()
		return
	}
	check := n.check(ctx, "filter", t.corner, stunsrv.CheckRequest{To: t.to, From: t.from.Addr(), FromPort: n.port(t.from), Pauses: natTestPauses, AllSent: sent, Enough: t.enough})
	n.record(check)
	close(t.done)
	sent()
}

// check sends a signed check from a corner and puts the result into the recording's words.
func (n *natRun) check(ctx context.Context, purpose string, corner protocol.Corner, r stunsrv.CheckRequest) *protocol.Check {
	r.RemoteUfrag, r.RemotePwd, r.LocalUfrag, r.NotAfter = n.offer.ufrag, n.offer.pwd, n.ufrag, time.Now().Add(natQueue)
	result, err := n.s.c.config.STUN.Check(ctx, r) // ICE-CONTROLLED: the browser made the offer
	check := result.Protocol(n.trial, purpose)
	check.Corner = corner
	if err != nil {
		check.Result, check.Error = "error", err.Error()
	}
	return &check
}

// port tells which of the server's two ports a corner has.
func (n *natRun) port(corner netip.AddrPort) stunsrv.Port {
	if corner.Port() == n.s.c.config.STUN.Port(stunsrv.AlternatePort) {
		return stunsrv.AlternatePort
	}
	return stunsrv.PrimaryPort
}

func (n *natRun) record(check *protocol.Check) {
	n.s.room.Do(func() {
		if !n.s.closed {
			n.s.record(n.peer.ID(), protocol.EventCheck, check)
			n.s.changed()
		}
	})
}

// open makes the browser send to the corners that were not heard, and asks from there again. False: it was given up.
func (n *natRun) open(ctx context.Context, silent map[netip.AddrPort]*natTest) bool {
	n.s.room.Do(func() {
		if n.s.closed {
			return
		}
		answer := &protocol.Description{Trial: n.trial, Kind: "answer", SDP: n.answer(silent)}
		ref := n.s.record("", protocol.EventDescription, hidden(answer))
		n.peer.Send(&protocol.ServerMessage{Type: protocol.ServerDescription, Ref: ref, Description: answer})
		n.s.changed()
	})
	var controls sync.WaitGroup
	defer controls.Wait()
	patience := time.NewTimer(natOpenWait)
	defer patience.Stop()
	waiting := maps.Clone(silent)
	for len(waiting) > 0 {
		select {
		case o := <-n.opened:
			t := waiting[o.corner]
			if t == nil {
				continue
			}
			delete(waiting, o.corner)
			controls.Go(func() {
				check := n.check(ctx, "control", t.corner, stunsrv.CheckRequest{To: o.at, From: t.from.Addr(), FromPort: n.port(t.from), Pauses: natControlPauses})
				pause(ctx, natGrace)
				close(t.enough)
				<-t.done // the test's result stands before its control's: a reader of the recording meets the question first
				n.record(check)
			})
		case <-patience.C:
			for _, t := range waiting { // never opened: no control, and so nothing follows from their silence
				close(t.enough)
			}
			return true
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// hidden is a description of a measurement as it is recorded, and so shown to everyone in the room: without what a check has to be signed with.
func hidden(d *protocol.Description) *protocol.Description {
	out := *d
	lines := strings.Split(d.SDP, "\n")
	for i, line := range lines {
		if name, _, ok := strings.Cut(line, ":"); ok && (name == "a=ice-ufrag" || name == "a=ice-pwd") {
			lines[i] = name + ":(hidden)\r"
		}
	}
	out.SDP = strings.Join(lines, "\n")
	return &out
}

// randomText is n characters of RFC 8839's ice-char that nobody can guess.
func randomText(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(rand.Text())
	}
	return b.String()[:n]
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// answer is the description in which this server names its silent corners as candidates (RFC 8839). Nothing will ever be encrypted with its fingerprint: the checks
// that it draws are not answered.
func (n *natRun) answer(silent map[netip.AddrPort]*natTest) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("v=0")
	line("o=- 1 1 IN IP4 0.0.0.0")
	line("s=-")
	line("t=0 0")
	line("a=group:BUNDLE %s", n.mid)
	line("m=application 9 UDP/DTLS/SCTP webrtc-datachannel")
	line("c=IN IP4 0.0.0.0")
	line("a=mid:%s", n.mid)
	line("a=ice-ufrag:%s", n.ufrag)
	line("a=ice-pwd:%s", n.pwd)
	line("a=fingerprint:sha-256 %s", strings.TrimSuffix(strings.Repeat("00:", 32), ":"))
	line("a=setup:active")
	line("a=sctp-port:5000")
	line("a=max-message-size:65536")
	for i, at := range slices.SortedFunc(maps.Keys(silent), netip.AddrPort.Compare) {
		line("a=candidate:%d 1 udp %d %s %d typ host", i+1, hostPriority-i, at.Addr().WithZone(""), at.Port())
	}
	line("a=end-of-candidates")
	return b.String()
}
