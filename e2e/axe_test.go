package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// axeFile is a dependency of the tests alone: it is never shipped.
const axeFile = "../web/node_modules/axe-core/axe.min.js"

// axeRun asks for WCAG 2.2 up to AA and for what axe calls best practice, and names what breaks a rule.
const axeRun = `axe.run(document, { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
	.then(r => r.violations.map(v => v.id + " (" + v.impact + "): " + v.nodes.slice(0, 4).map(n => n.target.join(" ") + " " + n.html.slice(0, 140) + " – " +
		[...n.any, ...n.all, ...n.none].map(c => c.message).join("; ").slice(0, 220)).join("\n      ")))`

func axeSource(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(axeFile))
	switch {
	case err == nil:
		return string(text)
	case os.Getenv("CI") == "true":
		t.Fatalf("%v: npm ci in web/ installs it, and CI must not skip this", err)
	default:
		t.Skipf("%v: npm ci in web/ installs it; without it this is not tested", err)
	}
	return ""
}

// audit runs axe over the page as it stands, and keeps a picture.
func (p *tab) audit(axe, name string) {
	p.t.Helper()
	p.shot("axe-" + name)
	p.call("Runtime.evaluate", map[string]any{"expression": axe}, nil)
	var violations []string
	p.eval(axeRun, &violations)
	for _, v := range violations {
		p.t.Errorf("%s: %s", name, v)
	}
}

// look is how a page is audited. Every two of language, theme and width meet once: four looks find what eight would.
type look struct {
	lang  string
	width int
	dark  bool
}

var looks = []look{{"en", 1440, false}, {"en", 390, true}, {"ja", 390, false}, {"ja", 1440, true}}

func (l look) String() string {
	return fmt.Sprintf("%s-%d-%s", l.lang, l.width, map[bool]string{false: "light", true: "dark"}[l.dark])
}

// audits runs axe in both looks of the page's language.
func (p *tab) audits(axe, name, lang string) {
	p.t.Helper()
	for _, l := range looks {
		if l.lang == lang {
			p.view(l.width, l.dark)
			p.audit(axe, name+"-"+l.String())
		}
	}
}

// TestAxeStart audits the start page and the room that waits.
func TestAxeStart(t *testing.T) {
	axe := axeSource(t)
	d := newDesk(t, "127.0.0.1", "")
	for _, lang := range []string{"en", "ja"} {
		p := d.open("/?lang="+lang, 1440)
		p.see(q("status") + `.dataset.status === "online"`)
		p.see(`document.querySelectorAll('[data-testid="candidate"]').length > 0`)
		p.audits(axe, "start", lang)
		p.eval(q("start-create")+".click()", nil)
		p.see(q("invite-link"))
		p.audits(axe, "waiting", lang)
		p.load("about:blank")
	}
	p := d.open("/r/nono-nono-nono-nono?lang=en", 1440)
	p.see(q("problem"))
	p.audits(axe, "unknown-room", "en")
}

// TestAxeMeasured audits the room with its verdict, everything that can be opened open, and the report that it makes.
func TestAxeMeasured(t *testing.T) {
	axe := axeSource(t)
	d := newDesk(t, "127.0.0.1", "")
	a, b := d.room(1440)
	a.measured()
	b.measured()
	for lang, p := range map[string]*tab{"en": a, "ja": b} {
		p.eval(`document.querySelectorAll("main details").forEach(d => d.open = true)`, nil)
		p.audits(axe, "measured", lang)
	}
	var code string
	a.eval(`location.pathname.slice(3)`, &code)
	b.load("about:blank")
	for _, lang := range []string{"en", "ja"} {
		a.load("/api/v1/rooms/" + code + "/report?format=html&lang=" + lang)
		a.audits(axe, "report", lang)
	}
}

// TestAxeDocuments audits what can be read without a room. What this server does not have is left out.
func TestAxeDocuments(t *testing.T) {
	axe := axeSource(t)
	d := newDesk(t, "127.0.0.1", "")
	p := d.open("about:blank", 1440)
	for _, path := range []string{"/findings", "/docs/deployment.md", "/docs/peer.md", "/docs/protocol.md", "/docs/nat.md", "/reports", "/compare"} {
		for _, lang := range []string{"en", "ja"} {
			p.load(path + "?lang=" + lang)
			var there bool
			p.eval(`document.contentType === "text/html" && !/^404 /.test(document.body.innerText)`, &there)
			if !there {
				t.Logf("%s is not there", path)
				break
			}
			if path == "/reports" || path == "/compare" {
				p.see(`document.querySelector("main") && document.querySelector("main").children.length > 0`)
			}
			p.audits(axe, strings.Trim(strings.ReplaceAll(path, "/", "-"), "-"), lang)
			if strings.HasPrefix(path, "/docs/") {
				break // they are in English
			}
		}
	}
}

// TestForced looks at the measured room where colours, movement or paper are the reader's: what has to be seen is seen there, too.
func TestForced(t *testing.T) {
	d := newDesk(t, "127.0.0.1", "")
	a, b := d.room(1440)
	a.measured()
	b.measured()
	b.load("about:blank")
	a.media(map[string]string{"forced-colors": "active", "prefers-color-scheme": "dark"}, "")
	a.shot("forced-colors")
	// Signs are drawn with the colour of the text, so that they are there in any palette; the primary button keeps an edge.
	var seen struct{ Sign, Ground, Edge string }
	a.eval(`(s => ({ Sign: s(document.querySelector(".verdict-sign .sign")).stroke, Ground: s(document.querySelector(".verdict-sign")).backgroundColor, Edge: s(`+q("button-run-again")+`).borderTopStyle }))(getComputedStyle)`, &seen)
	if seen.Sign == seen.Ground || seen.Edge != "solid" {
		t.Errorf("in forced colours the verdict's sign is %s on %s, a button's edge is %q", seen.Sign, seen.Ground, seen.Edge)
	}
	a.media(map[string]string{"prefers-reduced-motion": "reduce"}, "")
	var moving int
	a.eval(`document.getAnimations().filter(x => x.playState === "running" && x.effect.getComputedTiming().duration > 1 && x.effect.getComputedTiming().iterations > 1).length`, &moving)
	if moving > 0 {
		t.Errorf("%d animations go on where motion is reduced", moving)
	}
	a.media(nil, "print")
	a.shot("print")
	var printed struct {
		Bar, Verdict, Buttons bool
	}
	a.eval(`({ Bar: document.querySelector(".topbar-tools").checkVisibility(), Verdict: `+q("verdict")+`.checkVisibility(), Buttons: [...document.querySelectorAll("main .button")].some(e => e.checkVisibility()) })`, &printed)
	if printed.Bar || !printed.Verdict || printed.Buttons {
		t.Errorf("on paper: the tools %t, the verdict %t, buttons %t", printed.Bar, printed.Verdict, printed.Buttons)
	}
}
