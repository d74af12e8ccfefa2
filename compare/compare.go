// Package compare tells what two reports say differently: before and after a change to the network, one place and another. It reads reports only, so that
// one of last year, of which nothing but the JSON is left, can be compared as well. It judges no network: what a report does not know is no difference for
// the better or the worse.
//
// Comparing the other way round gives the same changes with the tones mirrored (property_test.go).
package compare

import (
	"cmp"
	"net"
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// Compare tells what has changed from one report to the other, in a language.
func Compare(before, after protocol.Report, lang protocol.Lang) protocol.Comparison {
	if !slices.Contains(catalog.Languages, lang) {
		lang = protocol.English
	}
	c := &comparison{before: before, after: after, lang: lang, ends: match(before, after)}
	c.verdict()
	c.machines()
	c.candidates()
	c.nats()
	c.paths()
	c.findings()
	out := protocol.Comparison{Schema: protocol.ComparisonSchema, Lang: lang, Before: c.side(before), After: c.side(after),
		Tone: needsTone(before, after), Changes: c.changes, Unchanged: c.unchanged}
	out.Summary = c.summary()
	if out.Changes == nil {
		out.Changes = []protocol.Change{}
	}
	if out.Unchanged == nil {
		out.Unchanged = []protocol.UnchangedFinding{}
	}
	return out
}

type comparison struct {
	before, after protocol.Report
	lang          protocol.Lang
	ends          []end
	changes       []protocol.Change
	unchanged     []protocol.UnchangedFinding
}

// end is one machine as both reports know it; nil: it is not in that one.
type end struct{ before, after *protocol.PeerReport }

// letter is what the reader of the comparison calls it.
func (e end) letter() string {
	if e.after != nil {
		return e.after.ID
	}
	return e.before.ID
}

// name is its letter and what a person called it.
func (e end) name() string {
	p := e.after
	if p == nil {
		p = e.before
	}
	return nameOf(*p)
}

func nameOf(p protocol.PeerReport) string {
	letter := strings.ToUpper(p.ID)
	if p.Label == "" || strings.EqualFold(p.Label, p.ID) {
		return letter
	}
	return letter + " " + p.Label
}

// players are the peers that are compared: not watchers, and not those that stand beside another.
func players(r protocol.Report) (out []*protocol.PeerReport) {
	for i := range r.Peers {
		p := &r.Peers[i]
		beside := slices.ContainsFunc(r.Beside, func(b protocol.BesideReport) bool { return b.Peer == p.ID })
		if p.Kind != protocol.KindWatcher && !beside {
			out = append(out, p)
		}
	}
	return out
}

// match finds the machines of one report in the other: by what people called them, then by the address that they came from, then by their letters, which only tell who
// joined first. A label or an address counts where it names one machine in each.
func match(before, after protocol.Report) (out []end) {
	from, to := players(before), players(after)
	by := func(key func(*protocol.PeerReport) string) {
		only := func(peers []*protocol.PeerReport, k string) *protocol.PeerReport {
			var found *protocol.PeerReport
			for _, p := range peers {
				if key(p) == k {
					if found != nil {
						return nil
					}
					found = p
				}
			}
			return found
		}
		for _, p := range slices.Clone(to) {
			k := key(p)
			if k == "" {
				continue
			}
			if q := only(from, k); q != nil && only(to, k) == p {
				out = append(out, end{q, p})
				from = slices.DeleteFunc(slices.Clone(from), func(x *protocol.PeerReport) bool { return x == q })
				to = slices.DeleteFunc(slices.Clone(to), func(x *protocol.PeerReport) bool { return x == p })
			}
		}
	}
	by(func(p *protocol.PeerReport) string { return strings.ToLower(strings.TrimSpace(p.Label)) })
	by(func(p *protocol.PeerReport) string { return hostOf(p.HTTPAddress) })
	by(func(p *protocol.PeerReport) string { return p.ID })
	for len(from) > 0 && len(to) > 0 {
		out, from, to = append(out, end{from[0], to[0]}), from[1:], to[1:]
	}
	for _, p := range to {
		out = append(out, end{after: p})
	}
	for _, p := range from {
		out = append(out, end{before: p})
	}
	slices.SortStableFunc(out, func(a, b end) int { return strings.Compare(a.letter(), b.letter()) })
	return out
}

// of finds the machine that a letter stands for in one of the reports; -1: none that is compared.
func (c *comparison) of(letter string, later bool) int {
	return slices.IndexFunc(c.ends, func(e end) bool {
		p := e.before
		if later {
			p = e.after
		}
		return p != nil && p.ID == letter
	})
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return host
}

func (c *comparison) say(key string, args ...string) string {
	return catalog.T(key, args...).In(c.lang)
}

// word is a word of protocol in the reader's language; one that a newer icescope wrote stays as it is.
func (c *comparison) word(prefix, w string) string { return word(c.lang, prefix, w) }

func word(lang protocol.Lang, prefix, w string) string {
	if w == "" || !catalog.Has(prefix+w) {
		return w
	}
	return catalog.Text{Key: prefix + w}.In(lang)
}

func (c *comparison) list(items []string) string {
	if len(items) == 0 {
		return c.say("compare.none")
	}
	return strings.Join(items, c.say("report.comma"))
}

// add notes a change.
func (c *comparison) add(ch protocol.Change) { c.changes = append(c.changes, ch) }

// title is what a cause is called, in the reader's language whatever the report's is.
func (c *comparison) title(r protocol.Report, code protocol.Code) string {
	if code == "" {
		return ""
	}
	if key := "finding." + string(code) + ".title"; catalog.Has(key) {
		return catalog.Text{Key: key}.In(c.lang)
	}
	for _, f := range r.Findings {
		if f.Code == code && f.Title != "" {
			return f.Title
		}
	}
	return string(code)
}

func (c *comparison) side(r protocol.Report) protocol.ComparedReport {
	out := protocol.ComparedReport{Room: r.Room, GeneratedAt: r.GeneratedAt, Peers: []protocol.KeptPeer{}, Verdict: protocol.ComparedAnswer{
		Needs: r.Verdict.Needs, Cause: r.Verdict.Cause, CauseTitle: c.title(r, r.Verdict.Cause), Confidence: r.Verdict.Confidence, Final: r.Verdict.Final}}
	for _, p := range players(r) {
		out.Peers = append(out.Peers, protocol.KeptPeer{ID: p.ID, Label: p.Label, Kind: p.Kind, Browser: p.Browser})
	}
	return out
}

// dear is the order of the verdicts; 0: it cannot be compared.
var dear = map[protocol.Needs]int{protocol.NeedsNothing: 1, protocol.NeedsSTUN: 2, protocol.NeedsTURNUDP: 3, protocol.NeedsTURNTCP: 4, protocol.NeedsUnreachable: 5}

// enough is the trial that shows that a need is enough.
var enough = map[protocol.Needs]protocol.TrialKind{protocol.NeedsNothing: protocol.TrialHost, protocol.NeedsSTUN: protocol.TrialSTUN,
	protocol.NeedsTURNUDP: protocol.TrialRelayUDP, protocol.NeedsTURNTCP: protocol.TrialRelayTCP}

// needsTone judges two verdicts. One that is not determined is dearer all the same where just that was tried in vain which is enough for the other.
func needsTone(before, after protocol.Report) protocol.ChangeTone {
	b, a := before.Verdict.Needs, after.Verdict.Needs
	switch {
	case a == protocol.NeedsUndetermined && failed(after, enough[b]):
		return protocol.ToneWorse
	case b == protocol.NeedsUndetermined && failed(before, enough[a]):
		return protocol.ToneBetter
	}
	return lessIsBetter(dear[b], dear[a])
}

func failed(r protocol.Report, k protocol.TrialKind) bool {
	t := trialOf(r, k)
	return k != "" && t != nil && (t.Outcome == protocol.OutcomeFailed || t.Outcome == protocol.OutcomeStuck)
}

// lessIsBetter judges two ranks, of which 0 is not known.
func lessIsBetter[T cmp.Ordered](before, after T) protocol.ChangeTone {
	var unknown T
	switch {
	case before == unknown || after == unknown || before == after:
		return protocol.ToneOther
	case after < before:
		return protocol.ToneBetter
	}
	return protocol.ToneWorse
}

// yes is better, where both are known.
func yesIsBetter(before, after bool) protocol.ChangeTone {
	switch {
	case before == after:
		return protocol.ToneOther
	case after:
		return protocol.ToneBetter
	}
	return protocol.ToneWorse
}

func (c *comparison) verdict() {
	b, a := c.before.Verdict, c.after.Verdict
	ch := protocol.Change{Group: protocol.ChangeVerdict}
	if b.Needs != a.Needs {
		ch.What, ch.Tone = "needs", needsTone(c.before, c.after)
		ch.Before, ch.After = c.word("needs.", string(b.Needs)), c.word("needs.", string(a.Needs))
		ch.Text = c.say("compare.needs", "before", ch.Before, "after", ch.After)
		c.add(ch)
	}
	if b.Cause != a.Cause {
		ch.What, ch.Code, ch.Tone = "cause", a.Cause, protocol.ToneOther
		ch.Before, ch.After = c.title(c.before, b.Cause), c.title(c.after, a.Cause)
		switch {
		case a.Cause == "":
			ch.Code, ch.Text = b.Cause, c.say("compare.cause-gone", "before", ch.Before)
			if a.Needs == protocol.NeedsNothing { // nothing is needed, so that nothing is wanting
				ch.Tone = protocol.ToneBetter
			}
		case b.Cause == "":
			ch.Text = c.say("compare.cause-new", "after", ch.After)
			if b.Needs == protocol.NeedsNothing {
				ch.Tone = protocol.ToneWorse
			}
		default:
			ch.Text = c.say("compare.cause", "before", ch.Before, "after", ch.After)
		}
		c.add(ch)
	} else if b.Confidence != a.Confidence && a.Cause != "" {
		ch.What, ch.Code, ch.Tone = "confidence", a.Cause, protocol.ToneOther // what is known is no better or worse network
		ch.Before, ch.After = c.word("confidence.", string(b.Confidence)), c.word("confidence.", string(a.Confidence))
		ch.Text = c.say("compare.confidence", "before", ch.Before, "after", ch.After)
		c.add(ch)
	}
}

// summary is the sentence that stands above all changes.
func (c *comparison) summary() string {
	b, a := c.before.Verdict, c.after.Verdict
	if len(c.changes) == 0 {
		return c.say("compare.equal")
	}
	switch tone := needsTone(c.before, c.after); {
	case a.Needs == protocol.NeedsUndetermined && tone == protocol.ToneWorse:
		return c.word("compare.no-longer.", string(b.Needs))
	case b.Needs == protocol.NeedsUndetermined && tone == protocol.ToneBetter:
		return c.word("compare.enough.", string(a.Needs))
	}
	if b.Needs != a.Needs {
		key := "compare.before."
		if dear[b.Needs] > dear[a.Needs] && dear[a.Needs] > 0 && catalog.Has("compare.before-only."+string(b.Needs)) {
			key = "compare.before-only."
		}
		return c.say("compare.summary", "now", c.word("compare.now.", string(a.Needs)), "before", c.word(key, string(b.Needs)))
	}
	same := c.word("compare.same.", string(a.Needs))
	switch before, after := c.title(c.before, b.Cause), c.title(c.after, a.Cause); {
	case b.Cause == a.Cause && a.Cause != "" && sure[b.Confidence] < sure[a.Confidence]:
		return c.say("compare.same-surer", "same", same, "cause", after)
	case b.Cause == a.Cause && a.Cause != "":
		return c.say("compare.same-cause", "same", same, "cause", after)
	case b.Cause == a.Cause || a.Cause == "":
		return same
	case b.Cause == "":
		return c.say("compare.cause-found", "same", same, "after", after)
	default:
		return c.say("compare.other-cause", "same", same, "before", before, "after", after)
	}
}

// sure is the order of the confidences.
var sure = map[protocol.Confidence]int{protocol.Possible: 1, protocol.Likely: 2, protocol.Certain: 3}
