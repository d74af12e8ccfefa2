package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"
)

// WriteStory writes a run's recording as a story of the diagnosis (diagnosis/story_test.go), with what it was diagnosed as before, if there was such a story.
func WriteStory(dir string, p Play, r Result) error {
	path := filepath.Join(dir, p.Name+".txtar")
	old, err := txtar.ParseFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var diagnosis []byte
	if old != nil {
		for _, f := range old.Files {
			if f.Name == "diagnosis" {
				diagnosis = f.Data
			}
		}
	}
	picture := fmt.Sprintf("%s\n\n%s\n\nA: %s\nB: %s\n", p.Title, strings.Trim(p.Picture, "\n"), r.Agents[0], r.Agents[1])
	return os.WriteFile(path, txtar.Format(&txtar.Archive{Files: []txtar.File{
		{Name: "picture", Data: []byte(picture)},
		{Name: "recording.jsonl", Data: r.Recording},
		{Name: "diagnosis", Data: diagnosis},
	}}), 0o644)
}
