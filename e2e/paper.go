package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/icescope/icescope/intake"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

// Inches of an A4 sheet, as Chromium's printing takes them (ISO 216).
const (
	paperWidth  = 210 / 25.4
	paperHeight = 297 / 25.4
)

// MostSheets of A4 are what someone who is handed a report on paper reads.
const MostSheets = 4

// Printed is one report on paper.
type Printed struct {
	Scenario string
	Lang     protocol.Lang
	Pages    int
	File     string // the PDF
}

// pdfPage is an object of a PDF that is a page; /Pages is what holds them.
var pdfPage = regexp.MustCompile(`/Type\s*/Page\b`)

// Paper writes the HTML report of every scenario with two Chromium, in both languages, into that directory, opens it there as a file, and prints it on A4 beside it. stories is where the
// recordings are, as WriteStory leaves them; only scenarios that are wanted. each is called with each print.
func Paper(ctx context.Context, stories, dir string, wanted func(scenario string) bool, each func(Printed)) error {
	browser, err := Start(ctx, Chromium, Options{})
	if err != nil {
		return err
	}
	defer browser.Close()
	c, ok := browser.(*chromium)
	if !ok {
		return errors.New("only Chromium prints")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return eachRecording(stories, wanted, func(scenario, recording string) error {
		for _, lang := range []protocol.Lang{protocol.English, protocol.Japanese} {
			p := Printed{Scenario: scenario, Lang: lang, File: filepath.Join(dir, fmt.Sprintf("%s.%s.pdf", scenario, lang))}
			var err error
			if p.Pages, err = c.printed(ctx, recording, p); err != nil {
				return fmt.Errorf("in %s: %w", lang, err)
			}
			each(p)
		}
		return nil
	})
}

// printed makes one report, prints it, and counts the pages.
func (c *chromium) printed(ctx context.Context, recording string, p Printed) (pages int, err error) {
	reports, err := intake.Reports([]intake.File{{Name: p.Scenario, Data: []byte(recording)}}, p.Lang)
	if err != nil {
		return 0, err
	}
	html := p.File[:len(p.File)-len("pdf")] + "html"
	if err := os.WriteFile(html, []byte(report.HTML(reports[0])), 0o644); err != nil {
		return 0, err
	}
	if err := c.Open(ctx, "file://"+html); err != nil {
		return 0, err
	}
	var pdf struct{ Data string }
	if err := c.call(ctx, "Page.printToPDF", map[string]any{"paperWidth": paperWidth, "paperHeight": paperHeight, "preferCSSPageSize": true, "printBackground": true}, &pdf); err != nil {
		return 0, err
	}
	if err := writeBase64(p.File, pdf.Data); err != nil {
		return 0, err
	}
	data, err := os.ReadFile(p.File)
	return len(pdfPage.FindAll(data, -1)), err
}
