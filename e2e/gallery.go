package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/icescope/icescope/protocol"
)

// shotOf is one of a play's pictures in the gallery.
type shotOf struct {
	lang protocol.Lang
	view View
}

// galleryShots are in the order of the page: as a person would look through them, the wide ones first.
var galleryShots = func() (out []shotOf) {
	// So high that the verdict and the picture of the path are seen; scaled so that nine hundred pictures stay below 25 MB and their words can still be read.
	for _, v := range []View{{Width: 1440, Height: 1200, Scale: 0.5}, {Width: 390, Height: 1700, Scale: 0.6}} {
		for _, lang := range []protocol.Lang{protocol.English, protocol.Japanese} {
			for _, dark := range []bool{false, true} {
				v.Dark = dark
				out = append(out, shotOf{lang, v})
			}
		}
	}
	return out
}()

// galleryPace is for the server, which takes a file every 2 s from one address (server/diagnose.go).
const galleryPace = 2100 * time.Millisecond

func (s shotOf) file() string {
	scheme := "light"
	if s.view.Dark {
		scheme = "dark"
	}
	return fmt.Sprintf("%s.%s.%d.webp", s.lang, scheme, s.view.Width)
}

// Gallery drops the recording of every scenario with two Chromium on the page, as a person does with a file, and takes its pictures into that directory, with a page of
// them. The page draws what it is given, be it from a room or from a file. stories is where the recordings are, as WriteStory leaves them; only scenarios that are wanted.
func Gallery(ctx context.Context, binary, stories, dir string, wanted func(scenario string) bool) error {
	h, err := newLoopback(binary)
	if err != nil {
		return err
	}
	defer h.Close()
	c, err := h.page(ctx, "")
	if err != nil {
		return err
	}
	defer c.Close()
	pace := time.NewTicker(galleryPace)
	defer pace.Stop()
	err = eachRecording(stories, wanted, func(scenario, recording string) error {
		return h.hang(ctx, c, pace.C, recording, filepath.Join(dir, scenario))
	})
	if err != nil {
		return fmt.Errorf("%w; console %q", err, c.Log())
	}
	return WriteGallery(dir)
}

// eachRecording goes through the scenarios that are wanted and have a recording in that directory, in their order. An error says which it is of.
func eachRecording(stories string, wanted func(scenario string) bool, visit func(scenario, recording string) error) error {
	for _, s := range Scenarios {
		if !wanted(s.Name) {
			continue
		}
		recording, err := recorded(filepath.Join(stories, s.Name+".txtar"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = visit(s.Name, recording)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}

// recorded is the recording of a story.
func recorded(path string) (string, error) {
	story, err := txtar.ParseFile(path)
	if err != nil {
		return "", err
	}
	for _, f := range story.Files {
		if f.Name == "recording.jsonl" {
			return string(f.Data), nil
		}
	}
	return "", fmt.Errorf("%s has no recording", path)
}

// hang takes the pictures of one recording.
func (h *loopback) hang(ctx context.Context, c *chromium, pace <-chan time.Time, recording, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, settleDeadline)
	defer cancel()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, lang := range []protocol.Lang{protocol.English, protocol.Japanese} {
		if err := c.Open(ctx, h.base+"/reports?lang="+string(lang)); err != nil {
			return err
		}
		if err := WaitFor(ctx, c, `document.querySelector("[data-testid=drop]")`); err != nil {
			return err
		}
		<-pace
		if err := c.Eval(ctx, dropRecording(recording), nil); err != nil {
			return err
		}
		if err := WaitFor(ctx, c, `document.querySelector("[data-testid=finished]") && document.querySelector("[data-testid=verdict]") && document.querySelector("main section:nth-of-type(2)")`); err != nil {
			return err
		}
		for _, s := range galleryShots {
			if s.lang != lang {
				continue
			}
			if err := c.Screenshot(ctx, filepath.Join(dir, s.file()), s.view); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropRecording lets a file fall on the page.
func dropRecording(recording string) string {
	return `(() => {
		const dataTransfer = new DataTransfer();
		dataTransfer.items.add(new File([` + quote(recording) + `], "recording.jsonl"));
		document.querySelector("main").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
	})()`
}

// WriteGallery writes the gallery's page, README.md of that directory: the pictures of every scenario that has some there.
func WriteGallery(dir string) error {
	var b strings.Builder
	b.WriteString(`# Every scenario of the lab, as its page looks

Written by ` + "`make gallery`" + `. What two Chromium came to in each network of [lab.md](../lab.md): its recording, dropped on the page as a file, in English and Japanese, light and dark,
1440 and 390 pixels wide, cut at 1200 and 1700 pixels of height. Beside each name stands the verdict that is expected there; [lab-table.md](../lab-table.md) has what came.

ラボの全シナリオの記録をページにドロップし、英語と日本語、ライトとダーク、幅 1440 と 390 ピクセルで撮ったものです。シナリオ名の横は期待される判定です。
`)
	for _, s := range Scenarios {
		var row []string
		for _, shot := range galleryShots {
			file := s.Name + "/" + shot.file()
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); errors.Is(err, os.ErrNotExist) {
				continue
			} else if err != nil {
				return err
			}
			row = append(row, fmt.Sprintf(`<a href="%s"><img src="%s" alt="%s: %s" height="180" loading="lazy"></a>`, file, file, s.Name, strings.TrimSuffix(shot.file(), ".webp")))
		}
		if len(row) > 0 {
			fmt.Fprintf(&b, "\n## %s\n\n%s: %s\n\n%s\n", s.Name, s.Title, said(s.Expect.Needs, s.Expect.Cause), strings.Join(row, "\n"))
		}
	}
	return os.WriteFile(filepath.Join(dir, "README.md"), []byte(b.String()), 0o644)
}
