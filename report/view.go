package report

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// none stands in a table where there is nothing to say: not counted, not reached, not known.
const none = "–"

// tone is how a word is coloured. It never stands alone: each tone has a sign, and the word says it again.
type tone string

const (
	plain   tone = ""
	good    tone = "good"
	bad     tone = "bad"
	warn    tone = "warn"
	unknown tone = "unknown"
)

// Sign is what says a tone without colour.
func (t tone) Sign() string {
	switch t {
	case good:
		return "✓"
	case bad:
		return "✗"
	case warn:
		return "!"
	case unknown:
		return "?"
	}
	return ""
}

// line is one line of a table's cell.
type line struct {
	Text string
	Tone tone
	Mono bool // an address, a counter, a code
	Soft bool // said in passing
}

// maxUnbroken is the longest code that a table's cell never breaks: an IPv4 address with its port is 21 characters, an IPv6 one would push the table off the page.
const maxUnbroken = 22

// Short tells a code that stays on one line.
func (l line) Short() bool { return l.Mono && utf8.RuneCountInString(l.Text) <= maxUnbroken }

type cell []line

type table struct {
	Title string
	Head  []string
	Rows  [][]cell
}

type fact struct{ Name, Value string }

type change struct{ Title, Text string }

type verdictView struct {
	Tone       tone
	Needs      string
	Summary    string
	Advice     string
	Cause      string
	CauseTitle string
	Confidence string
	State      string // final, or what is still out
}

type findingView struct {
	Tone                       tone
	Severity, Confidence       string
	Code, Title, Where         string
	Summary, Remedy, Separates string
	Evidence                   []evidenceView
}

type evidenceView struct{ Text, Events string }

// view is a report in the reader's language, cut into what the two documents draw.
type view struct {
	Lang       protocol.Lang
	Title      string
	Redacted   bool
	Meta       []fact
	Verdict    verdictView
	Changes    []change
	ICEServers string // the line to paste
	Picture    picture
	Trials     table
	Findings   []findingView
	Machines   table
	Candidates []table
	Errors     table
	Pairs      []table
	Signaling  table
}

func newView(r protocol.Report) view {
	v := view{Lang: r.Lang, Redacted: r.Redacted}
	if !slices.Contains(catalog.Languages, v.Lang) {
		v.Lang = protocol.English
	}
	v.Title = v.T("report.title", "room", clean(r.Room))
	v.Meta = v.meta(r)
	v.Verdict = v.verdict(r)
	v.Changes = v.changes(r)
	v.ICEServers = iceServersLine(r.Verdict.RecommendedICEServers)
	v.Picture = v.picture(r)
	v.Trials = v.trials(r)
	for _, f := range r.Findings {
		v.Findings = append(v.Findings, v.finding(r, f))
	}
	v.Machines = v.machines(r)
	for _, p := range r.Peers {
		if len(p.Candidates) > 0 {
			v.Candidates = append(v.Candidates, v.candidates(p))
		}
	}
	v.Errors = v.candidateErrors(r)
	for _, t := range r.Trials {
		if len(t.Pairs) > 0 {
			v.Pairs = append(v.Pairs, v.pairs(t))
		}
	}
	v.Signaling = v.signaling(r)
	return v
}

// T is a sentence of the catalog in the reader's language.
func (v view) T(key string, args ...string) string { return catalog.T(key, args...).In(v.Lang) }

// word translates a word of protocol. One that a later version brought stays as it is.
func (v view) word(prefix, w string) string {
	if catalog.Has(prefix + w) {
		return v.T(prefix + w)
	}
	return clean(w)
}

func (v view) list(items []string) string { return strings.Join(items, v.T("report.comma")) }

