package report

import (
	"slices"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// maxAddresses is how many addresses a drawn machine shows: enough for two families on two cards. The tables have all.
const maxAddresses = 4

// picture is machine – NAT? – server – NAT? – machine, and how the two paths between the machines went.
type picture struct {
	A, B       machine
	NATA, NATB natBox
	Server     []string
	Paths      []path
}

type machine struct {
	Name      string
	Addresses []string
	Hidden    string // said instead of addresses, or beside them
	Unknown   bool
}

type natBox struct {
	Tone   tone // warn: translated; good: not; unknown
	Word   string
	Mapped []string
}

type path struct {
	Name       string
	Outcome    line
	A, B       string
	AToB, BToA line
}

// picture draws what is known, and draws the unknown as unknown.
func (v view) picture(r protocol.Report) picture {
	a, b := endsOf(r)
	p := picture{Server: firsts(r.Server.STUN)}
	p.A, p.NATA = v.machine(r, a)
	p.B, p.NATB = v.machine(r, b)
	for _, t := range r.Trials {
		if t.Kind != protocol.TrialHost && t.Kind != protocol.TrialSTUN {
			continue
		}
		ab, ba := bestDirections(t)
		if t.A == b && t.B == a {
			ab, ba = ba, ab
		}
		p.Paths = append(p.Paths, path{
			Name: v.word("trial.", string(t.Kind)), Outcome: v.outcome(t.Outcome), A: orUnknown(a), B: orUnknown(b),
			AToB: v.direction(ab), BToA: v.direction(ba),
		})
	}
	return p
}

// endsOf are the ends of the newest trials; without any, the first two peers that take part.
func endsOf(r protocol.Report) (a, b string) {
	for _, t := range r.Trials {
		if t.A != "" && t.B != "" {
			return t.A, t.B
		}
	}
	var ids []string
	for _, p := range r.Peers {
		if p.Kind != protocol.KindWatcher {
			ids = append(ids, p.ID)
		}
	}
	ids = append(ids, "", "")
	return ids[0], ids[1]
}

func (v view) machine(r protocol.Report, id string) (machine, natBox) {
	i := slices.IndexFunc(r.Peers, func(p protocol.PeerReport) bool { return p.ID == id })
	nat := natBox{Tone: unknown, Word: v.T("report.nat-unknown")}
	if id == "" || i < 0 {
		return machine{Name: "?", Unknown: true, Hidden: v.T("report.nobody-yet")}, nat
	}
	p := r.Peers[i]
	m := machine{Name: peerName(p)}
	var hosts, mapped []string
	masked := false
	for _, c := range p.Candidates {
		switch {
		case c.Type == "host" && (c.Masked || protocol.IsMDNS(c.Address)):
			masked = true
		case c.Type == "host" && c.Address != "":
			hosts = append(hosts, clean(c.Address))
		case c.Type == "srflx" && c.Address != "":
			mapped = append(mapped, hostPort(c.Address, c.Port, ""))
		}
	}
	m.Addresses = firsts(hosts)
	if masked || p.Masked != nil && *p.Masked {
		m.Hidden = v.T("report.hidden-local")
	} else if len(hosts) == 0 {
		m.Hidden = v.T("report.address-unknown")
	}
	if len(p.STUNAddresses) > 0 {
		mapped = p.STUNAddresses
	}
	nat.Mapped = firsts(mapped)
	if t := p.NAT.Translated; t != nil {
		nat.Tone, nat.Word = good, v.T("report.nat-no")
		if *t {
			nat.Tone, nat.Word = warn, v.T("report.nat-yes")
		}
	}
	return m, nat
}

// bestDirections is how far the best pair of a trial came, each way: one pair that works is a path that works.
func bestDirections(t protocol.TrialReport) (ab, ba protocol.DirectionState) {
	rank := []protocol.DirectionState{"", protocol.DirNotObservable, protocol.DirUnanswered, protocol.DirLostOnReturn, protocol.DirNonSymmetric, protocol.DirAnswered}
	better := func(x, y protocol.DirectionState) protocol.DirectionState {
		if slices.Index(rank, y) > slices.Index(rank, x) {
			return y
		}
		return x
	}
	for _, p := range t.Pairs {
		ab, ba = better(ab, p.Directions.AToB), better(ba, p.Directions.BToA)
	}
	return ab, ba
}

// firsts are the distinct addresses, at most maxAddresses; what is left out shows as "…".
func firsts(all []string) []string {
	var out []string
	for _, s := range all {
		if s = clean(s); s == "" || slices.Contains(out, s) {
			continue
		}
		if len(out) == maxAddresses {
			return append(out, "…")
		}
		out = append(out, s)
	}
	return out
}

func orUnknown(s string) string {
	if s == "" {
		return "?"
	}
	return clean(s)
}

// Text draws the picture from top to bottom, which stands any length of address and any font.
func (p picture) Text(server, serverUnknown string) string {
	var b strings.Builder
	box := func(name string, lines ...string) {
		for i, l := range append([]string{name}, lines...) {
			mark := "│    "
			if i == 0 {
				mark = "●  "
			}
			b.WriteString(mark + fenced(l) + "\n")
		}
	}
	link := func(n natBox) {
		b.WriteString("│\n")
		bar := map[tone]string{warn: "▓", good: "│", unknown: "?"}[n.Tone]
		l := n.Word
		if len(n.Mapped) > 0 {
			l += "  " + strings.Join(n.Mapped, "  ")
		}
		b.WriteString(bar + "  " + fenced(l) + "\n│\n")
	}
	ofMachine := func(m machine) []string {
		lines := slices.Clone(m.Addresses)
		if m.Hidden != "" {
			lines = append(lines, m.Hidden)
		}
		return lines
	}
	box(p.A.Name, ofMachine(p.A)...)
	link(p.NATA)
	if len(p.Server) == 0 {
		box(server, serverUnknown)
	} else {
		box(server, p.Server...)
	}
	link(p.NATB)
	for i, l := range append([]string{p.B.Name}, ofMachine(p.B)...) {
		mark := "     "
		if i == 0 {
			mark = "●  "
		}
		b.WriteString(mark + fenced(l) + "\n")
	}
	for _, way := range p.Paths {
		b.WriteString("\n" + fenced(way.Name) + ": " + way.Outcome.Tone.Sign() + " " + fenced(way.Outcome.Text) + "\n")
		b.WriteString("  " + fenced(way.A) + " " + arrow(way.AToB.Tone, "─", "▶") + " " + fenced(way.B) + "  " + sentence(way.AToB) + "\n")
		b.WriteString("  " + fenced(way.A) + " " + arrow(way.BToA.Tone, "◀", "─") + " " + fenced(way.B) + "  " + sentence(way.BToA) + "\n")
	}
	return b.String()
}

func sentence(l line) string { return l.Tone.Sign() + " " + fenced(l.Text) }

// arrow is six wide. What is not known is dotted; what fails is broken in the middle.
func arrow(t tone, left, right string) string {
	dash := func(end string, d string) string {
		if end == "─" {
			return d
		}
		return end
	}
	switch t {
	case good:
		return dash(left, "─") + "────" + dash(right, "─")
	case unknown, plain:
		return dash(left, "╌") + "╌??╌" + dash(right, "╌")
	case warn:
		return dash(left, "─") + "─!!─" + dash(right, "─")
	}
	return dash(left, "─") + "─✗✗─" + dash(right, "─")
}

// fenced is a text inside a fenced code block: no backtick can end the fence, no angle bracket is left for a sloppy renderer.
func fenced(s string) string {
	return strings.NewReplacer("`", "'", "~", "˜", "<", "‹", ">", "›").Replace(s)
}
