package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/qr"
	"github.com/icescope/icescope/server"
)

// deskDeadline is for one test at the desk, which takes half a minute; on a machine that has other things to do, as long as that takes.
const deskDeadline = 5 * time.Minute

// deskStep is for one thing to happen there.
const deskStep = time.Minute

// desk is one machine with a server and one Chromium, as on the desk of whoever tries icescope first: no namespaces, two tabs are the two ends.
type desk struct {
	t      *testing.T
	ctx    context.Context
	c      *chromium
	server *exec.Cmd
	addrs  server.Addrs
	base   string // the page's origin over the loopback
	binary string
}

// tab is one page of the desk's browser.
type tab struct {
	*desk
	session string
}

// newDesk starts both. script runs in every page before its own; listen is the host that the server listens on, empty: all.
func newDesk(t *testing.T, listen, script string, flags ...string) *desk {
	t.Helper()
	need(t, "chromium")
	ctx, cancel := context.WithTimeout(t.Context(), deskDeadline)
	t.Cleanup(cancel)
	d := &desk{t: t, ctx: ctx}
	var err error
	if d.binary, err = Binary(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	d.serve(listen, "0", "0")
	browser, err := Start(ctx, Chromium, Options{InitScript: script, ChromiumFlags: append(flags, secureFlags...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(browser.Close)
	d.c = browser.(*chromium)
	return d
}

// serve starts the server and reads where it listens.
func (d *desk) serve(listen, port, securePort string) {
	d.t.Helper()
	home := d.t.TempDir()
	stun := ":0"
	if listen != "" {
		stun = listen + ":0"
	}
	d.server = Command("", d.binary, "serve", "--json", "--no-qr", "--http", listen+":"+port, "--https", listen+":"+securePort, "--stun", stun, "--tls-dir", home, "--log-level", "warn")
	d.server.Stderr = d.t.Output()
	out, err := d.server.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.server.Start(); err != nil {
		d.t.Fatal(err)
	}
	cmd := d.server
	d.t.Cleanup(func() { Stop(cmd) })
	if err := json.NewDecoder(out).Decode(&d.addrs); err != nil {
		d.t.Fatalf("the server did not say where it listens: %v", err)
	}
	d.base = "http://127.0.0.1:" + d.addrs.HTTP[strings.LastIndexByte(d.addrs.HTTP, ':')+1:]
}

// open is another tab at a path of the server, or at a whole URL, as wide as is said.
func (d *desk) open(path string, width int) *tab {
	d.t.Helper()
	if err := d.c.NewPage(d.ctx); err != nil {
		d.t.Fatal(err)
	}
	p := &tab{d, d.c.session}
	p.call("Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true}, nil) // a tab in the background has no focus else
	p.view(width, false)
	p.load(path)
	return p
}

func (p *tab) load(path string) {
	p.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = p.base + path
	}
	p.c.session = p.session
	if err := p.c.Open(p.ctx, path); err != nil {
		p.t.Fatal(err)
	}
}

// loadPlain opens a path where no script may run, not even the one that asks whether the page is loaded: it waits for a text in the document.
func (p *tab) loadPlain(path, text string) {
	p.t.Helper()
	p.call("Page.navigate", map[string]any{"url": p.base + path}, nil)
	ctx, cancel := context.WithTimeout(p.ctx, deskStep)
	defer cancel()
	if err := until(ctx, func() (bool, error) {
		var document json.RawMessage
		p.call("DOM.getDocument", map[string]any{"depth": -1}, &document)
		return bytes.Contains(document, []byte(text)), nil
	}); err != nil {
		p.t.Fatalf("%q never came without scripts: %v", text, err)
	}
}

func (p *tab) call(method string, params, result any) {
	p.t.Helper()
	p.c.session = p.session
	if err := p.c.call(p.ctx, method, params, result); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) eval(expression string, result any) {
	p.t.Helper()
	p.c.session = p.session
	if err := p.c.Eval(p.ctx, expression, result); err != nil {
		p.t.Fatal(err)
	}
}

// see waits for a condition, and shows the page where it never came.
func (p *tab) see(condition string) {
	p.t.Helper()
	p.c.session = p.session
	ctx, cancel := context.WithTimeout(p.ctx, deskStep)
	defer cancel()
	if err := WaitFor(ctx, p.c, condition); err != nil {
		p.shot("failed")
		p.t.Fatalf("%v\nconsole %q", err, p.c.Log())
	}
}

// view sets the size and the theme.
func (p *tab) view(width int, dark bool) {
	p.t.Helper()
	scheme := map[bool]string{false: "light", true: "dark"}[dark]
	p.media(map[string]string{"prefers-color-scheme": scheme}, "")
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < phone}, nil)
}

func (p *tab) media(features map[string]string, media string) {
	p.t.Helper()
	list := []map[string]string{}
	for name, value := range features {
		list = append(list, map[string]string{"name": name, "value": value})
	}
	p.call("Emulation.setEmulatedMedia", map[string]any{"media": media, "features": list}, nil)
}

// shot keeps a picture of the whole page in SHOTS, for people to look at; without that variable it does nothing.
func (p *tab) shot(name string) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	var size struct {
		CSSContentSize struct{ Width, Height float64 }
	}
	p.call("Page.getLayoutMetrics", nil, &size)
	var picture struct{ Data string }
	p.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true,
		"clip": map[string]any{"x": 0, "y": 0, "width": size.CSSContentSize.Width, "height": min(size.CSSContentSize.Height, maxHeight), "scale": 1}}, &picture)
	if err := writeBase64(filepath.Join(dir, name+".png"), picture.Data); err != nil {
		p.t.Error(err)
	}
}

