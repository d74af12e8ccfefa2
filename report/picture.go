package report

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// The picture's model: made once of what was measured, drawn by picturesvg.go for the page (draw.go) and for the HTML report, and by picturetext.go for the Markdown report.

const (
	// maxAddresses is how many addresses a drawn machine shows: enough for two families on two cards. The tables have all.
	maxAddresses = 4
	// maxSeen is how many addresses stand at a wire: one of each family.
	maxSeen = 2
	// maxArrowPairs and maxArrowEvents bound what an arrow lights up: a browser with many interfaces has hundreds of pairs.
	maxArrowPairs  = 12
	maxArrowEvents = 24
)

// pictureWays are the kinds of paths, in the order of what they cost.
var pictureWays = []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN, protocol.TrialRelayUDP, protocol.TrialRelayTCP, protocol.TrialCustom}

// nobody is the id of the machine that has not come yet.
const nobody = "?"

// learned is what a diagnosis knows beyond the report: addresses that stand in its sentences.
type learned struct {
	diagnosis.Between
	tiers   map[string][2]string // of a peer behind two NATs: its address between them, and outside of both
	answers []strayAnswer
	directs []strayAnswer // to this server's own check; from is empty
}

// strayAnswer is an answer that came from another address than was asked.
type strayAnswer struct {
	trial           protocol.TrialID
	from, to        string
	asked, answerer string
	confidence      protocol.Confidence
	events          []int
}

func learn(d diagnosis.Diagnosis) learned {
	k := learned{Between: d.Between, tiers: map[string][2]string{}}
	for _, f := range d.Findings {
		args := f.Summary.Args
		switch {
		case f.Code == protocol.CodeDoubleNAT && len(f.Peers) == 1:
			k.tiers[f.Peers[0]] = [2]string{args["near"], args["far"]}
		case f.Code == protocol.CodeAsymmetricNAT:
			s := strayAnswer{asked: args["asked"], answerer: args["answerer"], confidence: f.Confidence}
			for _, e := range f.Evidence {
				s.events = append(s.events, e.Events...)
			}
			if f.Direction != nil {
				s.trial, s.from, s.to = protocol.NewTrialID(f.Trial, f.Run), f.Direction.From, f.Direction.To
				k.answers = append(k.answers, s)
			} else if len(f.Peers) == 1 {
				s.to = f.Peers[0]
				k.directs = append(k.directs, s)
			}
		case f.Code == protocol.CodeVPNChosen:
			k.VPN = append(slices.Clone(k.VPN), f.Peers...)
		}
	}
	return k
}

// painter draws one picture.
type painter struct {
	r    protocol.Report
	k    learned
	lang protocol.Lang
	p    *protocol.Picture
}

func (d *painter) say(key string, args ...string) string { return catalog.T(key, args...).In(d.lang) }

// paint makes the picture of a report. Without a diagnosis, what stands in its sentences alone is not known.
func paint(r protocol.Report, k learned) *protocol.Picture {
	d := &painter{r: r, k: k, lang: r.Lang, p: &protocol.Picture{}}
	if k.A == "" {
		d.k.A, d.k.B = endsOf(r)
	}
	d.p.A, d.p.B = d.k.A, d.k.B
	if d.p.A == "" {
		d.p.A = nobody
	}
	if d.p.B == "" {
		d.p.B = nobody
		if d.p.A == nobody {
			d.p.B = nobody + nobody
		}
	}
	for _, id := range []string{d.p.A, d.p.B} {
		d.legs(id)
	}
	for _, k := range pictureWays {
		d.way(k)
	}
	d.choose()
	d.nodes()
	d.p.Title = d.say("picture.title", "a", d.name(d.p.A), "b", d.name(d.p.B))
	for _, n := range d.p.Nodes {
		d.p.Text = append(d.p.Text, n.Sentence)
	}
	for _, a := range d.p.Legs {
		d.p.Text = append(d.p.Text, a.Sentence)
	}
	for _, w := range d.p.Ways {
		d.p.Text = append(d.p.Text, w.Sentence)
		if w.Trial != "" && w.Outcome != protocol.OutcomeSkipped {
			for _, a := range w.Arrows {
				d.p.Text = append(d.p.Text, a.Sentence)
			}
		}
	}
	return d.p
}

// endsOf are the ends of the newest trials; without any, the first two peers that take part.
func endsOf(r protocol.Report) (a, b string) {
	for _, t := range r.Trials {
		if t.A != "" && t.B != "" {
			return min(t.A, t.B), max(t.A, t.B)
		}
	}
	var ids []string
	for _, p := range r.Peers {
		if p.Kind != protocol.KindWatcher && !slices.ContainsFunc(r.Beside, func(b protocol.BesideReport) bool { return b.Peer == p.ID }) {
			ids = append(ids, p.ID)
		}
	}
	ids = append(ids, "", "")
	return ids[0], ids[1]
}

