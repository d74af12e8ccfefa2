// Package web embeds the built page: what `npm run build` leaves in dist. It is not the place for serving it (see package server).
package web

import (
	"embed"
	"io/fs"
)

// dist always holds a .gitignore, so that the program builds on a fresh clone without Node.
//
//go:embed all:dist
var dist embed.FS

// FS returns the page's files, and whether the page was built at all.
func FS() (files fs.FS, built bool) {
	files, err := fs.Sub(dist, "dist")
	if err == nil {
		_, err = fs.Stat(files, "index.html")
	}
	return files, err == nil
}
