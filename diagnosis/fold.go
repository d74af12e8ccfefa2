package diagnosis

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// Fold is the picture that a recording paints. Its zero value is not ready: use NewFold. It is not safe for concurrent use.
type Fold struct {
	room   protocol.RoomMade
	events int
	lastMs float64
	run    int
	wanted []protocol.TrialKind // of the newest run
	peers  []*peer              // in the order of joining
	trials []*trial             // in the order of starting: those of the room's two peers that tell what the pair needs
	side   []*trial             // likewise: those of experiments, and of peers that stand beside another
	runs   []run                // in order
	asked  []asked
	checks []check
	log    []*signal
	byID   map[int]*signal // by event number
	known  map[*peer]known // what views found since the last event
	own    []int           // the UDP ports of this server
	full   bool            // the recording takes no more, and so nothing is run any more
}

type peer struct {
	id       string
	joined   *protocol.Joined
	joinedAt int // event number
	joinedMs float64
	online   bool
	left     bool
	env      *protocol.Environment
	// insecure is the first environment that said so, and its event.
	insecure      *protocol.Environment
	insecureEvent int
	standing
	rttMs *float64
	// sightings are the sources that the STUN server saw, the first event of each.
	sightings []sighting
	// udp are those of them that were answered over UDP.
	udp   []sighting
	alone []*end // what it gathered without a peer, the newest last
	nats  []*end // the measurements of its NAT, the newest last
}

type sighting struct {
	protocol.Sighting
	event int
	atMs  float64
}

// run is one run that was made.
type run struct {
	*protocol.RunMade
	event int
}

// asked is one question of a headless peer.
type asked struct {
	protocol.Probe
	peer  *peer
	event int
}

type check struct {
	protocol.Check
	peer  string
	event int
}

// trial is one experiment between two peers; a is the peer whose id comes first.
type trial struct {
	id        protocol.TrialID
	kind      protocol.TrialKind
	run       int
	start     *protocol.TrialStart
	event     int
	startedMs float64
	stop      *protocol.Stop
	stopEvent int
	stopMs    float64
	a, b      *end
	failure   string // a fatal trialError
	// progressMs is when something last changed that can lead to a connection: a candidate came, a pair appeared, a check was answered.
	progressMs float64
	proven     map[*endPair]*proof // non-symmetric directions, by the asking end's pair
	suspected  suspicion           // what prove looked at last
	holding
}

// end is one peer's side of a trial (or of a gathering alone).
type end struct {
	peer        *peer
	trial       protocol.TrialID
	servers     []protocol.ICEServer
	confined    string // the one family that the trial was made for; empty: none
	imported    bool   // from a browser's own log
	startEvent  int
	startMs     float64 // server's clock
	candidates  []*candidate
	endEvent    int // the end of candidates was signaled; -1: not yet
	gathering   string
	gatherMs    *float64
	gatherEv    int // gathering was complete; -1: not yet
	states      map[string]string
	stateMs     map[string]float64 // the peer's clock, first time that "what=value" was seen
	stateAt     map[string]float64 // the server's clock, likewise
	stateEv     map[string]int
	described   *float64 // when the remote description was applied, by the peer's clock
	errors      []candidateError
	local       []protocol.SampleCandidate
	remote      []shown
	pairs       []*endPair // kept for good: Chromium forgets its pairs when it fails
	counters    bool
	firstSample int // event numbers; -1: none yet
	lastSample  int
	selected    string
	data        *protocol.DataResult
	dataEvent   int
	video       *protocol.VideoResult
	corners     []protocol.CornerSet // of a measurement
	stopped     bool                 // the session gave up waiting, or has measured (alone only)
	outcome     protocol.Outcome     // likewise
	stopEvent   int
	stopMs      float64
	fragment    string           // of its first description
	again       []*end           // what it gathered and showed after each restart of ICE
	heard       map[string]int64 // of a trial that is held: answers and bytes, by pair
	heardMs     *float64         // when they grew for the last time
	found       sockets
	beats       beats
	ownMs       float64             // the last sample, by the end's own clock
	lateMs      float64             // the longest that a sample was waited for until the trial ended, by that clock
	byID        map[string]*endPair // the pairs that the statistics showed last, by their id there
	transport
	course
}

type candidateError struct {
	protocol.CandidateError
	event int
}

