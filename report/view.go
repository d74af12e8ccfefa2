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
	Settings                   []protocol.Setting
	// Above: an earlier finding of the same code has the same remedy and settings; SettingsAbove: it has the same settings. What is the same is not said again.
	Above, SettingsAbove bool
}

// after leaves out what an earlier finding of the same code says in the same words.
func (f findingView) after(earlier []findingView) findingView {
	for _, x := range earlier {
		if x.Code != f.Code || f.Remedy == "" {
			continue
		}
		same := slices.Equal(x.Settings, f.Settings)
		f.Above = f.Above || same && x.Remedy == f.Remedy
		f.SettingsAbove = f.SettingsAbove || same && len(f.Settings) > 0
	}
	if (f.Above || f.SettingsAbove) && slices.ContainsFunc(earlier, func(x findingView) bool { return x.Code == f.Code && x.Separates == f.Separates }) {
		f.Separates = ""
	}
	return f
}

type evidenceView struct{ Text, Events string }

// view is a report in the reader's language, cut into what the two documents draw.
type view struct {
	Lang     protocol.Lang
	Title    string
	Redacted bool
	Meta     []fact
	Verdict  verdictView
	// Imported are the logs that the report was made of, and what they cannot say; none: a server recorded it.
	Imported   []string
	Changes    []change
	ICEServers string // the line to paste
	Picture    pictureView
	// Expectation is what the NATs let one expect; empty: nothing was measured of them.
	Expectation string
	Trials      table
	Findings    []findingView
	Machines    table
	Candidates  []table
	Errors      table
	Pairs       []table
	Signaling   table
}

func newView(r protocol.Report) view {
	v := view{Lang: r.Lang, Redacted: r.Redacted}
	if !slices.Contains(catalog.Languages, v.Lang) {
		v.Lang = protocol.English
	}
	v.Title = v.T("report.title", "room", clean(r.Room))
	v.Meta = v.meta(r)
	v.Verdict = v.verdict(r)
	if m := r.Imported; m != nil {
		for _, s := range m.Sources {
			v.Imported = append(v.Imported, fmt.Sprintf("%s · %s · %s", strings.ToUpper(clean(s.Peer)), clean(s.Name), clean(s.Kind)))
		}
		for _, n := range m.Notes {
			v.Imported = append(v.Imported, clean(n))
		}
	}
	v.Changes = v.changes(r)
	v.ICEServers = iceServersLine(r.Verdict.RecommendedICEServers)
	v.Picture = v.picture(r)
	if e := r.Expectation; e != nil && (e.Direct != nil || e.Contradicted) {
		v.Expectation = clean(e.Text)
	}
	v.Trials = v.trials(r)
	for _, f := range r.Findings {
		v.Findings = append(v.Findings, v.finding(r, f).after(v.Findings))
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

func (v view) finding(r protocol.Report, f protocol.Finding) findingView {
	out := findingView{
		Severity: v.word("severity.", string(f.Severity)), Confidence: v.word("confidence.", string(f.Confidence)),
		Code: clean(string(f.Code)), Title: clean(f.Title), Summary: clean(f.Summary), Remedy: clean(f.Remedy), Separates: clean(f.SeparatingExperiment),
	}
	if f.Severity != protocol.SeverityInfo { // what is no fault needs no change
		for _, s := range f.Settings {
			out.Settings = append(out.Settings, protocol.Setting{For: clean(s.For), Text: s.Text})
		}
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
