package qr

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const link = "http://192.0.2.10:8080/r/bodu-kafi-zomu-rita"

// TestRead: what is drawn is read again, by a reader of another hand: that of this file, after ISO/IEC 18004.
func TestRead(t *testing.T) {
	for _, text := range []string{link, "x", "http://[2001:db8::1]:8080/r/bodu-kafi-zomu-rita?lang=ja", "https://scope.factory.example:8443/r/bodu-kafi-zomu-rita", strings.Repeat("0123456789", maxText/10)} {
		c, err := New(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(c.Dark, c.Size())
		if err != nil || got != text {
			t.Errorf("%q is read as %q: %v", text, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(link)
	f.Add("é – ルーム")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := New(text)
		if (err == nil) != (len(text) > 0 && len(text) <= maxText) {
			t.Fatalf("%d bytes: %v", len(text), err)
		}
		if err != nil {
			return
		}
		if got, err := read(c.Dark, c.Size()); err != nil || got != text {
			t.Errorf("%q is read as %q: %v", text, got, err)
		}
	})
}

func TestTooLong(t *testing.T) {
	if _, err := New(strings.Repeat("x", maxText+1)); err == nil {
		t.Error("a text is drawn that no phone reads from a screen")
	}
}

var run = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// TestSVG: the file is XML, dark on light, and its path holds the modules.
func TestSVG(t *testing.T) {
	c, err := New(link)
	if err != nil {
		t.Fatal(err)
	}
	text := string(c.SVG())
	if err := xml.Unmarshal([]byte(text), new(struct{})); err != nil {
		t.Error(err)
	}
	dark := map[[2]int]bool{}
	for _, m := range run.FindAllStringSubmatch(text, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		if m[3] != m[4] {
			t.Fatalf("a run goes %s there and %s back", m[3], m[4])
		}
		for i := range n {
			dark[[2]int{x + i, y}] = true
		}
	}
	if got, err := read(func(x, y int) bool { return dark[[2]int{x, y}] }, c.Size()); err != nil || got != link {
		t.Errorf("the drawing is read as %q: %v", got, err)
	}
	if !strings.Contains(text, fmt.Sprintf(`fill="#fff" d="M0 0h%dv%dH0z"`, c.Size(), c.Size())) {
		t.Error("the ground is not white")
	}
}

// TestText: the same from the terminal's lines.
func TestText(t *testing.T) {
	c, err := New(link)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(c.Text(), "\n"), "\n")
	if len(lines) != c.Rows() {
		t.Errorf("%d lines, want %d", len(lines), c.Rows())
	}
	dark := map[[2]int]bool{}
	for row, line := range lines {
		line, ok := strings.CutPrefix(line, blackOnWhite)
		line, end := strings.CutSuffix(line, asBefore)
		if !ok || !end {
			t.Fatalf("line %d leaves the colours to the terminal", row)
		}
		cells := []rune(line)
		if len(cells) != c.Size() {
			t.Fatalf("line %d has %d columns, want %d", row, len(cells), c.Size())
		}
		for x, cell := range cells {
			dark[[2]int{x, 2 * row}] = string(cell) == full || string(cell) == upper
			dark[[2]int{x, 2*row + 1}] = string(cell) == full || string(cell) == lower
		}
	}
	if got, err := read(func(x, y int) bool { return dark[[2]int{x, y}] }, c.Size()); err != nil || got != link {
		t.Errorf("the terminal's code is read as %q: %v", got, err)
	}
}

// alignment are the centres of the alignment patterns by version (ISO/IEC 18004, annex E).
var alignment = [][]int{2: {6, 18}, {6, 22}, {6, 26}, {6, 30}, {6, 34}, {6, 22, 38}, {6, 24, 42}, {6, 26, 46}, {6, 28, 50}}

// blocksM are, by version, the error correction codewords of a block at level M, and the data codewords of each block (table 9).
var blocksM = []struct {
	correction int
	data       []int
}{1: {10, []int{16}}, {16, []int{28}}, {26, []int{44}}, {18, []int{32, 32}}, {24, []int{43, 43}}, {16, []int{27, 27, 27, 27}}, {18, []int{31, 31, 31, 31}},
	{22, []int{38, 38, 39, 39}}, {22, []int{36, 36, 36, 37, 37}}, {26, []int{43, 43, 43, 43, 44}}}

// read decodes a code at level M in byte mode. It corrects nothing: each block must be without an error.
func read(dark func(x, y int) bool, size int) (string, error) {
	for i := range size { // the quiet zone
		for j := range quiet {
			for _, at := range [][2]int{{i, j}, {j, i}, {i, size - 1 - j}, {size - 1 - j, i}} {
				if dark(at[0], at[1]) {
					return "", fmt.Errorf("the quiet zone is dark at %v", at)
				}
			}
		}
	}
	n := size - 2*quiet
	at := func(x, y int) bool { return dark(x+quiet, y+quiet) }
	version := (n - 17) / 4
	if version < 1 || version >= len(blocksM) || n != 17+4*version {
		return "", fmt.Errorf("%d modules are no version that is drawn here", n)
	}
	for _, corner := range [][2]int{{0, 0}, {n - 7, 0}, {0, n - 7}} { // finder patterns
		for y := range 7 {
			for x := range 7 {
				ring := max(x-3, 3-x, y-3, 3-y)
				if at(corner[0]+x, corner[1]+y) != (ring != 2) {
					return "", fmt.Errorf("the finder pattern at %v is broken", corner)
				}
			}
		}
	}
	format := 0 // 15 bits beside the first finder pattern, the most significant first
	for _, p := range [][2]int{{0, 8}, {1, 8}, {2, 8}, {3, 8}, {4, 8}, {5, 8}, {7, 8}, {8, 8}, {8, 7}, {8, 5}, {8, 4}, {8, 3}, {8, 2}, {8, 1}, {8, 0}} {
		format <<= 1
		if at(p[0], p[1]) {
			format |= 1
		}
	}
	format ^= 0b101010000010010
	if format>>13 != 0 { // 00 is level M
		return "", fmt.Errorf("the format %015b is not level M", format)
	}
	masked := mask(format >> 10 & 7)

	function := func(x, y int) bool {
		if x == 6 || y == 6 || x < 9 && (y < 9 || y >= n-8) || x >= n-8 && y < 9 {
			return true
		}
		if version >= 7 && (x < 6 && y >= n-11 || y < 6 && x >= n-11) {
			return true
		}
		if version == 1 {
			return false
		}
		centres := alignment[version]
		last := len(centres) - 1
		for i, cx := range centres {
			for j, cy := range centres {
				if i == 0 && j == 0 || i == 0 && j == last || i == last && j == 0 {
					continue
				}
				if max(x-cx, cx-x, y-cy, cy-y) <= 2 {
					return true
				}
			}
		}
		return false
	}
	var codewords []byte
	bits, current := 0, byte(0)
	for column, up := n-1, true; column > 0; column, up = column-2, !up {
		if column == 6 {
			column--
		}
		for i := range n {
			y := i
			if up {
				y = n - 1 - i
			}
			for _, x := range []int{column, column - 1} {
				if function(x, y) {
					continue
				}
				current <<= 1
				if at(x, y) != masked(x, y) {
					current |= 1
				}
				if bits++; bits%8 == 0 {
					codewords = append(codewords, current)
				}
			}
		}
	}
	layout := blocksM[version]
	blocks := make([][]byte, len(layout.data))
	next := 0
	take := func(into int) error {
		if next >= len(codewords) {
			return fmt.Errorf("%d codewords are too few", len(codewords))
		}
		blocks[into] = append(blocks[into], codewords[next])
		next++
		return nil
	}
	for i := range layout.data[len(layout.data)-1] {
		for b, length := range layout.data {
			if i < length {
				if err := take(b); err != nil {
					return "", err
				}
			}
		}
	}
	var data []byte
	for _, b := range blocks {
		data = append(data, b...)
	}
	for range layout.correction {
		for b := range blocks {
			if err := take(b); err != nil {
				return "", err
			}
		}
	}
	for i, b := range blocks {
		if !errorFree(b, layout.correction) {
			return "", fmt.Errorf("block %d has errors", i)
		}
	}
	return text(data, version)
}

func text(data []byte, version int) (string, error) {
	bit := 0
	number := func(bits int) (v int) {
		for range bits {
			v = v<<1 | int(data[bit/8]>>(7-bit%8)&1)
			bit++
		}
		return v
	}
	if mode := number(4); mode != 0b0100 {
		return "", fmt.Errorf("mode %04b is not bytes", mode)
	}
	count := 8
	if version > 9 {
		count = 16
	}
	out := make([]byte, number(count))
	if len(out)*8 > len(data)*8-bit {
		return "", fmt.Errorf("%d bytes do not fit", len(out))
	}
	for i := range out {
		out[i] = byte(number(8))
	}
	return string(out), nil
}

func mask(pattern int) func(x, y int) bool {
	return func(x, y int) bool {
		return []int{(x + y) % 2, y % 2, x % 3, (x + y) % 3, (y/2 + x/3) % 2, x*y%2 + x*y%3, (x*y%2 + x*y%3) % 2, ((x+y)%2 + x*y%3) % 2}[pattern] == 0
	}
}

// errorFree tells whether all syndromes of a Reed-Solomon block are zero, over GF(256) with the polynomial 0x11D.
func errorFree(block []byte, correction int) bool {
	times := func(a, b byte) (out byte) {
		for ; b > 0; b >>= 1 {
			if b&1 == 1 {
				out ^= a
			}
			carry := a & 0x80
			a <<= 1
			if carry != 0 {
				a ^= 0x1D
			}
		}
		return out
	}
	root := byte(1)
	for range correction {
		var sum byte
		for _, word := range block {
			sum = times(sum, root) ^ word
		}
		if sum != 0 {
			return false
		}
		root = times(root, 2)
	}
	return true
}
