package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/icescope/icescope/protocol"
)

// The drawing on its own, for the page. A page asks with what it was given, but anybody can ask with anything: what the layout takes for granted is looked at first.

const (
	// MinDrawn is the least width that can be drawn: narrower than any phone.
	MinDrawn = 240
	// MaxDrawn is the greatest: wider than the page ever asks for.
	MaxDrawn = 2000
	// maxDrawnNodes is a few more than a picture ever has: two machines, each with two NATs, a proxy and a gateway, the server, what lies between.
	maxDrawnNodes = 16
	// maxDrawnNATs are those of one machine: the layout has a place for the inner and the outer one.
	maxDrawnNATs = 2
	// maxDrawnWires is one for each two nodes, on both sides.
	maxDrawnWires = 16
	// maxDrawnLegs are those of one machine: its page, its STUN, this server's check.
	maxDrawnLegs = 3
	// maxDrawnArrows are those of a way, both its directions.
	maxDrawnArrows = 2
	// maxDrawnLines are the addresses or notes of one node or wire.
	maxDrawnLines = 16
	// maxDrawnText is several times the longest caption and label; an address is shorter.
	maxDrawnText = 400
	// maxDrawnSentence is several times the longest sentence with two names in it.
	maxDrawnSentence = 4000
	// maxDrawnState is longer than any state and kind.
	maxDrawnState = 32
)

var shapesTemplate = template.Must(template.Must(template.New("").Parse(page)).New("shapes").Parse(`{{range .}}{{template "shape" .}}{{end}}`))

// Draw lays a picture out for a width, with the ways of these kinds. The error says what of the request cannot be drawn.
func Draw(q protocol.DrawingRequest, width int) (protocol.Drawing, error) {
	if err := drawable(q, width); err != nil {
		return protocol.Drawing{}, err
	}
	d := newLayout(&q.Picture, q.Kinds, width).draw()
	out := protocol.Drawing{Width: d.W, Height: d.H, Tall: d.Tall, Marks: []protocol.DrawingMark{}}
	for _, m := range d.Marks {
		var svg strings.Builder
		if err := shapesTemplate.Execute(&svg, m.Shapes); err != nil {
			return protocol.Drawing{}, err
		}
		out.Marks = append(out.Marks, protocol.DrawingMark{Kind: m.Kind, ID: m.ID, State: m.State, Class: m.Class, Sentence: m.Sentence, Of: m.Of, Hit: m.hit(), SVG: svg.String()})
	}
	out.Order = reading(&q.Picture, d.Marks)
	return out, nil
}

// hit are an arrow's lines, without its head and its crosses.
func (m mark) hit() string {
	var d strings.Builder
	for _, s := range m.Shapes {
		if m.Kind == protocol.MarkArrow && s.Class != "pic-head" && s.Class != "pic-cross" {
			d.WriteString(s.Path)
		}
	}
	return d.String()
}

// reading is the order of who hears the picture: from A to B, then the ways to the server, then each way with its directions. Drawn are they from the back to the front.
func reading(p *protocol.Picture, marks []mark) []int {
	type place struct {
		kind protocol.MarkKind
		of   string
	}
	rank := map[place]int{}
	next := func(kind protocol.MarkKind, of string) { rank[place{kind, of}] = len(rank) }
	for _, n := range p.Nodes {
		next(protocol.MarkNode, n.ID)
	}
	for _, a := range p.Legs {
		next(protocol.MarkLeg, a.ID)
	}
	for _, w := range p.Ways {
		next(protocol.MarkWay, string(w.Kind))
		for _, a := range w.Arrows {
			next(protocol.MarkArrow, a.ID)
		}
	}
	order := []int{}
	for i, m := range marks {
		if m.Of != "" {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(rank[place{marks[i].Kind, marks[i].Of}], rank[place{marks[j].Kind, marks[j].Of}])
	})
	return order
}

