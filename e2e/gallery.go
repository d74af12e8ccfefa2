package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// shotOf is one of a play's pictures in the gallery.
type shotOf struct {
	lang protocol.Lang
	view View
}

// galleryShots are in the order of the page: as a person would look through them, the wide ones first.
var galleryShots = func() (out []shotOf) {
	// So high that the verdict, the trials and the first findings are seen; scaled so that nine hundred pictures stay below 25 MB and their words can still be read.
	for _, v := range []View{{Width: 1440, Height: 1200, Scale: 0.5}, {Width: 390, Height: 1500, Scale: 0.65}} {
		for _, lang := range []protocol.Lang{protocol.English, protocol.Japanese} {
			for _, dark := range []bool{false, true} {
				v.Dark = dark
				out = append(out, shotOf{lang, v})
			}
		}
	}
	return out
}()

func (s shotOf) file() string {
	scheme := "light"
	if s.view.Dark {
		scheme = "dark"
	}
	return fmt.Sprintf("%s.%s.%d.webp", s.lang, scheme, s.view.Width)
}

// gallery shows the page to a watcher, in another tab of that browser: another language needs another page, and a reload of A's own would be a new peer.
func (b *Bench) gallery(ctx context.Context, c *chromium, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, settleDeadline)
	defer cancel()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := c.NewPage(ctx); err != nil {
		return err
	}
	for _, lang := range []protocol.Lang{protocol.English, protocol.Japanese} {
		if err := b.watch(ctx, c, lang); err != nil {
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

// WriteGallery writes the gallery's page, README.md of that directory: the pictures of every scenario that has some there.
func WriteGallery(dir string) error {
	var b strings.Builder
	b.WriteString(`# Every scenario of the lab, as its page looks

Written by ` + "`make gallery`" + `. What two Chromium came to in each network of [lab.md](../lab.md), as a third page that watches the room shows it: in English and Japanese, light and dark,
1440 and 390 pixels wide, cut after the first findings. Beside each name stands the verdict that is expected there; [lab-table.md](../lab-table.md) has what came.

ラボの全シナリオについて、判定が出たあとのページを英語と日本語、ライトとダーク、幅 1440 と 390 ピクセルで撮ったものです。シナリオ名の横は期待される判定です。
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