func (d *painter) peer(id string) *protocol.PeerReport {
	for i := range d.r.Peers {
		if d.r.Peers[i].ID == id {
			return &d.r.Peers[i]
		}
	}
	return nil
}

// name is the machine in a sentence.
func (d *painter) name(id string) string {
	if p := d.peer(id); p != nil {
		return peerName(*p)
	}
	return d.say("picture.nobody")
}

// short is the machine on an arrow.
func (d *painter) short(id string) string {
	if d.peer(id) == nil {
		return "?"
	}
	return strings.ToUpper(clean(id))
}

func (d *painter) has(code protocol.Code, peer string) bool {
	return slices.ContainsFunc(d.r.Findings, func(f protocol.Finding) bool {
		return f.Code == code && (peer == "" || slices.Contains(f.Peers, peer)) && (f.Run == 0 || f.Run == d.r.Run || f.Trial == "")
	})
}

// draws tells whether this trial is one of those in the picture: of each kind the newest, which may be older than the newest run.
func (d *painter) draws(kind protocol.TrialKind, run int) bool {
	t := d.trial(kind)
	return t != nil && t.ID == protocol.NewTrialID(kind, run)
}

// nodes are made last: what the arrows show says which NATs a way crosses.
func (d *painter) nodes() {
	a, b := d.p.A, d.p.B
	add := func(n protocol.PictureNode) { d.p.Nodes = append(d.p.Nodes, n) }
	add(d.machine(a))
	if d.k.Shared != "" {
		n := d.sharedNAT()
		add(n)
		d.p.Nodes = append(d.p.Nodes, d.onLegs(a)...)
		add(d.server())
		add(d.between())
		d.p.Nodes = append(d.p.Nodes, d.onLegs(b)...)
		add(d.machine(b))
		for _, id := range []string{a, b} {
			d.wire(id, n.ID, id, d.own(id))
			d.wire(n.ID, serverNode, id, d.seen(id))
		}
		return
	}
	ofA, ofB := d.nats(a), d.nats(b)
	for _, n := range ofA {
		add(n)
	}
	d.p.Nodes = append(d.p.Nodes, d.onLegs(a)...)
	add(d.server())
	add(d.between())
	d.p.Nodes = append(d.p.Nodes, d.onLegs(b)...)
	for _, n := range slices.Backward(ofB) {
		add(n)
	}
	add(d.machine(b))
	for _, side := range []struct {
		id   string
		nats []protocol.PictureNode
	}{{a, ofA}, {b, ofB}} {
		d.wire(side.id, side.nats[0].ID, side.id, d.own(side.id))
		if len(side.nats) == 2 {
			d.wire(side.nats[0].ID, side.nats[1].ID, side.id, []protocol.PictureAddress{{Address: clean(d.k.tiers[side.id][0]), By: protocol.SeenByServer, Text: d.say("picture.between-nats")}})
		}
		d.wire(side.nats[len(side.nats)-1].ID, serverNode, side.id, d.seen(side.id))
	}
}

// The ids of this server, and of what lies between the machines.
const (
	serverNode  = "server"
	betweenNode = "between"
)

func (d *painter) wire(from, to, of string, addresses []protocol.PictureAddress) {
	d.p.Wires = append(d.p.Wires, protocol.PictureWire{From: from, To: to, Of: of, Addresses: addresses})
}

func (d *painter) machine(id string) protocol.PictureNode {
	n := protocol.PictureNode{ID: id, Kind: protocol.NodeMachine, State: protocol.NodeUnknown, Label: d.say("picture.nobody"), Sentence: d.say("picture.say.nobody")}
	p := d.peer(id)
	if p == nil {
		return n
	}
	n.State, n.Label = protocol.NodeThere, clean(p.Label)
	if n.Label == "" || strings.EqualFold(n.Label, p.ID) {
		n.Label = strings.ToUpper(clean(p.ID))
	}
	if p.Browser != "" {
		n.Notes = append(n.Notes, clean(p.Browser))
	}
	own := d.own(id)
	for _, o := range own {
		if o.Address == "" {
			n.Notes = append(n.Notes, o.Text)
		} else {
			n.Addresses = append(n.Addresses, o.Address)
		}
	}
	if slices.Contains(d.k.VPN, id) {
		n.Notes = append(n.Notes, d.say("picture.vpn"))
	}
	said := append(slices.Clone(n.Addresses), n.Notes...)
	n.Sentence = d.say("picture.say.machine", "name", d.name(id), "what", strings.Join(said, d.say("report.comma")))
	return n
}

