package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
)

// The clocks of a run.
const (
	// verdictDeadline is from opening the second page to a final verdict. Chromium's own time-out is 15 s, and whoever needs longer has waited for it; a verdict
	// may also wait for the experiment that its cause hangs on, which is another run; on a machine that cannot keep up, trials are repeated before all that.
	verdictDeadline = 75 * time.Second
	// settleDeadline is from the final verdict until no trial is out any more; the slowest is one whose end only a browser's time-out brings.
	settleDeadline = 40 * time.Second
	// customDeadline is for the pasted iceServers: Chromium waits 40 s for a STUN server that never answers.
	customDeadline = 70 * time.Second
	// startDeadline is for two browsers and the server on a busy machine of two cores.
	startDeadline = 60 * time.Second
	// lookEvery is how often the report is read while waiting for something in it.
	lookEvery = 50 * time.Millisecond
)

// RunOptions are what a run may differ in.
type RunOptions struct {
	Binary    string // the icescope binary
	Artefacts string // directory for what is left to look at; empty: nothing is kept
	Picture   string // a file for the picture of A's page at the end that the documents show
	Guide     string // a directory for the pictures of the guide
	Dumps     string // a directory for what the browsers themselves have logged; empty: they do not
}

// Result is what a run brought.
type Result struct {
	Final    protocol.Report // the first with a final verdict, or the last seen
	Settled  protocol.Report // when no trial was out any more
	ToFinal  time.Duration   // from opening the second page; 0: never
	Requests []string        // what both pages asked for
	// Recording is the room's, as it was at the end.
	Recording []byte
	// Agents are the names of what stood at A and B, as the report has them.
	Agents [2]string
}

// Bench is a scenario that stands: its network, its server, and a room.
type Bench struct {
	Scenario Scenario
	Lab      *Lab
	Room     string
	nats     *NATLab
	server   *exec.Cmd
	log      *os.File
	http     *http.Client
	home     string
	rooms    int // how many NewRoom has named
	// processes are the scenario's programs, companions the headless peers beside its ends.
	processes  []*process
	companions []*end
}

// openRooms lets whoever joins first make the room, with any code: the API lets one address make a room every few seconds only.
const openRooms = "--open-rooms"

// Binary finds the icescope binary: $ICESCOPE, or built into dir from the module that the working directory belongs to.
func Binary(dir string) (string, error) {
	if b := os.Getenv("ICESCOPE"); b != "" {
		return filepath.Abs(b)
	}
	out := filepath.Join(dir, "icescope")
	return out, run("", "go", "build", "-o", out, "github.com/icescope/icescope/cmd/icescope")
}

// Set builds the scenario's network, starts the server in it and makes a room. The server's log goes to logFile.
func Set(ctx context.Context, s Scenario, binary, logFile string) (_ *Bench, err error) {
	b := &Bench{Scenario: s}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	if b.Lab, err = Build(s.Network); err != nil {
		return b, err
	}
	b.nats = &NATLab{Lab: b.Lab, users: map[string]*natUser{}, routed: map[string]bool{}}
	for i, n := range s.NATs {
		if err := b.nats.SetNAT(i, n); err != nil {
			return b, err
		}
	}
	if b.home, err = tempDir("home"); err != nil {
		return b, err
	}
	if err := b.begin(ctx, binary); err != nil {
		return b, err
	}
	if b.log, err = os.Create(cmp.Or(logFile, os.DevNull)); err != nil {
		return b, err
	}
	b.http = HTTPClient(b.Lab.NS(NodeServer))
	b.server = Command(b.Lab.NS(NodeServer), binary, append([]string{"serve", "--log-level=debug"}, s.Serve...)...)
	b.server.Env = environment(b.home)
	b.server.Stdout, b.server.Stderr = b.log, b.log
	if err := b.server.Start(); err != nil {
		return b, err
	}
	if err := until(ctx, func() (bool, error) {
		_, err := b.get(ctx, "/readyz")
		return err == nil, nil
	}); err != nil {
		return b, fmt.Errorf("the server is not ready: %w", err)
	}
	b.Room, err = b.NewRoom(ctx)
	return b, err
}