// shown is a candidate of the statistics, and the event that showed it first.
type shown struct {
	protocol.SampleCandidate
	event int
}

// candidate is one that a peer signaled.
type candidate struct {
	protocol.CandidateLine
	url      string
	atMs     float64
	event    int
	sig      *signal
	applied  *bool // null: the other end has said nothing of it
	appErr   string
	appEvent int
	// sampled: did the other end show its statistics after it had taken the candidate, and before the trial was stopped?
	sampled bool
}

type signal struct {
	protocol.SignalReport
	candidate *candidate
}

// endPair is a candidate pair as one end's statistics show it. Its key is the local base and the remote address, because the browser changes the local
// candidate of a pair (host to peer-reflexive) in flight and then shows the same pair under another id.
type endPair struct {
	base          string
	local, remote protocol.SampleCandidate
	protocol.SamplePair
	first int // the event that showed it first
	event int // and last
	// saw is what the last sample showed under its id.
	saw sawPair
	checking
}

// sawPair is what leads a pair of the statistics to the one that is kept: as long as nothing of it changes, there is no need to look.
type sawPair struct {
	local, remote protocol.SampleCandidate
	sockets       int // of end.found
}

// NewFold returns an empty picture.
func NewFold() *Fold { return &Fold{byID: map[int]*signal{}, known: map[*peer]known{}} }

// Add takes the next event. Events that make no sense (a state of a trial that never started, a second start) are passed over: a recording may come from
// anywhere.
func (f *Fold) Add(e *protocol.Event) {
	f.events++
	clear(f.known)
	f.lastMs = max(f.lastMs, e.AtMs)
	p := f.peer(e.Peer)
	switch {
	case e.Type == protocol.EventRoom && e.Room != nil:
		f.room = *e.Room
		f.own = f.ownPorts()
	case e.Type == protocol.EventJoined && e.Joined != nil:
		if p == nil && e.Peer != "" {
			f.peers = append(f.peers, &peer{id: e.Peer, joined: e.Joined, joinedAt: e.Seq, joinedMs: e.AtMs, online: true, standing: newStanding()})
		}
	case e.Type == protocol.EventFull:
		f.full = true
	case e.Type == protocol.EventRun && e.Run != nil:
		f.runs = append(f.runs, run{e.Run, e.Seq})
		if e.Run.Number > f.run && e.Run.Experiment == "" && len(e.Run.Peers) == 0 {
			f.run, f.wanted = e.Run.Number, e.Run.Trials
		}
	case e.Type == protocol.EventStart && e.Start != nil:
		f.start(e)
	case e.Type == protocol.EventStop && e.Stop != nil:
		f.stopTrial(e)
	case e.Type == protocol.EventCheck && e.Check != nil:
		f.checks = append(f.checks, check{*e.Check, e.Peer, e.Seq})
	case p != nil:
		f.addOfPeer(p, e)
	}
}

