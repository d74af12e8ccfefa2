package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
)

// chromium speaks the DevTools protocol over a pair of pipes (--remote-debugging-pipe): no port, no WebSocket, and it dies with us.
type chromium struct {
	notes
	cmd       *exec.Cmd
	profile   string
	options   Options
	to        *os.File
	from      *os.File
	session   string        // the page that is spoken to: the newest
	internals string        // the page that logs RTCPeerConnections, where one was asked for
	done      chan struct{} // closed when the reader has ended

	sending sync.Mutex // one message at a time on the pipe
	calling sync.Mutex // guards what follows
	last    int
	waiting map[int]chan cdpMessage
	dead    error
}

type cdpMessage struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// chromiumFlags keep it from asking the world for anything; --no-sandbox because the lab is root.
var chromiumFlags = []string{
	"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", "--disable-default-apps", "--no-default-browser-check", "--mute-audio",
	"--disable-dev-shm-usage", "--hide-scrollbars",
	// A page that nobody looks at must not be slowed down: its timers are what is measured.
	"--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
	"--remote-debugging-pipe",
}

// secureFlags let Chromium take the server's own certificate and a camera that is not there.
var secureFlags = []string{"--ignore-certificate-errors", "--use-fake-device-for-media-stream"}

// ChromiumFlags are what of a side is a flag of Chromium.
func (s Side) ChromiumFlags() (flags []string) {
	if s.Revealed {
		flags = append(flags, "--disable-features=WebRtcHideLocalIpsWithMdns")
	}
	if s.Proxy != "" {
		// Nothing goes past it: Chromium would take the way without a proxy for loopback addresses.
		flags = append(flags, "--proxy-server=http://"+s.Proxy, "--proxy-bypass-list=<-loopback>")
	}
	return flags
}

func startChromium(ctx context.Context, o Options) (_ Browser, err error) {
	c := &chromium{options: o, waiting: map[int]chan cdpMessage{}, done: make(chan struct{})}
	if c.profile, err = tempDir("chromium"); err != nil {
		return nil, err
	}
	flags := slices.Concat([]string{"--user-data-dir=" + c.profile}, chromiumFlags, o.ChromiumFlags)
	flags = append(flags, Side{Revealed: o.Revealed, Proxy: o.Proxy}.ChromiumFlags()...)
	if o.Devices {
		flags = append(flags, secureFlags...)
	}
	c.cmd = Command(o.NS, cmp.Or(os.Getenv("CHROMIUM"), "chromium"), append(flags, "about:blank")...)
	c.cmd.Env = environment(c.profile)
	if o.Policies != nil {
		if err := administered(c.cmd, c.profile, map[string]any{"chromium/policies/managed/lab.json": o.Policies}); err != nil {
			return nil, err
		}
	}
	commands, to, err := os.Pipe() // Chromium reads fd 3
	if err != nil {
		return nil, err
	}
	from, answers, err := os.Pipe() // and writes fd 4
	if err != nil {
		return nil, err
	}
	c.to, c.from = to, from
	c.cmd.ExtraFiles = []*os.File{commands, answers}
	err = c.cmd.Start()
	commands.Close()
	answers.Close()
	if err != nil {
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	go c.read()
	if err := c.attach(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("Chromium: %w", err)
	}
	return c, nil
}

func (c *chromium) attach(ctx context.Context) error {
	var targets struct {
		TargetInfos []struct{ TargetID, Type string }
	}
	for len(targets.TargetInfos) == 0 {
		if err := c.call(ctx, "Target.getTargets", nil, &targets); err != nil {
			return err
		}
	}
	return c.NewPage(ctx)
}

// NewPage opens another empty page, which is the one spoken to from now on. The page before lives on; what both say and ask for is noted.
func (c *chromium) NewPage(ctx context.Context) error {
	c.session = ""
	var target struct{ TargetID string }
	if err := c.call(ctx, "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return err
	}
	var attached struct{ SessionID string }
	if err := c.call(ctx, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		return err
	}
	c.session = attached.SessionID
	for _, method := range []string{"Page.enable", "Runtime.enable", "Log.enable", "Network.enable"} {
		if err := c.call(ctx, method, nil, nil); err != nil {
			return err
		}
	}
	if c.options.InitScript == "" {
		return nil
	}
	return c.call(ctx, "Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": "{" + c.options.InitScript + "}"}, nil)
}

func (c *chromium) Open(ctx context.Context, url string) error {
	var result struct{ ErrorText string }
	if err := c.call(ctx, "Page.navigate", map[string]any{"url": url}, &result); err != nil {
		return err
	}
	if result.ErrorText != "" {
		return fmt.Errorf("open %s: %s", url, result.ErrorText)
	}
	return WaitFor(ctx, c, "document.readyState === 'complete'")
}

// Permit answers yes when the page asks for the camera or the microphone, as a person would.
// (--use-fake-ui-for-media-stream would have granted it from the start, and nothing be masked.)
func (c *chromium) Permit(ctx context.Context) error {
	return c.call(ctx, "Browser.grantPermissions", map[string]any{"permissions": []string{"videoCapture", "audioCapture"}}, nil)
}