// room is a room with two tabs in it, English and Japanese, measured to the end.
func (d *desk) room(width int) (a, b *tab) {
	d.t.Helper()
	a = d.open("/?lang=en", width)
	a.see(q("start-create"))
	a.see(q("status") + `.dataset.status === "online"`)
	a.eval(q("start-create")+".click()", nil)
	a.see(q("invite-link"))
	var code string
	a.eval(q("room-code")+".textContent", &code)
	b = d.open("/r/"+strings.TrimSpace(code)+"?lang=ja", width)
	return a, b
}

func (p *tab) measured() {
	p.t.Helper()
	p.see(q("verdict") + `.dataset.final === "true"`)
}

// TestJoinLink: a page that was opened as localhost hands on an address that others reach, says why, and its QR code says the same as its link.
func TestJoinLink(t *testing.T) {
	d := newDesk(t, "", "")
	outside := false
	for _, u := range d.addrs.URLs {
		outside = outside || !strings.Contains(u, "127.0.0.1") && !strings.Contains(u, "[::1]")
	}
	if !outside {
		t.Skip("this machine has no address but the loopback: there is nothing to hand on")
	}
	local := strings.Replace(d.base, "127.0.0.1", "localhost", 1)
	a := d.open(local+"/?lang=en", 1440)
	a.see(q("status") + `.dataset.status === "online"`)
	a.see(q("start-addresses") + `.querySelectorAll("a").length >= 2`)
	a.shot("start")
	a.eval(q("start-create")+".click()", nil)
	a.see(q("invite-why") + `.dataset.why === "localhost"`)
	for _, dark := range []bool{false, true} {
		a.view(1440, dark)
		a.scans()
	}
	a.shot("invite-localhost-dark")
	a.view(390, false)
	a.scans()
	a.fits(390)
	a.view(320, false)
	a.scans()
	a.fits(320)
	a.shot("invite-320")

	// The other end, by typing what is read to it over the telephone.
	var code, link string
	a.eval(q("room-code")+".textContent", &code)
	a.eval(q("invite-link")+".href", &link)
	if !strings.HasPrefix(link, d.addrs.URLs[0]) {
		t.Errorf("the link is %s, and %s is the likeliest address", link, d.addrs.URLs[0])
	}
	b := d.open(d.addrs.URLs[0]+"?lang=ja", 390)
	b.see(q("start-code"))
	b.fits(390)
	b.shot("start-390-ja")
	typed := strings.ToUpper(strings.ReplaceAll(code, "-", " "))
	b.eval(q("start-code")+".focus()", nil)
	b.call("Input.insertText", map[string]any{"text": " " + typed + " "}, nil)
	b.key("Enter")
	b.see(`location.pathname === "/r/` + code + `"`)
	b.measured()
	a.measured()
	b.fits(390)
	b.shot("measured-390-ja")
	a.fits(320)
	b.targets()
}

// TestJoinAlone: a server that only this machine reaches says so where it matters, and not in the small print.
func TestJoinAlone(t *testing.T) {
	d := newDesk(t, "127.0.0.1", "")
	a := d.open("/?lang=en", 1440)
	a.see(q("status") + `.dataset.status === "online"`)
	a.see(q("start-create"))
	a.eval(q("start-create")+".click()", nil)
	a.see(q("invite-why") + `.dataset.why === "alone"`)
	a.see("!" + q("invite-qr"))
	a.shot("invite-alone")
}

