package e2e

import (
	"fmt"
	"testing"
)

// focused is what has the focus, and whether that can be seen.
type focused struct {
	TestID, Tag, Text string
	Visible, Ringed   bool
}

func (p *tab) focus() (f focused) {
	p.t.Helper()
	p.eval(`(e => { const s = getComputedStyle(e), r = e.getBoundingClientRect();
		return { TestID: e.dataset.testid ?? "", Tag: e.tagName, Text: (e.getAttribute("aria-label") ?? e.textContent).trim().slice(0, 60),
			Visible: e.matches(":focus-visible") && r.width > 0 && r.bottom > 0 && r.top < innerHeight,
			Ringed: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 } })(document.activeElement)`, &f)
	return f
}

// maxStops ends a walk that does not arrive.
const maxStops = 400

// tabTo presses Tab until the focus is where the condition on the element e holds. At each stop on the way the focus must be visible.
func (p *tab) tabTo(condition string) focused {
	p.t.Helper()
	for range maxStops {
		p.key("Tab")
		var there bool
		p.eval(`(e => !!(`+condition+`))(document.activeElement)`, &there)
		f := p.focus()
		if f.Tag != "BODY" && (!f.Visible || !f.Ringed) { // the body: the focus has gone through the window's own parts
			p.shot("focus")
			p.t.Fatalf("the focus is on something and cannot be seen: %+v", f)
		}
		if there {
			return f
		}
	}
	p.t.Fatalf("%d times Tab do not lead to %s", maxStops, condition)
	return focused{}
}

func is(testID string) string { return fmt.Sprintf("e.dataset.testid === %q", testID) }

// TestKeyboard does the whole job with the keyboard alone: no step of it uses a mouse, or a script in place of a hand.
func TestKeyboard(t *testing.T) {
	d := newDesk(t, "127.0.0.1", `
		globalThis.labCopied = [];
		document.addEventListener("copy", () => labCopied.push(String(getSelection()) || document.activeElement.value), true);
		if (navigator.clipboard) navigator.clipboard.writeText = async text => void labCopied.push(text);
		globalThis.labDownloads = [];
		document.addEventListener("click", e => { const a = e.target.closest?.("a[download]"); if (a) labDownloads.push(a.getAttribute("href")); }, true);`)
	a := d.open("/?lang=en", 1440)
	a.see(q("status") + `.dataset.status === "online"`)
	a.see(q("start-create"))

	// The first stop leads past the bar, to the content.
	a.key("Tab")
	if f := a.focus(); f.Tag != "A" || !f.Visible {
		t.Errorf("the first stop is %+v", f)
	}
	a.key("Enter")
	a.tabTo(is("start-name"))
	a.call("Input.insertText", map[string]any{"text": "Line 3"}, nil)
	a.tabTo(is("start-create"))
	a.key("Enter")
	a.see(q("room-code"))
	var code string
	a.eval(q("room-code")+".textContent.trim()", &code)

	// The other end types the code into the field of its own start page.
	b := d.open("/?lang=en", 1440)
	b.see(q("start-code"))
	b.tabTo(is("start-code"))
	b.call("Input.insertText", map[string]any{"text": code}, nil)
	b.key("Enter")
	b.measured()
	a.measured()

	// The line for RTCPeerConnection.
	a.call("Page.bringToFront", nil, nil)
	a.tabTo(is("copy-ice-servers"))
	a.key("Enter")
	a.see(`labCopied.some(text => text.includes("iceServers") || text.includes("RTCPeerConnection") || text.trim() !== "")`)

	// The first finding, and its evidence.
	var findings int
	a.eval(`document.querySelectorAll('[data-testid^="finding-"]').length`, &findings)
	if findings > 0 {
		f := a.tabTo(`e.closest("#findings") && (e.matches("summary") || e.matches("button[aria-expanded], a"))`)
		t.Logf("the first stop in the findings: %+v", f)
		var open bool
		a.eval(`document.activeElement.closest("details")?.open ?? true`, &open)
		if !open {
			a.key("Enter")
			a.see(`document.activeElement.closest("details").open`)
		}
		a.tabTo(`e.closest("#findings") && e.matches(".event-link")`)
		a.key("Enter")
		// What it leads to is marked in the page, or is shown as it was recorded.
		a.see(`document.querySelector("dialog[open]") || document.querySelector(".flash") || document.activeElement.id.startsWith("event-")`)
		a.key("Escape")
		a.see(`!document.querySelector("dialog[open]")`)
	}

	// The report, from the menu.
	a.tabTo(is("export"))
	a.key("Enter")
	a.see(`document.querySelector("#export").matches(":popover-open")`)
	a.tabTo(is("export-html"))
	a.key("Enter")
	a.see(`labDownloads.some(href => href.includes("format=html"))`)
	a.key("Escape")
	a.see(`!document.querySelector("#export").matches(":popover-open")`)
}
