package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind names a browser, or the headless peer.
type Kind string

// What can stand at an end.
const (
	Chromium Kind = "chromium"
	Firefox  Kind = "firefox"
	Headless Kind = "headless" // icescope peer
)

// Browser is one page in a real browser inside a namespace, with a profile of its own that is thrown away.
type Browser interface {
	Open(ctx context.Context, url string) error
	// Eval runs a JavaScript expression, awaits it, and decodes its JSON into result (which may be nil).
	Eval(ctx context.Context, expression string, result any) error
	// Permit lets the page have the camera, as a person would when it asks.
	Permit(ctx context.Context) error
	Screenshot(ctx context.Context, path string, v View) error
	// Log are the lines of the page's console, its exceptions among them.
	Log() []string
	// Requests are the URLs that the page asked for.
	Requests() []string
	Close()
}

// View is how a page is looked at.
type View struct {
	Width, Height int  // no height: all of the page, up to maxHeight (Chromium)
	Dark          bool // Firefox: not to be had at run time, so it is an error there
	// Scale is the picture's size in relation to the page's; 0: as it is (Chromium).
	Scale float64
}

// maxHeight is where the picture of a whole page ends.
const maxHeight = 4000

// Options is how a browser is started.
type Options struct {
	NS         string
	Revealed   bool   // real host addresses, no mDNS names
	InitScript string // runs in every page before its own scripts
	// ChromiumFlags are given to Chromium beside the lab's own.
	ChromiumFlags []string
	// Policies are Chromium's managed policies, Preferences what Firefox's enterprise policy "Preferences" sets and locks.
	Policies, Preferences map[string]any
	// Proxy is host:port of an HTTP proxy for everything, WebSockets and loopback among it; empty: none.
	Proxy string
	// Devices gives the browser a camera and a microphone that are none, and lets it take the server's own certificate, without which no page is given either.
	Devices bool
	// Dumps is wanted where the browser's own log of its RTCPeerConnections is to be saved.
	Dumps bool
}

// administered makes a Command into one that finds the files, by their names under /etc, as an administrator would have put them there. `ip netns exec` has given
// the program a mount namespace whose mounts nobody else sees, and there these files lie over /etc: the machine's own stays as it is, and no other browser is told.
// Dir is where the files are kept; it must last as long as the program.
func administered(c *exec.Cmd, dir string, files map[string]any) error {
	if len(files) == 0 {
		return nil
	}
	over := filepath.Join(dir, "etc")
	for name, content := range files {
		text, err := json.Marshal(content)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		path := filepath.Join(over, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	// ip netns exec NAMESPACE program …: the shell comes before the program.
	const mount = `mount -t overlay overlay -o "lowerdir=$0:/etc" /etc && exec "$@"`
	c.Args = slices.Insert(c.Args, slices.Index(c.Args, "exec")+2, "sh", "-c", mount, over)
	return nil
}

// Start starts a browser with an empty page.
func Start(ctx context.Context, kind Kind, o Options) (Browser, error) {
	switch kind {
	case Chromium:
		return startChromium(ctx, o)
	case Firefox:
		return startFirefox(ctx, o)
	}
	return nil, fmt.Errorf("%q is no browser", kind)
}

// WaitFor returns when the JavaScript expression is true in the page. It survives a navigation, which ends what runs in the old page.
func WaitFor(ctx context.Context, b Browser, condition string) error {
	// The page itself looks every 20 ms, so that no round trip over the debugging protocol is spent on waiting.
	expression := `new Promise(done => { (function look() { let ok = false; try { ok = !!(` + condition + `) } catch (e) {}
		ok ? done(true) : setTimeout(look, 20) })() })`
	for {
		err := b.Eval(ctx, expression, nil)
		if err == nil || ctx.Err() != nil {
			if err != nil {
				err = fmt.Errorf("still waiting for %s: %w", condition, err)
			}
			return err
		}
		if !errors.Is(err, errNavigated) {
			return err
		}
	}
}

// errNavigated is what an Eval ends with whose page has gone.
var errNavigated = errors.New("the page was navigated away")

// wrap makes an expression into one that gives a JSON text, as both debugging protocols hand a string over unchanged.
func wrap(expression string) string {
	return "(async () => JSON.stringify(await (" + expression + ")))()"
}

func unwrap(text string, result any) error {
	if result == nil {
		return nil
	}
	if text == "" {
		text = "null" // JSON.stringify(undefined)
	}
	return json.Unmarshal([]byte(text), result)
}

// notes is what a page was seen to do.
type notes struct {
	mu       sync.Mutex
	log      []string
	requests []string
}

func (n *notes) logged(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = append(n.log, line)
}

func (n *notes) requested(url string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.requests = append(n.requests, url)
}

func (n *notes) Log() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.log)
}

func (n *notes) Requests() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.requests)
}

// removeProfile tries again for a moment: a killed browser's last child may still be writing.
func removeProfile(dir string) {
	for range 20 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// environment keeps the browser off the person's own settings.
func environment(home string) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		return name == "HOME" || strings.HasPrefix(name, "XDG_") || name == "DISPLAY" || name == "WAYLAND_DISPLAY" || name == "DBUS_SESSION_BUS_ADDRESS"
	})
	return append(env, "HOME="+home, "XDG_RUNTIME_DIR="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
}