func (v view) meta(r protocol.Report) []fact {
	facts := []fact{
		{v.T("report.generated"), r.GeneratedAt},
		{v.T("report.tool"), strings.TrimSpace(r.Tool.Name + " " + r.Tool.Version)},
		{v.T("report.server"), orNone(v.list(r.Server.STUN))},
	}
	if len(r.Server.Prefixes) > 0 {
		facts = append(facts, fact{v.T("report.server-prefixes"), v.list(r.Server.Prefixes)})
	}
	facts = append(facts,
		fact{v.T("report.run"), strconv.Itoa(r.Run)},
		fact{v.T("report.events"), strconv.Itoa(r.Events)})
	for i := range facts {
		facts[i].Value = clean(facts[i].Value)
	}
	return facts
}

func (v view) verdict(r protocol.Report) verdictView {
	d := r.Verdict
	out := verdictView{
		Needs: v.word("needs.", string(d.Needs)), Summary: clean(d.Summary), Advice: clean(d.Advice), Cause: clean(string(d.Cause)),
	}
	switch d.Needs {
	case protocol.NeedsNothing:
		out.Tone = good
	case protocol.NeedsSTUN, protocol.NeedsTURNUDP, protocol.NeedsTURNTCP:
		out.Tone = warn
	case protocol.NeedsUnreachable:
		out.Tone = bad
	default:
		out.Tone = unknown
	}
	if d.Cause != "" {
		out.Confidence = v.word("confidence.", string(d.Confidence))
		for _, f := range r.Findings {
			if f.Code == d.Cause {
				out.CauseTitle = clean(f.Title)
				break
			}
		}
	}
	out.State = v.T("report.final")
	if !d.Final {
		out.State = v.T("report.not-final")
		if len(d.Pending) > 0 {
			var trials []string
			for _, k := range d.Pending {
				trials = append(trials, v.word("trial.", string(k)))
			}
			out.State = v.T("report.pending", "trials", v.list(trials))
		}
	}
	return out
}