// drawable tells what a picture lacks or has too much of.
func drawable(q protocol.DrawingRequest, width int) error {
	p := q.Picture
	if width < MinDrawn || width > MaxDrawn {
		return fmt.Errorf("the width %d is not from %d to %d", width, MinDrawn, MaxDrawn)
	}
	if p.A == "" || p.B == "" || p.A == p.B {
		return fmt.Errorf("the machines a and b are %q and %q", p.A, p.B)
	}
	if len(p.Nodes) > maxDrawnNodes || len(p.Wires) > maxDrawnWires {
		return fmt.Errorf("%d nodes and %d wires are more than %d and %d", len(p.Nodes), len(p.Wires), maxDrawnNodes, maxDrawnWires)
	}
	seen := map[string]bool{}
	nats := map[string]int{}
	for _, n := range p.Nodes {
		if seen[n.ID] {
			return fmt.Errorf("two nodes are %q", n.ID)
		}
		seen[n.ID] = true
		if n.Kind == protocol.NodeNAT {
			if nats[n.Of]++; nats[n.Of] > maxDrawnNATs {
				return fmt.Errorf("%q has more than %d NATs", n.Of, maxDrawnNATs)
			}
		}
		if err := written("a node", []string{n.ID, n.Of, n.Label}, n.Notes, n.Addresses, []string{string(n.Kind), string(n.State), string(n.Crossing)}, n.Sentence); err != nil {
			return err
		}
	}
	for _, id := range []string{p.A, p.B, serverNode, betweenNode} {
		if !seen[id] {
			return fmt.Errorf("no node is %q", id)
		}
	}
	for _, w := range p.Wires {
		if len(w.Addresses) > maxDrawnLines {
			return fmt.Errorf("%d addresses at a wire are more than %d", len(w.Addresses), maxDrawnLines)
		}
		for _, a := range w.Addresses {
			if err := written("a wire", []string{w.From, w.To, w.Of, a.Address, a.Text}, nil, nil, []string{string(a.By)}, ""); err != nil {
				return err
			}
		}
	}
	legs := map[string]int{}
	for _, a := range p.Legs {
		end := a.From
		if end == serverNode {
			end = a.To
		}
		if end != p.A && end != p.B || a.From != serverNode && a.To != serverNode {
			return fmt.Errorf("a leg is from %q to %q", a.From, a.To)
		}
		if legs[end]++; legs[end] > maxDrawnLegs {
			return fmt.Errorf("%q has more than %d legs", end, maxDrawnLegs)
		}
		if err := arrowWritten(a); err != nil {
			return err
		}
	}
	ways := map[protocol.TrialKind]bool{}
	for _, w := range p.Ways {
		if !slices.Contains(pictureWays, w.Kind) || ways[w.Kind] {
			return fmt.Errorf("a way of kind %q", w.Kind)
		}
		ways[w.Kind] = true
		if len(w.Arrows) > maxDrawnArrows {
			return fmt.Errorf("the way %s has %d arrows", w.Kind, len(w.Arrows))
		}
		for _, a := range w.Arrows {
			if a.From != p.A && a.From != p.B || a.To != p.A && a.To != p.B || a.From == a.To {
				return fmt.Errorf("an arrow is from %q to %q", a.From, a.To)
			}
			if err := arrowWritten(a); err != nil {
				return err
			}
		}
		if err := written("a way", []string{w.Name, w.OutcomeText}, nil, nil, []string{string(w.Via), string(w.Outcome)}, w.Sentence); err != nil {
			return err
		}
	}
	return written("the picture", []string{p.A, p.B, p.Title}, nil, nil, nil, "")
}

func arrowWritten(a protocol.PictureArrow) error {
	return written("an arrow", []string{a.ID, a.From, a.To, a.Label, a.Asked, a.Answerer, a.AskedText, a.AnswerText}, nil, nil, []string{string(a.State)}, a.Sentence)
}

// written holds all that is written to its length. States are words of this program, of whatever version.
func written(what string, texts, notes, addresses, states []string, sentence string) error {
	if len(notes) > maxDrawnLines || len(addresses) > maxDrawnLines {
		return fmt.Errorf("%s has more than %d lines", what, maxDrawnLines)
	}
	for _, s := range slices.Concat(texts, notes, addresses) {
		if utf8.RuneCountInString(s) > maxDrawnText {
			return fmt.Errorf("%s has a text of more than %d characters", what, maxDrawnText)
		}
	}
	for _, s := range states {
		if len(s) > maxDrawnState || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz-") != "" {
			return fmt.Errorf("%s has the state %.*q", what, maxDrawnState, s)
		}
	}
	if utf8.RuneCountInString(sentence) > maxDrawnSentence {
		return fmt.Errorf("%s has a sentence of more than %d characters", what, maxDrawnSentence)
	}
	return nil
}