// NewRoom makes a room.
func (b *Bench) NewRoom(ctx context.Context) (string, error) {
	if slices.Contains(b.Scenario.Serve, openRooms) {
		b.rooms++
		return fmt.Sprintf("lab-%d", b.rooms), nil
	}
	text, err := b.request(ctx, http.MethodPost, "/api/v1/rooms", http.StatusCreated)
	if err != nil {
		return "", err
	}
	var made protocol.RoomCreated
	return made.Room, errors.Join(json.Unmarshal(text, &made), err)
}

// labels are what the two machines are called; their letters alone say nothing that the page does not know.
var labels = map[string]string{"A": "Office", "B": "Plant"}

// PageURL is the room's page for A, B, or anyone else.
func (b *Bench) PageURL(name string, lang protocol.Lang) string {
	return b.page("http", "8080", name, lang)
}

// SecurePageURL is the same room as a secure context, behind the server's own certificate.
func (b *Bench) SecurePageURL(name string, lang protocol.Lang) string {
	return b.page("https", "8443", name, lang)
}

func (b *Bench) page(scheme, port, name string, lang protocol.Lang) string {
	query := url.Values{"name": {cmp.Or(labels[name], name)}, "lang": {string(lang)}}
	return b.roomURL(scheme, port, strings.ToLower(name)) + "?" + query.Encode()
}

// roomURL is the room at the server's address for that node.
func (b *Bench) roomURL(scheme, port, node string) string {
	return scheme + "://" + net.JoinHostPort(b.Scenario.Network.serverFor(node).String(), port) + "/r/" + b.Room
}

// startURL is the start page at the same address.
func (b *Bench) startURL(node string) string {
	return "http://" + net.JoinHostPort(b.Scenario.Network.serverFor(node).String(), "8080") + "/"
}

// Report is the report as of now.
func (b *Bench) Report(ctx context.Context) (r protocol.Report, err error) {
	text, err := b.get(ctx, "/api/v1/rooms/"+b.Room+"/report?format=json&lang=en")
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

// Close ends the server and removes the network.
func (b *Bench) Close() error {
	for _, c := range b.companions {
		c.close()
	}
	for _, p := range b.processes {
		p.stop()
	}
	if b.server != nil {
		Stop(b.server)
	}
	if b.log != nil {
		b.log.Close()
	}
	if b.home != "" {
		os.RemoveAll(b.home)
	}
	if b.Lab == nil {
		return nil
	}
	if b.nats != nil {
		return b.nats.Close()
	}
	return b.Lab.Close()
}

// url is the server as it sees itself.
func (b *Bench) url(path string) string {
	return "http://" + net.JoinHostPort(b.Scenario.Network.serverFor(NodeServer).String(), "8080") + path
}

func (b *Bench) get(ctx context.Context, path string) ([]byte, error) {
	return b.request(ctx, http.MethodGet, path, http.StatusOK)
}

func (b *Bench) request(ctx context.Context, method, path string, want int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.url(path), nil)
	if err != nil {
		return nil, err
	}
	res, err := b.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, bytes.TrimSpace(text))
	}
	return text, err
}

