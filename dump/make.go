package dump

import (
	"cmp"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
)

// The clocks of an ended connection, in milliseconds. The session's own (diagnosis/ending.go) are for samples that come four times a second; these logs have one a second at the best.
const (
	// unansweredMs after the last thing that could have led to a connection, an agent has sent every check more often than the seven times of RFC 8445 section 14.
	unansweredMs = 3500
	// noPairsMs: a name that resolves does so within a second.
	noPairsMs = 3000
	// dtlsMs from ICE's connection: DTLS has repeated its flight five times.
	dtlsMs = 5000
	// enoughChecks on each pair that was tried, where they are counted.
	enoughChecks = 5
)

// ids of the two peers.
const (
	near = "a"
	far  = "b"
)

// maker makes a recording.
type maker struct {
	logs   []*logged
	events []*pending
	zero   float64 // the time that is 0 in the recording
	notes  []Note
	order  int
}

// pending is an event that has no number yet.
type pending struct {
	protocol.Event
	atMs  float64
	order int
	about *pending // the signal that an applied event is about
}

func record(logs []*logged) ([]protocol.Event, []Note, error) {
	m := &maker{logs: logs}
	var pairs []pair
	if len(logs) == 2 {
		if pairs = match(logs[0], logs[1]); len(pairs) == 0 {
			return nil, nil, &Error{logs[0].name + ", " + logs[1].name, "these logs are not of the two ends of the same call: no ICE username fragment of the one stands in the other",
				"hand over one of them alone, or save both after the same call"}
		}
		m.alignClocks(pairs)
		if left := len(logs[0].conns) + len(logs[1].conns) - 2*len(pairs); left > 0 {
			m.note("unmatched", "count", strconv.Itoa(left))
		}
	} else {
		for _, c := range logs[0].conns {
			pairs = append(pairs, pair{a: c})
		}
	}
	if !m.connections(pairs) {
		return nil, nil, &Error{logs[0].name, "no RTCPeerConnection of it was ever given a description of another end", "save the log after a call was tried: both ends must have exchanged an offer and an answer"}
	}
	m.missing()
	events := m.number()
	if len(events) > MaxEvents {
		return nil, nil, &Error{logs[0].name, "the recording would have " + strconv.Itoa(len(events)) + " events, and " + strconv.Itoa(MaxEvents) + " are the limit",
			"save a log of a shorter time, with the call that fails and nothing else"}
	}
	return events, m.notes, nil
}

func (m *maker) note(key string, args ...string) {
	n := Note{Key: "import.note." + key}
	for i := 0; i+1 < len(args); i += 2 {
		if n.Args == nil {
			n.Args = map[string]string{}
		}
		n.Args[args[i]] = args[i+1]
	}
	if !slices.ContainsFunc(m.notes, func(x Note) bool { return x.Key == n.Key && x.Args["peer"] == n.Args["peer"] }) {
		m.notes = append(m.notes, n)
	}
}

func (m *maker) alignClocks(pairs []pair) {
	shift, unsure, ok := align(pairs)
	if shift != 0 {
		m.logs[1].move(shift)
	}
	seconds := func(ms float64) string { return strconv.FormatFloat(ms/1000, 'f', 3, 64) }
	switch {
	case !ok:
		m.note("clocks-apart", "shift", seconds(shift))
	case shift == 0:
		m.note("clocks-agree")
	case math.IsInf(unsure, 0):
		m.note("clocks-shifted-one-way", "shift", seconds(shift))
	default:
		m.note("clocks-shifted", "shift", seconds(shift), "unsure", seconds(unsure))
	}
}

func (m *maker) add(atMs float64, peer string, e protocol.Event) *pending {
	e.Peer = peer
	m.order++
	p := &pending{Event: e, atMs: atMs, order: m.order}
	m.events = append(m.events, p)
	return p
}