// own are the addresses that a machine tells of itself.
func (d *painter) own(id string) (out []protocol.PictureAddress) {
	p := d.peer(id)
	if p == nil {
		return []protocol.PictureAddress{{By: protocol.SeenByItself, Text: d.say("picture.address-unknown")}}
	}
	var hosts []string
	masked := p.Masked != nil && *p.Masked
	for _, c := range p.Candidates {
		switch {
		case c.Type != "host" || c.Address == "":
		case c.Masked || protocol.IsMDNS(c.Address):
			masked = masked || p.Masked == nil
		default:
			hosts = append(hosts, c.Address)
		}
	}
	for _, a := range firsts(hosts, maxAddresses) {
		out = append(out, protocol.PictureAddress{Address: a, By: protocol.SeenByItself, Text: d.say("picture.own")})
	}
	if masked {
		out = append(out, protocol.PictureAddress{By: protocol.SeenByItself, Text: d.say("picture.hidden")})
	} else if len(hosts) == 0 {
		out = append(out, protocol.PictureAddress{By: protocol.SeenByItself, Text: d.say("picture.address-unknown")})
	}
	return out
}

// seen are the addresses that others see a machine's packets come from.
func (d *painter) seen(id string) (out []protocol.PictureAddress) {
	p := d.peer(id)
	if p == nil {
		return nil
	}
	var server, peer []string
	for _, s := range p.STUNAddresses {
		server = append(server, withoutPort(s))
	}
	caption := "picture.seen-by-server"
	if len(server) == 0 {
		server, caption = []string{withoutPort(p.HTTPAddress)}, "picture.seen-by-page"
		if p.Proxy != "" {
			caption = "picture.seen-of-proxy"
		}
	}
	for _, w := range d.p.Ways {
		t := d.trial(w.Kind)
		if t == nil || w.Via != protocol.ViaDirect {
			continue
		}
		for _, x := range t.Pairs {
			end, far := x.Local, x.B
			if id == t.B {
				end, far = x.Remote, x.A
			}
			if far == nil || counted(far.RequestsReceived)+counted(far.ResponsesReceived) == 0 || end.Type == "relay" || protocol.IsMDNS(end.Address) {
				continue
			}
			addr := end.Address
			if id == t.A && len(x.Aliases) > 0 {
				addr = withoutPort(x.Aliases[0])
			}
			if addr != "" && !protocol.IsMDNS(addr) {
				peer = append(peer, addr)
			}
		}
	}
	for _, s := range d.k.answers {
		if s.to == id {
			peer = append(peer, withoutPort(s.answerer))
		}
	}
	server, peer = firsts(server, maxSeen), firsts(peer, maxSeen)
	other := d.p.A
	if id == d.p.A {
		other = d.p.B
	}
	for _, s := range server {
		if s == "…" || s == clean(d.k.tiers[id][0]) {
			continue // the inner one stands between the NATs
		}
		text := d.say(caption)
		if i := slices.Index(peer, s); i >= 0 && caption == "picture.seen-by-server" {
			text = d.say("picture.seen-by-both", "peer", d.short(other))
			peer = slices.Delete(peer, i, i+1)
		}
		out = append(out, protocol.PictureAddress{Address: s, By: protocol.SeenByServer, Text: text})
	}
	for _, s := range peer {
		if s != "…" {
			out = append(out, protocol.PictureAddress{Address: s, By: protocol.SeenByPeer, Text: d.say("picture.seen-by-peer", "peer", d.short(other))})
		}
	}
	return out
}

