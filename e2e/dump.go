package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
)

// dumper is a browser that keeps a log of its RTCPeerConnections, which a person can save.
type dumper interface {
	// keepDump begins the log, before the first page is opened.
	keepDump(ctx context.Context) error
	// dump saves the log as the browser's own buttons do. Base is the beginning of the files' names.
	dump(ctx context.Context, base string) error
}

// dumpDeadline is for one browser to write what it has logged; a page of ten closed RTCPeerConnections takes Firefox two seconds to draw.
const dumpDeadline = 20 * time.Second

// internalsPage is where Chromium logs. It logs only what happens while the page is open, and forgets an RTCPeerConnection that is closed unless it is asked not to.
const internalsPage = "chrome://webrtc-internals/?keepRemovedConnections=true"

func (c *chromium) keepDump(ctx context.Context) error {
	page, script := c.session, c.options.InitScript
	defer func() { c.session, c.options.InitScript = page, script }()
	c.options.InitScript = "" // it is for the page that is watched
	if err := c.NewPage(ctx); err != nil {
		return err
	}
	c.calling.Lock()
	c.internals = c.session
	c.calling.Unlock()
	if err := c.Open(ctx, internalsPage); err != nil {
		return err
	}
	if err := WaitFor(ctx, c, `document.getElementById("dump-click-target")`); err != nil {
		return err
	}
	c.session = page
	return c.call(ctx, "Page.bringToFront", nil, nil) // a page in the background draws nothing
}

// dump presses the buttons of the page and takes what is downloaded.
func (c *chromium) dump(ctx context.Context, base string) error {
	page := c.session
	defer func() { c.session = page }()
	dir, err := tempDir("download")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.session = ""
	if err := c.call(ctx, "Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": dir}, nil); err != nil {
		return err
	}
	c.session = c.internals
	for _, button := range []struct{ id, name string }{{"dump-click-target", ".webrtc-internals.gz"}, {"dump-click-target-rtcstats", ".rtcstats.gz"}} {
		if err := c.Eval(ctx, `document.getElementById(`+quote(button.id)+`).click()`, nil); err != nil {
			return err
		}
		var file string
		err := until(ctx, func() (bool, error) {
			entries, err := os.ReadDir(dir)
			if len(entries) != 1 || strings.HasSuffix(entries[0].Name(), ".crdownload") || strings.HasPrefix(entries[0].Name(), ".") {
				return false, err
			}
			file = filepath.Join(dir, entries[0].Name())
			return true, nil
		})
		if err != nil {
			return fmt.Errorf("%s: nothing was downloaded: %w", button.id, err)
		}
		text, err := os.ReadFile(file)
		if err == nil {
			err = errors.Join(os.WriteFile(base+button.name, text, 0o644), os.Remove(file))
		}
		if err != nil {
			return err
		}
	}
	c.session = page
	return c.call(ctx, "Page.bringToFront", nil, nil)
}

// keepDump has nothing to do: Firefox logs always, and keeps what is closed.
func (f *firefox) keepDump(context.Context) error { return nil }

// savePage presses the button "Save Page" of about:webrtc. A file picker cannot be shown here, so that one stands in for it that answers at once; all else is the page's own.
const savePage = `(async () => {
	const path = %s
	const until = async (f, what) => { for (let i = 0; i < 150; i++) { const v = f(); if (v) return v; await new Promise(r => setTimeout(r, 100)) } throw new Error(what) }
	const { FileUtils } = ChromeUtils.importESModule("resource://gre/modules/FileUtils.sys.mjs")
	const before = window.gBrowser.selectedTab
	const tab = window.gBrowser.selectedTab = window.gBrowser.addTrustedTab("about:webrtc")
	const browser = tab.linkedBrowser
	const page = await until(() => browser.contentDocument?.querySelector("#content .peer-connection") && browser.contentDocument, "about:webrtc shows no connection")
	await new Promise(r => setTimeout(r, 1000)) // until its sections are drawn and translated
	const contract = "@mozilla.org/filepicker;1", registrar = Components.manager.QueryInterface(Ci.nsIComponentRegistrar)
	const id = Components.ID("{6a1c4f1e-8f0e-4d53-9d1f-1c9c5f9d7a01}")
	const picker = { QueryInterface: ChromeUtils.generateQI(["nsIFilePicker"]), init() {}, open: f => f.done(Ci.nsIFilePicker.returnOK), file: new FileUtils.File(path) }
	const old = registrar.contractIDToCID(contract)
	registrar.registerFactory(id, "", contract, { createInstance: i => picker.QueryInterface(i), QueryInterface: ChromeUtils.generateQI(["nsIFactory"]) })
	try {
		page.querySelector("#controls button").click()
		await until(() => new FileUtils.File(path).exists() && new FileUtils.File(path).fileSize > 0, "nothing was saved")
		await new Promise(r => setTimeout(r, 300))
	} finally {
		registrar.registerFactory(old, "", contract, null)
		window.gBrowser.selectedTab = before // a page in the background is given no picture
		window.gBrowser.removeTab(tab)
	}
	const { reports } = await new Promise(r => WebrtcGlobalInformation.getAllStats(r))
	return JSON.stringify(reports.map(report => JSON.stringify({ ...report }, null, 2)))
})()`

// dump saves about:webrtc, and what "Copy Report" of each RTCPeerConnection puts on the clipboard.
func (f *firefox) dump(ctx context.Context, base string) error {
	chrome, err := f.chrome(ctx)
	if err != nil {
		return err
	}
	var answer struct {
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	if err := f.call(ctx, "script.evaluate", map[string]any{
		"expression": fmt.Sprintf(savePage, quote(base+".aboutWebrtc.html")), "awaitPromise": true, "target": map[string]any{"context": chrome},
	}, &answer); err != nil {
		return err
	}
	if answer.ExceptionDetails.Text != "" {
		return fmt.Errorf("about:webrtc: %s", answer.ExceptionDetails.Text)
	}
	var reports []string
	if err := json.Unmarshal([]byte(answer.Result.Value), &reports); err != nil {
		return err
	}
	for i, report := range reports {
		if err := os.WriteFile(fmt.Sprintf("%s.report.%d.json", base, i+1), []byte(report), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// keepDumps begins the logs of both ends.
func keepDumps(ctx context.Context, ends [2]*end) error {
	for _, e := range ends {
		if d, ok := e.browser.(dumper); ok {
			if err := d.keepDump(ctx); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	return nil
}

// dumps saves what both browsers have logged, beside the recording and what it was diagnosed as.
func (r Result) dumps(ctx context.Context, ends [2]*end, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dumpDeadline)
	defer cancel()
	for _, e := range ends {
		if d, ok := e.browser.(dumper); ok {
			if err := d.dump(ctx, filepath.Join(dir, e.name)); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	live, err := json.MarshalIndent(struct {
		Verdict protocol.Verdict `json:"verdict"`
		Trials  []protocol.TrialReport
	}{r.Settled.Verdict, r.Settled.Trials}, "", " ")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "live.json"), live, 0o644), os.WriteFile(filepath.Join(dir, "recording.jsonl"), r.Recording, 0o644))
}