// scans looks at the QR code as it is painted: where it stands, its colours, and what it says.
func (p *tab) scans() {
	p.t.Helper()
	p.see(q("invite-qr") + ".complete && " + q("invite-qr") + ".naturalWidth > 0")
	p.eval(q("invite-qr")+`.scrollIntoView({block: "center"})`, nil)
	var box struct{ X, Y, Width, Height float64 }
	p.eval(`(r => ({ X: r.x + scrollX, Y: r.y + scrollY, Width: r.width, Height: r.height }))(`+q("invite-qr")+".getBoundingClientRect())", &box)
	if box.Width < 240 || box.Height < 240 {
		p.t.Errorf("the QR code is %v × %v px", box.Width, box.Height)
	}
	var link string
	p.eval(q("invite-link")+".href", &link)
	want, err := qr.New(link)
	if err != nil {
		p.t.Fatal(err)
	}
	p.call("Page.bringToFront", nil, nil) // a tab in the background paints nothing
	var shot struct{ Data string }
	p.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true,
		"clip": map[string]any{"x": box.X, "y": box.Y, "width": box.Width, "height": box.Height, "scale": 2}}, &shot)
	raw, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		p.t.Fatal(err)
	}
	side, wrong := float64(picture.Bounds().Dx())/float64(want.Size()), 0
	for y := range want.Size() {
		for x := range want.Size() {
			red, green, blue, _ := picture.At(int((float64(x)+0.5)*side), int((float64(y)+0.5)*side)).RGBA()
			if dark := red+green+blue < 3*0x4000; dark != want.Dark(x, y) {
				wrong++
			}
		}
	}
	if wrong > 0 {
		p.shot("qr-wrong")
		p.t.Errorf("%d modules of the painted code are not those of %s", wrong, link)
	}
}

// fits: nothing makes the page wider than it is. What scrolls by itself inside may.
func (p *tab) fits(width int) {
	p.t.Helper()
	var wide struct {
		Width  int
		Causes []string
	}
	p.eval(`({ Width: document.documentElement.scrollWidth, Causes: [...document.querySelectorAll("main *, header *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !(function inside(x) { return x && (getComputedStyle(x).overflowX !== "visible" || inside(x.parentElement)) })(e.parentElement?.closest("main, header") ? e.parentElement : null))
		.slice(0, 5).map(e => e.tagName + "." + e.className) })`, &wide)
	if wide.Width > width {
		p.shot(fmt.Sprintf("wide-%d", width))
		p.t.Errorf("at %d px the page is %d px wide: %q", width, wide.Width, wide.Causes)
	}
}

// targets are big enough for a finger (WCAG 2.2, 2.5.8): 24 px, or so much room around that a circle of 24 px meets no other; what stands in a line of text is excepted there.
func (p *tab) targets() {
	p.t.Helper()
	var small []string
	p.eval(`(() => {
		const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")].filter(e => e.checkVisibility() && !e.disabled && e.getClientRects().length > 0);
		const centre = r => [r.x + r.width / 2, r.y + r.height / 2];
		const label = e => e.closest("label");
		return all.filter(e => {
			if (getComputedStyle(e).display === "inline" || e.classList.contains("skip")) return false;
			const r = (e.matches("input") && label(e) || e).getBoundingClientRect();
			if (r.width >= 24 && r.height >= 24) return false;
			if (e.closest("svg")) return false;
			const [x, y] = centre(r);
			return all.some(o => { if (o === e || o.contains(e) || e.contains(o)) return false; const s = o.getBoundingClientRect();
				const dx = Math.max(s.left - x, 0, x - s.right), dy = Math.max(s.top - y, 0, y - s.bottom); return Math.hypot(dx, dy) < 12 });
		}).slice(0, 8).map(e => { const r = e.getBoundingClientRect(); return e.tagName + "." + e.className + " " + (e.dataset.testid ?? "") + " " + e.textContent.slice(0, 20) + " " + Math.round(r.width) + "×" + Math.round(r.height) });
	})()`, &small)
	for _, s := range small {
		p.t.Errorf("too small for a finger: %s", s)
	}
}