// nats are those of one machine, the nearest first: one that may not be there at least, so that there is a place for what is not known.
func (d *painter) nats(id string) []protocol.PictureNode {
	n := protocol.PictureNode{ID: "nat-" + id, Kind: protocol.NodeNAT, State: protocol.NodeUnknown, Of: id, Crossing: d.crossing(id), Label: d.say("picture.nat-unknown")}
	name := d.name(id)
	p := d.peer(id)
	var outside []string
	for _, s := range d.seen(id) {
		if s.By == protocol.SeenByServer {
			outside = append(outside, s.Address)
		}
	}
	address := orUnknown(strings.Join(outside, ", "))
	switch {
	case p == nil || p.NAT.Translated == nil:
		n.Sentence = d.say("picture.say.nat-unknown", "name", name)
	case d.oneWay(id):
		n.State, n.Label = protocol.NodeOneWay, d.say("picture.nat-one-way")
		n.Addresses = outside
		n.Sentence = d.say("picture.say.nat-one-way", "name", name, "address", address)
	case *p.NAT.Translated:
		n.State, n.Label = protocol.NodeThere, d.say("picture.nat")
		n.Addresses = outside
		n.Sentence = d.say("picture.say.nat", "name", name, "address", address)
	default:
		n.State, n.Label = protocol.NodeAbsent, d.say("picture.nat-none")
		n.Sentence = d.say("picture.say.nat-none", "name", name, "address", address)
	}
	if p == nil {
		n.Sentence = d.say("picture.say.nobody-nat")
	}
	if d.oneWay(id) && n.State == protocol.NodeUnknown { // the stray answer is a translation that was seen
		n.State, n.Label = protocol.NodeOneWay, d.say("picture.nat-one-way")
		n.Sentence = d.say("picture.say.nat-one-way", "name", name, "address", address)
	}
	tiers, double := d.k.tiers[id]
	if !double {
		return []protocol.PictureNode{n}
	}
	inner, outer := n, n
	inner.Label, outer.Label = d.say("picture.nat-inner"), d.say("picture.nat-outer")
	outer.ID = "nat-" + id + "-2"
	inner.Addresses, outer.Addresses = []string{clean(tiers[0])}, []string{clean(tiers[1])}
	inner.Sentence = d.say("picture.say.nat-inner", "name", name, "address", clean(tiers[0]))
	outer.Sentence = d.say("picture.say.nat-outer", "name", name, "address", clean(tiers[1]))
	return []protocol.PictureNode{inner, outer}
}

// onLegs is what stands on the way between a machine and this server and changes what passes: an HTTP proxy for the page, an ALG for STUN.
func (d *painter) onLegs(id string) (out []protocol.PictureNode) {
	p := d.peer(id)
	if p == nil {
		return nil
	}
	name := d.name(id)
	if p.Proxy != "" {
		out = append(out, protocol.PictureNode{ID: "proxy-" + id, Kind: protocol.NodeProxy, State: protocol.NodeThere, Of: id, Label: d.say("picture.proxy"),
			Sentence: d.say("picture.say.proxy", "name", name)})
	}
	if slices.ContainsFunc(d.r.Findings, func(f protocol.Finding) bool {
		return f.Code == protocol.CodeSTUNRewritten && f.Confidence != protocol.Possible && slices.Contains(f.Peers, id)
	}) {
		out = append(out, protocol.PictureNode{ID: "alg-" + id, Kind: protocol.NodeGateway, State: protocol.NodeThere, Of: id, Label: d.say("picture.alg"),
			Sentence: d.say("picture.say.alg", "name", name)})
	}
	return out
}

func (d *painter) sharedNAT() protocol.PictureNode {
	return protocol.PictureNode{ID: "nat", Kind: protocol.NodeNAT, State: protocol.NodeThere, Crossing: protocol.CrossingNo, Label: d.say("picture.nat-shared"), Addresses: []string{clean(d.k.Shared)},
		Sentence: d.say("picture.say.nat-shared", "a", d.name(d.p.A), "b", d.name(d.p.B), "address", clean(d.k.Shared))}
}

// oneWay: was the machine asked at an address, and answered from another? Then what leaves it is translated and what comes to it is not.
func (d *painter) oneWay(id string) bool {
	of := func(list []strayAnswer) bool {
		return slices.ContainsFunc(list, func(s strayAnswer) bool { return s.to == id && s.confidence != protocol.Possible })
	}
	return of(d.k.answers) || of(d.k.directs)
}

// crossing tells from the pairs whether packets between the machines go through the NAT that stands before one of them.
func (d *painter) crossing(id string) protocol.Crossing {
	p := d.peer(id)
	if p == nil {
		return protocol.CrossingUnknown
	}
	if p.NAT.Translated != nil && !*p.NAT.Translated {
		return protocol.CrossingNo
	}
	if d.oneWay(id) {
		return protocol.CrossingYes
	}
	out := protocol.CrossingUnknown
	for _, w := range d.p.Ways {
		t := d.trial(w.Kind)
		if t == nil || w.Via != protocol.ViaDirect {
			continue
		}
		for _, x := range t.Pairs {
			end, towards := x.Remote, x.Directions.AToB
			if id == t.A {
				end, towards = x.Local, x.Directions.BToA
				if len(x.Aliases) > 0 {
					end.Type, end.Address = "prflx", ""
				}
			}
			if towards != protocol.DirAnswered { // an address that was asked and answered from is the machine's on this way
				continue
			}
			switch {
			case end.Type == "host" && out == protocol.CrossingUnknown:
				out = protocol.CrossingNo
			case end.Type == "srflx" && p.NAT.Translated != nil, end.Type == "prflx":
				return protocol.CrossingYes
			}
		}
	}
	return out
}

