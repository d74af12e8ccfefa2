// Package qr draws a link as a QR code (ISO/IEC 18004), for the page and for the terminal. It knows nothing of rooms: whoever calls it decides what it may say.
//
// It is not the place for the encoding, which is a library's; here is only what makes a code readable: dark on light, and the quiet zone.
package qr

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

const (
	// quiet is the light frame without which a scanner does not find the code (ISO/IEC 18004 section 9.1: four modules).
	quiet = 4
	// maxText keeps a code to what a phone reads from a screen at arm's length: version 10, 57 modules. A room's link has about 50 characters.
	maxText = 200
)

// level M survives 15 % of damage: a screen has none, a photograph of one has reflections.
const level = qr.M

// Code is a drawn link, with its quiet zone.
type Code struct {
	size int
	dark []bool
}

// New encodes a text.
func New(text string) (Code, error) {
	if text == "" || len(text) > maxText {
		return Code{}, fmt.Errorf("a QR code of %d bytes is not drawn: 1 to %d are", len(text), maxText)
	}
	drawn, err := qr.Encode(text, level, qr.Unicode)
	if err != nil {
		return Code{}, fmt.Errorf("drawing a QR code: %w", err)
	}
	side := drawn.Bounds().Dx()
	c := Code{size: side + 2*quiet}
	c.dark = make([]bool, c.size*c.size)
	for y := range side {
		for x := range side {
			c.dark[(y+quiet)*c.size+x+quiet] = color.GrayModel.Convert(drawn.At(x, y)).(color.Gray).Y < 0x80
		}
	}
	return c, nil
}

// Size is the number of modules of a side, the quiet zone among them.
func (c Code) Size() int { return c.size }

// Dark tells the colour of a module; what is outside is light.
func (c Code) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < c.size && y < c.size && c.dark[y*c.size+x]
}

// SVG is black on white whatever the colours around it: many scanners read no inverted code. It has no size of its own.
func (c Code) SVG() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`,
		c.size, c.size, c.size, c.size)
	for y := range c.size {
		for x := 0; x < c.size; x++ {
			from := x
			for c.Dark(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from, y, x-from, x-from)
			}
		}
	}
	b.WriteString(`"/></svg>` + "\n")
	return []byte(b.String())
}

// The terminal's characters are about twice as high as wide: each holds two modules, one above the other.
const (
	upper = "\u2580"
	lower = "\u2584"
	full  = "\u2588"
)

// Black on white by SGR codes (ECMA-48 section 8.3.117; 256 colours, since a theme may have redefined the first 16), because a terminal is dark or light as its owner likes it.
const (
	blackOnWhite = "\x1b[38;5;16;48;5;231m"
	asBefore     = "\x1b[0m"
)

// Text is for a terminal: Size() columns, Rows() lines.
func (c Code) Text() string {
	var b strings.Builder
	for y := 0; y < c.size; y += 2 {
		b.WriteString(blackOnWhite)
		for x := range c.size {
			switch top, bottom := c.Dark(x, y), c.Dark(x, y+1); {
			case top && bottom:
				b.WriteString(full)
			case top:
				b.WriteString(upper)
			case bottom:
				b.WriteString(lower)
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString(asBefore + "\n")
	}
	return b.String()
}

// Rows is how many lines Text has.
func (c Code) Rows() int { return (c.size + 1) / 2 }