// connections makes a trial of each connection; false: of none.
func (m *maker) connections(pairs []pair) bool {
	m.zero = math.Inf(1)
	for _, p := range pairs {
		m.zero = min(m.zero, p.began())
	}
	label := func(l *logged) string {
		name := path.Base(strings.ReplaceAll(l.name, `\`, "/"))
		return string([]rune(name)[:min(len([]rune(name)), maxLabel)])
	}
	joined := func(l *logged) protocol.Event {
		return protocol.Event{Type: protocol.EventJoined, Joined: &protocol.Joined{Label: label(l), Kind: protocol.KindBrowser, UserAgent: l.userAgent}}
	}
	m.add(m.zero, near, joined(m.logs[0]))
	if len(m.logs) == 2 {
		m.add(m.zero, far, joined(m.logs[1]))
	} else {
		m.add(m.zero, far, protocol.Event{Type: protocol.EventJoined, Joined: &protocol.Joined{Kind: protocol.KindBrowser, UserAgent: agentOf(pairs), Unlogged: true}})
	}
	own := slices.ContainsFunc(m.logs, func(l *logged) bool { return slices.ContainsFunc(l.conns, (*conn).ours) })
	slices.SortStableFunc(pairs, func(x, y pair) int { return cmp.Compare(x.began(), y.began()) })
	all := len(pairs)
	pairs = slices.DeleteFunc(pairs, func(p pair) bool { return p.b == nil && p.a.alone() || p.solo() })
	if skipped := all - len(pairs); skipped > 0 {
		m.note("alone", "count", strconv.Itoa(skipped))
	}
	pairs = m.decided(pairs)
	runs := map[int][]protocol.TrialKind{}
	first := map[protocol.TrialKind]pair{}
	count := map[protocol.TrialKind]int{}
	numbers := make([]int, len(pairs))
	for i, p := range pairs {
		kind := p.kind()
		count[kind]++
		numbers[i] = count[kind]
		runs[numbers[i]] = append(runs[numbers[i]], kind)
	}
	if len(pairs) > 1 && !own {
		m.note("several", "count", strconv.Itoa(len(pairs)))
	}
	for i, p := range pairs {
		kind, run := p.kind(), numbers[i]
		var experiment protocol.Experiment
		if f, again := first[kind]; !again {
			first[kind] = p
		} else if own {
			experiment = p.experiment(f)
		}
		if kinds := runs[run]; kinds != nil {
			delete(runs, run)
			m.add(p.began(), "", protocol.Event{Type: protocol.EventRun, Run: &protocol.RunMade{Number: run, Trials: kinds, Automatic: true, Experiment: experiment}})
		}
		m.trial(protocol.NewTrialID(kind, run), p, experiment)
	}
	return len(pairs) > 0
}

// decided leaves out what was cut short where another one of the same kind was not: the newest of a kind counts, and it has to say something.
func (m *maker) decided(pairs []pair) []pair {
	says := func(p pair) bool {
		_, reason, _ := p.outcome()
		return reason != protocol.ReasonCutShort
	}
	said := map[protocol.TrialKind]bool{}
	for _, p := range pairs {
		said[p.kind()] = said[p.kind()] || says(p)
	}
	return slices.DeleteFunc(pairs, func(p pair) bool {
		cut := !says(p)
		if cut {
			m.note("cut-short")
		}
		return cut && said[p.kind()]
	})
}

// maxLabel is what the server keeps of a label.
const maxLabel = 64

// ours: is it a connection of icescope's own page?
func (c *conn) ours() bool {
	_, path, ok := strings.Cut(c.url, "://")
	_, path, ok2 := strings.Cut(path, "/")
	return ok && ok2 && strings.HasPrefix(path, "r/")
}

// solo: is it icescope's measurement of a NAT, in which its server plays the other end? It is for data alone, and its trials always show a picture.
func (p pair) solo() bool {
	return p.b == nil && p.a.ours() && !slices.ContainsFunc(p.a.descs, func(d description) bool { return strings.Contains(d.SDP, "m=video") })
}

func (p pair) began() float64 {
	at := p.a.began()
	if p.b != nil {
		at = min(at, p.b.began())
	}
	return at
}

func (p pair) ended() float64 {
	if p.b == nil {
		return p.a.endMs
	}
	return min(p.a.endMs, p.b.endMs) // from then on one end is gone
}

func (p pair) conns() []*conn {
	if p.b == nil {
		return []*conn{p.a}
	}
	return []*conn{p.a, p.b}
}

// kind reads off the configuration what success or failure proves.
func (p pair) kind() protocol.TrialKind {
	stun, turn, udp, relayOnly, differ := false, false, false, true, false
	for i, c := range p.conns() {
		s, t, u := false, false, false
		for _, server := range c.servers {
			for _, url := range server.URLs {
				scheme := schemeOf(url)
				s = s || strings.HasPrefix(scheme, "stun")
				t = t || strings.HasPrefix(scheme, "turn")
				u = u || scheme == "turn" && !strings.Contains(url, "transport=tcp")
			}
		}
		differ = differ || i > 0 && (s != stun || t != turn)
		stun, turn, udp = stun || s, turn || t, udp || u
		relayOnly = relayOnly && c.relayOnly
	}
	switch {
	case relayOnly && turn && !differ:
		if udp {
			return protocol.TrialRelayUDP
		}
		return protocol.TrialRelayTCP
	case turn || differ:
		return protocol.TrialCustom
	case stun:
		return protocol.TrialSTUN
	}
	return protocol.TrialHost
}

// experiment tells what icescope's own page did differently from its first trial of that kind.
func (p pair) experiment(f pair) protocol.Experiment {
	for _, u := range p.a.fragments(true) {
		if len(u) > longFragment {
			return protocol.ExperimentSize
		}
	}
	x, _ := p.a.offers()
	y, _ := f.a.offers()
	switch {
	case x != y:
		return protocol.ExperimentSwap
	case len(p.a.servers) > 0 && len(f.a.servers) > 0 && !slices.Equal(p.a.servers[0].URLs, f.a.servers[0].URLs):
		return protocol.ExperimentPort
	}
	return ""
}

// longFragment is longer than any that an agent makes of itself.
const longFragment = 64

// agentOf names the browser of an end that left no log, as far as its descriptions tell (RFC 8866 section 5.2).
func agentOf(pairs []pair) string {
	for _, p := range pairs {
		for _, d := range p.a.descs {
			if !d.local && strings.Contains(d.SDP, "o=mozilla") {
				return "Firefox/ (by its session description)"
			}
		}
	}
	return ""
}

// trial makes the events of one connection.
func (m *maker) trial(id protocol.TrialID, p pair, experiment protocol.Experiment) {
	began := p.began()
	offerer, answerer := near, far
	yes, known := p.a.offers()
	if p.b != nil && !known {
		yes, known = p.b.offers()
		yes = !yes
	}
	if known && !yes {
		offerer, answerer = far, near
	}
	start := &protocol.TrialStart{Trial: id, Offerer: offerer, Answerer: answerer, ICEServers: p.a.servers, RelayOnly: p.a.relayOnly, Experiment: experiment}
	if experiment == protocol.ExperimentSize {
		start.UfragLength = len(p.a.fragments(true)[0])
	}
	m.add(began, "", protocol.Event{Type: protocol.EventStart, Start: start})
	ends := []string{near, far}
	own := p.conns()
	for i, c := range own {
		var other *conn
		if len(own) == 2 {
			other = own[1-i]
		}
		m.signals(id, c, other, ends[i], ends[1-i], began)
		m.course(id, c, ends[i], began)
	}
	outcome, reason, at := p.outcome()
	m.add(max(at, p.lastSample()), "", protocol.Event{Type: protocol.EventStop, Stop: &protocol.Stop{Trial: id, Outcome: outcome, Reason: reason}})
}

// signals are what this end signaled, and what the other says of it; and, where the other left no log, what this end was given.
func (m *maker) signals(id protocol.TrialID, c, other *conn, peer, opposite string, began float64) {
	said := func(d description, peer string, at float64) *pending {
		body := d.Description
		body.Trial, body.AtMs = id, max(0, at-began)
		return m.add(at, peer, protocol.Event{Type: protocol.EventDescription, Description: &body})
	}
	applied := func(about *pending, peer, err string, at float64) {
		at = max(at, about.atMs)
		a := m.add(at, peer, protocol.Event{Type: protocol.EventApplied, Applied: &protocol.Applied{Trial: id, OK: err == "", Error: err, AtMs: max(0, at-began)}})
		a.about = about
	}
	line := func(g gathered, peer string, at float64) *pending {
		body := &protocol.Candidate{Trial: id, Line: g.line, URL: g.url, AtMs: max(0, at-began)}
		if g.mid != "" {
			body.SDPMid = &g.mid
		}
		return m.add(at, peer, protocol.Event{Type: protocol.EventCandidate, Candidate: body})
	}
	for i, d := range c.descs {
		if !d.local {
			continue
		}
		x, arrived := description{}, false
		if other != nil {
			x, arrived = other.counterpart(c, i)
		}
		if !arrived {
			said(d, peer, d.atMs)
			continue
		}
		d.SDP = x.SDP // what was signaled is what arrived, and an application may have changed it on the way
		applied(said(d, peer, d.atMs), opposite, x.err, x.atMs)
	}
	for _, g := range c.local {
		e := line(g, peer, g.atMs)
		if other == nil {
			continue
		}
		if i := slices.IndexFunc(other.remote, func(x gathered) bool { return sameLine(x.line, g.line) }); i >= 0 {
			applied(e, opposite, other.remote[i].err, other.remote[i].atMs)
		}
	}
	if other != nil {
		for _, g := range other.remote { // this log began late, or leaves it out
			if !slices.ContainsFunc(c.local, func(x gathered) bool { return sameLine(x.line, g.line) }) {
				applied(line(g, peer, g.atMs), opposite, g.err, g.atMs)
			}
		}
		return
	}
	for _, d := range c.descs {
		if !d.local {
			applied(said(d, opposite, d.atMs), peer, d.err, d.atMs)
		}
	}
	for _, g := range c.remote {
		applied(line(g, opposite, g.atMs), peer, g.err, g.atMs)
	}
}

// course are an end's states, errors and samples.
func (m *maker) course(id protocol.TrialID, c *conn, peer string, began float64) {
	for _, s := range c.states {
		m.add(s.atMs, peer, protocol.Event{Type: protocol.EventState, State: &protocol.State{Trial: id, What: s.what, Value: s.value, AtMs: max(0, s.atMs-began)}})
		if s.what == "gathering" && s.value == "complete" {
			m.add(s.atMs, peer, protocol.Event{Type: protocol.EventCandidate, Candidate: &protocol.Candidate{Trial: id, AtMs: max(0, s.atMs-began)}})
		}
	}
	for i := range c.errors {
		body := c.errors[i].CandidateError
		body.Trial, body.AtMs = id, max(0, c.errors[i].atMs-began)
		m.add(c.errors[i].atMs, peer, protocol.Event{Type: protocol.EventCandidateError, CandidateError: &body})
	}
	for i := range c.samples {
		body := c.samples[i].Sample
		body.Trial, body.AtMs = id, max(0, c.samples[i].atMs-began)
		m.add(c.samples[i].atMs, peer, protocol.Event{Type: protocol.EventSample, Sample: &body})
	}
}

func (p pair) lastSample() (at float64) {
	for _, c := range p.conns() {
		for _, s := range c.samples {
			at = max(at, s.atMs)
		}
	}
	return at
}

// was is when a state was first seen.
func (c *conn) was(what string, values ...string) (atMs float64, ok bool) {
	for _, s := range c.states {
		if s.what == what && slices.Contains(values, s.value) {
			return s.atMs, true
		}
	}
	return 0, false
}

// outcome is how the connection ended, and when, as far as the logs say so. What they do not decide is cut short.
func (p pair) outcome() (o protocol.Outcome, r protocol.Reason, at float64) {
	end := p.ended()
	ice, connected := math.Inf(1), false
	failed, gathered, pairs, checks, sampled := false, true, 0, false, false
	progress := p.began()
	for _, c := range p.conns() {
		if at, ok := c.was("ice", "connected", "completed"); ok {
			ice = min(ice, at)
		}
		_, yes := c.was("connection", "connected")
		connected = connected || yes
		for _, name := range []string{"ice", "connection"} {
			if at, ok := c.was(name, "failed"); ok && at <= end {
				failed = true
			}
		}
		if _, complete := c.was("gathering", "complete"); complete && c.trickled && len(c.local) == 0 {
			gathered = false
		}
		for _, g := range slices.Concat(c.local, c.remote) {
			progress = max(progress, g.atMs)
		}
		for _, d := range c.descs {
			progress = max(progress, d.atMs)
		}
		sampled = sampled || len(c.samples) > 0 // a check of the other end makes a pair here, too
		seen := map[string]bool{}
		for _, s := range c.samples {
			for _, x := range s.Pairs {
				if !seen[x.ID] && len(seen) < maxPairs {
					seen[x.ID] = true
					if c.trickled { // else it is not known when it came
						progress = max(progress, s.atMs-sampleMs)
					}
				}
				checks = checks || value(x.RequestsSent) >= enoughChecks || x.State == "failed"
			}
		}
		pairs += len(seen)
	}
	switch {
	case connected:
		return protocol.OutcomeConnected, protocol.ReasonLogged, end
	case !math.IsInf(ice, 1):
		if end-ice >= dtlsMs || failed {
			return protocol.OutcomeStuck, protocol.ReasonDTLSTimeout, end
		}
	case failed:
		return protocol.OutcomeFailed, protocol.ReasonAgentFailed, end
	case !gathered:
		return protocol.OutcomeFailed, protocol.ReasonNoCandidates, end
	case p.kind().Relay() && sampled && end-progress >= noPairsMs && slices.ContainsFunc(p.conns(), func(c *conn) bool { return len(c.local) == 0 }):
		return protocol.OutcomeFailed, protocol.ReasonNoRelay, end
	case pairs == 0 && sampled && end-progress >= noPairsMs:
		return protocol.OutcomeFailed, protocol.ReasonNoPairs, end
	case pairs > 0 && checks && end-progress >= unansweredMs:
		return protocol.OutcomeFailed, protocol.ReasonUnanswered, end
	}
	return protocol.OutcomeSkipped, protocol.ReasonCutShort, end
}

// sampleMs is how often Chromium's page asks for statistics: what a sample shows for the first time came up to that long before.
const sampleMs = 1000

// missing notes what the logs cannot say.
func (m *maker) missing() {
	m.note("no-server")
	if len(m.logs) == 1 {
		m.note("one-end", "peer", m.logs[0].name)
	}
	for i, l := range m.logs {
		peer := strings.ToUpper([]string{near, far}[i])
		if l.firefox() {
			m.note("firefox", "peer", peer)
		}
		if l.dropped > 0 {
			m.note("dropped", "peer", peer, "count", strconv.Itoa(l.dropped))
		}
		late := slices.ContainsFunc(l.conns, func(c *conn) bool { return len(c.descs) > 0 && c.trickled && len(c.samples) == 0 && !c.alone() })
		if late {
			m.note("no-statistics", "peer", peer)
		}
	}
}

// number orders the events and gives them their numbers.
func (m *maker) number() []protocol.Event {
	for _, e := range m.events { // what has no time came first
		e.atMs = max(e.atMs, m.zero)
	}
	for _, e := range m.events { // a signal never comes after what says that it arrived
		if e.about != nil {
			e.atMs = max(e.atMs, e.about.atMs)
		}
	}
	slices.SortStableFunc(m.events, func(x, y *pending) int {
		return cmp.Or(cmp.Compare(x.atMs, y.atMs), cmp.Compare(x.rank(), y.rank()), cmp.Compare(x.order, y.order))
	})
	room := &protocol.RoomMade{Schema: protocol.RecordingSchema, Room: "imported", Started: time.UnixMilli(int64(m.zero)).UTC().Format(time.RFC3339), Version: "import",
		Imported: &protocol.Imported{Notes: m.notes}}
	for i, l := range m.logs {
		room.Imported.Sources = append(room.Imported.Sources, protocol.ImportSource{Peer: []string{near, far}[i], Kind: l.kind, Name: path.Base(strings.ReplaceAll(l.name, `\`, "/"))})
	}
	out := []protocol.Event{{Type: protocol.EventRoom, Room: room}}
	for _, e := range m.events {
		e.Seq = len(out)
		e.Event.AtMs = math.Round((e.atMs-m.zero)*1000) / 1000
		if e.about != nil {
			e.Applied.Ref = e.about.Seq
		}
		out = append(out, e.Event)
	}
	return out
}

// rank orders what has one time: an end joins before a trial starts, and a trial stops after all else.
func (p *pending) rank() int {
	switch p.Type {
	case protocol.EventJoined:
		return 0
	case protocol.EventRun:
		return 1
	case protocol.EventStart:
		return 2
	case protocol.EventApplied:
		return 4
	case protocol.EventStop:
		return 5
	}
	return 3
}