func (d *painter) server() protocol.PictureNode {
	n := protocol.PictureNode{ID: serverNode, Kind: protocol.NodeServer, State: protocol.NodeThere, Label: d.say("report.this-server")}
	n.Addresses = firsts(withoutLinkLocal(d.r.Server.STUN), maxAddresses)
	if len(n.Addresses) == 0 {
		n.State, n.Notes = protocol.NodeUnknown, []string{d.say("picture.address-unknown")}
	}
	n.Sentence = d.say("picture.say.server", "addresses", orNone(strings.Join(append(slices.Clone(n.Addresses), n.Notes...), d.say("report.comma"))))
	return n
}

// between is what lies on the direct way.
func (d *painter) between() protocol.PictureNode {
	n := protocol.PictureNode{ID: betweenNode, Kind: protocol.NodeBetween, State: protocol.NodeUnknown, Label: d.say("picture.between-unknown"), Sentence: d.say("picture.say.between-unknown")}
	same := d.k.SameSegment
	dropped := func(codes ...protocol.Code) bool {
		return slices.ContainsFunc(d.r.Findings, func(f protocol.Finding) bool {
			return slices.Contains(codes, f.Code) && f.Confidence != protocol.Possible && (f.Run == 0 || f.Run == d.r.Run || d.draws(f.Trial, f.Run))
		})
	}
	switch {
	case dropped(protocol.CodeBrowserBlocked): // another program's packets pass on the same way
		n.State, n.Label, n.Sentence = protocol.NodeFiltered, d.say("picture.between-program"), d.say("picture.say.between-program")
	case dropped(protocol.CodeUDPBlocked, protocol.CodeOneWayBlock, protocol.CodeAsymmetricRouting, protocol.CodeClientIsolation, protocol.CodeSTUNFiltered, protocol.CodeDTLSBlocked, protocol.CodeMTUBlackHole):
		n.State, n.Label, n.Sentence = protocol.NodeFiltered, d.say("picture.between-filtered"), d.say("picture.say.between-filtered")
	case same == nil:
	case *same:
		n.State, n.Label, n.Sentence = protocol.NodeSegment, d.say("picture.between-segment"), d.say("picture.say.between-segment")
		if !d.k.Proven {
			n.Sentence = d.say("picture.say.between-segment-guess")
		}
	case d.k.Proven:
		n.State, n.Label, n.Sentence = protocol.NodeRouted, d.say("picture.between-routed"), d.say("picture.say.between-routed")
	default:
		n.State, n.Label, n.Sentence = protocol.NodeRouted, d.say("picture.between-routed-guess"), d.say("picture.say.between-routed-guess")
	}
	return n
}

// legs are the ways between a machine and this server: the page over TCP, STUN over UDP, and the server's own check where its answer came from elsewhere.
func (d *painter) legs(id string) {
	p := d.peer(id)
	leg := func(kind, from, to string, state protocol.ArrowState, label, sentence string, events []int) *protocol.PictureArrow {
		d.p.Legs = append(d.p.Legs, protocol.PictureArrow{ID: kind + " " + from + ">" + to, From: from, To: to, State: state, Label: label, Sentence: sentence, Events: bounded(events)})
		return &d.p.Legs[len(d.p.Legs)-1]
	}
	if p == nil {
		leg("page", id, serverNode, protocol.ArrowNotMeasured, d.say("picture.leg-page"), d.say("picture.say.page-nobody"), nil)
		leg("stun", id, serverNode, protocol.ArrowNotMeasured, d.say("picture.leg-stun"), d.say("picture.say.stun-nobody"), nil)
		return
	}
	name := d.name(id)
	page, sentence := protocol.ArrowAlive, d.say("picture.say.page", "name", name, "address", orUnknown(p.HTTPAddress))
	if !p.Online {
		page, sentence = protocol.ArrowNotMeasured, d.say("picture.say.page-gone", "name", name, "address", orUnknown(p.HTTPAddress))
	}
	leg("page", id, serverNode, page, d.say("picture.leg-page"), sentence, nil)
	state, key, events := d.stunLeg(p)
	leg("stun", id, serverNode, state, d.say("picture.leg-stun"), catalog.T("picture.say."+key, "name", name, "address", orUnknown(strings.Join(firsts(p.STUNAddresses, maxSeen), ", "))).In(d.lang), events)
	for _, s := range d.k.directs {
		if s.to != id {
			continue
		}
		a := leg("check", serverNode, id, protocol.ArrowNonSymmetric, d.say("picture.leg-check"), d.say("picture.say.check", "name", name, "asked", clean(s.asked), "answerer", clean(s.answerer)), s.events)
		a.Asked, a.Answerer = clean(s.asked), clean(s.answerer)
		d.stray(a, false)
		break
	}
}

