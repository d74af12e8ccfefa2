package compare

import (
	"slices"
	"strconv"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// key tells the findings of both reports from each other: the letters in their identifiers may stand for other machines there.
func (c *comparison) key(f protocol.Finding, later bool) string {
	at := func(letter string) string { return strconv.Itoa(c.of(letter, later)) }
	var peers []string
	for _, p := range f.Peers {
		peers = append(peers, at(p))
	}
	slices.Sort(peers)
	parts := append([]string{string(f.Code), string(f.Trial)}, peers...)
	if f.Direction != nil {
		parts = append(parts, at(f.Direction.From)+">"+at(f.Direction.To))
	}
	return strings.Join(parts, " ")
}

// findings: solved, new, surer, unchanged.
func (c *comparison) findings() {
	before := map[string]protocol.Finding{}
	for _, f := range c.before.Findings {
		if k := c.key(f, false); before[k].Code == "" { // those of an earlier run stand last
			before[k] = f
		}
	}
	seen := map[string]bool{}
	for _, f := range c.after.Findings {
		k := c.key(f, true)
		if seen[k] {
			continue
		}
		seen[k] = true
		if old, ok := before[k]; ok {
			c.kept(old, f)
		} else {
			c.appeared(f)
		}
	}
	told := map[string]bool{}
	for _, f := range c.before.Findings {
		if k := c.key(f, false); !seen[k] && !told[k] {
			told[k] = true
			c.vanished(f)
		}
	}
}

// titled is a finding's title with the machines that it is about.
func (c *comparison) titled(r protocol.Report, f protocol.Finding, later bool) string {
	title := c.title(r, f.Code)
	var names []string
	for _, p := range f.Peers {
		if i := c.of(p, later); i >= 0 {
			names = append(names, c.ends[i].name())
		}
	}
	if len(names) == 0 || len(names) == len(c.ends) {
		return title
	}
	return c.say("compare.titled", "title", title, "peers", c.list(names))
}

func (c *comparison) letters(f protocol.Finding, later bool) []string {
	out := []string{}
	for _, p := range f.Peers {
		if i := c.of(p, later); i >= 0 {
			p = c.ends[i].letter()
		}
		out = append(out, p)
	}
	return out
}

func (c *comparison) kept(old, f protocol.Finding) {
	if old.Confidence == f.Confidence {
		u := protocol.UnchangedFinding{Code: f.Code, Title: c.titled(c.after, f, true), Severity: f.Severity, Peers: c.letters(f, true)}
		if !slices.ContainsFunc(c.unchanged, func(o protocol.UnchangedFinding) bool { return o.Title == u.Title }) {
			c.unchanged = append(c.unchanged, u)
		}
		return
	}
	key := "compare.finding-surer"
	if sure[f.Confidence] < sure[old.Confidence] {
		key = "compare.finding-less-sure"
	}
	ch := c.change(f, true)
	ch.Before, ch.After, ch.Tone = c.word("confidence.", string(old.Confidence)), c.word("confidence.", string(f.Confidence)), protocol.ToneOther
	ch.Text = c.say(key, "title", c.titled(c.after, f, true), "before", ch.Before, "after", ch.After)
	c.once(ch)
}

func (c *comparison) appeared(f protocol.Finding) {
	ch := c.change(f, true)
	ch.After = c.word("confidence.", string(f.Confidence))
	switch title := c.titled(c.after, f, true); {
	case c.hidden(f, c.before, c.after):
		ch.Text = c.say("compare.finding-shown", "title", title)
	case !c.measured(f, c.before):
		ch.Text = c.say("compare.finding-measured", "title", title)
	default:
		ch.Text = c.say("compare.finding-new", "title", title, "confidence", ch.After)
		if matters(f) {
			ch.Tone = protocol.ToneWorse
		}
	}
	c.once(ch)
}

func (c *comparison) vanished(f protocol.Finding) {
	ch := c.change(f, false)
	ch.Before = c.word("confidence.", string(f.Confidence))
	switch title := c.titled(c.before, f, false); {
	case c.hidden(f, c.after, c.before):
		ch.Text = c.say("compare.finding-hidden", "title", title)
	case !c.measured(f, c.after):
		ch.Text = c.say("compare.finding-unmeasured", "title", title)
	case !matters(f):
		ch.Text = c.say("compare.finding-gone", "title", title)
	default:
		ch.Text, ch.Tone = c.say("compare.finding-solved", "title", title), protocol.ToneBetter
	}
	c.once(ch)
}

func (c *comparison) change(f protocol.Finding, later bool) protocol.Change {
	ch := protocol.Change{Group: protocol.ChangeFindings, What: "finding", Code: f.Code, Trial: f.Trial, Tone: protocol.ToneOther}
	if letters := c.letters(f, later); len(letters) == 1 {
		ch.Peer = letters[0]
	}
	return ch
}

// once adds what was not said yet: one cause in two trials, or in both directions, reads the same.
func (c *comparison) once(ch protocol.Change) {
	if !slices.ContainsFunc(c.changes, func(old protocol.Change) bool {
		old.Trial = ch.Trial
		return old == ch
	}) {
		c.add(ch)
	}
}

// matters: is its coming or going for the worse or the better? A note is neither, and what was only possible may never have been.
func matters(f protocol.Finding) bool {
	return f.Severity != protocol.SeverityInfo && f.Confidence != protocol.Possible
}

// byAddress are the causes that are read off the addresses of the machines, and so cannot be found while browsers hide them.
var byAddress = []protocol.Code{protocol.CodeAsymmetricNAT, protocol.CodeNoNATToServer, protocol.CodeOverlappingSubnets, protocol.CodeVPNChosen, protocol.CodeVirtualBridge,
	protocol.CodeWrongInterface, protocol.CodeLinkLocalOnly, protocol.CodeDoubleNAT}

// hidden: is it read off addresses that were hidden in the one report, and are shown in the other? What is seen only there may have been the same before.
func (c *comparison) hidden(f protocol.Finding, there, shown protocol.Report) bool {
	if !slices.Contains(byAddress, f.Code) {
		return false
	}
	masked := func(r protocol.Report) bool {
		return slices.ContainsFunc(players(r), func(p *protocol.PeerReport) bool { return p.Masked != nil && *p.Masked })
	}
	return masked(there) && !masked(shown)
}

// measured: could the other report have found it? Not where the trial that shows it was not run to an end.
func (c *comparison) measured(f protocol.Finding, other protocol.Report) bool {
	ended := func(t protocol.TrialReport) bool { return far[t.Outcome] > 0 }
	if f.Trial != "" && !f.Trial.Solo() {
		t := trialOf(other, f.Trial)
		return t != nil && ended(*t)
	}
	return other.Verdict.Final && slices.ContainsFunc(other.Trials, ended)
}
