package report

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/icescope/icescope/protocol"
)

// The picture's drawing, for the HTML report and for the page (draw.go) alike.

// shape is one mark of the drawing: a rectangle, a path, or a text.
type shape struct {
	Rect       bool
	X, Y, W, H int
	Path       string
	Text       string
	Anchor     string // of a text: "start", "middle", "end"
	Class      string
}

// mark is a group of shapes that means one thing, with its sentence.
type mark struct {
	Kind                       protocol.MarkKind
	ID, State, Class, Sentence string
	Of                         string // what of the picture it is
	Shapes                     []shape
}

type drawing struct {
	W, H        int
	Tall        bool
	Title, Desc string
	Marks       []mark
}

// The numbers of the wide drawing, in pixels of its own coordinates.
const (
	reportWidth = 920 // a page of A4 and a report on a screen have as much
	tallWidth   = 350 // a phone
	tallBelow   = 860 // narrower, the words between a machine and the server have no room, and the picture stands upright
	hatchStep   = 8
	gateSize    = 14 // what stands on a leg
	wallWidth   = 14
	wallGap     = 30 // between a machine and its NAT
	tierGap     = 84 // between two NATs of a machine
	serverWidth = 190
	headHeight  = 26 // the names of the NATs stand there
	legPitch    = 32
	seenPitch   = 30
	relayHeight = 62
	chipHeight  = 34
	titleHeight = 24
	rowHeight   = 54
	wayHeight   = titleHeight + 2*rowHeight + 6
	leastWays   = 2
)

// stateSign is what says the state of an arrow without colour.
func stateSign(s protocol.ArrowState) string {
	switch s {
	case protocol.ArrowAlive:
		return "✓"
	case protocol.ArrowDead, protocol.ArrowLostOnReturn:
		return "✗"
	case protocol.ArrowNonSymmetric, protocol.ArrowStuck:
		return "!"
	case protocol.ArrowNotSent:
		return "–"
	case protocol.ArrowMeasuring:
		return "…"
	}
	return "?"
}

// lineOf is the line of a state in which nothing moves, bends or breaks.
func lineOf(s protocol.ArrowState) string {
	switch s {
	case protocol.ArrowStuck:
		return "pic-line"
	case protocol.ArrowMeasuring:
		return "pic-dash"
	}
	return "pic-dots"
}

func outcomeSign(w protocol.PictureWay) string {
	switch w.Outcome {
	case protocol.OutcomeConnected:
		return "✓"
	case protocol.OutcomeFailed, protocol.OutcomeStuck:
		return "✗"
	case protocol.OutcomeSkipped:
		return "–"
	}
	if w.Trial == "" {
		return "?"
	}
	return "…"
}

// pictureView is the picture of a report in all its forms.
type pictureView struct {
	Title     string
	Text      string // drawn with characters
	Sentences []string
	Drawings  []drawing
}

func (v view) picture(r protocol.Report) pictureView {
	p := r.Picture
	if p == nil { // made by an earlier version
		r.Lang = v.Lang
		p = paint(r, learned{})
	}
	return pictureView{Title: clean(p.Title), Text: pictureText(p), Sentences: p.Text,
		Drawings: []drawing{newLayout(p, telling(p), reportWidth).draw(), newLayout(p, telling(p), tallWidth).draw()}}
}

// layout places the model.
type layout struct {
	p     *protocol.Picture
	ways  []protocol.PictureWay
	w     int
	out   drawing
	nodes map[string]protocol.PictureNode
	// labels are written over all lines.
	labels []mark
}

// telling are the ways that tell most.
func telling(p *protocol.Picture) (kinds []protocol.TrialKind) {
	for _, w := range p.Ways {
		if w.Shown {
			kinds = append(kinds, w.Kind)
		}
	}
	return kinds
}

func newLayout(p *protocol.Picture, kinds []protocol.TrialKind, width int) *layout {
	l := &layout{p: p, w: width, nodes: map[string]protocol.PictureNode{}, out: drawing{W: width, Title: clean(p.Title), Desc: strings.Join(p.Text, " ")}}
	for _, n := range p.Nodes {
		l.nodes[n.ID] = n
	}
	for _, w := range p.Ways {
		if slices.Contains(kinds, w.Kind) {
			l.ways = append(l.ways, w)
		}
	}
	return l
}

// draw lays out from left to right where there is room for it.
func (l *layout) draw() drawing {
	if l.w < tallBelow {
		return l.tall()
	}
	return l.wide()
}

func (l *layout) add(m mark, shapes []shape) {
	m.Shapes = shapes
	l.out.Marks = append(l.out.Marks, m)
}

func (l *layout) node(n protocol.PictureNode, id, class string, shapes ...shape) {
	l.add(mark{Kind: protocol.MarkNode, ID: id, State: string(n.State), Class: class, Sentence: n.Sentence, Of: n.ID}, shapes)
}

func (l *layout) wire(id string, shapes ...shape) {
	l.add(mark{Kind: protocol.MarkWire, ID: id}, shapes)
}

// arrow is one of a way, or a leg.
func (l *layout) arrow(kind protocol.MarkKind, a protocol.PictureArrow, shapes ...shape) {
	l.add(mark{Kind: kind, ID: l.arrowID(a), State: string(a.State), Sentence: a.Sentence, Of: a.ID}, shapes)
}

func (l *layout) way(w protocol.PictureWay, shapes ...shape) {
	l.add(mark{Kind: protocol.MarkWay, ID: string(w.Kind), State: outcomeState(w), Sentence: w.Sentence, Of: string(w.Kind)}, shapes)
}

// side is what the drawing calls a machine: an attribute holds no word of a recording.
func (l *layout) side(id string) string {
	switch id {
	case l.p.A:
		return "A"
	case l.p.B:
		return "B"
	}
	return serverNode
}

// arrowID names an arrow, or a leg, in the drawing.
func (l *layout) arrowID(a protocol.PictureArrow) string {
	kind, _, _ := strings.Cut(a.ID, " ")
	return kind + " " + l.side(a.From) + ">" + l.side(a.To)
}

