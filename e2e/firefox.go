package e2e

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
)

// firefox speaks WebDriver BiDi over a WebSocket that is dialled inside the browser's namespace.
type firefox struct {
	notes
	cmd     *exec.Cmd
	profile string
	conn    *websocket.Conn
	context string // BiDi's name for the page
	done    chan struct{}

	sending sync.Mutex // gorilla/websocket allows one writer
	calling sync.Mutex // guards what follows
	last    int
	waiting map[int]chan bidiMessage
}

type bidiMessage struct {
	ID      int             `json:"id"`
	Type    string          `json:"type,omitempty"` // "success", "error" or "event"
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   string          `json:"error,omitempty"`
	Message string          `json:"message,omitempty"`
}

// firefoxPrefs keep it from asking the world for anything and from greeting anyone.
const firefoxPrefs = `
user_pref("remote.prefs.recommended", true);
user_pref("media.peerconnection.enabled", true);
user_pref("app.normandy.enabled", false);
user_pref("app.update.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.startup.page", 0);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("captivedetect.canonicalURL", "");
user_pref("datareporting.healthreport.uploadEnabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("dom.push.connection.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.dns.disablePrefetch", true);
user_pref("network.trr.mode", 5);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("toolkit.telemetry.enabled", false);
user_pref("toolkit.telemetry.unified", false);
`

const firefoxRevealed = `user_pref("media.peerconnection.ice.obfuscate_host_addresses", false);
`

// firefoxDevices: a camera that is none, and no question before it is given.
const firefoxDevices = `user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.permission.disabled", true);
`

// firefoxProxy is for pages, WebSockets and loopback addresses alike.
func firefoxProxy(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("the proxy %q: %w", address, err)
	}
	prefs := `user_pref("network.proxy.type", 1);
user_pref("network.proxy.no_proxies_on", "");
user_pref("network.proxy.allow_hijacking_localhost", true);
`
	for _, scheme := range []string{"http", "ssl"} {
		prefs += fmt.Sprintf("user_pref(\"network.proxy.%s\", %q);\nuser_pref(\"network.proxy.%s_port\", %s);\n", scheme, host, scheme, port)
	}
	return prefs, nil
}

func startFirefox(ctx context.Context, o Options) (_ Browser, err error) {
	f := &firefox{waiting: map[int]chan bidiMessage{}, done: make(chan struct{})}
	if f.profile, err = tempDir("firefox"); err != nil {
		return nil, err
	}
	prefs := firefoxPrefs
	if o.Revealed {
		prefs += firefoxRevealed
	}
	if o.Devices {
		prefs += firefoxDevices
	}
	if o.Proxy != "" {
		proxy, err := firefoxProxy(o.Proxy)
		if err != nil {
			return nil, err
		}
		prefs += proxy
	}
	if err := os.WriteFile(filepath.Join(f.profile, "user.js"), []byte(prefs), 0o600); err != nil {
		return nil, err
	}
	args := []string{"--headless", "--no-remote", "--profile", f.profile, "--remote-debugging-port=0"}
	if o.Devices || o.Dumps {
		args = append(args, "--remote-allow-system-access") // for Permit and dump
	}
	f.cmd = Command(o.NS, firefoxProgram(), append(args, "about:blank")...)
	f.cmd.Env = append(environment(f.profile), "MOZ_HEADLESS=1", "MOZ_CRASHREPORTER_DISABLE=1")
	if o.Preferences != nil {
		locked := map[string]any{}
		for name, value := range o.Preferences {
			locked[name] = map[string]any{"Value": value, "Status": "locked"}
		}
		policies := map[string]any{"policies": map[string]any{"Preferences": locked}}
		if err := administered(f.cmd, f.profile, map[string]any{"firefox/policies/policies.json": policies}); err != nil {
			return nil, err
		}
	}
	stderr, err := f.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Firefox: %w", err)
	}
	if err := f.attach(ctx, o, stderr); err != nil {
		f.Close()
		return nil, fmt.Errorf("Firefox: %w", err)
	}
	return f, nil
}

// firefoxProgram is $FIREFOX, or what is installed.
func firefoxProgram() string {
	program := os.Getenv("FIREFOX")
	for _, name := range []string{"firefox-esr", "firefox"} {
		if _, err := exec.LookPath(name); err == nil {
			program = cmp.Or(program, name)
		}
	}
	return cmp.Or(program, "firefox")
}

// readyLine is what Firefox prints on standard error when BiDi can be dialled.
const readyLine = "WebDriver BiDi listening on "

func (f *firefox) attach(ctx context.Context, o Options, stderr io.Reader) error {
	url := make(chan string, 1)
	go func() { // ends with the pipe, when Firefox is killed
		defer close(url)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if _, after, ok := strings.Cut(lines.Text(), readyLine); ok {
				url <- strings.TrimSpace(after)
				break
			}
		}
		_, _ = io.Copy(io.Discard, stderr) // to its end, however it ends
	}()
	var address string
	select {
	case address = <-url:
	case <-ctx.Done():
		return fmt.Errorf("no line %q: %w", readyLine, ctx.Err())
	}
	if address == "" {
		return errors.New("it ended before it listened")
	}
	dialer := websocket.Dialer{NetDialContext: NetnsDial(o.NS)}
	conn, _, err := dialer.DialContext(ctx, address+"/session", nil)
	if err != nil {
		return err
	}
	f.conn = conn
	go f.read()
	if err := f.call(ctx, "session.new", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{"acceptInsecureCerts": o.Devices}}}, nil); err != nil {
		return err
	}
	var tree struct {
		Contexts []struct{ Context string }
	}
	if err := f.call(ctx, "browsingContext.getTree", map[string]any{}, &tree); err != nil {
		return err
	}
	if len(tree.Contexts) == 0 {
		return errors.New("it has no page")
	}
	f.context = tree.Contexts[0].Context
	if err := f.call(ctx, "session.subscribe", map[string]any{"events": []string{"log.entryAdded", "network.beforeRequestSent"}}, nil); err != nil {
		return err
	}
	if o.InitScript == "" {
		return nil
	}
	return f.call(ctx, "script.addPreloadScript", map[string]any{"functionDeclaration": "() => {" + o.InitScript + "}"}, nil)
}

