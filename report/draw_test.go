package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// drawn visits the pictures of the lab in both languages, with what a reader may choose of their ways.
func drawn(t *testing.T, visit func(name string, p *protocol.Picture, choices [][]protocol.TrialKind)) {
	pictures(t, func(name string, d diagnosis.Diagnosis) {
		for _, lang := range catalog.Languages {
			p := Make(d, Options{Lang: lang}).Picture
			all := []protocol.TrialKind{}
			choices := [][]protocol.TrialKind{telling(p), {}}
			for _, w := range p.Ways {
				all = append(all, w.Kind)
				choices = append(choices, []protocol.TrialKind{w.Kind})
			}
			visit(name+" "+string(lang), p, append(choices, all))
		}
	})
}

func TestDrawingStaysInside(t *testing.T) {
	drawn(t, func(name string, p *protocol.Picture, choices [][]protocol.TrialKind) {
		for _, width := range []int{320, 350, 390, 500, 700, tallBelow - 1, tallBelow, 920, 1240} {
			for _, kinds := range choices {
				d := newLayout(p, kinds, width).draw()
				if d.Tall != (width < tallBelow) {
					t.Errorf("%s at %d: tall is %v", name, width, d.Tall)
				}
				for _, m := range d.Marks {
					for _, s := range m.Shapes {
						if s.Path == "" && (s.X < 0 || s.X+s.W > width || s.Y < 0 || s.Y+s.H > d.H) {
							t.Errorf("%s at %d with %v: %s %q: %+v in %dx%d", name, width, kinds, m.Kind, m.ID, s, d.W, d.H)
						}
					}
				}
			}
		}
	})
}

// What a page reserves before it has the drawing (web/src/ui/path/Path.tsx) is what the drawing takes.
func TestDrawingKeepsItsHeight(t *testing.T) {
	drawn(t, func(name string, p *protocol.Picture, choices [][]protocol.TrialKind) {
		for _, width := range []int{350, 920} {
			want := newLayout(p, telling(p), width).draw().H
			for _, kinds := range choices {
				if got := newLayout(p, kinds, width).draw().H; len(kinds) <= leastWays && got != want {
					t.Errorf("%s at %d: %d high with %v, %d with those that tell most", name, width, got, kinds, want)
				}
			}
		}
	})
}

func TestDrawingSaysEverything(t *testing.T) {
	drawn(t, func(name string, p *protocol.Picture, choices [][]protocol.TrialKind) {
		want := []string{}
		for _, n := range p.Nodes {
			if n.ID != betweenNode || !slices.ContainsFunc(p.Nodes, func(n protocol.PictureNode) bool { return n.ID == "nat" }) {
				want = append(want, n.Sentence)
			}
		}
		for _, a := range p.Legs {
			want = append(want, a.Sentence)
		}
		for _, w := range p.Ways {
			want = append(want, w.Sentence)
			for _, a := range w.Arrows {
				want = append(want, a.Sentence)
			}
		}
		for _, width := range []int{350, 920} {
			d, err := Draw(protocol.DrawingRequest{Picture: *p, Kinds: choices[len(choices)-1]}, width)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			said, keys := []string{}, map[string]bool{}
			for _, i := range d.Order {
				said = append(said, d.Marks[i].Sentence)
			}
			if !slices.Equal(said, want) {
				t.Errorf("%s at %d says\n%s\nand not\n%s", name, width, strings.Join(said, "\n"), strings.Join(want, "\n"))
			}
			for _, m := range d.Marks {
				key := string(m.Kind) + " " + m.ID
				if keys[key] || m.Kind == protocol.MarkArrow && m.Hit == "" {
					t.Errorf("%s at %d: %q is there twice, or cannot be pointed at", name, width, key)
				}
				keys[key] = true
			}
		}
	})
}

// TestDrawings keeps what the page's own tests show.
func TestDrawings(t *testing.T) {
	pictures(t, func(name string, d diagnosis.Diagnosis) {
		if name != "asymmetric-nat-revealed" {
			return
		}
		p := Make(d, Options{Lang: protocol.English}).Picture
		for form, width := range map[string]int{"wide": reportWidth, "tall": tallWidth} {
			drawing, err := Draw(protocol.DrawingRequest{Picture: *p, Kinds: telling(p)}, width)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", " ")
			if err := enc.Encode(drawing); err != nil {
				t.Fatal(err)
			}
			golden(t, "drawing/"+name+"."+form+".json", b.Bytes())
		}
	})
}