// changes are the remedies of what is broken now, each once. Findings of an earlier run are history.
func (v view) changes(r protocol.Report) []change {
	var out []change
	for _, f := range r.Findings {
		c := change{clean(f.Title), clean(f.Remedy)}
		old := f.Run != 0 && f.Run != r.Run
		if f.Severity == protocol.SeverityError && c.Text != "" && !old && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// iceServersLine is JavaScript. JSON strings are JavaScript strings, and json.Marshal escapes what could end a script or a line.
func iceServersLine(servers []protocol.ICEServer) string {
	if len(servers) == 0 {
		return ""
	}
	quote := func(x any) string {
		b, err := json.Marshal(x)
		if err != nil {
			return "null" // strings always marshal
		}
		return strings.ReplaceAll(string(b), `","`, `", "`)
	}
	var b strings.Builder
	b.WriteString("new RTCPeerConnection({\n  iceServers: [\n")
	for _, s := range servers {
		urls := s.URLs
		if urls == nil {
			urls = []string{}
		}
		fmt.Fprintf(&b, "    { urls: %s", quote(urls))
		if s.Username != "" || s.Credential != "" {
			fmt.Fprintf(&b, ", username: %s, credential: %s", quote(s.Username), quote(s.Credential))
		}
		b.WriteString(" },\n")
	}
	b.WriteString("  ],\n});\n")
	return b.String()
}

func (v view) outcome(o protocol.Outcome) line {
	tones := map[protocol.Outcome]tone{protocol.OutcomeConnected: good, protocol.OutcomeFailed: bad, protocol.OutcomeStuck: bad}
	if o == "" {
		return line{Text: v.T("outcome.running"), Tone: unknown}
	}
	return line{Text: v.word("outcome.", string(o)), Tone: tones[o]}
}

func (v view) direction(d protocol.DirectionState) line {
	if d == "" {
		return line{Text: v.T("report.not-measured"), Tone: unknown}
	}
	t := bad
	switch d {
	case protocol.DirAnswered:
		t = good
	case protocol.DirNonSymmetric:
		t = warn
	case protocol.DirNotObservable:
		t = unknown
	}
	return line{Text: v.word("direction.", string(d)), Tone: t}
}

func (v view) trials(r protocol.Report) table {
	t := table{Title: v.T("report.trials"), Head: []string{
		v.T("report.trial"), v.T("report.result"), v.T("report.selected-pair"), v.T("report.clocks"), v.T("report.data"), v.T("report.video"),
	}}
	for _, tr := range r.Trials {
		result := cell{v.outcome(tr.Outcome)}
		why := tr.ReasonText
		if why == "" && tr.Reason != "" {
			why = v.word("reason.", string(tr.Reason))
		}
		if why != "" {
			result = append(result, line{Text: clean(why), Soft: true})
		}
		if tr.Error != "" {
			result = append(result, line{Text: clean(tr.Error), Mono: true})
		}
		if tr.Outcome != protocol.OutcomeConnected && tr.Outcome != protocol.OutcomeSkipped && tr.Step != "" {
			result = append(result, line{Text: v.T("report.came-to", "step", v.word("step.", tr.Step)), Soft: true})
		}
		selected := cell{{Text: none}}
		if p := tr.SelectedPair; p != nil {
			selected = cell{{Text: orNone(clean(p.Local)), Mono: true}, {Text: orNone(clean(p.Remote)), Mono: true}}
		}
		c := tr.Clocks
		clocks := cell{{Text: strings.Join([]string{optional(c.GatherMs), optional(c.CheckMs), optional(c.DTLSMs)}, " / "), Mono: true}}
		if c.TotalMs != nil {
			clocks = append(clocks, line{Text: v.T("report.total", "ms", optional(c.TotalMs)), Soft: true})
		}
		data := cell{{Text: none}}
		if d := tr.Data; d != nil {
			data = cell{
				{Text: v.T("report.rtt", "rtt", number(d.RTTMs), "jitter", number(d.JitterMs))},
				{Text: v.T("report.burst", "loss", optional(d.LossPercent), "rate", rate(d.ThroughputKbps)), Soft: true},
			}
		}
		video := cell{{Text: none}}
		if tr.Video != nil {
			video = cell{{Text: v.T("report.frames", "n", strconv.Itoa(tr.Video.FramesDecoded))}}
		}
		t.Rows = append(t.Rows, []cell{{{Text: v.word("trial.", string(tr.Kind))}, {Text: clean(string(tr.ID)), Mono: true, Soft: true}},
			result, selected, clocks, data, video})
	}
	return t
}

func (v view) finding(r protocol.Report, f protocol.Finding) findingView {
	out := findingView{
		Severity: v.word("severity.", string(f.Severity)), Confidence: v.word("confidence.", string(f.Confidence)),
		Code: clean(string(f.Code)), Title: clean(f.Title), Summary: clean(f.Summary), Remedy: clean(f.Remedy), Separates: clean(f.SeparatingExperiment),
	}
	switch f.Severity {
	case protocol.SeverityError:
		out.Tone = bad
	case protocol.SeverityWarning:
		out.Tone = warn
	}
	var where []string
	if f.Direction != nil {
		where = append(where, clean(f.Direction.From)+" → "+clean(f.Direction.To))
	} else if len(f.Peers) > 0 {
		where = append(where, clean(v.list(f.Peers)))
	}
	if f.Trial != "" {
		where = append(where, v.word("trial.", string(f.Trial)))
	}
	if f.Run != 0 && f.Run != r.Run {
		where = append(where, v.T("report.earlier-run", "run", strconv.Itoa(f.Run)))
	}
	out.Where = strings.Join(where, " · ")
	for _, e := range f.Evidence {
		out.Evidence = append(out.Evidence, evidenceView{clean(e.Text), events(e.Events)})
	}
	return out
}

func (v view) yesNo(b *bool) string {
	switch {
	case b == nil:
		return v.T("report.not-known")
	case *b:
		return v.T("report.yes")
	}
	return v.T("report.no")
}

// machines is one table, a column a machine, so that the two ends are compared line by line.
func (v view) machines(r protocol.Report) table {
	t := table{Title: v.T("report.machines"), Head: []string{""}}
	for _, p := range r.Peers {
		t.Head = append(t.Head, peerName(p))
	}
	row := func(name string, of func(protocol.PeerReport) cell) {
		cells := []cell{{{Text: name}}}
		for _, p := range r.Peers {
			cells = append(cells, of(p))
		}
		t.Rows = append(t.Rows, cells)
	}
	text := func(s string) cell { return cell{{Text: orNone(clean(s))}} }
	mono := func(items ...string) cell {
		var c cell
		for _, s := range items {
			if s != "" {
				c = append(c, line{Text: clean(s), Mono: true})
			}
		}
		if c == nil {
			return cell{{Text: none}}
		}
		return c
	}
	row(v.T("report.kind"), func(p protocol.PeerReport) cell {
		online := v.T("report.online")
		if !p.Online {
			online = v.T("report.offline")
		}
		return cell{{Text: v.word("kind.", string(p.Kind))}, {Text: online, Soft: true}}
	})
	row(v.T("report.browser"), func(p protocol.PeerReport) cell {
		if p.Browser != "" {
			return text(p.Browser)
		}
		return text(p.UserAgent)
	})
	row(v.T("report.http-address"), func(p protocol.PeerReport) cell {
		c := mono(p.HTTPAddress)
		if p.HTTPRTTMs != nil {
			c = append(c, line{Text: v.T("report.round-trip", "ms", number(*p.HTTPRTTMs)), Soft: true})
		}
		return c
	})
	row(v.T("report.stun-addresses"), func(p protocol.PeerReport) cell { return mono(p.STUNAddresses...) })
	row(v.T("report.masked"), func(p protocol.PeerReport) cell { return text(v.yesNo(p.Masked)) })
	row(v.T("report.secure-context"), func(p protocol.PeerReport) cell {
		c := text(v.yesNo(p.SecureContext))
		if p.Permission != "" {
			c = append(c, line{Text: v.T("report.permission", "state", clean(p.Permission)), Soft: true})
		}
		return c
	})
	row(v.T("report.translated"), func(p protocol.PeerReport) cell { return text(v.yesNo(p.NAT.Translated)) })
	behavior := func(b protocol.Behavior) cell {
		if b == "" {
			b = protocol.NotMeasurable
		}
		return text(v.word("behavior.", string(b)))
	}
	row(v.T("report.mapping"), func(p protocol.PeerReport) cell {
		c := behavior(p.NAT.Mapping)
		if p.NAT.RFC3489 != "" {
			c = append(c, line{Text: clean(p.NAT.RFC3489), Soft: true})
		}
		return c
	})
	row(v.T("report.filtering"), func(p protocol.PeerReport) cell { return behavior(p.NAT.Filtering) })
	row(v.T("report.hairpin"), func(p protocol.PeerReport) cell { return text(v.yesNo(p.NAT.Hairpin)) })
	row(v.T("report.nat-evidence"), func(p protocol.PeerReport) cell {
		var c cell
		for _, e := range p.NAT.Evidence {
			c = append(c, line{Text: clean(e)})
		}
		if c == nil {
			return text("")
		}
		return c
	})
	if len(r.Peers) == 0 {
		t.Rows = nil
	}
	return t
}

func (v view) candidates(p protocol.PeerReport) table {
	t := table{Title: v.T("report.candidates-of", "peer", peerName(p)), Head: []string{
		v.T("report.trial"), v.T("report.type"), v.T("report.address"), v.T("report.related"), v.T("report.priority"), v.T("report.at-ms"),
		v.T("report.at-the-other-end"),
	}}
	for _, c := range p.Candidates {
		typ := c.Type
		if c.TCPType != "" {
			typ += " " + c.TCPType
		}
		address := cell{{Text: hostPort(c.Address, c.Port, v.T("report.hidden")), Mono: true}}
		if c.Selected {
			address = append(address, line{Text: v.T("report.selected"), Tone: good})
		}
		related := ""
		if c.RelatedAddress != "" {
			related = clean(c.RelatedAddress)
			if c.RelatedPort != nil {
				related = hostPort(c.RelatedAddress, *c.RelatedPort, "")
			}
		}
		if c.URL != "" {
			related = strings.TrimSpace(related + " " + clean(c.URL))
		}
		arrival := line{Text: v.T("report.received"), Tone: good}
		switch {
		case !c.Signaled:
			arrival = line{Text: v.T("report.not-signaled"), Tone: unknown}
		case c.AppliedError != "":
			arrival = line{Text: clean(c.AppliedError), Tone: bad}
		case c.Trial == protocol.TrialAlone:
			arrival = line{Text: none} // it is never offered to anyone
		case !c.ReceivedByPeer:
			arrival = line{Text: v.T("report.not-received"), Tone: bad}
		}
		t.Rows = append(t.Rows, []cell{
			{{Text: v.word("trial.", string(c.Trial))}},
			{{Text: clean(strings.TrimSpace(typ + " " + c.Protocol))}},
			address,
			{{Text: orNone(related), Mono: related != ""}},
			{{Text: strconv.FormatUint(uint64(c.Priority), 10), Mono: true},
				{Text: strconv.Itoa(c.TypePreference) + " · " + strconv.Itoa(c.LocalPreference), Mono: true, Soft: true}},
			{{Text: number(c.AtMs), Mono: true}},
			{arrival},
		})
	}
	return t
}

func (v view) candidateErrors(r protocol.Report) table {
	t := table{Title: v.T("report.candidate-errors"), Head: []string{
		v.T("report.machine"), v.T("report.trial"), v.T("report.code"), v.T("report.text"), "URL", v.T("report.at-ms"), v.T("report.event"),
	}}
	for _, p := range r.Peers {
		for _, e := range p.Errors {
			t.Rows = append(t.Rows, []cell{
				{{Text: clean(p.ID)}}, {{Text: v.word("trial.", string(e.Trial))}}, {{Text: strconv.Itoa(e.Code), Mono: true}},
				{{Text: orNone(clean(e.Text))}}, {{Text: orNone(clean(e.URL)), Mono: true}}, {{Text: number(e.AtMs), Mono: true}},
				{{Text: events([]int{e.Event}), Mono: true}},
			})
		}
	}
	return t
}

// pairs shows a direction as the four counters that a request passes on its way there and back (facts.md, 2): sent by one end, received and answered by
// the other, and the answers that came back.
func (v view) pairs(tr protocol.TrialReport) table {
	a, b := clean(tr.A), clean(tr.B)
	t := table{Title: v.T("report.pairs-of", "trial", v.word("trial.", string(tr.Kind)), "a", a, "b", b), Head: []string{
		a, b, v.T("report.state"), a + " → " + b, b + " → " + a, v.T("report.events-short"),
	}}
	end := func(e protocol.PairEnd) cell {
		return cell{{Text: hostPort(e.Address, e.Port, v.T("report.hidden")), Mono: true},
			{Text: clean(strings.TrimSpace(e.Type + " " + e.Protocol)), Soft: true}}
	}
	way := func(d protocol.DirectionState, from, to *protocol.PairCounters) cell {
		if from == nil {
			from = &protocol.PairCounters{}
		}
		if to == nil {
			to = &protocol.PairCounters{}
		}
		c := cell{v.direction(d), {Mono: true, Text: strings.Join([]string{
			count(from.RequestsSent), count(to.RequestsReceived), count(to.ResponsesSent), count(from.ResponsesReceived)}, " › ")}}
		if n := from.NonSymmetric; n != nil && *n > 0 {
			c = append(c, line{Text: v.T("report.non-symmetric", "n", count(n)), Soft: true})
		}
		if from.BytesSent != nil || to.BytesReceived != nil {
			c = append(c, line{Text: v.T("report.bytes", "sent", count(from.BytesSent), "received", count(to.BytesReceived)), Soft: true})
		}
		if from.RTTMs != nil {
			c = append(c, line{Text: v.T("report.round-trip", "ms", optional(from.RTTMs)), Soft: true})
		}
		return c
	}
	for _, p := range tr.Pairs {
		local := end(p.Local)
		for _, alias := range p.Aliases {
			local = append(local, line{Text: v.T("report.alias", "address", clean(alias)), Soft: true})
		}
		state := cell{{Text: orNone(clean(p.State))}}
		if p.StateB != "" && p.StateB != p.State {
			state = append(state, line{Text: clean(tr.B) + ": " + clean(p.StateB)})
		}
		if p.Selected {
			state = append(state, line{Text: v.T("report.selected"), Tone: good})
		}
		t.Rows = append(t.Rows, []cell{local, end(p.Remote), state, way(p.Directions.AToB, p.A, p.B), way(p.Directions.BToA, p.B, p.A),
			{{Text: orNone(events(p.Events)), Mono: true}}})
	}
	return t
}

func (v view) signaling(r protocol.Report) table {
	t := table{Title: v.T("report.signaling"), Head: []string{
		v.T("report.event"), v.T("report.at-ms"), v.T("report.from-to"), v.T("report.trial"), v.T("report.what"), v.T("report.content"),
		v.T("report.applied"),
	}}
	for _, s := range r.Signaling {
		way := clean(s.From)
		if s.To != "" {
			way += " → " + clean(s.To)
		}
		applied := line{Text: v.T("report.not-received"), Tone: bad}
		switch {
		case s.Error != "":
			applied = line{Text: clean(s.Error), Tone: bad}
		case s.AppliedMs != nil:
			applied = line{Text: optional(s.AppliedMs), Mono: true}
		case s.To == "":
			applied = line{Text: none} // to nobody
		}
		t.Rows = append(t.Rows, []cell{
			{{Text: strconv.Itoa(s.Event), Mono: true}}, {{Text: number(s.AtMs), Mono: true}}, {{Text: way}},
			{{Text: v.T("report.trial-of-run", "trial", v.word("trial.", string(s.Trial)), "run", strconv.Itoa(s.Run))}},
			{{Text: v.word("report.what-", s.What)}}, {{Text: orNone(shortCandidate(s.Text)), Mono: true}}, {applied},
		})
	}
	return t
}

// shortCandidate is a candidate-attribute without what the candidate tables say better (foundation, priority, extensions): a line of the log is one line on paper.
// The whole attribute stands in the JSON.
func shortCandidate(text string) string {
	c, err := protocol.ParseCandidate(text)
	if err != nil {
		return clean(text)
	}
	return clean(strings.TrimSpace(strings.Join([]string{c.Type, c.Protocol, hostPort(c.Address, c.Port, none), c.TCPType}, " ")))
}

func peerName(p protocol.PeerReport) string {
	if p.Label == "" || strings.EqualFold(p.Label, p.ID) || p.Label == "peer "+p.ID { // the last is what Redact writes
		return clean(p.ID)
	}
	return clean(p.ID + " · " + p.Label)
}

func hostPort(address string, port int, hidden string) string {
	if address == "" {
		address = hidden
	}
	if strings.Contains(address, ":") {
		return "[" + clean(address) + "]:" + strconv.Itoa(port)
	}
	return clean(address) + ":" + strconv.Itoa(port)
}

// events writes event numbers as the reader finds them in the recording. -1 is "none" in protocol.
func events(numbers []int) string {
	var out []string
	for _, n := range numbers {
		if n >= 0 {
			out = append(out, "#"+strconv.Itoa(n))
		}
	}
	return strings.Join(out, " ")
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

func count(n *int64) string {
	if n == nil {
		return none
	}
	return strconv.FormatInt(*n, 10)
}

func optional(f *float64) string {
	if f == nil {
		return none
	}
	return number(*f)
}

// number keeps what can be told apart: one decimal under ten, none above.
func number(f float64) string {
	if math.Abs(f) < 10 {
		return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

func rate(kbps *float64) string {
	switch {
	case kbps == nil:
		return none
	case *kbps >= 1000:
		return number(*kbps/1000) + " Mbit/s"
	}
	return number(*kbps) + " kbit/s"
}

// clean takes out of a text from outside what would break a line or turn its direction: a label must not be able to rearrange the sentence it stands in.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029:
			return ' '
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c: // bidirectional controls (UAX 9)
			return -1
		}
		return r
	}, s))
}
