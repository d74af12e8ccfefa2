package main

import (
	"io"
	"os"
	"strings"

	"github.com/icescope/icescope/qr"
)

// scan draws a link as a QR code for the telephone that is held to the terminal. What was not asked for with --qr is drawn only where it does no harm: on a terminal that
// has room for it and for the lines around it. A log never gets one.
func (t *terminal) scan(link string, wanted *bool) {
	if wanted != nil && !*wanted {
		return
	}
	code, err := qr.New(strings.TrimSuffix(link, "/"))
	if err != nil {
		return // too long for one: the link stands above
	}
	if wanted == nil {
		columns, rows := windowSize(t.stderr)
		if columns < code.Size() || rows < code.Rows()+linesAround {
			return
		}
	}
	_, _ = io.WriteString(t.stderr, code.Text()) // as the rest of what is said on the way
}

// linesAround are what else serve says, which must stay in sight.
const linesAround = 12

// windowSize is that of the terminal that w writes to; zero: it is none, or its size is not known.
func windowSize(w io.Writer) (columns, rows int) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, 0
	}
	return terminalSize(f)
}
