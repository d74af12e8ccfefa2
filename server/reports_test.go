package server

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/icescope/icescope/archive"
	"github.com/icescope/icescope/intake"
	"github.com/icescope/icescope/protocol"
)

const keptCode = "bodu-kafi-zomu-rita"

// recorded is a recording of the lab, as a file and as events.
func recorded(t *testing.T, story string) ([]byte, []protocol.Event) {
	t.Helper()
	lab, err := txtar.ParseFile("../diagnosis/testdata/" + story + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for _, f := range lab.Files {
		if f.Name == "recording.jsonl" {
			data = f.Data
		}
	}
	var events []protocol.Event
	for line := range bytes.Lines(data) {
		var e protocol.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	events[0].Room.Room = keptCode
	return data, events
}

// keep hands a room in and waits until the list has it.
func (r *running) keep(story string) (id string) {
	r.t.Helper()
	id = archive.NewID()
	_, events := recorded(r.t, story)
	if !r.kept.Keep(archive.Finished{ID: id, Code: keptCode, Events: events}) {
		r.t.Fatal("not taken")
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if _, body := r.do(http.MethodGet, "/api/v1/reports"); strings.Contains(body, id) {
			return id
		}
	}
	r.t.Fatal("it is not in the list")
	return ""
}

func get[T any](r *running, path string) (v T) {
	r.t.Helper()
	response, body := r.do(http.MethodGet, path)
	if err := json.Unmarshal([]byte(body), &v); err != nil || response.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %s %.200s", path, response.Status, body)
	}
	return v
}

func TestKeptReports(t *testing.T) {
	dir := t.TempDir()
	r := start(t, func(c *Config) { c.Data, c.KeepFor = dir, 48*365*24*time.Hour })
	a, b := r.keep("udp-blocked"), r.keep("routed")
	list := get[protocol.KeptReports](r, "/api/v1/reports?lang=ja")
	if len(list.Reports) != 2 || !list.Durable || list.Reports[0].CauseTitle == "" || list.Reports[0].Room == keptCode {
		t.Errorf("%+v", list)
	}
	if one := get[protocol.KeptReports](r, "/api/v1/reports?limit=1"); len(one.Reports) != 1 || one.Next == "" {
		t.Errorf("%+v", one)
	} else if rest := get[protocol.KeptReports](r, "/api/v1/reports?limit=1&before="+one.Next); len(rest.Reports) != 1 || rest.Next != "" || rest.Reports[0].ID == one.Reports[0].ID {
		t.Errorf("%+v", rest)
	}
	if some := get[protocol.KeptReports](r, "/api/v1/reports?needs=stun"); len(some.Reports) != 1 || some.Reports[0].ID != b {
		t.Errorf("%+v", some)
	}
	for _, path := range []string{"?format=json", "?format=md&lang=ja", "?format=html&redact=pseudonym", "/recording", "/recording?redact=pseudonym"} {
		response, body := r.do(http.MethodGet, "/api/v1/reports/"+b+path)
		if response.StatusCode != http.StatusOK || strings.Contains(body, keptCode) || body == "" {
			t.Errorf("%s: %s, %d bytes; is the code in it?", path, response.Status, len(body))
		}
		if csp := response.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe-inline") != strings.Contains(path, "html") {
			t.Errorf("%s: %q", path, csp)
		}
	}
	for query, want := range map[string][]int{"?from=40&to=42": {40, 41, 42}, "?from=7&to=7&redact=pseudonym": {7}, "?to=1": {0, 1}, "?from=20000": nil} {
		_, body := r.do(http.MethodGet, "/api/v1/reports/"+b+"/recording"+query)
		var seqs []int
		for line := range strings.Lines(body) {
			var e protocol.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			seqs = append(seqs, e.Seq)
		}
		if !slices.Equal(seqs, want) {
			t.Errorf("%s: events %v, want %v", query, seqs, want)
		}
	}
	compared := get[protocol.Comparison](r, "/api/v1/compare?a="+a+"&b="+b+"&lang=ja")
	if compared.Lang != protocol.Japanese || len(compared.Changes) == 0 || compared.After.Verdict.Needs != protocol.NeedsSTUN {
		t.Errorf("%+v", compared)
	}
	if before, after := strings.Index(compared.HTML, `href="/reports/`+a+`?lang=ja"`), strings.Index(compared.HTML, `href="/reports/`+b+`?lang=ja"`); before < 0 || after < before || !strings.Contains(compared.HTML, compared.Summary) {
		t.Error(compared.HTML)
	}
	if _, err := os.Stat(filepath.Join(dir, archive.FileName)); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"/reports", "/reports/" + a, "/compare?a=" + a + "&b=" + b} {
		if response, body := r.do(http.MethodGet, path); response.StatusCode != http.StatusOK || !strings.Contains(strings.ToLower(body), "<!doctype html>") {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
	for path, want := range map[string]protocol.ErrorCode{
		"/reports?limit=0": protocol.ErrBadMessage, "/reports?limit=501": protocol.ErrBadMessage, "/reports?before=x": protocol.ErrBadMessage, "/reports?needs=luck": protocol.ErrBadMessage,
		"/reports?lang=fr": protocol.ErrBadMessage, "/reports/none": protocol.ErrUnknownReport, "/reports/none/recording": protocol.ErrUnknownReport, "/reports/" + a + "?format=pdf": protocol.ErrBadMessage,
		"/compare?a=" + a: protocol.ErrBadMessage, "/compare?a=" + a + "&b=none": protocol.ErrUnknownReport,
	} {
		if _, body := r.do(http.MethodGet, "/api/v1"+path); !strings.Contains(body, `"code":"`+string(want)+`"`) {
			t.Errorf("%s: %s", path, body)
		}
	}
}

// TestNoList: without the list, who knows the address of a report can still read it.
func TestNoList(t *testing.T) {
	r := start(t, func(c *Config) { c.NoList = true })
	if response, body := r.do(http.MethodGet, "/api/v1/reports"); response.StatusCode != http.StatusForbidden || !strings.Contains(body, string(protocol.ErrNotListed)) {
		t.Error(response.Status, body)
	}
	id := archive.NewID()
	_, events := recorded(t, "routed")
	r.kept.Keep(archive.Finished{ID: id, Code: keptCode, Events: events})
	for end := time.Now().Add(30 * time.Second); ; {
		if response, _ := r.do(http.MethodGet, "/api/v1/reports/"+id); response.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			t.Fatal("it cannot be read")
		}
	}
}

