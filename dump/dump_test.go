package dump_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/dump"
	"github.com/icescope/icescope/protocol"
)

var update = flag.Bool("update", false, "write what is diagnosed into testdata")

// testdata/PLAY holds what the two browsers of one play of the lab had logged (go run ./e2e/cmd/lab -all -dumps DIR), unchanged, and the verdict of that very play (live.json).
func logsOf(t testing.TB, play string) (logs []dump.File) {
	t.Helper()
	for _, end := range []string{"A", "B"} {
		names, err := filepath.Glob(filepath.Join("testdata", play, end+".[aw]*.gz"))
		if err != nil || len(names) != 1 {
			t.Fatal(play, names, err)
		}
		logs = append(logs, load(t, names[0]))
	}
	return logs
}

// load unpacks what was packed for the repository alone; Chromium's dump is packed by itself.
func load(t testing.TB, name string) dump.File {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(name, "webrtc-internals") {
		data = unpacked(t, data)
	}
	return dump.File{Name: strings.TrimSuffix(filepath.Base(name), ".gz"), Data: data}
}

func unpacked(t testing.TB, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return data
}

func plays(t testing.TB) (out []string) {
	t.Helper()
	dirs, err := filepath.Glob("testdata/*/live.json")
	if err != nil || len(dirs) < 5 {
		t.Fatal(dirs, err)
	}
	for _, d := range dirs {
		out = append(out, filepath.Base(filepath.Dir(d)))
	}
	return out
}

func outline(d diagnosis.Diagnosis, notes []dump.Note) string {
	var b strings.Builder
	fmt.Fprintf(&b, "needs %s, cause %q, %s, final %t\n", d.Verdict.Needs, d.Verdict.Cause, d.Verdict.Confidence, d.Verdict.Final)
	for _, t := range d.Trials {
		fmt.Fprintf(&b, "trial %s %s %s\n", t.ID, t.Outcome, t.Reason)
		for _, p := range t.Pairs {
			fmt.Fprintf(&b, "  %s -> %s, %s <- %s\n", p.Local.Type, p.Directions.AToB, p.Remote.Type, p.Directions.BToA)
		}
	}
	for _, f := range d.Findings {
		fmt.Fprintf(&b, "%s %s %s\n", f.Severity, f.Confidence, f.ID())
	}
	for _, n := range notes {
		fmt.Fprintf(&b, "note %s\n", n.Key)
	}
	return b.String()
}

// TestPlays: the logs of both ends, and of each alone, lead to the cause of the live run, or to none and a note of what is missing; never to another one that is likely.
func TestPlays(t *testing.T) {
	for _, play := range plays(t) {
		t.Run(play, func(t *testing.T) {
			var live struct {
				Needs      protocol.Needs
				Cause      protocol.Code
				Confidence protocol.Confidence
			}
			text, err := os.ReadFile(filepath.Join("testdata", play, "live.json"))
			if err == nil {
				err = json.Unmarshal(text, &live)
			}
			if err != nil {
				t.Fatal(err)
			}
			logs := logsOf(t, play)
			var got strings.Builder
			for _, set := range []struct {
				name  string
				files []dump.File
			}{{"both", logs}, {"A", logs[:1]}, {"B", logs[1:]}} {
				events, notes, err := dump.Read(set.files...)
				if err != nil {
					t.Fatal(err)
				}
				sound(t, events)
				d := diagnosis.Diagnose(events)
				v := d.Verdict
				if v.Needs != live.Needs && v.Needs != protocol.NeedsUndetermined {
					t.Errorf("%s: needs %s, live %s", set.name, v.Needs, live.Needs)
				}
				said := slices.ContainsFunc(notes, func(n dump.Note) bool { return n.Key == "import.note.no-server" })
				if v.Cause != live.Cause && (v.Cause != "" && v.Confidence != protocol.Possible || !said) {
					t.Errorf("%s: cause %s %s, live %s; notes %v", set.name, v.Confidence, v.Cause, live.Cause, notes)
				}
				cut := slices.ContainsFunc(notes, func(n dump.Note) bool { return n.Key == "import.note.cut-short" })
				if len(set.files) == 2 && v.Cause != live.Cause && !cut { // a busy machine's play was stopped before its browsers had said enough
					t.Errorf("the logs of both ends: cause %q, live %q", v.Cause, live.Cause)
				}
				fmt.Fprintf(&got, "== %s\n%s", set.name, outline(d, notes))
			}
			golden := filepath.Join("testdata", play, "imported.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("-want +got; go test ./dump -update writes it after you have looked at it\n%s", diff)
			}
		})
	}
}