func (f *firefox) Open(ctx context.Context, url string) error {
	return f.call(ctx, "browsingContext.navigate", map[string]any{"context": f.context, "url": url, "wait": "complete"}, nil)
}

// Permit gives the page the camera and the microphone as a person does who lets Firefox remember it. WebDriver's permissions.setPermission knows no camera, so it
// is done in Firefox's own window.
func (f *firefox) Permit(ctx context.Context) error {
	var origin string
	if err := f.Eval(ctx, "location.origin", &origin); err != nil {
		return err
	}
	chrome, err := f.chrome(ctx)
	if err != nil {
		return err
	}
	return f.call(ctx, "script.evaluate", map[string]any{
		"expression": `for (const name of ["camera", "microphone"])
			Services.perms.addFromPrincipal(Services.scriptSecurityManager.createContentPrincipalFromOrigin(` + quote(origin) + `), name, Services.perms.ALLOW_ACTION)`,
		"awaitPromise": false, "target": map[string]any{"context": chrome},
	}, nil)
}

// chrome is BiDi's name for Firefox's own window.
func (f *firefox) chrome(ctx context.Context) (string, error) {
	var tree struct {
		Contexts []struct{ Context string }
	}
	if err := f.call(ctx, "browsingContext.getTree", map[string]any{"moz:scope": "chrome"}, &tree); err != nil {
		return "", err
	}
	if len(tree.Contexts) == 0 {
		return "", errors.New("Firefox has no window of its own")
	}
	return tree.Contexts[0].Context, nil
}

func (f *firefox) Eval(ctx context.Context, expression string, result any) error {
	var answer struct {
		Type             string
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	err := f.call(ctx, "script.evaluate", map[string]any{
		"expression": wrap(expression), "awaitPromise": true, "target": map[string]any{"context": f.context}, "userActivation": true,
	}, &answer)
	if err != nil {
		if strings.Contains(err.Error(), "AbortError") || strings.Contains(err.Error(), "no such frame") || strings.Contains(err.Error(), "destroyed") {
			return fmt.Errorf("%w: %w", errNavigated, err)
		}
		return err
	}
	if answer.Type == "exception" {
		return fmt.Errorf("in the page: %s", answer.ExceptionDetails.Text)
	}
	return unwrap(answer.Result.Value, result)
}

func (f *firefox) Screenshot(ctx context.Context, path string, v View) error {
	if v.Dark {
		return errors.New("Firefox cannot be told to be dark while it runs")
	}
	size := map[string]any{"width": v.Width, "height": v.Height}
	if err := f.call(ctx, "browsingContext.setViewport", map[string]any{"context": f.context, "viewport": size}, nil); err != nil {
		return err
	}
	var shot struct{ Data string }
	if err := f.call(ctx, "browsingContext.captureScreenshot", map[string]any{"context": f.context}, &shot); err != nil {
		return err
	}
	return writeBase64(path, shot.Data)
}

// Close kills Firefox with all its children and waits for the reader.
func (f *firefox) Close() {
	if f.conn != nil {
		f.conn.Close()
		<-f.done
	}
	Stop(f.cmd)
	removeProfile(f.profile)
}

func (f *firefox) call(ctx context.Context, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	answer := make(chan bidiMessage, 1)
	f.calling.Lock()
	f.last++
	m := bidiMessage{ID: f.last, Method: method, Params: raw}
	f.waiting[m.ID] = answer
	f.calling.Unlock()
	f.sending.Lock()
	err = f.conn.WriteJSON(m)
	f.sending.Unlock()
	if err != nil {
		return err
	}
	select {
	case m := <-answer:
		if m.Type == "error" {
			return fmt.Errorf("%s: %s: %s", method, m.Error, m.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	case <-f.done:
		return errors.New("Firefox has ended")
	}
}

func (f *firefox) read() {
	defer close(f.done)
	for {
		var m bidiMessage
		if f.conn.ReadJSON(&m) != nil {
			return
		}
		if m.Type == "event" {
			f.note(m)
			continue
		}
		f.calling.Lock()
		if w := f.waiting[m.ID]; w != nil {
			delete(f.waiting, m.ID)
			w <- m
		}
		f.calling.Unlock()
	}
}

// note keeps what the page says and asks for.
func (f *firefox) note(m bidiMessage) {
	switch m.Method {
	case "log.entryAdded":
		var p struct{ Type, Level, Text string }
		_ = json.Unmarshal(m.Params, &p) // what is not as it should be is empty
		f.logged(cmp.Or(p.Level, p.Type) + ": " + p.Text)
	case "network.beforeRequestSent":
		var p struct{ Request struct{ URL string } }
		_ = json.Unmarshal(m.Params, &p) // what is not as it should be is empty
		f.requested(p.Request.URL)
	}
}
