package e2e

import (
	"path/filepath"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// droppedStory is a recording of the lab with a verdict of its own.
const droppedStory = "client-isolation-revealed"

// TestDropFile drops a file on the list of reports, as a file manager does: the page takes it wherever it falls, and shows what was found in it.
func TestDropFile(t *testing.T) {
	recording, err := recorded(filepath.FromSlash("../diagnosis/testdata/" + droppedStory + ".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, "127.0.0.1", "")
	p := d.open("/reports?lang=en", 1440)
	p.see(q("drop"))
	p.eval(`globalThis.labDrag = (name, files) => {
		const dataTransfer = new DataTransfer();
		for (const f of files) dataTransfer.items.add(f);
		return document.querySelector("main").dispatchEvent(new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true }));
	}`, nil)
	p.eval(`globalThis.labFile = new File([`+quote(recording)+`], "recording.jsonl")`, nil)

	var taken bool
	p.eval(`labDrag("dragenter", [labFile])`, nil)
	p.see(q("drop") + `.dataset.over === "true"`)
	p.eval(`!labDrag("dragover", [labFile])`, &taken)
	if !taken {
		t.Error("the page does not take files: the browser would open the file in its place")
	}
	p.eval(`!labDrag("drop", [labFile])`, &taken)
	if !taken {
		t.Error("the browser would open what was dropped in the page's place")
	}
	p.see(q("verdict") + `?.dataset.final === "true"`)
	var verdict struct{ Needs, Cause, File string }
	p.eval(`({ Needs: `+q("verdict")+`.dataset.needs, Cause: `+q("verdict")+`.dataset.cause, File: `+q("finished")+`.textContent })`, &verdict)
	if verdict.Needs != string(protocol.NeedsTURNUDP) || verdict.Cause != string(protocol.CodeClientIsolation) {
		t.Errorf("the recording of %s needs %s because of %s", droppedStory, verdict.Needs, verdict.Cause)
	}
	p.see(q("finished") + `.textContent.includes("recording.jsonl")`)
	p.see("!" + q("drop") + `.dataset.over`)
	p.opens()
	p.shot("dropped")
}

// opens opens the evidence of the cause: it is lit in the tables, and the timeline zooms to it, while the page stays where it is read.
func (p *tab) opens() {
	p.t.Helper()
	light := `document.querySelector('#cause [data-testid="finding-light"]')`
	p.see(light)
	p.eval(light+`.scrollIntoView({ block: "center" })`, nil)
	var before, after int
	p.eval(light+`.click(), Math.round(`+light+`.getBoundingClientRect().top)`, &before)
	p.see(`document.querySelector('[data-testid="pair"][data-lit]')`)
	p.eval(`Math.round(`+light+`.getBoundingClientRect().top)`, &after)
	if before != after {
		p.t.Errorf("opening the evidence moves the page by %d px", after-before)
	}
	p.eval(`document.querySelector('#cause a[href="#timeline"]').click()`, nil)
	p.see(q("timeline-follow") + `?.getAttribute("aria-pressed") === "false"`)
	p.see(q("timeline-evidence") + `.textContent.match(/[1-9]/)`)
	p.see(`Math.abs(document.getElementById("timeline").getBoundingClientRect().top) < innerHeight / 2`)
}
