package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

// stepDeadline is for one thing that a person does on the page.
const stepDeadline = 30 * time.Second

// TestPage does on two real pages what people do beside waiting. The pages are kept from one part to the next, where it is not said otherwise.
func TestPage(t *testing.T) {
	need(t, "ip", "nft", "ss", "chromium")
	binary, err := Binary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	start, cancel := context.WithTimeout(t.Context(), startDeadline)
	defer cancel()
	p, err := NewPair(start, flat, binary, clocks, secureFlags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &pageTest{Pair: p}
	for _, part := range []struct {
		name string
		f    func(*testing.T, context.Context)
	}{
		{"verdict", h.verdict},
		{"exports", h.exports},
		{"typo in iceServers", h.typo},
		{"run again and swap", h.runAgain},
		{"a third may watch", h.third},
		{"a dropped socket resumes", h.resume},
		{"the camera reveals", h.reveal},
		{"nothing foreign, nothing refused", h.clean},
	} {
		t.Run(part.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), stepDeadline)
			defer cancel()
			part.f(t, ctx)
		})
	}
}

var mdnsName = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}\.local`)

type pageTest struct{ *Pair }

// see waits for a condition in a page, and says what the report held when it never came.
func (h *pageTest) see(t *testing.T, ctx context.Context, b Browser, condition string) {
	t.Helper()
	if err := WaitFor(ctx, b, condition); err != nil {
		r, _ := h.Report(context.WithoutCancel(ctx))
		t.Fatalf("%v\nverdict %+v\nconsole %q", err, r.Verdict, b.Log())
	}
}

func (h *pageTest) eval(t *testing.T, ctx context.Context, b Browser, expression string, result any) {
	t.Helper()
	if err := b.Eval(ctx, expression, result); err != nil {
		t.Fatal(err)
	}
}

// report waits until the report is as wanted.
func (h *pageTest) report(t *testing.T, ctx context.Context, wanted func(protocol.Report) bool) protocol.Report {
	t.Helper()
	r, err := h.wait(ctx, wanted)
	if err != nil {
		t.Fatalf("the report never became as wanted: %v\nrun %d, verdict %+v", err, r.Run, r.Verdict)
	}
	return r
}

func (h *pageTest) events(t *testing.T, ctx context.Context) (out []protocol.Event) {
	t.Helper()
	text, err := h.get(ctx, "/api/v1/rooms/"+h.Room+"/recording")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var e protocol.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, e)
	}
	return out
}

// q is the element with that data-testid.
func q(id string) string { return `document.querySelector('[data-testid="` + id + `"]')` }

// settled is a report with a final verdict of that run and nothing out.
func settled(run int) func(protocol.Report) bool {
	return func(r protocol.Report) bool { return r.Run == run && r.Verdict.Final && len(r.Verdict.Pending) == 0 }
}

func (h *pageTest) verdict(t *testing.T, ctx context.Context) {
	if err := h.Meet(ctx, h.PageURL); err != nil {
		t.Fatal(err)
	}
	for _, b := range []Browser{h.A, h.B} {
		h.see(t, ctx, b, q("verdict")+`.dataset.final === "true"`)
		h.see(t, ctx, b, q("verdict")+`.dataset.needs === "nothing"`)
	}
	h.report(t, ctx, settled(1))
}

// exports reads each link of the page's menu from within the page, as the browser's download would.
func (h *pageTest) exports(t *testing.T, ctx context.Context) {
	read := func(format string) string {
		t.Helper()
		var answer struct {
			Status     int
			Type, Text string
		}
		h.eval(t, ctx, h.A, `fetch(`+q("export-"+format)+`.href).then(async r => ({ status: r.status, type: r.headers.get("content-type"), text: await r.text() }))`, &answer)
		if answer.Status != 200 || answer.Text == "" {
			t.Fatalf("%s: status %d, %d characters", format, answer.Status, len(answer.Text))
		}
		t.Logf("%s: %s, %d characters", format, answer.Type, len(answer.Text))
		return answer.Text
	}
	conforms := func(text string) {
		t.Helper()
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.Schema()))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		if err := c.AddResource("report.json", schema); err != nil {
			t.Fatal(err)
		}
		compiled, err := c.Compile("report.json")
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(doc); err != nil {
			t.Error(err)
		}
	}
	plain := read("json")
	conforms(plain)
	if !strings.Contains(plain, "10.9.0.2") {
		t.Error("the plain report holds no address of A")
	}
	if md := read("md"); !strings.HasPrefix(md, "#") {
		t.Errorf("the Markdown begins with %.40q", md)
	}
	if html := strings.ToLower(read("html")); !strings.HasPrefix(html, "<!doctype html>") || strings.Contains(html, "<script") || strings.Contains(html, "src=\"http") {
		t.Errorf("the HTML does not stand alone, or it is none: %.80q", html)
	}
	lines := strings.Split(strings.TrimSpace(read("jsonl")), "\n")
	for i, line := range lines {
		var e protocol.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != i {
			t.Fatalf("line %d of the recording has seq %d: %v", i, e.Seq, err)
		}
	}
	h.eval(t, ctx, h.A, q("export-redact")+".click()", nil)
	h.see(t, ctx, h.A, q("export-json")+`.href.includes("redact=pseudonym")`)
	redacted := read("json")
	conforms(redacted)
	for _, secret := range append(mdnsName.FindAllString(plain, -1), "10.9.0.2", "10.9.0.3") {
		if strings.Contains(redacted, secret) {
			t.Errorf("the redacted report still holds %s", secret)
		}
	}
}

// paste types the servers into the page's field and runs them.
func (h *pageTest) paste(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	// Preact listens to the input event; React-like value setters are not in its way.
	h.eval(t, ctx, h.A, `(() => { const e = `+q("custom-input")+`; e.closest("details").open = true; e.value = `+quote(text)+`; e.dispatchEvent(new Event("input", { bubbles: true })) })()`, nil)
	h.see(t, ctx, h.A, "!"+q("custom-run")+".disabled")
	h.eval(t, ctx, h.A, q("custom-run")+".click()", nil)
}

func (h *pageTest) typo(t *testing.T, ctx context.Context) {
	for _, c := range []struct{ text, says string }{
		{`[{"urls": "stun:10.9.0.10:3478"`, "JSON"},
		{`[{"urls": "stn:10.9.0.10:3478"}]`, "stn:"},
		{`[{"uri": "stun:10.9.0.10:3478"}]`, "urls"},
		{`[{"urls": "turn:10.9.0.10:3478"}]`, "username"},
	} {
		h.paste(t, ctx, c.text)
		h.see(t, ctx, h.A, q("custom-error")+`.textContent !== ""`)
		var said string
		h.eval(t, ctx, h.A, q("custom-error")+".textContent", &said)
		if !strings.Contains(said, c.says) {
			t.Errorf("%s: the page says %q, which does not name %s", c.text, said, c.says)
		}
		t.Logf("%s: %s", c.text, said)
	}
	h.paste(t, ctx, `[{"urls": "stun:10.9.0.10:3478"}]`)
	h.see(t, ctx, h.A, q("custom-error")+`.textContent === ""`)
	h.report(t, ctx, func(r protocol.Report) bool {
		return slices.ContainsFunc(r.Trials, func(t protocol.TrialReport) bool {
			return t.Kind == protocol.TrialCustom && t.Outcome == protocol.OutcomeConnected
		})
	})
}

func (h *pageTest) runAgain(t *testing.T, ctx context.Context) {
	before := h.report(t, ctx, func(r protocol.Report) bool { return r.Verdict.Final && len(r.Verdict.Pending) == 0 })
	offerer := func(r protocol.Report) string {
		for _, trial := range r.Trials {
			if trial.Kind == protocol.TrialHost {
				return trial.Offerer
			}
		}
		return ""
	}
	h.eval(t, ctx, h.B, q("button-run-again")+".click()", nil)
	again := h.report(t, ctx, settled(before.Run+1))
	h.eval(t, ctx, h.A, q("button-swap")+".click()", nil)
	swapped := h.report(t, ctx, settled(before.Run+2))
	if a, b := offerer(again), offerer(swapped); a == b || a == "" || b == "" {
		t.Errorf("the offerer was %q and after the swap %q", a, b)
	}
	for _, r := range []protocol.Report{again, swapped} {
		if r.Verdict.Needs != protocol.NeedsNothing {
			t.Errorf("run %d needs %s", r.Run, r.Verdict.Needs)
		}
	}
}

// third is one too many in a room of two. Its page is another tab of A's browser, which the parts after this one speak to: A's first page goes on.
func (h *pageTest) third(t *testing.T, ctx context.Context) {
	if err := h.A.(*chromium).NewPage(ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.A.Open(ctx, h.PageURL("C", protocol.Japanese)); err != nil {
		t.Fatal(err)
	}
	h.see(t, ctx, h.A, q("problem")+`.dataset.reason === "room-full"`)
	h.eval(t, ctx, h.A, q("watch")+".click()", nil)
	h.see(t, ctx, h.A, q("status")+`.dataset.status === "online"`)
	h.see(t, ctx, h.A, q("verdict")+`.dataset.final === "true"`)
	h.see(t, ctx, h.A, q("button-run-again")+".disabled")
	r, err := h.Report(ctx)
	if err != nil || len(r.Peers) != 2 {
		t.Errorf("with a watcher the report has %d peers: %v", len(r.Peers), err)
	}
}

// resume cuts B's TCP connection while trials run. The same peer must come back, and nothing may be missing.
func (h *pageTest) resume(t *testing.T, ctx context.Context) {
	if err := h.Meet(ctx, h.PageURL); err != nil {
		t.Fatal(err)
	}
	h.report(t, ctx, func(r protocol.Report) bool { return r.Run == 1 })
	if out, err := exec.Command("ip", "netns", "exec", h.Lab.NS(NodeB), "ss", "-K", "dport", "=", "8080").CombinedOutput(); err != nil {
		t.Fatalf("ss -K: %v: %s", err, out)
	}
	r := h.report(t, ctx, settled(1))
	h.see(t, ctx, h.B, q("verdict")+`.dataset.final === "true"`)
	h.see(t, ctx, h.B, q("status")+`.dataset.status === "online"`)
	if r.Verdict.Needs != protocol.NeedsNothing || len(r.Peers) != 2 {
		t.Errorf("needs %s, %d peers", r.Verdict.Needs, len(r.Peers))
	}
	count := map[protocol.EventType]int{}
	known := map[string]bool{}
	for _, e := range h.events(t, ctx) {
		count[e.Type]++
		if e.Candidate == nil || e.Candidate.Line == "" {
			continue
		}
		if c, err := protocol.ParseCandidate(e.Candidate.Line); err == nil {
			known[strings.Join([]string{c.Type, c.Protocol, c.Address, fmt.Sprint(c.Port)}, " ")] = true
		}
	}
	if count[protocol.EventDropped] != 1 || count[protocol.EventResumed] != 1 || count[protocol.EventJoined] != 2 {
		t.Errorf("dropped %d, resumed %d, joined %d", count[protocol.EventDropped], count[protocol.EventResumed], count[protocol.EventJoined])
	}
	for _, b := range []Browser{h.A, h.B} {
		var page pageClocks
		h.eval(t, ctx, b, "labClocks", &page)
		if len(page.Gathered) == 0 {
			t.Error("a page gathered nothing")
		}
		for name := range page.Gathered {
			if !known[name] {
				t.Errorf("a page gathered %s, which never reached the recording", name)
			}
		}
	}
}

// reveal asks for the camera on both pages, as secure contexts.
func (h *pageTest) reveal(t *testing.T, ctx context.Context) {
	if err := h.Meet(ctx, h.SecurePageURL); err != nil {
		t.Fatal(err)
	}
	first := h.report(t, ctx, settled(1))
	for _, peer := range first.Peers {
		if peer.SecureContext == nil || !*peer.SecureContext {
			t.Errorf("%s is no secure context", peer.ID)
		}
	}
	if slices.ContainsFunc(first.Findings, func(f protocol.Finding) bool { return f.Code == protocol.CodeInsecureContext }) {
		t.Error("insecure-context fires on a page over HTTPS")
	}
	addresses := []string{"10.9.0.2", "10.9.0.3"}
	shown := func(r protocol.Report, kind protocol.TrialKind) (n int) {
		for i, peer := range r.Peers {
			if slices.ContainsFunc(peer.Candidates, func(c protocol.CandidateReport) bool {
				return c.Trial == kind && c.Type == "host" && c.Address == addresses[i] && c.Signaled
			}) {
				n++
			}
		}
		return n
	}
	if n := shown(first, protocol.TrialHost); n != 0 {
		t.Errorf("%d ends showed their host address before anyone was asked", n)
	}
	for _, b := range []Browser{h.A, h.B} {
		h.see(t, ctx, b, q("reveal"))
		if err := b.Permit(ctx); err != nil {
			t.Fatal(err)
		}
		h.eval(t, ctx, b, q("reveal")+".click()", nil)
	}
	// The page runs again by itself: that is why anyone would ask.
	again := h.report(t, ctx, func(r protocol.Report) bool {
		return r.Run > 1 && r.Verdict.Final && len(r.Verdict.Pending) == 0 && shown(r, protocol.TrialHost) == 2
	})
	for _, peer := range again.Peers {
		if peer.Masked == nil || *peer.Masked {
			t.Errorf("%s still counts as masked", peer.ID)
		}
	}
}

// clean looks at all that the parts before have left in the consoles.
func (h *pageTest) clean(t *testing.T, ctx context.Context) {
	for i, b := range []Browser{h.A, h.B} {
		for _, request := range b.Requests() {
			if foreign(request) {
				t.Errorf("%d asked for %s", i, request)
			}
		}
		for _, line := range b.Log() {
			lower := strings.ToLower(line)
			dropped := strings.Contains(lower, "websocket") // the cut connection is complained about by the browser itself
			if strings.Contains(lower, "content security policy") || strings.HasPrefix(lower, "exception:") || strings.HasPrefix(lower, "error:") && !dropped {
				t.Errorf("%d's console: %s", i, line)
			}
		}
	}
	// That nothing was refused means something only where the policy refuses.
	h.eval(t, ctx, h.B, `fetch("http://10.9.0.99/").catch(() => 0)`, nil)
	if !slices.ContainsFunc(h.B.Log(), func(line string) bool { return strings.Contains(line, "Content Security Policy") }) {
		t.Errorf("the page may ask a foreign host: %q", h.B.Log())
	}
}
