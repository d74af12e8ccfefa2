package compare_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/compare"
	"github.com/icescope/icescope/protocol"
)

// every is a comparison with each thing that the fragment can show, in words that must be escaped.
func every(lang protocol.Lang) protocol.Comparison {
	change := func(group protocol.ChangeGroup, what string, tone protocol.ChangeTone, text string) protocol.Change {
		return protocol.Change{Group: group, What: what, Before: "failed", Text: text, Tone: tone}
	}
	peers := []protocol.KeptPeer{{ID: "a", Label: `<script>"x"</script>`, Browser: "Chromium 156"}, {ID: "b", Browser: "Firefox 153"}}
	return protocol.Comparison{
		Schema: protocol.ComparisonSchema, Lang: lang, Tone: protocol.ToneBetter, Summary: "Now connects directly; before, only with STUN.",
		Before: protocol.ComparedReport{GeneratedAt: "2026-03-02T09:14:31+09:00", Peers: peers,
			Verdict: protocol.ComparedAnswer{Needs: protocol.NeedsSTUN, Cause: "mdns-masked", CauseTitle: "Hidden & masked", Confidence: protocol.Certain, Final: true}},
		After: protocol.ComparedReport{GeneratedAt: "yesterday", Verdict: protocol.ComparedAnswer{Needs: protocol.NeedsNothing}},
		Changes: []protocol.Change{change(protocol.ChangeVerdict, "needs", protocol.ToneBetter, "Trial better."), change(protocol.ChangePaths, "outcome", protocol.ToneWorse, "Trial worse."),
			change(protocol.ChangePaths, "outcome", protocol.ToneOther, "Trial different.")},
		Unchanged: []protocol.UnchangedFinding{{Code: "insecure-context", Title: "No secure context"}},
	}
}

func TestHTML(t *testing.T) {
	for _, lang := range catalog.Languages {
		got := compare.HTML(every(lang), compare.Sources{IDs: [2]string{"0123456789abcdef", ""}, Names: [2]string{"", "b <2>.jsonl"}})
		file := filepath.Join("testdata", "every."+string(lang)+".html")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("-want +got; go test ./compare -update writes it after you have looked at it\n%s", d)
		}
	}
}

// missing is a sentence that is not there, or what Go prints of a value that is not what the template takes it for.
var missing = regexp.MustCompile(`\[[a-z-]+\.|%!|<nil>|ZgotmplZ|\{[a-z]+\}`)

// forbidden is what the page's Content-Security-Policy does not let through.
var forbidden = regexp.MustCompile(`<script|<style|<!--|\sstyle=|\son\w+=|javascript:`)

// TestHTMLSaysEachTone: a tone is told by colour, sign and word, whatever the comparison; nothing in it is inline script or style.
func TestHTMLSaysEachTone(t *testing.T) {
	for _, lang := range catalog.Languages {
		all := []protocol.Comparison{every(lang), compare.Compare(protocol.Report{}, protocol.Report{}, lang)}
		for _, pair := range pairs {
			all = append(all, compare.Compare(story(t, pair[0], lang), story(t, pair[1], lang), lang))
		}
		for _, c := range all {
			got := compare.HTML(c, compare.Sources{})
			if bad := missing.FindString(got) + forbidden.FindString(got); bad != "" {
				t.Errorf("%s: %q", c.Summary, bad)
			}
			if n := strings.Count(got, `data-testid="change"`); n != len(c.Changes) {
				t.Errorf("%s: %d changes, want %d", c.Summary, n, len(c.Changes))
			}
			for _, ch := range c.Changes {
				tone := map[protocol.ChangeTone]string{protocol.ToneBetter: "ok", protocol.ToneWorse: "bad", protocol.ToneOther: "idle"}[ch.Tone]
				word := catalog.Text{Key: "compare.tone." + string(ch.Tone)}.In(lang)
				row := regexp.MustCompile(`<tr data-tone="` + tone + `" data-testid="change" data-what="` + ch.What + `" data-change="` + string(ch.Tone) + `">\s*<th scope="row"><span class="badge sign-word" data-tone="` +
					tone + `"><svg class="sign" [^>]*><path d="M[^"]+"></path></svg>` + word + `</span>`)
				if !row.MatchString(got) {
					t.Errorf("%s: no row of %+v", c.Summary, ch)
				}
			}
		}
	}
}

// TestSigns: a sign of the fragment is the one that the page draws.
func TestSigns(t *testing.T) {
	page, err := os.ReadFile("../web/src/ui/Sign.tsx")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, needs := range []protocol.Needs{protocol.NeedsNothing, protocol.NeedsSTUN, protocol.NeedsTURNUDP, protocol.NeedsTURNTCP, protocol.NeedsUnreachable, protocol.NeedsUndetermined} {
		c := every(protocol.English)
		c.After.Verdict.Needs = needs
		all.WriteString(compare.HTML(c, compare.Sources{}))
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`<path d="([^"]*)">`).FindAllStringSubmatch(all.String(), -1) {
		if seen[m[1]] = true; !strings.Contains(string(page), `: "`+m[1]+`",`) {
			t.Errorf("the page has no sign %q", m[1])
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d signs, want all 8", len(seen))
	}
}