// natID names the NAT of a machine: the i-th, seen from it.
func (l *layout) natID(id string, i int) string {
	if i > 0 {
		return "nat-" + l.side(id) + "-2"
	}
	return "nat-" + l.side(id)
}

func outcomeState(w protocol.PictureWay) string {
	switch w.Outcome {
	case protocol.OutcomeConnected, protocol.OutcomeFailed, protocol.OutcomeStuck, protocol.OutcomeSkipped:
		return string(w.Outcome)
	}
	return ""
}

func rect(x, y, w, h int, class string) shape {
	return shape{Rect: true, X: x, Y: y, W: w, H: h, Class: class}
}

// wall is a NAT's bar, hatched: what goes through it comes out as something else.
func wall(x, y, w, h int) []shape {
	var d strings.Builder
	if w < h {
		for at := y + w; at <= y+h; at += hatchStep {
			fmt.Fprintf(&d, "M%d %dl%d -%d", x, at, w, w)
		}
	} else {
		for at := x; at <= x+w-h; at += hatchStep {
			fmt.Fprintf(&d, "M%d %dl%d -%d", at, y+h, h, h)
		}
	}
	if d.Len() == 0 {
		return []shape{rect(x, y, w, h, "pic-wall")}
	}
	return []shape{rect(x, y, w, h, "pic-wall"), {Path: d.String(), Class: "pic-hatch"}}
}

// bar is a wall, or the place of one that nobody knows of.
func bar(x, y, w, h int, class string) []shape {
	if class == "pic-wall" {
		return wall(x, y, w, h)
	}
	return []shape{rect(x, y, w, h, class)}
}

func stroke(class, format string, args ...any) shape {
	return shape{Path: fmt.Sprintf(format, args...), Class: class}
}

func text(x, y int, anchor, class, s string) shape {
	return shape{X: x, Y: y, Anchor: anchor, Class: class, Text: s}
}

// cross is the sign of a loss, on the spot.
func cross(x, y int) shape {
	return stroke("pic-cross", "M%d %dl12 12m-12 0l12 -12", x-6, y-6)
}

// head is an arrow's, that points to x.
func head(x, y, towards int) shape {
	return stroke("pic-head", "M%d %dl%d -5v10z", x, y, -9*towards)
}