func (f *Fold) addOfPeer(p *peer, e *protocol.Event) {
	switch {
	case e.Type == protocol.EventDropped:
		p.online = false
	case e.Type == protocol.EventResumed:
		p.online = true
	case e.Type == protocol.EventLeft:
		p.online, p.left = false, true
	case e.Type == protocol.EventProbe && e.Probe != nil:
		if len(f.asked) < maxProbes {
			f.asked = append(f.asked, asked{*e.Probe, p, e.Seq})
		}
	case e.Type == protocol.EventEnvironment && e.Environment != nil:
		p.env = e.Environment
		p.stand(e)
		if s := p.env.SecureContext; s != nil && !*s && p.insecure == nil {
			p.insecure, p.insecureEvent = e.Environment, e.Seq
		}
	case e.Type == protocol.EventPing && e.Ping != nil:
		if p.rttMs == nil || e.Ping.RTTMs < *p.rttMs {
			p.rttMs = &e.Ping.RTTMs
		}
	case e.Type == protocol.EventSighting && e.Sighting != nil:
		for _, s := range p.sightings {
			if s.Source == e.Sighting.Source && s.Local == e.Sighting.Local && s.Transport == e.Sighting.Transport && s.Kind == e.Sighting.Kind {
				return
			}
		}
		s := sighting{*e.Sighting, e.Seq, e.AtMs}
		p.sightings = append(p.sightings, s)
		// What came to a port that was opened for an experiment says nothing of the ports that everything else asks.
		if s.Transport == "udp" && s.Answered && s.Kind == "binding" && f.ownPort(s.Local) {
			p.udp = append(p.udp, s)
		}
	case e.Type == protocol.EventDescription && e.Description != nil:
		f.description(p, e)
	case e.Type == protocol.EventCandidate && e.Candidate != nil:
		f.candidate(p, e)
	case e.Type == protocol.EventApplied && e.Applied != nil:
		f.applied(p, e)
	case e.Type == protocol.EventState && e.State != nil:
		if t, n := f.end(p, e.State.Trial, e); n != nil {
			n.state(e.State, e)
			t.progress(e, e.State.What == "ice" && (e.State.Value == "connected" || e.State.Value == "checking"))
			t.watch(n, e)
			t.follow(n, e)
		}
	case e.Type == protocol.EventCandidateError && e.CandidateError != nil:
		if _, n := f.end(p, e.CandidateError.Trial, e); n != nil {
			n = n.generation("")
			n.errors = append(n.errors, candidateError{*e.CandidateError, e.Seq})
		}
	case e.Type == protocol.EventSample && e.Sample != nil:
		if t, n := f.end(p, e.Sample.Trial, e); n != nil {
			t.progress(e, n.generation("").at(e.AtMs).sample(e.Sample, e.Seq, f.own))
			if t != nil {
				t.other(n).sampledAt(t)
				t.prove(e)
			}
			t.watch(n, e)
			t.follow(n, e)
		}
	case e.Type == protocol.EventMeasurement && e.Measurement != nil:
		if t, n := f.end(p, e.Measurement.Trial, e); n != nil {
			if d := e.Measurement.Data; d != nil {
				n.data, n.dataEvent = d, e.Seq
			}
			if v := e.Measurement.Video; v != nil {
				n.video = v
			}
			t.watch(n, e)
		}
	case e.Type == protocol.EventTrialError && e.TrialError != nil:
		if t := f.trial(e.TrialError.Trial); t != nil && e.TrialError.Fatal && t.stop == nil {
			t.failure = e.TrialError.Step + ": " + e.TrialError.Error
		}
	}
}

// maxProbes bounds what a broken peer can make the picture hold; a whole sweep is a few dozen.
const maxProbes = 4096

func (t *trial) progress(e *protocol.Event, yes bool) {
	if t != nil && yes {
		t.progressMs = e.AtMs
	}
}

func (f *Fold) start(e *protocol.Event) {
	kind, run, ok := e.Start.Trial.Split()
	if p := f.peer(e.Start.Offerer); (kind == protocol.TrialGather || kind == protocol.TrialNAT) && p != nil {
		if _, n := f.end(p, e.Start.Trial, e); n != nil {
			n.servers, n.corners = e.Start.ICEServers, e.Start.Corners
		}
		return
	}
	first, second := f.peer(e.Start.Offerer), f.peer(e.Start.Answerer)
	if !ok || first == nil || second == nil || first == second || f.trial(e.Start.Trial) != nil {
		return
	}
	if before(second.id, first.id) {
		first, second = second, first
	}
	newEnd := func(p *peer) *end {
		n := makeEnd(p, e.Start.Trial, e)
		n.servers, n.confined, n.imported = e.Start.ICEServers, e.Start.Family, f.imported()
		return n
	}
	t := &trial{id: e.Start.Trial, kind: kind, run: run, start: e.Start, event: e.Seq, startedMs: e.AtMs, progressMs: e.AtMs,
		a: newEnd(first), b: newEnd(second)}
	if e.Start.Experiment != "" || first.joined.Beside != "" || second.joined.Beside != "" {
		f.side = append(f.side, t)
		return
	}
	f.trials = append(f.trials, t)
}

// allTrials are those that tell what the pair needs, and then the others.
func (f *Fold) allTrials() iter.Seq[*trial] {
	return func(yield func(*trial) bool) {
		for _, list := range [][]*trial{f.trials, f.side} {
			for _, t := range list {
				if !yield(t) {
					return
				}
			}
		}
	}
}

func makeEnd(p *peer, id protocol.TrialID, e *protocol.Event) *end {
	return &end{peer: p, trial: id, startEvent: e.Seq, startMs: e.AtMs, endEvent: -1, gatherEv: -1, firstSample: -1, states: map[string]string{}, stateMs: map[string]float64{},
		stateAt: map[string]float64{}, stateEv: map[string]int{}}
}

