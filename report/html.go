package report

import (
	_ "embed"
	"html/template"
	"strings"

	"github.com/icescope/icescope/protocol"
)

//go:embed report.gohtml
var page string

//go:embed report.css
var style string

var pageTemplate = template.Must(template.New("report").Parse(page))

// HTML is the report as one file for a person: it opens from a USB stick, loads nothing, runs no script, and prints on A4. html/template escapes all text.
func HTML(r protocol.Report) string {
	var b strings.Builder
	err := pageTemplate.Execute(&b, struct {
		view
		Style template.CSS // our own, embedded
	}{newView(r), template.CSS(style)})
	if err != nil {
		panic("report: " + err.Error()) // a defect of the template, which every test would hit
	}
	return b.String()
}