// natsOf are the NATs of a machine, the nearest first; those of a shared one are none of its own.
func (l *layout) natsOf(id string) (out []protocol.PictureNode) {
	for _, n := range l.p.Nodes {
		if n.Kind == protocol.NodeNAT && n.Of == id {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(x, y protocol.PictureNode) int { return strings.Compare(x.ID, y.ID) })
	return out
}

// onLegs are the proxy and the gateway between a machine and the server, one of each.
func (l *layout) onLegs(id string) (out []protocol.PictureNode) {
	for _, kind := range []protocol.NodeKind{protocol.NodeProxy, protocol.NodeGateway} {
		if i := slices.IndexFunc(l.p.Nodes, func(n protocol.PictureNode) bool { return n.Kind == kind && n.Of == id }); i >= 0 {
			out = append(out, l.p.Nodes[i])
		}
	}
	return out
}

// legIndex is which leg it stands on: a proxy on the page's, a gateway on that of STUN.
func (l *layout) legIndex(n protocol.PictureNode) int {
	if n.Kind == protocol.NodeProxy {
		return 0
	}
	return 1
}

func (l *layout) gateID(n protocol.PictureNode) string { return string(n.Kind) + "-" + l.side(n.Of) }

func (l *layout) shared() (protocol.PictureNode, bool) { n, ok := l.nodes["nat"]; return n, ok }

func (l *layout) wires(from string) []protocol.PictureAddress {
	for _, w := range l.p.Wires {
		if w.From == from {
			return w.Addresses
		}
	}
	return nil
}

func (l *layout) legsOf(id string) (out []protocol.PictureArrow) {
	for _, a := range l.p.Legs {
		if a.From == id || a.To == id {
			out = append(out, a)
		}
	}
	return out
}

// wide lays the picture out from left to right: A, its NAT, the server, B's NAT, B; the server's relay above, the direct ways below.
func (l *layout) wide() drawing {
	p := l.p
	mw := min(max(l.w*33/200, 150), 200)
	edge := map[string]int{} // how far from its side the outer edge of a machine's last NAT is
	for _, id := range []string{p.A, p.B} {
		edge[id] = mw + wallGap + wallWidth
		if len(l.natsOf(id)) == 2 {
			edge[id] += tierGap
		}
	}
	serverL := l.w/2 - serverWidth/2
	seenY := headHeight + 2*legPitch + 14
	zone := seenY + 2*seenPitch
	relayY := zone
	var relays, directs []protocol.PictureWay
	for _, w := range slices.Backward(l.ways) {
		if w.Via == protocol.ViaServer {
			relays = append(relays, w)
		} else {
			directs = append(directs, w)
		}
	}
	zone += len(relays) * relayHeight
	zone += max(0, leastWays*wayHeight-len(relays)*relayHeight-len(directs)*wayHeight) // the height stays when other ways turn out to tell more
	directY := zone + chipHeight
	l.out.H = directY + len(directs)*wayHeight + 4
	bottom := l.out.H - 2

	// what lies between, behind everything
	between := l.nodes[betweenNode]
	nat, shared := l.shared()
	if !shared {
		l.node(between, between.ID, "", append(
			[]shape{stroke("pic-spine", "M%d %dV%d", l.w/2, zone+30, bottom)}, l.chip(l.w/2, zone+6, between.Label)...)...)
	} else {
		x1, x2 := mw+wallGap, l.w-mw-wallGap
		shapes := slices.Concat(wall(x1, headHeight, wallWidth, zone+18-wallWidth/2-headHeight), wall(x2-wallWidth, headHeight, wallWidth, zone+18-wallWidth/2-headHeight),
			wall(x1, zone+18-wallWidth/2, x2-x1, wallWidth))
		for i, w := range directs { // a way to the outside address turns round in the NAT: each arrow crosses a piece of it, the words between stay free
			for j := range w.Arrows {
				if w.Kind != protocol.TrialHost {
					shapes = append(shapes, wall(l.w/2-wallWidth/2, directY+i*wayHeight+titleHeight+j*rowHeight+26, wallWidth, 18)...)
				}
			}
		}
		l.node(nat, nat.ID, "", append(shapes, l.chip(l.w/2, zone+6, nat.Label+" · "+strings.Join(nat.Addresses, ", "))...)...)
	}

	for _, id := range []string{p.A, p.B} {
		l.machineWide(id, mw, bottom)
		for i, n := range l.natsOf(id) {
			l.wallWide(id, i, n, mw+wallGap+i*tierGap, zone+4, bottom, directs, directY)
			if i > 0 {
				continue
			}
			if w := l.wires(n.ID); len(l.natsOf(id)) == 2 && len(w) > 0 {
				l.seen(l.x(id, mw+wallGap+wallWidth+6), seenY, l.anchor(id, "start"), w[:1], tierGap-wallWidth-8, l.natID(id, 0)+"-wire")
			}
		}
		for i, a := range l.legsOf(id) {
			l.legWide(id, a, i, mw, edge[id], serverL)
		}
		for _, n := range l.onLegs(id) {
			x, y := l.x(id, edge[id]+10), headHeight+24+l.legIndex(n)*legPitch
			l.node(n, l.gateID(n), "", wall(x-gateSize/2, y-gateSize/2, gateSize, gateSize)...)
		}
		most := maxSeen
		if len(l.legsOf(id)) > 2 {
			most = 1 // the server's own check stands in the other's place
		}
		l.seen(l.x(id, edge[id]+10), seenY, l.anchor(id, "start"), l.captions(id, most), serverL-edge[id]-16, l.side(id)+"-outside")
	}
	l.serverWide(serverL, zone)
	for i, w := range relays {
		l.relayWide(w, relayY+i*relayHeight, mw, edge, serverL)
	}
	for i, w := range directs {
		top := directY + i*wayHeight
		l.way(w,
			stroke("pic-rule", "M%d %dH%d", mw+wallGap+wallWidth+16, top, l.w-mw-wallGap-wallWidth-16),
			text(l.w/2, top+17, "middle", "pic-name", w.Name+"  "+outcomeSign(w)+" "+w.OutcomeText))
		for j, a := range w.Arrows {
			l.arrowWide(a, top+titleHeight+j*rowHeight, mw, edge)
		}
	}
	return l.out
}

// x mirrors for the machine on the right.
func (l *layout) x(id string, x int) int {
	if id == l.p.A {
		return x
	}
	return l.w - x
}

func (l *layout) anchor(id, anchor string) string {
	if id == l.p.A || anchor == "middle" {
		return anchor
	}
	if anchor == "start" {
		return "end"
	}
	return "start"
}

// outside are the addresses on the wire between the last NAT of a machine and the server.
func (l *layout) outside(id string) []protocol.PictureAddress {
	for _, w := range l.p.Wires {
		if w.Of == id && w.To == serverNode {
			return w.Addresses
		}
	}
	return nil
}

// captions are what stands at the wire before the server: the addresses that are seen there, and the names of what stands on the legs and is no address's caption.
func (l *layout) captions(id string, most int) []protocol.PictureAddress {
	out := l.outside(id)
	out = slices.Clone(out[:min(len(out), most)])
	for _, n := range l.onLegs(id) {
		if !slices.ContainsFunc(out, func(a protocol.PictureAddress) bool { return strings.Contains(a.Text, n.Label) }) {
			out = append(out[:min(len(out), most-1)], protocol.PictureAddress{Text: n.Label})
		}
	}
	return out
}

func (l *layout) chip(x, y int, s string) []shape { return l.chipOf(x, y, clip(s, l.w*2/3, 12)) }

// chipOf has a line for each text, and stands on the same foot however many they are.
func (l *layout) chipOf(x, foot int, lines ...string) []shape {
	w := 0
	for _, s := range lines {
		w = max(w, textWidth(s, 12)+chipPad)
	}
	x, y := max(min(x, l.w-w/2-2), w/2+1), foot-15*(len(lines)-1)
	shapes := []shape{rect(x-w/2, y, w, 9+15*len(lines), "pic-chip")}
	for i, s := range lines {
		shapes = append(shapes, text(x, y+16+15*i, "middle", "pic-label", s))
	}
	return shapes
}

func (l *layout) machineWide(id string, mw, bottom int) {
	n := l.nodes[id]
	left := 1
	if id != l.p.A {
		left = l.w - mw - 1
	}
	mid := left + mw/2
	shapes := []shape{rect(left, headHeight, mw, bottom-headHeight, "pic-box")}
	y := headHeight + 30
	shapes = append(shapes, text(mid, y, "middle", "pic-letter", l.letter(n)))
	for _, s := range wrap(n.Label, mw-16, 13, 3) {
		y += 19
		shapes = append(shapes, text(mid, y, "middle", "pic-name", s))
	}
	y += 6
	for _, s := range n.Addresses {
		y += 17
		shapes = append(shapes, text(mid, y, "middle", "pic-mono", shortened(s, mw-8)))
	}
	for _, note := range n.Notes {
		for _, s := range wrap(note, mw-12, 11, 2) {
			y += 17
			shapes = append(shapes, text(mid, y, "middle", "pic-soft", s))
		}
	}
	l.node(n, l.side(id), "", shapes...)
}

func (l *layout) letter(n protocol.PictureNode) string {
	if n.State == protocol.NodeUnknown {
		return "?"
	}
	return strings.ToUpper(n.ID)
}

// wallWide draws a NAT as a wall: whole where packets cross it, open where they pass by, dashed where nobody knows.
func (l *layout) wallWide(id string, i int, n protocol.PictureNode, x, split, bottom int, directs []protocol.PictureWay, directY int) {
	left := x
	if id != l.p.A {
		left = l.w - x - wallWidth
	}
	mid := left + wallWidth/2
	var shapes []shape
	draw := func(y1, y2 int, class string) { shapes = append(shapes, bar(left, y1, wallWidth, y2-y1, class)...) }
	upper := map[protocol.NodeState]string{protocol.NodeThere: "pic-wall", protocol.NodeOneWay: "pic-wall", protocol.NodeUnknown: "pic-wall-unknown"}[n.State]
	if upper != "" {
		draw(headHeight, split, upper)
		lower := map[protocol.Crossing]string{protocol.CrossingYes: "pic-wall", protocol.CrossingUnknown: "pic-wall-unknown"}[n.Crossing]
		if n.State == protocol.NodeUnknown && lower != "" {
			lower = "pic-wall-unknown"
		}
		if lower != "" && bottom > split {
			draw(split, bottom, lower)
		}
		if lower == "pic-wall-unknown" {
			shapes = append(shapes, text(mid, split+21, "middle", "pic-label", "?"))
		}
	} else {
		shapes = append(shapes, stroke("pic-faint", "M%d %dV%d", mid, headHeight, bottom))
	}
	// Where a question comes in untranslated the wall has a gate.
	for k, w := range directs {
		for j, a := range w.Arrows {
			if a.To == id && a.State == protocol.ArrowNonSymmetric && n.State == protocol.NodeOneWay {
				shapes = append(shapes, rect(left-2, directY+k*wayHeight+titleHeight+j*rowHeight+10, wallWidth+4, 12, "pic-gate"))
			}
		}
	}
	shapes = append(shapes, text(mid, 17, "middle", "pic-label", n.Label))
	l.node(n, l.natID(id, i), string(n.Crossing), shapes...)
}

// seen writes who sees which address; a caption that is too long takes two lines.
func (l *layout) seen(x, y int, anchor string, list []protocol.PictureAddress, room int, id string) {
	var shapes []shape
	end := y + 2*seenPitch
	for _, s := range list {
		lines := wrap(s.Text, room, 11, 2)
		if y+13*len(lines) > end {
			break
		}
		for _, c := range lines {
			shapes = append(shapes, text(x, y, anchor, "pic-soft", c))
			y += 13
		}
		if s.Address != "" {
			shapes = append(shapes, text(x, y, anchor, "pic-mono", shortened(s.Address, room)))
		}
		y += seenPitch - 13
	}
	if len(shapes) > 0 {
		l.wire(id, shapes...)
	}
}

func (l *layout) legWide(id string, a protocol.PictureArrow, i, mw, edge, serverL int) {
	y := headHeight + 24 + i*legPitch
	if i == 2 {
		y += legPitch
	}
	mid := l.x(id, (edge+serverL)/2)
	x1, x2 := l.x(id, mw+3), l.x(id, serverL-2)
	towards := 1
	if id != l.p.A {
		towards = -1
	}
	cx := l.x(id, serverL-22)
	var shapes []shape
	switch a.State {
	case protocol.ArrowAlive:
		shapes = append(shapes, stroke("pic-line", "M%d %dH%d", x1, y, x2-8*towards), stroke("pic-flow", "M%d %dH%d", x1, y, x2-8*towards), head(x2, y, towards))
	case protocol.ArrowDead:
		shapes = append(shapes, stroke("pic-line", "M%d %dH%d", x1, y, cx-9*towards), cross(cx, y))
	case protocol.ArrowLostOnReturn:
		shapes = append(shapes, stroke("pic-line", "M%d %dH%d", x1, y-2, x2-8*towards), head(x2, y-2, towards),
			stroke("pic-back", "M%d %dH%d", x2, y+6, mid), cross(mid-9*towards, y+6))
	case protocol.ArrowNonSymmetric: // the server's own check: out to the machine, and back from elsewhere
		shapes = append(shapes, stroke("pic-line", "M%d %dH%d", x2, y, x1+8*towards), head(x1, y, -towards),
			stroke("pic-back", "M%d %dH%d", x1, y+8, x2-20*towards), cross(x2-11*towards, y+8))
	default:
		shapes = append(shapes, stroke("pic-dots", "M%d %dH%d", x1, y, x2-8*towards), head(x2, y, towards))
	}
	label := a.Label
	if a.Asked != "" {
		label += " " + shortened(withoutPort(a.Asked), 110)
	}
	label = stateSign(a.State) + " " + label
	if textWidth(label, 12) > serverL-edge-8 { // what stands in brackets can be left out
		label, _, _ = strings.Cut(label, "(")
		label, _, _ = strings.Cut(strings.TrimSpace(label), "（")
	}
	shapes = append(shapes, text(mid, y-7, "middle", "pic-label", clip(label, serverL-edge-8, 12)))
	l.arrow(protocol.MarkLeg, a, shapes...)
}

func (l *layout) serverWide(x, bottom int) {
	n := l.nodes[serverNode]
	mid := x + serverWidth/2
	shapes := []shape{rect(x, headHeight, serverWidth, bottom-headHeight, "pic-box"), text(mid, headHeight+24, "middle", "pic-name", n.Label)}
	y := headHeight + 30
	for _, s := range append(slices.Clone(n.Addresses), n.Notes...) {
		y += 17
		shapes = append(shapes, text(mid, y, "middle", "pic-mono", shortened(s, serverWidth-10)))
	}
	l.node(n, n.ID, "pic-server", shapes...)
}

func (l *layout) relayWide(w protocol.PictureWay, top, mw int, edge map[string]int, serverL int) {
	l.way(w,
		stroke("pic-rule", "M%d %dH%d", serverL+10, top, serverL+serverWidth-10),
		text(l.w/2, top+14, "middle", "pic-name", w.Name), text(l.w/2, top+38, "middle", "pic-label", outcomeSign(w)+" "+w.OutcomeText))
	for i, a := range w.Arrows {
		y := top + 20 + i*27
		x1, x2 := l.x(a.From, mw+3), l.x(a.From, l.w-mw-3)
		towards := 1
		if a.From != l.p.A {
			towards = -1
		}
		shapes := l.straight(a, x1, x2, y, towards, l.x(a.From, l.w-edge[a.To]-22))
		shapes = append(shapes, text(l.x(a.From, (edge[a.From]+serverL)/2), y-6, "middle", "pic-label", clip(stateSign(a.State)+" "+a.Label, serverL-edge[a.From]-8, 12)))
		l.arrow(protocol.MarkArrow, a, shapes...)
	}
}

// straight are the states in which nothing bends. cx is where a loss is marked.
func (l *layout) straight(a protocol.PictureArrow, x1, x2, y, towards, cx int) []shape {
	switch a.State {
	case protocol.ArrowAlive:
		return []shape{stroke("pic-line", "M%d %dH%d", x1, y, x2-8*towards), stroke("pic-flow", "M%d %dH%d", x1, y, x2-8*towards), head(x2, y, towards)}
	case protocol.ArrowDead, protocol.ArrowLostOnReturn, protocol.ArrowNonSymmetric:
		return []shape{stroke("pic-line", "M%d %dH%d", x1, y, cx-9*towards), cross(cx, y), stroke("pic-gone", "M%d %dH%d", cx+9*towards, y, x2)}
	case protocol.ArrowNotSent:
		return []shape{stroke("pic-line", "M%d %dH%dm0 -6v12", x1, y, x1+20*towards), stroke("pic-gone", "M%d %dH%d", x1+26*towards, y, x2)}
	}
	return []shape{stroke(lineOf(a.State), "M%d %dH%d", x1, y, x2-8*towards), head(x2, y, towards)}
}

func (l *layout) arrowWide(a protocol.PictureArrow, top, mw int, edge map[string]int) {
	towards := 1
	if a.From != l.p.A {
		towards = -1
	}
	at := func(x int) int { return l.x(a.From, x) }
	x1, x2 := at(mw+3), at(l.w-mw-3)
	tip := at(l.w - edge[a.To] - 8)
	anchor := l.anchor(a.From, "end")
	label := stateSign(a.State) + " " + a.Label
	asked := ""
	if room := l.w/2 - edge[a.To] - 8 - textWidth(label, 12)/2 - 10; a.Asked != "" && room > 60 {
		asked = shortened(a.Asked, room)
	}
	var shapes []shape
	switch a.State {
	case protocol.ArrowLostOnReturn:
		shapes = []shape{stroke("pic-line", "M%d %dH%d", x1, top+18, x2-8*towards), head(x2, top+18, towards),
			stroke("pic-back", "M%d %dH%d", x2, top+40, l.w/2+9*towards), cross(l.w/2, top+40), stroke("pic-gone", "M%d %dH%d", l.w/2-9*towards, top+40, x1),
			text(l.w/2, top+12, "middle", "pic-label", label)}
		if asked != "" {
			shapes = append(shapes, text(tip, top+12, anchor, "pic-mono", asked))
		}
	case protocol.ArrowNonSymmetric:
		room := l.w - edge[l.p.A] - edge[l.p.B] - 16
		bend := at(l.w - edge[a.To] - 26)
		shapes = []shape{stroke("pic-line", "M%d %dH%d", x1, top+16, x2-8*towards), head(x2, top+16, towards),
			stroke("pic-back", "M%d %dH%dc%d 0 %d 18 %d 18H%d", x2, top+29, bend, -16*towards, -12*towards, -28*towards, at(mw+36)), head(at(mw+26), top+47, -towards), cross(at(mw+14), top+47),
			text(l.w/2, top+11, "middle", "pic-label pic-asks", clip(a.AskedText, room, 12)),
			text(l.w/2, top+41, "middle", "pic-label pic-stray", clip(stateSign(a.State)+" "+a.AnswerText, room, 12))}
	default:
		y := top + 19 // above the cross of a loss
		shapes = append(l.straight(a, x1, x2, top+32, towards, l.w/2), text(l.w/2, y, "middle", "pic-label", label))
		if asked != "" {
			shapes = append(shapes, text(tip, y, anchor, "pic-mono", asked))
		}
	}
	l.arrow(protocol.MarkArrow, a, shapes...)
}

// The numbers of the tall drawing.
const (
	boxHeight    = 70
	tallWallGap  = 24
	tallTier     = 36
	tallSeen     = 44 // two lines beside the wall: the NAT's name, who sees which address
	seenLine     = 15
	middleHeight = 260
	legsWidth    = 104
	firstLeg     = 20
	legPitchTall = 52
	chipPad      = 30
	chipLines    = 4
	leastChip    = 66 // a long word
)

// tall lays the same out from top to bottom, for a narrow screen.
func (l *layout) tall() drawing {
	p := l.p
	l.out.Tall = true
	edge := map[string]int{}
	for _, id := range []string{p.A, p.B} {
		edge[id] = boxHeight + tallWallGap + wallWidth
		if len(l.natsOf(id)) == 2 {
			edge[id] += tallTier
		}
	}
	top := edge[p.A] + tallSeen
	end := top + middleHeight
	l.out.H = end + tallSeen + edge[p.B]
	var relays, directs []protocol.PictureWay
	for _, w := range slices.Backward(l.ways) {
		if w.Via == protocol.ViaServer {
			relays = append(relays, w)
		} else {
			directs = append(directs, w)
		}
	}
	col := l.column()
	split := legsWidth + len(relays)*col
	middle := top + middleHeight/2
	between := l.nodes[betweenNode]
	nat, shared := l.shared()
	if shared {
		y1, y2 := boxHeight+tallWallGap, l.out.H-boxHeight-tallWallGap
		x := min(split-4, l.w-wallWidth)
		shapes := slices.Concat(wall(0, y1, x, wallWidth), wall(0, y2-wallWidth, x, wallWidth), wall(x, y1, wallWidth, y2-y1))
		if i := slices.IndexFunc(directs, func(w protocol.PictureWay) bool { return w.Kind == protocol.TrialHost }); len(directs) > 0 && i != 0 {
			shapes = append(shapes, wall(split+wallWidth-4, middle-wallWidth/2, col-wallWidth, wallWidth)...)
		}
		l.node(nat, nat.ID, "", shapes...)
		l.labels = append(l.labels, mark{Kind: protocol.MarkWire, ID: "label " + nat.ID, Shapes: l.chip((l.w+split)/2, end-26, nat.Label)})
	} else {
		l.node(between, between.ID, "", stroke("pic-spine", "M%d %dH%d", split+6, end-14, l.w))
	}
	for _, id := range []string{p.A, p.B} {
		l.machineTall(id)
		for i, n := range l.natsOf(id) {
			at := boxHeight + tallWallGap + i*tallTier
			l.wallTall(id, i, n, at, split)
			if i+1 < len(l.natsOf(id)) {
				l.lineTall(id, at+wallWidth, 0, n.Label, l.wires(n.ID))
			}
		}
		l.linesTall(id, edge[id])
		to := min(l.y(id, middle-44), l.y(id, middle+44)) // as far from the machine's own side as the server's box
		for i, a := range l.legsOf(id) {
			if a.From == id {
				l.legTall(id, a, firstLeg+i*legPitchTall, to, i)
			} else {
				l.checkTall(id, a, firstLeg+legPitchTall/2, to)
			}
		}
		for _, n := range l.onLegs(id) {
			y := min(l.y(id, edge[id]+tallSeen), l.y(id, edge[id]+tallSeen+gateSize))
			l.node(n, l.gateID(n), "", wall(firstLeg+l.legIndex(n)*legPitchTall-gateSize/2, y, gateSize, gateSize)...)
		}
	}
	n := l.nodes[serverNode]
	room := split - 10
	box := []shape{rect(1, middle-42, room, 84, "pic-box")}
	lines := wrap(n.Label, legsWidth-16, 13, 2)
	for i, s := range lines {
		box = append(box, text(legsWidth/2-4, middle-20+i*17, "middle", "pic-name", s))
	}
	for i, s := range firstOfEach(n.Addresses) {
		box = append(box, text(legsWidth/2-4, middle+2+len(lines)*8+i*16, "middle", "pic-mono", shortened(s, legsWidth-10)))
	}
	l.node(n, n.ID, "pic-server", box...)
	for i, w := range append(relays, directs...) {
		l.wayTall(w, legsWidth+i*col, col, top, end, edge)
	}
	if !shared { // above the arrows
		room := max(l.w-split-chipPad-4, leastChip) // a relay's arrows run past it
		if len(directs) == 0 {
			room = l.w / 2
		}
		l.out.Marks[0].Shapes = append(l.out.Marks[0].Shapes, l.chipOf((l.w+split)/2, end-26, wrap(between.Label, room, 12, chipLines)...)...)
		l.out.Marks = append(l.out.Marks[1:], l.out.Marks[0])
	}
	l.out.Marks = append(l.out.Marks, l.labels...)
	return l.out
}

// firstOfEach are the first address of each family.
func firstOfEach(addresses []string) (out []string) {
	seen := map[bool]bool{}
	for _, s := range addresses {
		s = withoutPort(s)
		if v6 := strings.Contains(s, ":"); !seen[v6] {
			seen[v6] = true
			out = append(out, s)
		}
	}
	return out
}

// label writes over the lines of all arrows, each text on a plate of the page's own colour: lines run behind words, not through them. Its class and state are those of what it belongs to.
func (l *layout) label(id, state, class string, texts ...shape) {
	if len(texts) > 0 {
		l.labels = append(l.labels, mark{Kind: protocol.MarkWire, ID: "label " + id, State: state, Class: class, Shapes: l.plates(texts)})
	}
}

// plates puts each text on a plate.
func (l *layout) plates(texts []shape) (out []shape) {
	for _, t := range texts {
		size := 12
		if strings.Contains(t.Class, "pic-mono") || strings.Contains(t.Class, "pic-soft") {
			size = 11
		}
		w := textWidth(t.Text, size) + 4
		if strings.Contains(t.Class, "pic-mono") {
			w = utf8.RuneCountInString(t.Text)*66/10 + 4
		}
		x := max(map[string]int{"start": t.X - 2, "middle": t.X - w/2, "end": t.X - w + 2}[t.Anchor], 0)
		out = append(out, rect(x, t.Y-size, min(w, l.w-x), size+3, "pic-gate"), t)
	}
	return out
}

// lineTall is a line beside a wall that ends at: what the wall is, and the first of the addresses there.
func (l *layout) lineTall(id string, at, i int, name string, list []protocol.PictureAddress) {
	y := at + seenLine*(1+i)
	if id != l.p.A {
		y = l.out.H - at - 6 - i*seenLine
	}
	var texts []shape
	x := 4
	if name != "" {
		texts = append(texts, text(x, y, "start", "pic-label", name))
		x += textWidth(name, 12) + 16
	}
	if len(list) > 0 {
		caption := clip(list[0].Text, l.w/2, 11)
		texts = append(texts, text(x, y, "start", "pic-soft", caption))
		if x += textWidth(caption, 11) + 12; list[0].Address != "" {
			address := shortened(list[0].Address, l.w-x-4)
			texts = append(texts, text(x, y, "start", "pic-mono", address))
			x += utf8.RuneCountInString(address)*66/10 + 12
		}
	}
	if len(texts) > 0 {
		l.labels = append(l.labels, mark{Kind: protocol.MarkWire, ID: fmt.Sprintf("line %s %d %d", l.side(id), at, i), Shapes: append([]shape{rect(2, y-12, min(x-10, l.w-2), seenLine, "pic-gate")}, texts...)})
	}
}

// linesTall are those beside the last wall of a machine.
func (l *layout) linesTall(id string, at int) {
	name := ""
	if nats := l.natsOf(id); len(nats) > 0 {
		name = nats[len(nats)-1].Label
	}
	out := l.captions(id, maxSeen)
	for i := range max(1, len(out)) {
		l.lineTall(id, at, i, name, out[min(i, len(out)):])
		name = ""
	}
}

// column is how wide each way is.
func (l *layout) column() int { return (l.w - legsWidth) / max(len(l.ways), 1) }

// y mirrors for the machine at the bottom.
func (l *layout) y(id string, y int) int {
	if id == l.p.A {
		return y
	}
	return l.out.H - y
}

func (l *layout) machineTall(id string) {
	n := l.nodes[id]
	y := min(l.y(id, 0), l.y(id, boxHeight))
	room := l.w - 66
	shapes := []shape{rect(1, y+1, l.w-2, boxHeight-2, "pic-box"), text(28, y+44, "middle", "pic-letter", l.letter(n)), text(58, y+20, "start", "pic-name", clip(n.Label, room, 13))}
	type line struct{ class, text string }
	var lines []line
	if len(n.Addresses) > 0 {
		lines = append(lines, line{"pic-mono", shortened(strings.Join(n.Addresses[:min(len(n.Addresses), 2)], " "), room)})
	}
	for _, s := range wrap(strings.Join(n.Notes, " · \u200b"), room, 11, 3-len(lines)) {
		lines = append(lines, line{"pic-soft", strings.TrimSuffix(s, " ·")})
	}
	pitch := 17
	if len(lines) > 2 {
		pitch = 14
	}
	for i, s := range lines {
		shapes = append(shapes, text(58, y+20+(i+1)*pitch, "start", s.class, s.text))
	}
	l.node(n, l.side(id), "", shapes...)
}

func (l *layout) wallTall(id string, i int, n protocol.PictureNode, at, split int) {
	y := min(l.y(id, at), l.y(id, at+wallWidth))
	var shapes []shape
	upper := map[protocol.NodeState]string{protocol.NodeThere: "pic-wall", protocol.NodeOneWay: "pic-wall", protocol.NodeUnknown: "pic-wall-unknown"}[n.State]
	if upper == "" {
		shapes = append(shapes, stroke("pic-faint", "M0 %dH%d", y+wallWidth/2, l.w))
	} else {
		shapes = append(shapes, bar(0, y, split, wallWidth, upper)...)
		lower := map[protocol.Crossing]string{protocol.CrossingYes: upper, protocol.CrossingUnknown: "pic-wall-unknown"}[n.Crossing]
		if lower != "" && split < l.w {
			shapes = append(shapes, bar(split, y, l.w-split, wallWidth, lower)...)
		}
		if upper == "pic-wall-unknown" || lower == "pic-wall-unknown" {
			shapes = append(shapes, text(l.w-8, y+wallWidth-3, "middle", "pic-label", "?"))
		}
	}
	l.node(n, l.natID(id, i), string(n.Crossing), shapes...)
}

// legTall draws the i-th leg; their words do not fit beside each other and stand a line apart.
func (l *layout) legTall(id string, a protocol.PictureArrow, x, to, i int) {
	y1, y2 := l.y(id, boxHeight+3), l.y(id, to)
	down := 1
	if id != l.p.A {
		down = -1
	}
	word := "HTTP"
	if strings.HasPrefix(a.ID, "stun ") {
		word = "STUN"
	}
	cy := y2 - 20*down
	var shapes []shape
	switch a.State {
	case protocol.ArrowAlive:
		shapes = append(shapes, stroke("pic-line", "M%d %dV%d", x, y1, y2-8*down), stroke("pic-flow", "M%d %dV%d", x, y1, y2-8*down), headDown(x, y2, down))
	case protocol.ArrowDead:
		shapes = append(shapes, stroke("pic-line", "M%d %dV%d", x, y1, cy-9*down), cross(x, cy))
	case protocol.ArrowLostOnReturn:
		shapes = append(shapes, stroke("pic-line", "M%d %dV%d", x-3, y1, y2-8*down), headDown(x-3, y2, down), stroke("pic-back", "M%d %dV%d", x+6, y2, cy-16*down), cross(x+6, cy-24*down))
	default:
		shapes = append(shapes, stroke("pic-dots", "M%d %dV%d", x, y1, y2-8*down), headDown(x, y2, down))
	}
	l.arrow(protocol.MarkLeg, a, shapes...)
	label := stateSign(a.State) + " " + word
	l.label(l.arrowID(a), string(a.State), "pic-leg", text(x-(1-i)*(firstLeg-3), l.y(id, to-52+i*16)+4, []string{"start", "middle"}[min(i, 1)], "pic-label", label))
}

// checkTall is the server's own check, between the two legs: its answer comes from another address, and is thrown away.
func (l *layout) checkTall(id string, a protocol.PictureArrow, x, from int) {
	y1, y2 := l.y(id, from), l.y(id, boxHeight+3)
	down := 1
	if id != l.p.A {
		down = -1
	}
	l.arrow(protocol.MarkLeg, a, stroke("pic-line", "M%d %dV%d", x-4, y1, y2+8*down), headDown(x-4, y2, -down),
		stroke("pic-back", "M%d %dV%d", x+5, y2, y1-26*down), cross(x+5, y1-16*down))
}

func headDown(x, y, down int) shape {
	return stroke("pic-head", "M%d %dl-5 %dh10z", x, y, -9*down)
}

func (l *layout) wayTall(w protocol.PictureWay, left, width, top, end int, edge map[string]int) {
	mid := left + width/2
	var title []shape
	y := top + 10
	for _, s := range wrap(w.Name, width-14, 13, 2) {
		title = append(title, text(mid, y, "middle", "pic-name", s))
		y += 16
	}
	title = append(title, text(mid, y, "middle", "pic-soft", clip(outcomeSign(w)+" "+w.OutcomeText, width-4, 11)))
	for i, a := range w.Arrows {
		x := left + width*(1+2*i)/4
		down := 1
		if a.From != l.p.A {
			down = -1
		}
		y1, y2 := l.y(a.From, boxHeight+3), l.y(a.To, boxHeight+3)
		cy := (top+end)/2 - 6*down
		var shapes []shape
		switch a.State {
		case protocol.ArrowAlive:
			shapes = []shape{stroke("pic-line", "M%d %dV%d", x, y1, y2-8*down), stroke("pic-flow", "M%d %dV%d", x, y1, y2-8*down), headDown(x, y2, down)}
		case protocol.ArrowDead:
			shapes = []shape{stroke("pic-line", "M%d %dV%d", x, y1, cy-9*down), cross(x, cy), stroke("pic-gone", "M%d %dV%d", x, cy+9*down, y2)}
		case protocol.ArrowLostOnReturn:
			shapes = []shape{stroke("pic-line", "M%d %dV%d", x-5, y1, y2-8*down), headDown(x-5, y2, down), stroke("pic-back", "M%d %dV%d", x+7, y2, cy+9*down), cross(x+7, cy), stroke("pic-gone", "M%d %dV%d", x+7, cy-9*down, y1)}
		case protocol.ArrowNonSymmetric:
			bend := y2 - (edge[a.To]-boxHeight+30)*down
			shapes = []shape{stroke("pic-line", "M%d %dV%d", x-6, y1, y2-8*down), headDown(x-6, y2, down),
				stroke("pic-back", "M%d %dV%dc0 %d 16 %d 16 %dV%d", x+4, y2, bend, -16*down, -12*down, -28*down, y1+30*down), headDown(x+20, y1+21*down, -down), cross(x+20, y1+10*down)}
		case protocol.ArrowNotSent:
			shapes = []shape{stroke("pic-line", "M%d %dV%dm-6 0h12", x, y1, y1+14*down), stroke("pic-gone", "M%d %dV%d", x, y1+20*down, y2)}
		default:
			shapes = []shape{stroke(lineOf(a.State), "M%d %dV%d", x, y1, y2-8*down), headDown(x, y2, down)}
		}
		ly := top + 68 + i*92
		if w.Via == protocol.ViaServer {
			ly += i*44 - 6 // above and below the server
		}
		var texts []shape
		for _, s := range wrap(map[int]string{1: "↓", -1: "↑"}[down]+" "+stateSign(a.State)+" "+a.Label, width-6, 12, 3) { // they stand between the two arrows
			texts = append(texts, text(mid, ly, "middle", "pic-label", s))
			ly += 15
		}
		if a.Answerer != "" {
			texts = append(texts, text(mid, ly, "middle", "pic-mono pic-stray", shortened(a.Answerer, width-4)))
		}
		l.arrow(protocol.MarkArrow, a, shapes...)
		l.label(l.arrowID(a), string(a.State), "pic-arrow", texts...)
	}
	l.way(w, l.plates(title)...)
}

// firstWide is where the CJK blocks of Unicode begin.
const firstWide = 0x2e80

// textWidth estimates what a sans-serif font takes: a CJK character is as wide as it is high, others a bit over half.
func textWidth(s string, size int) int {
	w := 0
	for _, r := range s {
		w += runeWidth(r)
	}
	return w * size / 100
}

// runeWidth is in hundredths of the font's size.
func runeWidth(r rune) int {
	switch {
	case r == '\u200b':
		return 0
	case r >= firstWide:
		return 100
	}
	return 57
}

// clip cuts what has no room; the sentence has it whole.
func clip(s string, room, size int) string {
	if textWidth(s, size) <= room {
		return s
	}
	w := 0
	for i, r := range s {
		if w += runeWidth(r); i > 0 && w*size/100+size > room {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s + "…"
}

// shortened takes the middle out of an address: both its ends tell more.
func shortened(s string, room int) string {
	s = shortHost(s)
	n := max(room*10/66, 8) // characters of the monospaced font, 6.6 wide
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)
	tail := min(n/2, n-2)
	return string(runes[:n-tail-1]) + "…" + string(runes[len(runes)-tail:])
}

// shortHost keeps a .local name's beginning, also before a port.
func shortHost(s string) string {
	if host := withoutPort(s); protocol.IsMDNS(host) {
		return shortName(host) + strings.TrimPrefix(s, host)
	}
	return s
}

// wrap breaks at spaces, and in scripts without between phrases, but anywhere where one alone is longer than a line; what does not fit into the lines is cut. The lines are about as long as each other: no word stands alone on the last.
func wrap(s string, room, size, lines int) (out []string) {
	words := pieces(s, room, size)
	out = inLines(words, room, size)
	if n := len(out); n > 1 && n <= lines {
		least := 1
		for _, word := range words {
			least = max(least, textWidth(strings.TrimRight(word, " "), size))
		}
		narrowest := room - sort.Search(max(room-least, 0), func(less int) bool { return len(inLines(words, room-less-1, size)) > n })
		out = inLines(words, narrowest, size)
	}
	if len(out) > lines {
		out[lines-1] = strings.Join(out[lines-1:], " ")
		out = out[:lines]
	}
	for i := range out {
		out[i] = clip(out[i], room, size)
	}
	return out
}

// inLines puts as many words on each line as have room.
func inLines(words []string, room, size int) (out []string) {
	cur := ""
	flush := func() {
		if cur = strings.TrimSpace(cur); cur != "" {
			out = append(out, cur)
		}
		cur = ""
	}
	for _, word := range words {
		if cur != "" && textWidth(strings.TrimRight(cur+word, " "), size) > room {
			flush()
		}
		cur += word
	}
	flush()
	return out
}

// notFirst are the characters that begin no line of Japanese (JIS X 4051), notLast those that end none.
const (
	notFirst = "、。，．・：；？！）」』】〉》〕ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ々…"
	notLast  = "（「『【〈《〔"
)

// script is what a character of Japanese text is written in: a phrase begins where it changes, but for hiragana, which end words that others began.
func script(r rune) int {
	switch {
	case unicode.Is(unicode.Hiragana, r):
		return 1
	case r == 'ー' || unicode.Is(unicode.Katakana, r):
		return 2
	case unicode.Is(unicode.Han, r):
		return 3
	case r >= firstWide: // punctuation
		return 4
	}
	return 5
}

// pieces are what no line breaks: up to a space or a zero-width space, and where neither is there up to the end of a phrase of Japanese; one that is longer than the room gives up its characters.
func pieces(s string, room, size int) (out []string) {
	for _, phrase := range phrases(s) {
		cur, long := "", textWidth(phrase, size) > room
		for _, r := range phrase {
			before, _ := utf8.DecodeLastRuneInString(cur)
			if long && cur != "" && (r >= firstWide || before >= firstWide) && !strings.ContainsRune(notFirst, r) && !strings.ContainsRune(notLast, before) {
				out = append(out, cur)
				cur = ""
			}
			cur += string(r)
		}
		out = append(out, cur)
	}
	return out
}

func phrases(s string) (out []string) {
	soft := strings.ContainsRune(s, '\u200b')
	cur := ""
	flush := func() {
		if cur != "" {
			out = append(out, cur)
		}
		cur = ""
	}
	var before rune
	for _, r := range s {
		switch wide := r >= firstWide || before >= firstWide; {
		case r == '\u200b', before == ' ':
			flush()
		case !soft && wide && script(r) != 1 && script(r) != script(before) && !strings.ContainsRune(notFirst, r) && !strings.ContainsRune(notLast, before):
			flush()
		}
		if before = r; r != '\u200b' {
			cur += string(r)
		}
	}
	flush()
	return out
}