// before orders peer ids as they are given out: "b" before "aa", "w2" before "w10".
func before(x, y string) bool {
	if len(x) != len(y) {
		return len(x) < len(y)
	}
	return x < y
}

func (f *Fold) stopTrial(e *protocol.Event) {
	if t := f.trial(e.Stop.Trial); t != nil && t.stop == nil {
		t.stop, t.stopEvent, t.stopMs = e.Stop, e.Seq, e.AtMs
		return
	}
	if p := f.peer(e.Peer); p != nil {
		for _, n := range p.solo(e.Stop.Trial.Kind()) {
			if n.trial == e.Stop.Trial {
				n.stopped, n.outcome, n.stopEvent, n.stopMs = true, e.Stop.Outcome, e.Seq, e.AtMs
			}
		}
	}
}

func (f *Fold) peer(id string) *peer {
	for _, p := range f.peers {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (f *Fold) trial(id protocol.TrialID) *trial {
	for t := range f.allTrials() {
		if t.id == id {
			return t
		}
	}
	return nil
}

// end finds p's side of a trial; a gathering alone begins with the first thing that is heard of it. trial is nil for those.
func (f *Fold) end(p *peer, id protocol.TrialID, e *protocol.Event) (*trial, *end) {
	if id.Kind().Solo() {
		list := p.solo(id.Kind())
		for _, n := range slices.Backward(list) {
			if n.trial == id {
				return nil, n
			}
		}
		if len(list) >= maxAlone {
			return nil, nil
		}
		n := makeEnd(p, id, e)
		n.servers = f.room.ICEServers
		if id.Kind() == protocol.TrialNAT {
			p.nats = append(p.nats, n)
		} else {
			p.alone = append(p.alone, n)
		}
		return nil, n
	}
	t := f.trial(id)
	switch {
	case t == nil:
		return nil, nil
	case t.a.peer == p:
		return t, t.a
	case t.b.peer == p:
		return t, t.b
	}
	return nil, nil
}

// maxAlone bounds what a broken page can make the picture hold: the session measures a NAT at most 32 times, and a page gathers once for each, and again
// after its addresses were revealed.
const maxAlone = 64

// solo are the peer's gatherings of one kind. The measurements of the NAT stand apart: they are not what it would signal.
func (p *peer) solo(kind protocol.TrialKind) []*end {
	if kind == protocol.TrialNAT {
		return p.nats
	}
	return p.alone
}

// other is the opposite side of an end.
func (t *trial) other(n *end) *end {
	if t.a == n {
		return t.b
	}
	return t.a
}

func (f *Fold) note(p *peer, t *trial, id protocol.TrialID, e *protocol.Event, what, text string) *signal {
	kind, run, _ := id.Split()
	s := &signal{SignalReport: protocol.SignalReport{Event: e.Seq, AtMs: e.AtMs, From: p.id, Trial: kind, Run: run, What: what, Text: text}}
	if t != nil {
		if t.a.peer == p {
			s.To = t.b.peer.id
		} else {
			s.To = t.a.peer.id
		}
	}
	f.log = append(f.log, s)
	f.byID[e.Seq] = s
	return s
}

func (f *Fold) description(p *peer, e *protocol.Event) {
	if t, n := f.end(p, e.Description.Trial, e); n != nil {
		n.restarted(e.Description, e)
		n.describes(e.Description, e.Seq)
		f.note(p, t, e.Description.Trial, e, e.Description.Kind, strconv.Itoa(len(e.Description.SDP))+" bytes")
	}
}

func (f *Fold) candidate(p *peer, e *protocol.Event) {
	c := e.Candidate
	t, n := f.end(p, c.Trial, e)
	if n == nil {
		return
	}
	if c.Line == "" {
		if n := n.generation(c.UsernameFragment); n.endEvent < 0 {
			n.endEvent = e.Seq
		}
		f.note(p, t, c.Trial, e, "end-of-candidates", "")
		return
	}
	line, err := protocol.ParseCandidate(c.Line)
	if err != nil {
		return
	}
	s := f.note(p, t, c.Trial, e, "candidate", strings.TrimPrefix(c.Line, "candidate:"))
	s.candidate = &candidate{CandidateLine: line, url: c.URL, atMs: c.AtMs, event: e.Seq, sig: s}
	n = n.generation(cmp.Or(c.UsernameFragment, line.Ufrag))
	n.candidates = append(n.candidates, s.candidate)
	n.found.known = false
	t.progress(e, true)
}

func (f *Fold) applied(p *peer, e *protocol.Event) {
	a := e.Applied
	s := f.byID[a.Ref]
	t, n := f.end(p, a.Trial, e)
	if s == nil || t == nil || n == nil || s.To != p.id || s.AppliedMs != nil {
		return
	}
	at := e.AtMs
	s.AppliedMs, s.Error = &at, a.Error
	if (s.What == "offer" || s.What == "answer") && n.described == nil {
		n.described = &a.AtMs
	}
	if s.candidate != nil {
		s.candidate.applied, s.candidate.appErr, s.candidate.appEvent = &a.OK, a.Error, e.Seq
		t.progress(e, a.OK)
	}
}

func (n *end) state(s *protocol.State, e *protocol.Event) {
	n.explains(s, e.Seq)
	n.states[s.What] = s.Value
	if k := s.What + "=" + s.Value; !n.saw(k) {
		n.stateMs[k], n.stateAt[k], n.stateEv[k] = s.AtMs, e.AtMs, e.Seq
	}
	if s.What == "gathering" {
		n.gathering = s.Value
		if s.Value == "complete" && n.gatherMs == nil {
			n.gatherMs, n.gatherEv = &s.AtMs, e.Seq
		}
	}
}

func (n *end) saw(k string) bool {
	_, ok := n.stateAt[k]
	return ok
}

// iceConnected and the like look at what was ever reached: a trial that connected has proved its way, whatever came later.
func (n *end) iceConnected() bool {
	return n.saw("ice=connected") || n.saw("ice=completed") || n.connected()
}
func (n *end) connected() bool { return n.saw("connection=connected") }
func (n *end) agentFailed() bool {
	return n.states["connection"] == "failed" || n.states["ice"] == "failed"
}
func (n *end) gathered() bool                  { return n.endEvent >= 0 || n.gathering == "complete" }
func (t *trial) ends() [2]*end                 { return [2]*end{t.a, t.b} }
func (t *trial) either(f func(*end) bool) bool { return f(t.a) || f(t.b) }
func (t *trial) both(f func(*end) bool) bool   { return f(t.a) && f(t.b) }

// maxPairs bounds the kept pairs of one end: 100 candidates on each side are already far beyond what browsers make.
const maxPairs = 4096

// sample takes over what getStats said and tells whether anything came nearer to a connection.
//
// own are the ports of this server: a pair towards one of them, which the other end never signaled, was made by the server's own check.
func (n *end) sample(s *protocol.Sample, event int, own []int) (progress bool) {
	if n.firstSample < 0 {
		n.firstSample = event
	}
	n.lastSample = event
	n.counters = n.counters || s.Counters
	n.present(s, event)
	for i := range s.Local {
		n.sawLocal(&s.Local[i])
	}
	for i := range s.Remote {
		n.sawRemote(&s.Remote[i], event)
	}
	whole := true // a thin sample of a held trial has no candidates, and its pairs are those of the last whole one
	for i := range s.Pairs {
		p := &s.Pairs[i]
		l, r := byID(s.Local, p.Local), byID(s.Remote, p.Remote)
		if l == nil || r == nil {
			whole = false
			continue
		}
		if r.Type == "prflx" && slices.Contains(own, r.Port) {
			continue
		}
		var base string
		have := n.byID[p.ID]
		if have != nil && have.saw.sockets == n.sockets() && have.saw.local == *l && have.saw.remote == *r {
			base = have.base
		} else {
			base = n.base(*l)
			if have = n.pair(base, r); have == nil {
				have = n.renamed(base, r, p, s.Remote)
			}
		}
		if have == nil {
			if len(n.pairs) >= maxPairs {
				continue
			}
			have = &endPair{base: base, local: *l, remote: *r, first: event}
			n.pairs = append(n.pairs, have)
			progress = true
		} else if value(p.ResponsesReceived) > value(have.ResponsesReceived) {
			progress = true
		}
		if r.Address != "" || have.remote.ID != r.ID {
			have.remote = *r
		}
		if l.Type == "host" {
			have.local = *l
		}
		if n.byID == nil {
			n.byID = map[string]*endPair{}
		}
		if len(n.byID) < maxPairs {
			n.byID[p.ID] = have
		}
		have.saw = sawPair{*l, *r, n.sockets()}
		have.take(p, value(have.ResponsesReceived), s.AtMs)
		if value(p.RequestsSent) >= value(have.RequestsSent) { // never let a pair that the browser forgot count backwards
			nominated := have.Nominated
			have.SamplePair, have.event = *p, event
			have.Nominated = nominated || p.Nominated
		}
		if s.SelectedPair != "" && s.SelectedPair == p.ID || s.SelectedPair == "" && p.Nominated && p.State == "succeeded" {
			n.selected = have.key()
		}
	}
	if whole {
		n.count(s.AtMs)
	}
	return progress
}

// pair finds the kept pair: by the remote candidate's id, or by its address where that shows. Chromium hides the address of a peer-reflexive candidate, so that two
// pairs with the same remote port are two pairs.
func (n *end) pair(base string, r *protocol.SampleCandidate) *endPair {
	for _, q := range n.pairs {
		if q.base == base && q.remote.Protocol == r.Protocol && q.remote.Port == r.Port && (q.remote.ID == r.ID || r.Address != "" && q.remote.Address == r.Address) {
			return q
		}
	}
	return nil
}

// renamed finds the kept pair of a remote candidate that was peer-reflexive until its signaled form came: it is shown under another id then, its counters going on.
func (n *end) renamed(base string, r *protocol.SampleCandidate, p *protocol.SamplePair, now []protocol.SampleCandidate) *endPair {
	for _, q := range n.pairs {
		if byID(now, q.remote.ID) == nil && q.base == base && q.remote.Protocol == r.Protocol && q.remote.Port == r.Port && q.remote.Address == "" &&
			value(q.RequestsSent) <= value(p.RequestsSent) && value(q.RequestsReceived) <= value(p.RequestsReceived) {
			return q
		}
	}
	return nil
}

// ownPort: is it one of the ports that this server named when the room was made? Yes where it named none.
func (f *Fold) ownPort(local string) bool {
	at, err := netip.ParseAddrPort(local)
	return err != nil || len(f.own) == 0 || slices.Contains(f.own, int(at.Port()))
}

// ownPorts are the UDP ports of this server.
func (f *Fold) ownPorts() (ports []int) {
	for _, a := range f.room.STUN {
		if ap, err := netip.ParseAddrPort(a); err == nil && !slices.Contains(ports, int(ap.Port())) {
			ports = append(ports, int(ap.Port()))
		}
	}
	return ports
}

// byID finds a candidate of a sample, the last one where an id stands twice. There are few, so that a map would cost more.
func byID(list []protocol.SampleCandidate, id string) *protocol.SampleCandidate {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].ID == id {
			return &list[i]
		}
	}
	return nil
}

