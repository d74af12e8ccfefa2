package report

import (
	"slices"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// pictureText draws the picture from top to bottom, which stands any length of address and any font, and then each way with both its directions.
func pictureText(p *protocol.Picture) string {
	var b strings.Builder
	put := func(parts ...string) { b.WriteString(strings.TrimRight(strings.Join(parts, ""), " ") + "\n") }
	l := newLayout(p, telling(p), reportWidth)
	nat, shared := l.shared()
	wall := func(n protocol.PictureNode, seen []protocol.PictureAddress) {
		bar := map[protocol.NodeState]string{protocol.NodeThere: "▓▓▓", protocol.NodeOneWay: "▓▒ ", protocol.NodeUnknown: " ? "}[n.State]
		if bar == "" {
			bar = " │ "
		}
		put(" │")
		put(bar, "  ", fenced(n.Label))
		for _, s := range seen {
			put(" │   ", fenced(s.Text), " ", fenced(orUnknown(s.Address)))
		}
		put(" │")
	}
	box := func(n protocol.PictureNode, last bool) {
		put(" ●   ", fenced(boxName(n)))
		for _, s := range append(slices.Clone(n.Addresses), n.Notes...) {
			bar := " │   "
			if last {
				bar = "     "
			}
			put(bar, fenced(s))
		}
	}
	side := func(id string, reverse bool) {
		if shared {
			wall(nat, l.outside(id))
			return
		}
		nats := l.natsOf(id)
		if reverse {
			slices.Reverse(nats)
		}
		for i, n := range nats {
			seen := l.outside(id)
			if inner := reverse && i == 1 || !reverse && i == 0; inner && len(nats) == 2 {
				seen = l.wires(n.ID)
			}
			wall(n, seen)
		}
	}
	gates := func(id string) {
		for _, n := range l.onLegs(id) {
			put(" ◇   ", fenced(n.Label))
		}
	}
	box(l.nodes[p.A], false)
	side(p.A, false)
	gates(p.A)
	box(l.nodes[serverNode], false)
	gates(p.B)
	side(p.B, true)
	box(l.nodes[p.B], true)

	put()
	put(fenced(l.nodes[betweenNode].Label))
	for _, a := range p.Legs {
		put("  ", textArrow(a, l), "  ", stateSign(a.State), " ", fenced(a.Label), strayText(a))
	}
	for _, w := range p.Ways {
		put()
		put(fenced(w.Name), ": ", outcomeSign(w), " ", fenced(w.OutcomeText))
		if w.Trial == "" || w.Outcome == protocol.OutcomeSkipped {
			continue
		}
		for _, a := range w.Arrows {
			label := "  " + stateSign(a.State) + " " + fenced(strings.ReplaceAll(a.Label, "\u200b", ""))
			if a.Asked != "" && a.State != protocol.ArrowNonSymmetric {
				label += "  → " + fenced(a.Asked)
			}
			put("  ", textArrow(a, l), label)
			if a.State == protocol.ArrowNonSymmetric {
				from, to := fenced(l.textName(a.From)), fenced(l.textName(a.To))
				put("     ", from, " ────────────▶ ", to, "   ", fenced(a.AskedText))
				put("     ", strings.Repeat(" ", textColumns(from)), " ✗◀──╮        ", strings.Repeat(" ", textColumns(to)))
				put("     ", strings.Repeat(" ", textColumns(from)), "      ╰─ NAT ◀ ", to, strayText(a))
			}
		}
	}
	return b.String()
}

// strayText says where an answer came from that was not asked there.
func strayText(a protocol.PictureArrow) string {
	if a.AnswerText == "" {
		return ""
	}
	return "   " + fenced(a.AnswerText)
}

func boxName(n protocol.PictureNode) string {
	if n.Kind == protocol.NodeMachine && n.State != protocol.NodeUnknown && !strings.EqualFold(n.Label, n.ID) {
		return strings.ToUpper(n.ID) + "  " + n.Label
	}
	return n.Label
}

// textName is an end of an arrow.
func (l *layout) textName(id string) string {
	if id == serverNode {
		return l.nodes[id].Label
	}
	return l.letter(l.nodes[id])
}

func textArrow(a protocol.PictureArrow, l *layout) string {
	shaft := map[protocol.ArrowState]string{
		protocol.ArrowAlive: "──────▶", protocol.ArrowStuck: "──────▶", protocol.ArrowDead: "───✗  ·", protocol.ArrowLostOnReturn: "──✗─◀▶ ", protocol.ArrowNonSymmetric: "──!!──▶", protocol.ArrowNotSent: "─┤    ·",
	}[a.State]
	if shaft == "" {
		shaft = "╌╌??╌╌▶"
	}
	return fenced(l.textName(a.From)) + " " + shaft + " " + fenced(l.textName(a.To))
}

// textColumns is how many columns of a terminal a text takes.
func textColumns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= firstWide {
			n++
		}
	}
	return n
}

// fenced is a text inside a fenced code block: no backtick can end the fence, no angle bracket is left for a sloppy renderer.
func fenced(s string) string {
	return strings.NewReplacer("`", "'", "~", "˜", "<", "‹", ">", "›").Replace(s)
}