// stunLeg tells what became of the STUN requests of a machine to this server over UDP.
func (d *painter) stunLeg(p *protocol.PeerReport) (state protocol.ArrowState, key string, events []int) {
	answered, timedOut := false, false
	for _, c := range p.Candidates {
		if c.Type == "srflx" && c.Protocol == "udp" && c.Trial != protocol.TrialCustom && c.Trial != protocol.TrialGather {
			answered = true
			events = append(events, c.Event)
		}
	}
	for _, t := range p.NAT.Tests {
		if t.Transport == "udp" && t.Result == protocol.StepAnswered && t.Step == protocol.StepAddressUDP {
			answered = true
			events = append(events, t.Events...)
		}
	}
	for _, e := range p.Errors {
		if e.Code == noSTUNAnswer && e.Trial != protocol.TrialCustom && e.Trial != protocol.TrialGather && strings.HasPrefix(e.URL, "stun:") {
			timedOut = true
			if !answered {
				events = append(events, e.Event)
			}
		}
	}
	silent := timedOut || d.has(protocol.CodeSTUNUnreachable, p.ID)
	switch {
	case answered:
		return protocol.ArrowAlive, "stun", events
	case len(p.STUNAddresses) > 0 && silent:
		return protocol.ArrowLostOnReturn, "stun-lost", events
	case len(p.STUNAddresses) > 0:
		return protocol.ArrowAlive, "stun-arrives", events
	case silent:
		return protocol.ArrowDead, "stun-dead", events
	}
	return protocol.ArrowNotMeasured, "stun-not-measured", nil
}

// noSTUNAnswer is the code of an icecandidateerror: no answer, or no server (W3C webrtc-pc section 4.8.2).
const noSTUNAnswer = 701

func (d *painter) trial(kind protocol.TrialKind) *protocol.TrialReport {
	for i := range d.r.Trials {
		if d.r.Trials[i].Kind == kind {
			return &d.r.Trials[i]
		}
	}
	return nil
}

// way draws a kind of trial; one that was not tried keeps its place.
func (d *painter) way(kind protocol.TrialKind) {
	t := d.trial(kind)
	if t == nil && kind == protocol.TrialCustom {
		return
	}
	w := protocol.PictureWay{Kind: kind, Name: d.say("trial." + string(kind)), Via: protocol.ViaDirect, OutcomeText: d.say("picture.not-tried")}
	if kind.Relay() {
		w.Via = protocol.ViaServer
	}
	if t != nil {
		w.Trial, w.Outcome, w.OutcomeText = t.ID, t.Outcome, d.say("outcome.running")
		if t.Outcome != "" {
			w.OutcomeText = catalog.T("outcome." + string(t.Outcome)).In(d.lang)
		}
		if kind == protocol.TrialCustom && slices.ContainsFunc(t.Pairs, func(p protocol.PairReport) bool {
			return p.Selected && (p.Local.Type == "relay" || p.Remote.Type == "relay")
		}) {
			w.Via = protocol.ViaRelay
		}
	}
	a, b := d.p.A, d.p.B
	w.Arrows = []protocol.PictureArrow{d.arrow(kind, t, a, b), d.arrow(kind, t, b, a)}
	w.Sentence = d.say("picture.say.way", "name", w.Name, "outcome", w.OutcomeText)
	if t != nil && t.ReasonText != "" && t.Outcome != protocol.OutcomeConnected {
		w.Sentence = d.say("picture.say.way-reason", "name", w.Name, "outcome", w.OutcomeText, "reason", clean(t.ReasonText))
	}
	d.p.Ways = append(d.p.Ways, w)
}

// stray says at the arrow where the question went, where the answer came from, and what became of it.
func (d *painter) stray(a *protocol.PictureArrow, works bool) {
	a.AskedText = d.say("picture.asks", "address", orUnknown(a.Asked))
	thrown := d.say("picture.thrown-away")
	if works {
		thrown = d.say("picture.thrown-away-works")
	}
	a.AnswerText = d.say("picture.answer-from", "address", orUnknown(a.Answerer)) + " ✗ " + thrown
}

// ranks of a direction, the best last: one pair that works is a path that works.
var ranks = []protocol.DirectionState{"", protocol.DirNotObservable, protocol.DirUnanswered, protocol.DirLostOnReturn, protocol.DirNonSymmetric, protocol.DirAnswered}

var arrowStates = map[protocol.DirectionState]protocol.ArrowState{
	protocol.DirAnswered: protocol.ArrowAlive, protocol.DirUnanswered: protocol.ArrowDead, protocol.DirLostOnReturn: protocol.ArrowLostOnReturn,
	protocol.DirNonSymmetric: protocol.ArrowNonSymmetric, protocol.DirNotObservable: protocol.ArrowNotObservable,
}

