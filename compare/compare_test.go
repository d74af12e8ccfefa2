package compare_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/compare"
	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

var update = flag.Bool("update", false, "write what is compared into testdata")

// story is the report of one of the lab's scenarios, as real browsers recorded it.
func story(t testing.TB, name string, lang protocol.Lang) protocol.Report {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("../diagnosis/testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var events []protocol.Event
	for _, f := range archive.Files {
		if f.Name != "recording.jsonl" {
			continue
		}
		for line := range bytes.Lines(f.Data) {
			var e protocol.Event
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
	}
	return report.Make(diagnosis.Diagnose(events), report.Options{Lang: lang})
}

// pairs are scenarios that one change of the network, or of the browser, leads from and to.
var pairs = [][2]string{
	{"asymmetric-nat", "asymmetric-nat-revealed"},
	{"udp-blocked", "routed"},
	{"routed", "one-way-block"},
	{"nat-dependent-both", "nat-ordinary"},
	{"client-isolation", "flat"},
	{"lossy-path-20", "routed"},
	{"flat", "flat-firefox-one"},
	{"stun-unreachable", "routed"},
}

// outline is a comparison as its reader sees it.
func outline(c protocol.Comparison) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", c.Tone, c.Summary)
	for _, ch := range c.Changes {
		fmt.Fprintf(&b, "%s %s %s: %s\n", ch.Group, ch.What, ch.Tone, ch.Text)
	}
	for _, f := range c.Unchanged {
		fmt.Fprintf(&b, "unchanged: %s\n", f.Title)
	}
	return b.String()
}

func TestStories(t *testing.T) {
	for _, pair := range pairs {
		t.Run(pair[0]+" "+pair[1], func(t *testing.T) {
			var got strings.Builder
			for _, lang := range catalog.Languages {
				c := compare.Compare(story(t, pair[0], lang), story(t, pair[1], lang), lang)
				fmt.Fprintf(&got, "-- %s --\n%s", lang, outline(c))
			}
			file := filepath.Join("testdata", pair[0]+"_"+pair[1]+".txtar")
			if *update {
				if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got.String()); d != "" {
				t.Errorf("-want +got; go test ./compare -update writes it after you have looked at it\n%s", d)
			}
			if strings.Contains(got.String(), "[compare") || strings.Contains(got.String(), "{") {
				t.Error("a sentence is missing, or one of its values")
			}
		})
	}
}

// names are stories enough for every kind of difference.
func names(t *testing.T) (out []string) {
	t.Helper()
	files, err := filepath.Glob("../diagnosis/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for i, f := range files {
		if i%6 == 0 || strings.Contains(f, "revealed") {
			out = append(out, strings.TrimSuffix(filepath.Base(f), ".txtar"))
		}
	}
	return out
}

// TestSame: a report says nothing else than itself, whatever the language that it is in.
func TestSame(t *testing.T) {
	for _, name := range names(t) {
		c := compare.Compare(story(t, name, protocol.English), story(t, name, protocol.Japanese), protocol.English)
		if len(c.Changes) != 0 || c.Tone != protocol.ToneOther || c.Summary != catalog.T("compare.equal").In(protocol.English) {
			t.Errorf("%s: %s", name, outline(c))
		}
	}
}

// TestMirrored: the other way round, what was better is worse, and nothing else is said.
func TestMirrored(t *testing.T) {
	mirror := map[protocol.ChangeTone]protocol.ChangeTone{protocol.ToneBetter: protocol.ToneWorse, protocol.ToneWorse: protocol.ToneBetter, protocol.ToneOther: protocol.ToneOther}
	type line struct {
		group               protocol.ChangeGroup
		what, before, after string
		tone                protocol.ChangeTone
	}
	lines := func(c protocol.Comparison, swapped bool) (out []string) {
		for _, ch := range c.Changes {
			l := line{ch.Group, ch.What, ch.Before, ch.After, ch.Tone}
			if swapped {
				l.before, l.after, l.tone = l.after, l.before, mirror[l.tone]
			}
			out = append(out, fmt.Sprint(l))
		}
		slices.Sort(out)
		return out
	}
	var reports []protocol.Report
	for _, name := range names(t) {
		reports = append(reports, story(t, name, protocol.English))
	}
	for i, a := range reports {
		for _, b := range reports[i+1:] {
			there, back := compare.Compare(a, b, protocol.English), compare.Compare(b, a, protocol.English)
			if d := cmp.Diff(lines(there, false), lines(back, true)); d != "" {
				t.Fatalf("%s and %s: %s", a.Room, b.Room, d)
			}
			if there.Tone != mirror[back.Tone] {
				t.Errorf("%s, and back %s", there.Tone, back.Tone)
			}
		}
	}
}

// TestMatch: who joined first may be another; what people call a machine, else where it comes from, tells which it is.
func TestMatch(t *testing.T) {
	peer := func(id, label, address string) protocol.PeerReport {
		return protocol.PeerReport{ID: id, Label: label, HTTPAddress: address, Kind: protocol.KindBrowser, Browser: "Chromium 156"}
	}
	before := protocol.Report{Peers: []protocol.PeerReport{peer("a", "camera", "10.1.0.7:1"), peer("b", "", "10.2.0.8:1")}}
	for name, after := range map[string][]protocol.PeerReport{
		"labels":    {peer("a", "", "10.2.0.8:2"), peer("b", "Camera", "10.1.0.7:3")},
		"addresses": {peer("a", "", "10.2.0.8:2"), peer("b", "", "10.1.0.7:3")},
		"letters":   {peer("a", "camera", "10.1.0.7:9"), peer("b", "", "10.2.0.8:9")},
	} {
		if c := compare.Compare(before, protocol.Report{Peers: after}, protocol.English); len(c.Changes) > 0 {
			t.Errorf("%s: %s", name, outline(c))
		}
	}
	c := compare.Compare(before, protocol.Report{Peers: []protocol.PeerReport{peer("a", "camera", "10.1.0.7:1")}}, protocol.English)
	if len(c.Changes) != 1 || c.Changes[0].What != "machine" || c.Changes[0].Peer != "b" {
		t.Error(outline(c))
	}
}

// TestNothingKnown: empty reports are compared, and not measured is no difference.
func TestNothingKnown(t *testing.T) {
	if c := compare.Compare(protocol.Report{}, protocol.Report{}, "tlh"); len(c.Changes) > 0 || c.Changes == nil || c.Unchanged == nil || c.Lang != protocol.English {
		t.Errorf("%+v", c)
	}
}