// sound is what holds of every recording.
func sound(t testing.TB, events []protocol.Event) {
	t.Helper()
	at := 0.0
	for i, e := range events {
		if e.Seq != i || e.AtMs < at {
			t.Fatalf("event %d has the number %d, and %v ms come after %v", i, e.Seq, e.AtMs, at)
		}
		at = e.AtMs
		if e.Applied != nil && e.Applied.Ref >= i {
			t.Fatalf("event %d arrived before it was sent", e.Applied.Ref)
		}
		if e.Sighting != nil || e.Check != nil || e.Probe != nil || e.Ping != nil || e.Measurement != nil || e.Environment != nil {
			t.Fatalf("no log holds a %s", e.Type)
		}
	}
	if len(events) == 0 || events[0].Room == nil || events[0].Room.Imported == nil {
		t.Fatal("it does not say that it is imported")
	}
	for _, n := range events[0].Room.Imported.Notes {
		for _, lang := range catalog.Languages {
			if s := (catalog.Text{Key: n.Key, Args: n.Args}).In(lang); strings.ContainsAny(s, "[{") {
				t.Fatalf("%s in %s: %s", n.Key, lang, s)
			}
		}
	}
}

// TestOtherClock: the second machine's clock is wrong by hours, and nothing arrives before it was sent.
func TestOtherClock(t *testing.T) {
	logs := logsOf(t, "udp-blocked")
	text := string(unpacked(t, logs[1].Data))
	text = strings.ReplaceAll(text, `"timestamp": 17`, `"timestamp": 18`) // three years
	events, notes, err := dump.Read(logs[0], dump.File{Name: "B", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	sound(t, events)
	if !slices.ContainsFunc(notes, func(n dump.Note) bool { return n.Key == "import.note.clocks-shifted" }) {
		t.Error(notes)
	}
	if last := events[len(events)-1].AtMs; last > 1e10 && !strings.Contains(text, "startTime") {
		t.Errorf("the recording lasts %v ms", last)
	}
}

func TestReport(t *testing.T) {
	f := load(t, "testdata/flat-firefox-one/A.report.json.gz")
	if dump.Kind(f.Data) != dump.FirefoxReport {
		t.Fatal(dump.Kind(f.Data))
	}
	events, _, err := dump.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	sound(t, events)
	if d := diagnosis.Diagnose(events); len(d.Trials) != 1 || d.Trials[0].Outcome != protocol.OutcomeConnected || d.Trials[0].Kind != protocol.TrialSTUN {
		t.Errorf("%+v", d.Trials)
	}
	if _, _, err := dump.Read(f, logsOf(t, "flat-firefox-one")[1]); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	rtcstats, err := os.ReadFile("testdata/A.rtcstats.gz")
	if err != nil {
		t.Fatal(err)
	}
	for want, files := range map[string][]dump.File{
		"without any RTCPeerConnection": {{Name: "f", Data: []byte(`{"PeerConnections":{},"UserAgent":"x"}`)}},
		"no log of a browser":           {{Name: "f", Data: []byte(`{"a":1}`)}},
		"nested deeper":                 {{Name: "f", Data: []byte(strings.Repeat("[", 100))}},
		"an rtcstats dump":              {{Name: "f", Data: rtcstats}},
		"showed no RTCPeerConnection":   {{Name: "f", Data: []byte(`<div id="content"><h3 data-l10n-id="about-webrtc-peerconnections-section-heading"></h3></div>`)}},
		"gzip cannot be read":           {{Name: "f", Data: []byte{0x1f, 0x8b, 1}}},
		"0 logs":                        nil,
		"not of the two ends":           {logsOf(t, "flat")[0], logsOf(t, "udp-blocked")[1]},
		"ever given a description":      {{Name: "f", Data: []byte(`{"PeerConnections":{"1-1":{"updateLog":[{"type":"setLocalDescription","value":"type: offer, sdp: v=0\r\n","time":""}]}}}`)}},
		"is of another type":            {{Name: "f", Data: []byte(`{"PeerConnections":[]}`)}},
		fmt.Sprint(dump.MaxBytes):       {{Name: "f", Data: make([]byte, dump.MaxBytes+1)}},
	} {
		_, _, err := dump.Read(files...)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ";") {
			t.Errorf("%s: %v", want, err)
		}
	}
	if dump.Same(logsOf(t, "flat")[0], logsOf(t, "udp-blocked")[1]) || !dump.Same(logsOf(t, "flat")[0], logsOf(t, "flat")[1]) {
		t.Error("whose call it is, is not told")
	}
}

// TestOlder is a dump in the words of Chromium before about version 110, and credentials that no recording may hold.
func TestOlder(t *testing.T) {
	const old = `{"PeerConnections":{"8-3":{"url":"https://example.org/call","rtcConfiguration":"{ iceServers: [stun:192.0.2.1:3478, turn:192.0.2.1:3478], iceTransportPolicy: all, bundlePolicy: balanced }",
	"updateLog":[
	{"time":"3/1/2022, 10:00:00 AM","type":"setLocalDescription","value":"type: offer, sdp: v=0\r\na=ice-ufrag:abcd\r\na=setup:actpass\r\n"},
	{"time":"3/1/2022, 10:00:01 AM","type":"icecandidate","value":"sdpMid: 0, sdpMLineIndex: 0, candidate: candidate:1 1 udp 2122260223 192.0.2.7 50001 typ host generation 0 ufrag abcd, url: stun:192.0.2.1:3478"},
	{"time":"3/1/2022, 10:00:01 AM","type":"setRemoteDescription","value":"type: answer, sdp: v=0\r\na=ice-ufrag:efgh\r\na=candidate:2 1 udp 2122260223 192.0.2.8 50002 typ host\r\n"},
	{"time":"3/1/2022, 10:00:02 AM","type":"addIceCandidateFailed","value":"sdpMid: 0, sdpMLineIndex: 0, candidate: candidate:3 1 udp 1 192.0.2.9 50003 typ srflx raddr 0.0.0.0 rport 0"},
	{"time":"3/1/2022, 10:00:02 AM","type":"iceconnectionstatechange","value":"checking"},
	{"time":"3/1/2022, 10:00:20 AM","type":"connectionstatechange","value":"failed"}],
	"stats":{"RTCIceCandidatePair_a_b-requestsSent":{"startTime":"2022-03-01T10:00:02.000Z","endTime":"2022-03-01T10:00:04.000Z","values":"[1,20,30]"},
	"RTCIceCandidatePair_a_b-localCandidateId":{"startTime":"2022-03-01T10:00:02.000Z","endTime":"2022-03-01T10:00:04.000Z","values":"[\"L\",\"L\",\"L\"]"}}}},"UserAgent":"Chrome/98"}`
	events, _, err := dump.Read(dump.File{Name: `C:\x\old.txt`, Data: []byte(old)})
	if err != nil {
		t.Fatal(err)
	}
	sound(t, events)
	d := diagnosis.Diagnose(events)
	if len(d.Trials) != 1 || d.Trials[0].Kind != protocol.TrialCustom || d.Trials[0].Outcome != protocol.OutcomeFailed || d.Peers[0].Label != "old.txt" {
		t.Errorf("%+v %+v", d.Trials, d.Peers)
	}
	var failed, applied, samples int
	for _, e := range events {
		switch {
		case e.Applied != nil && !e.Applied.OK:
			failed++
		case e.Applied != nil:
			applied++
		case e.Sample != nil:
			samples++
		}
	}
	if failed != 1 || applied != 2 || samples != 3 {
		t.Errorf("%d failed, %d applied, %d samples", failed, applied, samples)
	}
	secret := strings.Replace(old, `"{ iceServers: [stun:192.0.2.1:3478, turn:192.0.2.1:3478], iceTransportPolicy: all, bundlePolicy: balanced }"`,
		`"{\"iceServers\":[{\"urls\":\"turn:192.0.2.1\",\"username\":\"u\",\"credential\":\"hush-hush\"}]}"`, 1)
	events, _, err = dump.Read(dump.File{Name: "f", Data: []byte(secret)})
	text, _ := json.Marshal(events)
	if err != nil || bytes.Contains(text, []byte("hush-hush")) || !bytes.Contains(text, []byte("(hidden)")) {
		t.Error("the credential of a relay is in the recording", err)
	}
}

func FuzzInternals(f *testing.F) {
	f.Add([]byte(`{"PeerConnections":{"1-1":{"url":"u","rtcConfiguration":"{}","updateLog":[{"type":"setRemoteDescription","value":"{\"type\":\"offer\",\"sdp\":\"a=ice-ufrag:x\"}","timestamp":5}],"stats":{"CPx-state":{"startTime":"2026-01-01T00:00:00Z","endTime":"2026-01-01T00:00:01Z","statsType":"candidate-pair","values":"[\"waiting\"]"}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzed(t, data) })
}

func FuzzAboutWebRTC(f *testing.F) {
	page := load(f, "testdata/flat-firefox-one/A.aboutWebrtc.html.gz").Data
	if i := bytes.LastIndex(page, []byte(`<div class="peer-connection">`)); i > 0 {
		f.Add(append([]byte(`<div id="content" about-webrtc->`), page[i:min(i+12_000, len(page))]...))
	}
	f.Add(load(f, "testdata/flat-firefox-one/A.report.json.gz").Data)
	f.Fuzz(func(t *testing.T, data []byte) { fuzzed(t, data) })
}

func fuzzed(t *testing.T, data []byte) {
	events, _, err := dump.Read(dump.File{Name: "f", Data: data})
	if err != nil {
		return
	}
	sound(t, events)
	diagnosis.Diagnose(events)
	if _, _, err := dump.Read(dump.File{Name: "f", Data: data}, dump.File{Name: "g", Data: data}); err == nil {
		return
	}
}