func TestDrawRefuses(t *testing.T) {
	var whole protocol.Picture
	pictures(t, func(name string, d diagnosis.Diagnosis) {
		if name == "nat-double" {
			whole = *Make(d, Options{Lang: protocol.English}).Picture
		}
	})
	long := strings.Repeat("x", maxDrawnText+1)
	for name, change := range map[string]func(p *protocol.Picture){
		"one machine":          func(p *protocol.Picture) { p.B = p.A },
		"no server":            func(p *protocol.Picture) { p.Nodes = p.Nodes[:2] },
		"a node twice":         func(p *protocol.Picture) { p.Nodes = append(p.Nodes, p.Nodes[0]) },
		"many nodes":           func(p *protocol.Picture) { p.Nodes = make([]protocol.PictureNode, maxDrawnNodes+1) },
		"three NATs":           func(p *protocol.Picture) { p.Nodes[0] = protocol.PictureNode{ID: "z", Kind: protocol.NodeNAT, Of: p.B} },
		"a long name":          func(p *protocol.Picture) { p.Nodes[0].Label = long },
		"many notes":           func(p *protocol.Picture) { p.Nodes[0].Notes = make([]string, maxDrawnLines+1) },
		"a state of markup":    func(p *protocol.Picture) { p.Nodes[0].State = "<b>" },
		"many wires":           func(p *protocol.Picture) { p.Wires = make([]protocol.PictureWire, maxDrawnWires+1) },
		"a long address":       func(p *protocol.Picture) { p.Wires[0].Addresses = []protocol.PictureAddress{{Address: long}} },
		"a leg to nowhere":     func(p *protocol.Picture) { p.Legs[0].To = "x" },
		"many legs":            func(p *protocol.Picture) { p.Legs = append(slices.Clone(p.Legs), p.Legs...) },
		"a way twice":          func(p *protocol.Picture) { p.Ways = append(p.Ways, p.Ways[0]) },
		"a way of no kind":     func(p *protocol.Picture) { p.Ways[0].Kind = "x" },
		"an arrow to itself":   func(p *protocol.Picture) { p.Ways[0].Arrows[0].To = p.Ways[0].Arrows[0].From },
		"three directions":     func(p *protocol.Picture) { p.Ways[0].Arrows = make([]protocol.PictureArrow, maxDrawnArrows+1) },
		"a sentence of a book": func(p *protocol.Picture) { p.Ways[0].Sentence = strings.Repeat("x", maxDrawnSentence+1) },
	} {
		copied, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		var p protocol.Picture
		if err := json.Unmarshal(copied, &p); err != nil {
			t.Fatal(err)
		}
		if _, err := Draw(protocol.DrawingRequest{Picture: p}, reportWidth); err != nil {
			t.Fatalf("unchanged: %v", err)
		}
		change(&p)
		if _, err := Draw(protocol.DrawingRequest{Picture: p}, reportWidth); err == nil {
			t.Errorf("%s is drawn", name)
		}
	}
	for _, width := range []int{-1, 0, MinDrawn - 1, MaxDrawn + 1} {
		if _, err := Draw(protocol.DrawingRequest{Picture: whole}, width); err == nil {
			t.Errorf("%d is drawn", width)
		}
	}
}

// FuzzDraw: whatever is asked for, the answer is an error or shapes and their words, nothing else that a browser would do anything with.
func FuzzDraw(f *testing.F) {
	pictures(f, func(name string, d diagnosis.Diagnosis) {
		if name != "nat-double" && name != "alone" && name != "nat-hairpin-unsupported" {
			return
		}
		p := Make(d, Options{Lang: protocol.English}).Picture
		whole, err := json.Marshal(protocol.DrawingRequest{Picture: *p, Kinds: telling(p)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(whole, reportWidth)
		f.Add(bytes.ReplaceAll(whole, []byte("Chrom"), []byte(`\"'><script>x</script><zzq>`)), tallWidth)
	})
	f.Add([]byte(`{"picture":{"a":"a","b":"b","nodes":[{"id":"a"},{"id":"b"},{"id":"server"},{"id":"between"}]}}`), MinDrawn)
	f.Fuzz(func(t *testing.T, body []byte, width int) {
		var q protocol.DrawingRequest
		if json.Unmarshal(body, &q) != nil {
			return
		}
		d, err := Draw(q, width)
		if err != nil {
			return
		}
		for _, m := range d.Marks {
			tokens := html.NewTokenizer(strings.NewReader(m.SVG))
			for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
				token := tokens.Token()
				if kind == html.TextToken || kind == html.EndTagToken {
					continue
				}
				if token.Data != "rect" && token.Data != "path" && token.Data != "text" {
					t.Fatalf("%s %q holds %v", m.Kind, m.ID, token)
				}
				for _, a := range token.Attr {
					if !slices.Contains([]string{"x", "y", "width", "height", "d", "text-anchor", "class"}, a.Key) {
						t.Fatalf("%s %q has the attribute %v", m.Kind, m.ID, a)
					}
				}
			}
		}
		for _, i := range d.Order {
			if d.Marks[i].Of == "" {
				t.Fatalf("mark %d stands for nothing", i)
			}
		}
	})
}

// BenchmarkDraw is what a page asks for whenever its picture changes.
func BenchmarkDraw(b *testing.B) {
	var q protocol.DrawingRequest
	d := diagnosis.Diagnose(recorded(b, "relay-works"))
	q.Picture = *Make(d, Options{Lang: protocol.English}).Picture
	for b.Loop() {
		if _, err := Draw(q, reportWidth); err != nil {
			b.Fatal(err)
		}
	}
}