func (d *painter) arrow(kind protocol.TrialKind, t *protocol.TrialReport, from, to string) protocol.PictureArrow {
	a := protocol.PictureArrow{ID: string(kind) + " " + from + ">" + to, From: from, To: to, State: protocol.ArrowNotMeasured}
	sentence := "not-measured"
	if t != nil && t.Outcome != protocol.OutcomeSkipped && (t.A == from && t.B == to || t.A == to && t.B == from) {
		sentence = d.judge(&a, t)
	}
	args := []string{"from", d.name(from), "to", d.name(to), "asked", d.asked(a.Asked), "answerer", orUnknown(a.Answerer)}
	a.Label = catalog.T("picture.arrow." + string(a.State)).In(d.lang)
	if a.State == protocol.ArrowNotSent && d.gap(kind, from, to) {
		a.Label, sentence = d.say("picture.not-sent-gap"), "not-sent-gap"
	}
	a.Sentence = catalog.T("picture.say."+sentence, args...).In(d.lang)
	if a.State == protocol.ArrowNonSymmetric {
		d.stray(&a, t.Outcome == protocol.OutcomeConnected)
	}
	return a
}

// gap: did candidates of the machine that nothing is sent to get lost on their way to the sender?
func (d *painter) gap(kind protocol.TrialKind, from, to string) bool {
	return slices.ContainsFunc(d.r.Findings, func(f protocol.Finding) bool {
		return f.Code == protocol.CodeSignalingGap && f.Confidence != protocol.Possible && f.Trial == kind && d.draws(kind, f.Run) && f.Direction != nil && f.Direction.From == to && f.Direction.To == from
	})
}

