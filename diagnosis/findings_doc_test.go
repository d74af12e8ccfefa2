package diagnosis_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

// findingsDocument writes docs/findings.md: each code with what it says in the recording that shows it best.
func findingsDocument(all []story, fires map[protocol.Code][]string, lang protocol.Lang) string {
	var d strings.Builder
	say := func(key string) string { return catalog.T(key).In(lang) }
	fmt.Fprintf(&d, "# %s\n\n%s\n\n", say("doc.title"), say("doc.intro"))
	fmt.Fprintf(&d, "%s: ", say("doc.contents"))
	for i, p := range proved {
		if i > 0 {
			d.WriteString(" · ")
		}
		fmt.Fprintf(&d, "[%s](#%s)", p.code, p.code)
	}
	d.WriteString("\n")
	for _, p := range proved {
		key := "finding." + string(p.code)
		fmt.Fprintf(&d, "\n## %s\n\n**%s**\n\n", p.code, say(key+".title"))
		best, shown, found := example(all, p.code, lang)
		switch {
		case found:
			fmt.Fprintf(&d, "%s\n\n### %s\n\n```text\n%s\n```\n\n", text(shown.Summary), say("doc.looks"), drawing(best))
			for _, e := range shown.Evidence {
				fmt.Fprintf(&d, "- %s\n", text(e.Text))
			}
			d.WriteString("\n" + counters(best, shown, lang))
			fmt.Fprintf(&d, "### %s\n\n%s\n\n", say("doc.change"), text(shown.Remedy))
		case catalog.Has(key + ".ground"):
			fmt.Fprintf(&d, "%s\n\n### %s\n\n%s\n\n### %s\n\n%s\n\n", text(say(key+".summary")), say("doc.ground"), text(say(key+".ground")), say("doc.change"), text(say(key+".remedy")))
		}
		for _, s := range catalog.Settings(p.code) {
			fmt.Fprintf(&d, "%s:\n\n```text\n%s\n```\n\n", s.For, s.Text)
		}
		if catalog.Has(key + ".apart") {
			fmt.Fprintf(&d, "### %s\n\n%s\n\n", say("doc.resembles"), text(say(key+".apart")))
		}
		if experiment := cmp.Or(shown.SeparatingExperiment, sentence(key+".experiment", lang)); experiment != "" {
			fmt.Fprintf(&d, "### %s\n\n%s\n\n", say("doc.experiment"), text(experiment))
		}
		if len(fires[p.code]) > 0 {
			fmt.Fprintf(&d, "%s: %s.", say("doc.seen"), strings.Join(fires[p.code], ", "))
		}
		if p.lookLike != "" {
			fmt.Fprintf(&d, " %s: %s.", say("doc.alike"), strings.Join(strings.Fields(p.lookLike), ", "))
		}
		d.WriteString("\n")
	}
	return strings.ReplaceAll(d.String(), "\n\n\n", "\n\n")
}

func sentence(key string, lang protocol.Lang) string {
	if !catalog.Has(key) {
		return ""
	}
	return catalog.T(key).In(lang)
}

// text keeps what stands in a sentence from being read as Markdown, and names the placeholders of one that no recording has filled.
func text(s string) string {
	return strings.NewReplacer("{", "‹", "}", "›", "<", "\\<", "*", "\\*", "_", "\\_", "|", "\\|", "[", "\\[").Replace(s)
}

// example is the recording in which the code is what the verdict names, and the surest; else the surest finding anywhere.
func example(all []story, code protocol.Code, lang protocol.Lang) (best story, shown protocol.Finding, found bool) {
	order := []protocol.Confidence{protocol.Certain, protocol.Likely, protocol.Possible}
	bestRank := 1 << 10
	for _, s := range all {
		i := slices.IndexFunc(s.diagnosis.Findings, func(f diagnosis.Finding) bool { return f.Code == code })
		if i < 0 {
			continue
		}
		rank := 2 * slices.Index(order, s.diagnosis.Findings[i].Confidence)
		if s.diagnosis.Verdict.Cause != code {
			rank += 2 * len(order)
		}
		if strings.Contains(s.name, "-firefox-") || strings.Contains(s.name, "-headless-") { // two Chromium count everything
			rank++
		}
		if rank < bestRank {
			r := report.Make(s.diagnosis, report.Options{Lang: lang})
			best, shown, found, bestRank = s, r.Findings[i], true, rank
		}
	}
	return best, shown, found
}

// drawing is the network of a story and who stood at its ends, without the title, which is in English only.
func drawing(s story) string {
	picture := string(section(s.archive, "picture"))
	if _, after, ok := strings.Cut(picture, "\n\n"); ok {
		picture = after
	}
	return strings.TrimRight(picture, "\n")
}

// maxRows of a table of counters: a document shows the kind, not all.
const maxRows = 6

// counters is a table of what both ends counted in the finding's trial.
func counters(s story, shown protocol.Finding, lang protocol.Lang) string {
	i := slices.IndexFunc(s.diagnosis.Trials, func(t protocol.TrialReport) bool { return t.Kind == shown.Trial })
	if i < 0 || len(s.diagnosis.Trials[i].Pairs) == 0 {
		return ""
	}
	say := func(key string) string { return catalog.T(key).In(lang) }
	n := func(v *int64) string {
		if v == nil {
			return "–"
		}
		return fmt.Sprint(*v)
	}
	var d strings.Builder
	fmt.Fprintf(&d, "%s %s:\n\n| %s | %s | %s | %s | %s | %s |\n|---|---|---|---|---|---|\n", say("doc.counters"), catalog.T("trial."+string(shown.Trial)).In(lang),
		say("doc.pair"), say("doc.asked"), say("doc.arrived"), say("doc.answered"), say("doc.accepted"), say("doc.judged"))
	for i, p := range s.diagnosis.Trials[i].Pairs {
		if i == maxRows {
			d.WriteString("| … | | | | | |\n")
			break
		}
		row := func(from, to protocol.PairEnd, asker, answerer *protocol.PairCounters, names string, judged protocol.DirectionState) {
			var none protocol.PairCounters
			x, y := cmp.Or(asker, &none), cmp.Or(answerer, &none)
			fmt.Fprintf(&d, "| %s %s → %s | %s | %s | %s | %s | %s |\n", names, from.Type, to.Type, n(x.RequestsSent), n(y.RequestsReceived), n(y.ResponsesSent), n(x.ResponsesReceived),
				catalog.T("direction."+string(judged)).In(lang))
		}
		row(p.Local, p.Remote, p.A, p.B, "A → B", p.Directions.AToB)
		row(p.Remote, p.Local, p.B, p.A, "B → A", p.Directions.BToA)
	}
	return d.String() + "\n"
}