func TestCorruptData(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, archive.FileName), []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := New(Config{HTTP: "127.0.0.1:0", STUN: []string{"127.0.0.1:0"}, Data: dir}); err == nil || !strings.Contains(err.Error(), dir) {
		s.Close()
		t.Error(err)
	}
}

// send posts files; each is a name and its content in turn.
func (r *running) send(query, part string, files ...string) (*http.Response, string) {
	r.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i+1 < len(files); i += 2 {
		w, err := form.CreateFormFile(part, files[i])
		if err != nil {
			r.t.Fatal(err)
		}
		_, _ = w.Write([]byte(files[i+1]))
	}
	_ = form.Close()
	response, err := http.Post(r.base+"/api/v1/diagnose"+query, form.FormDataContentType(), &body)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer bytes.Buffer
	_, _ = answer.ReadFrom(response.Body)
	return response, answer.String()
}

func TestDiagnose(t *testing.T) {
	r := start(t, nil)
	first, _ := recorded(t, "udp-blocked")
	second, _ := recorded(t, "routed")
	_, body := r.send("?lang=ja", "file", "a.jsonl", string(second))
	var one protocol.Report
	if err := json.Unmarshal([]byte(body), &one); err != nil || one.Schema != protocol.ReportSchema || one.Lang != protocol.Japanese || one.Verdict.Needs != protocol.NeedsSTUN {
		t.Fatalf("%v %.200s", err, body)
	}
	_, body = r.send("", "file", "a.jsonl", string(first), "b.json", body)
	var two protocol.Diagnosed
	if err := json.Unmarshal([]byte(body), &two); err != nil || len(two.Reports) != 2 || len(two.Comparison.Changes) == 0 {
		t.Fatalf("%v %.200s", err, body)
	}
	if !strings.Contains(two.Comparison.HTML, `<span class="mono">a.jsonl</span>`) {
		t.Error(two.Comparison.HTML)
	}
	names := regexp.MustCompile(`<span class="mono">(\w+)</span>`)
	for _, order := range [][]string{{"first", string(first), "second", string(second)}, {"second", string(second), "first", string(first)}} {
		_, body := r.send("", "file", order...)
		var swapped protocol.Diagnosed
		if err := json.Unmarshal([]byte(body), &swapped); err != nil {
			t.Fatal(err)
		}
		want := "first"
		if swapped.Comparison.Before.Verdict.Needs == protocol.NeedsSTUN {
			want = "second"
		}
		if m := names.FindStringSubmatch(swapped.Comparison.HTML); m == nil || m[1] != want {
			t.Errorf("the earlier is %v, want %s", m, want)
		}
	}
	if list := get[protocol.KeptReports](r, "/api/v1/reports"); len(list.Reports) != 0 || list.Durable {
		t.Errorf("%+v", list)
	}
}

func TestDiagnoseRefuses(t *testing.T) {
	r := start(t, nil)
	for name, c := range map[string]struct {
		part  string
		files []string
		code  protocol.ErrorCode
		says  string
	}{
		"no file":       {"file", nil, protocol.ErrBadMessage, "no file"},
		"another part":  {"other", []string{"a", "b"}, protocol.ErrBadMessage, `named \"other\"`},
		"three":         {"file", []string{"a", "", "b", "", "c", ""}, protocol.ErrBadMessage, "more than 2"},
		"no recording":  {"file", []string{"x.txt", "hello"}, protocol.ErrBadMessage, "x.txt:1"},
		"too large":     {"file", []string{"x.jsonl", strings.Repeat("x", intake.MaxFile+1)}, protocol.ErrTooLarge, "x.jsonl has more than"},
		"empty reports": {"file", []string{"x", `{"schema":"icescope.report/v1"}`, "y", `{"schema":"icescope.report/v1"}`}, "", `"changes":[]`},
	} {
		response, body := r.send("", c.part, c.files...)
		if !strings.Contains(body, string(c.code)) || !strings.Contains(body, c.says) || (c.code == "") != (response.StatusCode == http.StatusOK) {
			t.Errorf("%s: %s %.300s", name, response.Status, body)
		}
	}
	response, err := http.Post(r.base+"/api/v1/diagnose", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Error(response.Status)
	}
	for range diagnoseBurst {
		response, _ = r.send("", "file")
	}
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
		t.Error(response.Status)
	}
}
