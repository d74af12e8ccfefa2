package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One scenario hangs in all its languages, schemes and widths, and the page of them names it.
func TestGallery(t *testing.T) {
	need(t, "chromium")
	binary, err := Binary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const shown = "asymmetric-nat"
	dir := filepath.Join("..", "artefacts", "gallery")
	if err := Gallery(t.Context(), binary, filepath.FromSlash("../diagnosis/testdata"), dir, func(s string) bool { return s == shown }); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range galleryShots {
		file := shown + "/" + s.file()
		if i, err := os.Stat(filepath.Join(dir, file)); err != nil || i.Size() < 10_000 || !strings.Contains(string(page), file) {
			t.Errorf("%s: %v, %v", file, i, err)
		}
	}
}
