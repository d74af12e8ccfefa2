// Package docs holds the documents that the binary serves, so that they can be read where there is no internet. It has no code of its own but the embedding:
// server renders them.
package docs

import "embed"

// Files are the documents in Markdown. A document in Japanese is called NAME.ja.md beside its English NAME.md; where there is none, the English one is all there is.
//
//go:embed *.md adr images
var Files embed.FS