// until looks again and again until done says so or ctx ends.
func until(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// keepSocket lets the runner speak through the page's own WebSocket, as a person would through the page's buttons.
const keepSocket = `
window.WebSocket = class extends WebSocket { constructor(...a) { super(...a); window.labSocket = this } };`

// Run plays a scenario with two real ends and returns what the report says. An error is a fault of the lab; what the report says is for Judge.
func Run(ctx context.Context, s Play, o RunOptions) (result Result, err error) {
	keep := func(name string) string {
		if o.Artefacts == "" {
			return ""
		}
		return filepath.Join(o.Artefacts, name)
	}
	if o.Artefacts != "" {
		if err := os.MkdirAll(o.Artefacts, 0o755); err != nil {
			return result, err
		}
	}
	started, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	bench, err := Set(started, s.Scenario, o.Binary, keep("server.log"))
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, bench.Close()) }()

	if page, err := bench.get(started, "/"); err != nil || !bytes.Contains(page, []byte("<script")) {
		return result, errors.Join(err, fmt.Errorf("%s has no page inside; make build puts it there", o.Binary))
	}

	// Both ends start side by side; A's page is opened first and B's only when A stands in the room, as two people do it.
	ends := [2]*end{{name: "A", node: NodeA, side: s.A}, {name: "B", node: NodeB, side: s.B}}
	errs := make([]error, 2)
	inParallel(2, func(i int) {
		ends[i].kind, ends[i].dumps = s.Kinds[i], o.Dumps != ""
		errs[i] = ends[i].start(started, bench)
	})
	for _, e := range ends {
		defer e.close()
	}
	if err := errors.Join(errs...); err != nil {
		return result, err
	}
	if o.Dumps != "" {
		if err := keepDumps(started, ends); err != nil {
			return result, err
		}
	}
	if err := ends[0].open(started, bench, o.Binary); err != nil {
		return result, err
	}
	if _, err := bench.wait(started, func(r protocol.Report) bool { return len(r.Peers) == 1 }); err != nil {
		return result, fmt.Errorf("A never joined: %w", err)
	}
	select {
	case <-time.After(s.Alone):
	case <-ctx.Done():
		return result, ctx.Err()
	}
	began := time.Now()
	if err := ends[1].open(started, bench, o.Binary); err != nil {
		return result, err
	}
	joined, stopped := bench.whenJoined(ctx)
	defer stopped()
	verdict, cancel := context.WithTimeout(ctx, verdictDeadline)
	defer cancel()
	final := func(r protocol.Report) bool { return r.Verdict.Final }
	var late error
	if result.Final, late = bench.wait(verdict, final); late == nil {
		result.ToFinal = time.Since(began)
	} else {
		shoot(ctx, ends, keep, "late")
		late = fmt.Errorf("no final verdict within %v of opening the second page", verdictDeadline)
	}
	settled, cancel := context.WithTimeout(ctx, settleDeadline)
	defer cancel()
	_, _ = bench.wait(settled, quiet)
	late = errors.Join(late, <-joined, bench.goOn(ctx, ends, o.Binary)) // what there is by then is kept all the same
	if result.Settled, err = bench.Report(ctx); err != nil {
		return result, err
	}
	for _, e := range ends {
		if e.browser != nil {
			result.Requests = append(result.Requests, e.browser.Requests()...)
		}
	}
	for i, peer := range result.Settled.Peers {
		if i < len(result.Agents) {
			result.Agents[i] = cmp.Or(peer.Browser, peer.UserAgent, string(peer.Kind))
		}
	}
	if result.Recording, err = bench.get(ctx, "/api/v1/rooms/"+bench.Room+"/recording"); err != nil {
		return result, err
	}
	if o.Dumps != "" {
		if err := result.dumps(ctx, ends, o.Dumps); err != nil {
			return result, err
		}
	}
	if o.Artefacts != "" {
		shoot(ctx, ends, keep, "end")
		err = bench.collect(ctx, ends, keep)
	}
	if c, ok := ends[0].browser.(*chromium); ok && err == nil && o.Picture+o.Guide != "" {
		err = WaitFor(ctx, c, verdictFinal) // a page on a slow machine draws what the server said a while ago
		if o.Picture != "" && err == nil {
			err = c.Screenshot(ctx, o.Picture, pictureView)
		}
		if o.Guide != "" {
			err = errors.Join(err, bench.guide(ctx, c, o.Guide))
		}
	}
	return result, errors.Join(late, err)
}

// pictureView shows the verdict, the picture of the path and the first trials.
var pictureView = View{Width: 1440, Height: 1500}

// watch opens the room as a watcher, and waits until the page shows it.
func (b *Bench) watch(ctx context.Context, c *chromium, lang protocol.Lang) error {
	if err := c.Open(ctx, b.PageURL("", lang)); err != nil {
		return err
	}
	if err := WaitFor(ctx, c, `document.querySelector("[data-testid=watch]").click() || true`); err != nil {
		return err
	}
	return WaitFor(ctx, c, `document.querySelector("[data-testid=verdict]").dataset.phase !== "connecting"`)
}

