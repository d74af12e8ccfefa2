package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/icescope/icescope/protocol"
)

// guidePart is a part of the page that the guide shows.
type guidePart struct {
	name, selector string
	// ready is what the page must answer before the picture is taken; it may click first.
	ready string
	// height is where the picture ends: a part may be longer than a reader wants to scroll past.
	height int
}

// chooseTrial narrows a table to the trial that the guide tells about.
func chooseTrial(name string) string {
	return `(e => e && (e.checked || !e.click()))(document.querySelector("[data-testid=filter-` + name + `-stun]"))`
}

// guideParts are those of a room, in the order of the page.
var guideParts = []guidePart{
	{name: "verdict", selector: "[data-testid=verdict]", ready: "true", height: 520},
	{name: "path", selector: "#path", ready: "true", height: 900},
	{name: "timeline", selector: "#timeline", ready: `!!document.querySelector("[data-testid=timeline-canvas]")`, height: 500},
	{name: "candidates", selector: "#candidates", ready: chooseTrial("candidates"), height: 760},
	{name: "matrix", selector: "#pairs", ready: chooseTrial("pairs"), height: 760},
}

// The start page as the guide shows it.
var guideStart = guidePart{name: "start", selector: ".start", ready: `!!document.querySelector("[data-testid=start-addresses] a, [data-testid=start-addresses] code")`, height: 520}

const (
	// guideWidth has the two candidate tables side by side, with all their columns.
	guideWidth = 1440
	// guideMargin keeps a part's border and its shadow in the picture.
	guideMargin = 8
)

// guide takes the pictures of the guide, of a page in each language that watches the room, in another tab of that browser.
func (b *Bench) guide(ctx context.Context, c *chromium, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, settleDeadline)
	defer cancel()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := c.NewPage(ctx); err != nil {
		return err
	}
	for _, lang := range []protocol.Lang{protocol.English, protocol.Japanese} {
		file := func(p guidePart) string { return filepath.Join(dir, fmt.Sprintf("%s.%s.png", p.name, lang)) }
		if err := b.watch(ctx, c, lang); err != nil {
			return err
		}
		for _, p := range guideParts {
			if err := c.Part(ctx, file(p), p); err != nil {
				return fmt.Errorf("the guide's picture %s: %w", p.name, err)
			}
		}
		if err := c.Open(ctx, b.startURL(NodeA)+"?lang="+string(lang)); err != nil {
			return err
		}
		if err := c.Part(ctx, file(guideStart), guideStart); err != nil {
			return fmt.Errorf("the guide's picture %s: %w", guideStart.name, err)
		}
	}
	return nil
}

// Part takes a picture of a part of the page, in the light theme.
func (c *chromium) Part(ctx context.Context, path string, p guidePart) error {
	for method, params := range map[string]any{
		"Emulation.setEmulatedMedia": map[string]any{"features": []map[string]string{
			{"name": "prefers-color-scheme", "value": "light"}, {"name": "prefers-reduced-motion", "value": "reduce"},
		}},
		"Emulation.setDeviceMetricsOverride": map[string]any{"width": guideWidth, "height": maxHeight, "deviceScaleFactor": 1, "mobile": false},
	} {
		if err := c.call(ctx, method, params, nil); err != nil {
			return err
		}
	}
	element := "document.querySelector(" + quote(p.selector) + ")"
	if err := WaitFor(ctx, c, "!!"+element+" && ("+element+".scrollIntoView(), "+p.ready+")"); err != nil {
		return err
	}
	// What has just come, or was just chosen, is drawn two frames later.
	if err := c.drawn(ctx); err != nil {
		return err
	}
	var box struct{ X, Y, Width, Height float64 }
	if err := c.Eval(ctx, "(r => ({X: r.x + scrollX, Y: r.y + scrollY, Width: r.width, Height: r.height}))("+element+".getBoundingClientRect())", &box); err != nil {
		return err
	}
	var shot struct{ Data string }
	if err := c.call(ctx, "Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true, "clip": map[string]any{
		"x": max(box.X-guideMargin, 0), "y": max(box.Y-guideMargin, 0), "width": box.Width + 2*guideMargin, "height": min(box.Height+2*guideMargin, float64(p.height)), "scale": 1,
	}}, &shot); err != nil {
		return err
	}
	return writeBase64(path, shot.Data)
}