// judge takes the best that any pair of the trial shows in this direction, and the key of its sentence. A stray answer that a rule stands for is shown though another pair works: it
// is what there is to see.
func (d *painter) judge(a *protocol.PictureArrow, t *protocol.TrialReport) string {
	forward := t.A == a.From
	state := func(p protocol.PairReport) protocol.DirectionState {
		if forward {
			return p.Directions.AToB
		}
		return p.Directions.BToA
	}
	asked := func(p protocol.PairReport) string {
		end := p.Remote
		if !forward {
			end = p.Local
			if len(p.Aliases) > 0 {
				return clean(p.Aliases[0])
			}
		}
		if end.Address == "" {
			return ""
		}
		return hostPort(end.Address, end.Port, "")
	}
	effort := func(p protocol.PairReport) int64 {
		c := p.A
		if !forward {
			c = p.B
		}
		n := int64(0)
		if c != nil {
			n = counted(c.RequestsSent) + counted(c.ResponsesReceived)
		}
		if p.Selected {
			n += 1 << 40
		}
		return n
	}
	var best protocol.DirectionState
	for _, p := range t.Pairs {
		if slices.Index(ranks, state(p)) > slices.Index(ranks, best) {
			best = state(p)
		}
	}
	var stray *strayAnswer
	for i := range d.k.answers {
		if s := &d.k.answers[i]; s.trial == t.ID && s.from == a.From && s.to == a.To {
			stray = s
		}
	}
	works := best == protocol.DirAnswered
	if stray != nil {
		best = protocol.DirNonSymmetric
		a.Asked, a.Answerer = clean(stray.asked), clean(stray.answerer)
		a.Events = append(a.Events, stray.events...)
	}
	var of []int
	for i, p := range t.Pairs {
		if state(p) == best && best != "" {
			of = append(of, i)
		}
	}
	slices.SortStableFunc(of, func(i, j int) int {
		switch x, y := effort(t.Pairs[i]), effort(t.Pairs[j]); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	if len(of) > 0 {
		first := t.Pairs[of[0]]
		if stray == nil {
			a.Asked = asked(first)
		}
		if best == protocol.DirNonSymmetric && a.Answerer == "" && len(first.Aliases) > 0 {
			a.Answerer = clean(first.Aliases[0])
			if !forward {
				a.Asked = hostPort(first.Local.Address, first.Local.Port, "")
			}
		}
		for _, i := range of {
			a.Events = append(a.Events, t.Pairs[i].Events...)
		}
	}
	a.Pairs, a.Events = of[:min(len(of), maxArrowPairs)], bounded(a.Events)
	if s, ok := arrowStates[best]; ok {
		a.State = s
	}
	running := t.Outcome == ""
	switch {
	case len(t.Pairs) == 0 && running, running && (best == "" || best == protocol.DirNotObservable):
		a.State = protocol.ArrowMeasuring
		return "measuring"
	case len(t.Pairs) == 0 && t.Outcome == protocol.OutcomeFailed:
		a.State = protocol.ArrowNotSent
		return "not-sent"
	case len(t.Pairs) == 0:
		return "not-measured"
	case best == "":
		a.State = protocol.ArrowNotObservable
		return "not-observable"
	case best == protocol.DirNonSymmetric && works:
		return "non-symmetric-works"
	case best == protocol.DirAnswered && t.Outcome == protocol.OutcomeStuck:
		a.State = protocol.ArrowStuck
	case best == protocol.DirUnanswered && d.arrived(t.Pairs[of[0]], forward):
		return "unanswered"
	}
	return string(a.State)
}

// arrived: did the far end count requests of this pair?
func (d *painter) arrived(p protocol.PairReport, forward bool) bool {
	far := p.B
	if !forward {
		far = p.A
	}
	return far != nil && counted(far.RequestsReceived) > 0
}

// choose marks the ways that tell most: the cheapest that works and the one that failed before it; while nothing works, the first two that were tried; where nothing ever will, a relay among them.
func (d *painter) choose() {
	works, tried := -1, []int{}
	for i, w := range d.p.Ways {
		if w.Trial == "" || w.Outcome == protocol.OutcomeSkipped || w.Kind == protocol.TrialCustom {
			continue
		}
		if works < 0 && w.Outcome == protocol.OutcomeConnected {
			works = i
		}
		tried = append(tried, i)
	}
	show := func(i int) { d.p.Ways[i].Shown = true }
	at := slices.Index(tried, works)
	switch {
	case len(tried) < 2:
		show(0)
		show(1)
	case at > 0:
		show(tried[at-1])
		show(works)
	case at == 0:
		show(works)
		show(tried[1])
	case d.r.Verdict.Needs == protocol.NeedsUnreachable && d.p.Ways[tried[len(tried)-1]].Via == protocol.ViaServer:
		// Not even the last resort works: that, and the direct way that comes furthest.
		show(d.furthest(tried))
		show(tried[len(tried)-1])
	default:
		// The direct ways say most of the network; a relay that fails says more of the way to the server, which is drawn anyway.
		show(tried[0])
		show(tried[1])
	}
}

// furthest is the last of the direct ways that were tried, each of which tries more addresses than the one before; without one, the first of all.
func (d *painter) furthest(tried []int) int {
	at := tried[0]
	for _, i := range tried {
		if d.p.Ways[i].Via == protocol.ViaDirect {
			at = i
		}
	}
	return at
}

// asked is an address in a sentence.
func (d *painter) asked(address string) string {
	if address == "" || protocol.IsMDNS(withoutPort(address)) {
		return d.say("picture.hidden-address")
	}
	return address
}

func counted(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// bounded are the distinct numbers of events that are there, the newest.
func bounded(events []int) []int {
	out := slices.Clone(events)
	slices.Sort(out)
	out = slices.DeleteFunc(slices.Compact(out), func(e int) bool { return e < 0 })
	return out[max(0, len(out)-maxArrowEvents):]
}

// shortName keeps a .local name's beginning: it is random, eight digits tell it from the others.
func shortName(address string) string {
	if name, ok := strings.CutSuffix(strings.ToLower(address), ".local"); ok && len(name) > mdnsDigits {
		return name[:mdnsDigits] + "….local"
	}
	return address
}

const mdnsDigits = 8

// withoutPort is the address without its port.
func withoutPort(s string) string {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().String()
	}
	if i := strings.LastIndexByte(s, ':'); i > 0 && strings.Count(s, ":") == 1 {
		if _, err := strconv.Atoi(s[i+1:]); err == nil {
			return s[:i]
		}
	}
	return s
}

// firsts are the distinct addresses, at most limit; what is left out shows as "…".
func firsts(all []string, limit int) []string {
	var out []string
	for _, s := range all {
		if s = clean(s); s == "" || slices.Contains(out, s) {
			continue
		}
		if len(out) == limit {
			return append(out, "…")
		}
		out = append(out, s)
	}
	return out
}

// withoutLinkLocal leaves out the addresses that are good on one link only (RFC 4291 section 2.5.6), where there are others.
func withoutLinkLocal(all []string) []string {
	others := slices.DeleteFunc(slices.Clone(all), func(s string) bool {
		ip, err := netip.ParseAddr(strings.Trim(withoutPort(s), "[]"))
		return err == nil && ip.IsLinkLocalUnicast()
	})
	if len(others) == 0 {
		return all
	}
	return others
}

func orUnknown(s string) string {
	if s == "" {
		return "?"
	}
	return clean(s)
}