// wait reads the report until it is as wanted. It returns the last that it read.
func (b *Bench) wait(ctx context.Context, wanted func(protocol.Report) bool) (last protocol.Report, err error) {
	err = until(ctx, func() (bool, error) {
		r, err := b.Report(ctx)
		if err != nil {
			return false, nil // not there yet; ctx bounds the patience
		}
		last = r
		return wanted(r), nil
	})
	return last, err
}

// collect writes down all that a person would want to look at afterwards.
func (b *Bench) collect(ctx context.Context, ends [2]*end, keep func(string) string) error {
	var errs []error
	save := func(name, path string) {
		text, err := b.get(ctx, path)
		errs = append(errs, err, os.WriteFile(keep(name), text, 0o644))
	}
	for _, format := range []string{"json", "md", "html"} {
		for _, lang := range []string{"en", "ja"} {
			save("report."+lang+"."+format, "/api/v1/rooms/"+b.Room+"/report?format="+format+"&lang="+lang)
		}
	}
	save("recording.jsonl", "/api/v1/rooms/"+b.Room+"/recording")
	for name, text := range b.programs() {
		errs = append(errs, os.WriteFile(keep(name), []byte(text), 0o644))
	}
	for _, e := range ends {
		text := e.output.String()
		if e.browser != nil {
			text = strings.Join(e.browser.Log(), "\n") + "\n\n" + strings.Join(e.browser.Requests(), "\n")
		}
		errs = append(errs, os.WriteFile(keep("console."+e.name+".txt"), []byte(text+"\n"), 0o644))
	}
	return errors.Join(errs...)
}

// end is one of the two: a page in a browser, or a headless peer.
type end struct {
	name, node string
	kind       Kind
	side       Side
	dumps      bool
	browser    Browser
	peer       *exec.Cmd
	output     bytes.Buffer // the headless peer's
}

func (e *end) start(ctx context.Context, b *Bench, flags ...string) (err error) {
	if e.kind == Headless {
		return nil
	}
	script := e.side.InitScript
	if b.Scenario.ICEServers != "" || b.Scenario.Hold > 0 || e.reveals(b.Scenario) {
		script += keepSocket
	}
	if e.browser, err = Start(ctx, e.kind, Options{
		NS: b.Lab.NS(e.node), Revealed: e.side.Revealed, InitScript: script, ChromiumFlags: flags,
		Policies: e.side.Policies, Preferences: e.side.Preferences, Proxy: e.side.Proxy, Devices: e.reveals(b.Scenario), Dumps: e.dumps,
	}); err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	return nil
}

func (e *end) open(ctx context.Context, b *Bench, binary string) error {
	if e.kind != Headless {
		page := b.PageURL
		if e.reveals(b.Scenario) {
			page = b.SecurePageURL
		}
		return e.browser.Open(ctx, page(e.name, protocol.English))
	}
	args := append([]string{"peer", "--stay", "--label", cmp.Or(labels[e.name], e.name), "--log-level=debug"}, e.side.PeerFlags...)
	e.peer = Command(b.Lab.NS(e.node), binary, append(args, b.roomURL("http", "8080", e.node))...)
	e.peer.Env = environment(b.home)
	if e.side.Proxy != "" {
		e.peer.Env = append(e.peer.Env, "http_proxy=http://"+e.side.Proxy, "https_proxy=http://"+e.side.Proxy)
	}
	e.peer.Stdout, e.peer.Stderr = &e.output, &e.output
	return e.peer.Start()
}

// reveals tells whether a person shows this end's addresses in the course of the scenario.
func (e *end) reveals(s Scenario) bool {
	return e.name == "A" && s.Reveal[0] || e.name == "B" && s.Reveal[1]
}

func (e *end) close() {
	if e.browser != nil {
		e.browser.Close()
	}
	if e.peer != nil {
		Stop(e.peer)
	}
}

// shoot takes pictures of both pages. A picture that fails is no reason to fail a run.
func shoot(ctx context.Context, ends [2]*end, keep func(string) string, when string) {
	for _, e := range ends {
		if path := keep("page." + e.name + "." + when + ".png"); path != "" && e.browser != nil {
			_ = e.browser.Screenshot(ctx, path, View{Width: 1280, Height: 1600})
		}
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