func (n *end) sawLocal(c *protocol.SampleCandidate) {
	for i := range n.local {
		have := &n.local[i]
		if have.Port == c.Port && have.ID == c.ID && have.Type == c.Type && sameHost(have.Address, c.Address) {
			if *have != *c {
				*have = *c
				n.found.known = false
			}
			return
		}
	}
	if len(n.local) < maxPairs {
		n.local = append(n.local, *c)
		n.found.known = false
	}
}

func (n *end) sawRemote(c *protocol.SampleCandidate, event int) {
	for i := range n.remote {
		if n.remote[i].ID == c.ID {
			if n.remote[i].SampleCandidate != *c {
				n.remote[i].SampleCandidate = *c
			}
			return
		}
	}
	if len(n.remote) < maxPairs {
		n.remote = append(n.remote, shown{*c, event})
	}
}

// sampledAt notes that the other end has shown its statistics.
func (n *end) sampledAt(t *trial) {
	if t.stop != nil {
		return
	}
	for _, c := range n.candidates {
		c.sampled = c.sampled || c.applied != nil
	}
}

// sampledBefore: did the end show its statistics before this event?
func (n *end) sampledBefore(event int) bool { return n.firstSample >= 0 && n.firstSample < event }

// sameHost compares addresses where a browser may hide one.
func sameHost(x, y string) bool { return x == y || x == "" || y == "" }

func (p *endPair) key() string {
	return p.base + ">" + p.remote.Type + endpoint(p.remote.Address, p.remote.Port)
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
