package intake_test

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/icescope/icescope/intake"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

func recording(t testing.TB, story string) []byte {
	t.Helper()
	archive, err := txtar.ParseFile("../diagnosis/testdata/" + story + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name == "recording.jsonl" {
			return f.Data
		}
	}
	t.Fatal("no recording")
	return nil
}

func TestReports(t *testing.T) {
	lines := recording(t, "routed")
	made, err := intake.Reports([]intake.File{{Name: "r.jsonl", Data: append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(lines, []byte("\n"), []byte("\r\n"))...)}}, protocol.Japanese)
	if err != nil || len(made) != 1 || made[0].Lang != protocol.Japanese || made[0].Verdict.Needs != protocol.NeedsSTUN {
		t.Fatal(err)
	}
	text := report.JSON(made[0])
	again, err := intake.Reports([]intake.File{{"a", text}, {"b", lines}}, protocol.English)
	if err != nil || len(again) != 2 || again[0].Lang != protocol.Japanese || again[1].Lang != protocol.English {
		t.Error(err)
	}
	if intake.Kind(text) != intake.KindReport || intake.Kind(lines) != intake.KindRecording {
		t.Error("kinds are not told")
	}
}

// TestOldReport: one that was made before reports had the corners gets them, since the page draws nothing else.
func TestOldReport(t *testing.T) {
	made, err := intake.Reports([]intake.File{{"r", recording(t, "routed")}}, protocol.English)
	if err != nil {
		t.Fatal(err)
	}
	want := made[0].Peers[0].NAT.Corners
	old := regexp.MustCompile(`(?s)"corners": \[.*?\],`).ReplaceAll(report.JSON(made[0]), nil)
	again, err := intake.Reports([]intake.File{{"a", old}}, protocol.English)
	if err != nil || len(want) != 4 || bytes.Contains(old, []byte(`"corners"`)) {
		t.Fatalf("%v, %d corners", err, len(want))
	}
	if got := again[0].Peers[0].NAT.Corners; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "f: no recording",
		"\x00\x01":                          "f:1: not an event",
		"{}":                                "f: no recording",
		`[1]`:                               "f:1: not an event",
		`{"type":"room","room":{}}` + "\n{": "f:2: not an event",
		`{"schema":"icescope.report/v1",`:   "f:1: not an event",
		`{"schema":"icescope.report/v1","run":"x"}`: "f: no report",
	} {
		_, err := intake.Reports([]intake.File{{"f", []byte(text)}}, protocol.English)
		e, ok := errors.AsType[*intake.Error](err)
		if !ok || !strings.Contains(e.Message, want) || e.Hint == "" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestInOrder(t *testing.T) {
	reports := []protocol.Report{{GeneratedAt: "2026-03-02T00:00:00Z"}, {GeneratedAt: "2026-03-01T00:00:00.5Z"}}
	intake.InOrder(reports)
	if reports[0].GeneratedAt != "2026-03-01T00:00:00.5Z" {
		t.Error("the later one stands first")
	}
}

func FuzzReports(f *testing.F) {
	f.Add([]byte(`{"type":"room","room":{"schema":"icescope.recording/v1","room":"r"}}`))
	f.Add([]byte(`{"schema":"icescope.report/v1","verdict":{"needs":"stun"},"peers":[{"id":"a"}]}`))
	f.Add(recording(f, "flat")[:20_000])
	f.Fuzz(func(_ *testing.T, data []byte) {
		made, err := intake.Reports([]intake.File{{"f", data}}, protocol.English)
		if err == nil {
			_ = report.JSON(made[0])
		}
	})
}
