package report

import (
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// Who reads a report of browsers' logs must see that it is one, and what the logs could not say.
func TestBothDocumentsTellOfImportedLogs(t *testing.T) {
	r := protocol.Report{Lang: protocol.English, Imported: &protocol.ImportReport{
		Sources: []protocol.ImportSource{{Peer: "a", Kind: "webrtc-internals", Name: "line <3>.txt"}}, Notes: []string{"No server was asked."}}}
	html := HTML(r)
	for _, want := range []string{"A · line &lt;3&gt;.txt · webrtc-internals", "<li>No server was asked.</li>"} {
		if !strings.Contains(html, want) {
			t.Errorf("the HTML report lacks %q", want)
		}
	}
	if text := Markdown(r); !strings.Contains(text, "No server was asked.") {
		t.Error("the Markdown report lacks the note")
	}
}