func (c *chromium) Eval(ctx context.Context, expression string, result any) error {
	var answer struct {
		Result           struct{ Value string }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	err := c.call(ctx, "Runtime.evaluate", map[string]any{
		"expression": wrap(expression), "awaitPromise": true, "returnByValue": true, "userGesture": true,
	}, &answer)
	if err != nil {
		if strings.Contains(err.Error(), "navigated") || strings.Contains(err.Error(), "context was destroyed") ||
			strings.Contains(err.Error(), "Cannot find") || strings.Contains(err.Error(), "Promise was collected") {
			return fmt.Errorf("%w: %w", errNavigated, err)
		}
		return err
	}
	if e := answer.ExceptionDetails; e != nil {
		return fmt.Errorf("in the page: %s %s", e.Text, e.Exception.Description)
	}
	return unwrap(answer.Result.Value, result)
}

func (c *chromium) Screenshot(ctx context.Context, path string, v View) error {
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	if err := c.call(ctx, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil); err != nil {
		return err
	}
	size := func(height int) error {
		return c.call(ctx, "Emulation.setDeviceMetricsOverride", map[string]any{"width": v.Width, "height": height, "deviceScaleFactor": 1, "mobile": v.Width < phone}, nil)
	}
	height := cmp.Or(v.Height, 900)
	if err := size(height); err != nil {
		return err
	}
	if v.Height == 0 {
		if err := c.Eval(ctx, "document.documentElement.scrollHeight", &height); err != nil {
			return err
		}
		if err := size(min(height, maxHeight)); err != nil {
			return err
		}
	}
	if err := c.drawn(ctx); err != nil {
		return err
	}
	o := map[string]any{"format": "png"}
	if strings.HasSuffix(path, ".webp") {
		o = map[string]any{"format": "webp", "quality": webpQuality}
	}
	if v.Scale != 0 {
		o["clip"] = map[string]any{"x": 0, "y": 0, "width": v.Width, "height": height, "scale": v.Scale}
	}
	var shot struct{ Data string }
	if err := c.call(ctx, "Page.captureScreenshot", o, &shot); err != nil {
		return err
	}
	return writeBase64(path, shot.Data)
}

// drawn waits for the picture of the path, where there is one: it comes from the server anew for each width, which the page knows a frame later.
func (c *chromium) drawn(ctx context.Context) error {
	if err := c.Eval(ctx, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))", nil); err != nil {
		return err
	}
	return WaitFor(ctx, c, `!document.querySelector(".pic[aria-busy=true]")`)
}

// webpQuality leaves letters of the page readable at half its size, at a tenth of a PNG's bytes.
const webpQuality = 55

// Close kills Chromium with all its children and waits for the reader.
func (c *chromium) Close() {
	Stop(c.cmd)
	c.to.Close()
	<-c.done
	c.from.Close()
	removeProfile(c.profile)
}

// call sends one command and waits for its answer. Commands before the session exists go to the browser, later ones to the page.
func (c *chromium) call(ctx context.Context, method string, params, result any) error {
	return c.callIn(ctx, c.session, method, params, result)
}

// callIn is call to the page of this session; to the browser where it is empty.
func (c *chromium) callIn(ctx context.Context, session, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	if params == nil {
		raw = nil
	}
	answer := make(chan cdpMessage, 1)
	c.calling.Lock()
	c.last++
	m := cdpMessage{ID: c.last, SessionID: session, Method: method, Params: raw}
	c.waiting[m.ID] = answer
	dead := c.dead
	c.calling.Unlock()
	if dead != nil {
		return dead
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	c.sending.Lock()
	_, err = c.to.Write(append(text, 0))
	c.sending.Unlock()
	if err != nil {
		return err
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	case <-c.done:
		return errors.New("Chromium has ended")
	}
}

func (c *chromium) read() {
	defer close(c.done)
	in := bufio.NewReader(c.from)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			c.calling.Lock()
			c.dead = fmt.Errorf("Chromium has ended: %w", err)
			c.calling.Unlock()
			return
		}
		var m cdpMessage
		if json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &m) != nil {
			continue
		}
		if m.ID == 0 {
			c.note(m)
			continue
		}
		c.calling.Lock()
		if w := c.waiting[m.ID]; w != nil {
			delete(c.waiting, m.ID)
			w <- m
		}
		c.calling.Unlock()
	}
}

// note keeps what the page says and asks for.
func (c *chromium) note(m cdpMessage) {
	c.calling.Lock()
	own := c.internals != "" && m.SessionID == c.internals
	c.calling.Unlock()
	if own {
		return // Chromium's own page
	}
	switch m.Method {
	case "Network.requestWillBeSent":
		var p struct{ Request struct{ URL string } }
		_ = json.Unmarshal(m.Params, &p) // what is not as it should be is empty
		c.requested(p.Request.URL)
	case "Network.webSocketCreated":
		var p struct{ URL string }
		_ = json.Unmarshal(m.Params, &p) // what is not as it should be is empty
		c.requested(p.URL)
	case "Runtime.consoleAPICalled":
		var p struct {
			Type string
			Args []struct {
				Value       any
				Description string
			}
		}
		_ = json.Unmarshal(m.Params, &p) // what is not as it should be is empty
		line := p.Type + ":"
		for _, a := range p.Args {
			line += " " + cmp.Or(a.Description, fmt.Sprint(a.Value))
		}
		c.logged(line)
	case "Runtime.exceptionThrown":
		var p struct {
			ExceptionDetails struct {
				Text      string
				Exception struct{ Description string }
			}
		}
		_ = json.Unmarshal(m.Params, &p) // what is not as it should be is empty
		c.logged("exception: " + p.ExceptionDetails.Text + " " + p.ExceptionDetails.Exception.Description)
	case "Log.entryAdded":
		var p struct {
			Entry struct{ Level, Text, URL string }
		}
		_ = json.Unmarshal(m.Params, &p) // what is not as it should be is empty
		c.logged(p.Entry.Level + ": " + p.Entry.Text + " " + p.Entry.URL)
	}
}

// phone is the width below which Chromium is told to behave as one: its scroll bars then take no room.
const phone = 600

func writeBase64(path, data string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)))
	return errors.Join(err, f.Close())
}