// key presses and releases one key, as the browser gets it from a keyboard.
func (p *tab) key(name string, modifiers ...int) {
	p.t.Helper()
	code := map[string]struct {
		code int
		text string
	}{"Tab": {9, ""}, "Enter": {13, "\r"}, " ": {32, " "}, "Escape": {27, ""}, "ArrowDown": {40, ""}, "ArrowRight": {39, ""}, "End": {35, ""}}[name]
	mod := 0
	for _, m := range modifiers {
		mod |= m
	}
	event := map[string]any{"type": "keyDown", "key": name, "code": cmp.Or(map[string]string{" ": "Space"}[name], name), "windowsVirtualKeyCode": code.code, "modifiers": mod}
	if code.text != "" {
		event["text"] = code.text
	} else {
		event["type"] = "rawKeyDown"
	}
	p.call("Input.dispatchKeyEvent", event, nil)
	delete(event, "text")
	event["type"] = "keyUp"
	p.call("Input.dispatchKeyEvent", event, nil)
}

// shifts counts what moves by itself (Layout Instability API), and what moved.
const shifts = `
	globalThis.labShift = { total: 0, causes: [] };
	new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) {
		labShift.total += e.value;
		labShift.causes.push(e.value.toFixed(4) + " at " + Math.round(e.startTime) + ": " + e.sources.slice(0, 3).map(s => {
			const n = s.node?.nodeType === 1 ? s.node : s.node?.parentElement;
			return n ? n.tagName + "." + (n.getAttribute("class") ?? "") + "#" + n.id + " " + JSON.stringify([s.previousRect.y, s.currentRect.y, s.previousRect.height, s.currentRect.height].map(Math.round)) : "gone";
		}).join(" | "));
	} }).observe({ type: "layout-shift", buffered: true });`

// maxShift is a fifth of what counts as good in the wild: a page that is read while it measures must stand still.
const maxShift = 0.02

// TestNothingMoves while it streams: from the first paint until the verdict, on both ends, wide and narrow.
func TestNothingMoves(t *testing.T) {
	d := newDesk(t, "127.0.0.1", shifts)
	for _, width := range []int{1440, 390} {
		a, b := d.room(width)
		a.measured()
		b.measured()
		for name, p := range map[string]*tab{"the first": a, "the second": b} {
			var moved struct {
				Total  float64
				Causes []string
			}
			p.eval("labShift", &moved)
			t.Logf("%s end at %d px: %.4f %s", name, width, moved.Total, strings.Join(moved.Causes, "; "))
			if moved.Total > maxShift {
				p.shot(fmt.Sprintf("shift-%d-%s", width, strings.Fields(name)[1]))
				t.Errorf("the page of %s end at %d px moves by %.3f:\n%s", name, width, moved.Total, strings.Join(moved.Causes, "\n"))
			}
		}
	}
}

// TestStates shows each state in which a page may stand, and looks for its words.
func TestStates(t *testing.T) {
	d := newDesk(t, "127.0.0.1", "")
	var made protocol.RoomCreated
	a := d.open("/r/nono-nono-nono-nono?lang=en", 1440)
	a.see(q("problem") + `.dataset.reason === "unknown-room"`)
	a.shot("state-unknown-room")
	a.eval(`fetch("/api/v1/rooms", { method: "POST" }).then(r => r.json())`, &made)

	script := a.open("/r/"+made.Room+"?lang=ja", 390)
	script.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	script.loadPlain("/r/"+made.Room, "icescope needs JavaScript")
	script.shot("state-noscript-390")
	script.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
	script.load("about:blank")

	without := d.open("about:blank", 1440)
	without.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": "delete window.RTCPeerConnection"}, nil)
	without.load("/r/" + made.Room + "?lang=en")
	without.see(q("no-webrtc"))
	without.shot("state-no-webrtc")
	without.load("about:blank")

	a, b := d.room(1440)
	a.measured()
	b.measured()
	var code string
	a.eval(`location.pathname.slice(3)`, &code)
	c := d.open("/r/"+code+"?lang=ja", 390)
	c.see(q("problem") + `.dataset.reason === "room-full"`)
	c.fits(390)
	c.shot("state-room-full-390-ja")
	c.eval(q("watch")+".click()", nil)
	c.see(q("status") + `.dataset.status === "online"`)

	// The server goes away: what was seen stays, and a banner says what happens.
	Stop(d.server)
	a.see(q("reconnecting"))
	a.see(q("verdict") + `.dataset.final === "true"`)
	a.shot("state-reconnecting")
	c.see(q("reconnecting"))
	c.shot("state-reconnecting-390-ja")
	// Another server in its place knows nothing of the room.
	port := d.base[strings.LastIndexByte(d.base, ':')+1:]
	d.serve("127.0.0.1", port, "0")
	a.see(q("problem"))
	a.see(q("verdict") + `.dataset.final === "true"`)
	a.shot("state-gone")
}
