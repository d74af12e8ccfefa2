package compare

import (
	"net/netip"
	"slices"

	"github.com/icescope/icescope/protocol"
)

// ofPeer notes a change of one machine: "what of peer: before, now".
func (c *comparison) ofPeer(group protocol.ChangeGroup, e end, what, before, after string, tone protocol.ChangeTone) {
	c.add(protocol.Change{Group: group, What: what, Peer: e.letter(), Before: before, After: after, Tone: tone,
		Text: c.say("compare.of-peer", "what", c.word("compare.what.", what), "peer", e.name(), "before", before, "after", after)})
}

// machines: who is there, with which browser, from where.
func (c *comparison) machines() {
	for _, e := range c.ends {
		ch := protocol.Change{Group: protocol.ChangeMachines, What: "machine", Peer: e.letter(), Tone: protocol.ToneOther}
		switch {
		case e.before == nil:
			ch.After, ch.Text = e.name(), c.say("compare.machine-new", "peer", e.name())
			c.add(ch)
		case e.after == nil:
			ch.Before, ch.Text = e.name(), c.say("compare.machine-gone", "peer", e.name())
			c.add(ch)
		default:
			if b, a := e.before.Browser, e.after.Browser; b != a && b != "" && a != "" {
				c.ofPeer(protocol.ChangeMachines, e, "browser", b, a, protocol.ToneOther)
			}
			if b, a := hostOf(e.before.HTTPAddress), hostOf(e.after.HTTPAddress); b != a && b != "" && a != "" {
				c.ofPeer(protocol.ChangeMachines, e, "http-address", b, a, protocol.ToneOther)
			}
		}
	}
}

// candidates: which types each end had, whether its addresses are hidden, which they are.
func (c *comparison) candidates() {
	common := c.commonTrials()
	for _, e := range c.ends {
		if e.before == nil || e.after == nil {
			continue
		}
		b, a := types(e.before, common), types(e.after, common)
		if !slices.Equal(b, a) {
			tone := protocol.ToneOther // one gained, another lost
			switch {
			case subset(b, a):
				tone = protocol.ToneBetter
			case subset(a, b):
				tone = protocol.ToneWorse
			}
			c.ofPeer(protocol.ChangeCandidates, e, "candidate-types", c.list(b), c.list(a), tone)
		}
		if m, n := e.before.Masked, e.after.Masked; m != nil && n != nil && *m != *n {
			ch := protocol.Change{Group: protocol.ChangeCandidates, What: "masked", Peer: e.letter(), Before: c.say("compare.shown"), After: c.say("compare.hidden"),
				Text: c.say("compare.now-hidden", "peer", e.name()), Tone: yesIsBetter(!*m, !*n)}
			if *m {
				ch.Before, ch.After, ch.Text = ch.After, ch.Before, c.say("compare.now-shown", "peer", e.name())
			}
			c.add(ch)
		}
		if b, a := hosts(e.before), hosts(e.after); len(b) > 0 && len(a) > 0 && !slices.Equal(b, a) {
			c.ofPeer(protocol.ChangeCandidates, e, "host-addresses", c.list(b), c.list(a), protocol.ToneOther)
		}
	}
}

// commonTrials are the kinds that both reports have candidates of: a relay candidate is not lost where no relay was asked for.
func (c *comparison) commonTrials() []protocol.TrialKind {
	kinds := func(r protocol.Report) (out []protocol.TrialKind) {
		for _, t := range r.Trials {
			out = append(out, t.Kind)
		}
		for _, p := range r.Peers {
			for _, cand := range p.Candidates {
				out = append(out, cand.Trial)
			}
		}
		return out
	}
	after := kinds(c.after)
	return slices.DeleteFunc(kinds(c.before), func(k protocol.TrialKind) bool { return !slices.Contains(after, k) || k == protocol.TrialNAT })
}

// types are those of the candidates that a peer signaled, but for those of ICE-TCP (RFC 6544): whether there are any is the browser's affair, not the network's.
func types(p *protocol.PeerReport, of []protocol.TrialKind) (out []string) {
	for _, cand := range p.Candidates {
		if cand.Signaled && cand.TCPType == "" && slices.Contains(of, cand.Trial) && !slices.Contains(out, cand.Type) {
			out = append(out, cand.Type)
		}
	}
	slices.Sort(out)
	return out
}

// hosts are a peer's own addresses, without those that are hidden, link-local or loopback: these say nothing of the network.
func hosts(p *protocol.PeerReport) (out []string) {
	for _, cand := range p.Candidates {
		addr, err := netip.ParseAddr(cand.Address)
		if err != nil || cand.Type != "host" || addr.IsLinkLocalUnicast() || addr.IsLoopback() || slices.Contains(out, cand.Address) {
			continue
		}
		out = append(out, cand.Address)
	}
	slices.Sort(out)
	return out
}

// outside are the addresses that the STUN server saw a peer come from.
func outside(p *protocol.PeerReport) (out []string) {
	for _, address := range p.STUNAddresses {
		if host := hostOf(address); host != "" && !slices.Contains(out, host) {
			out = append(out, host)
		}
	}
	slices.Sort(out)
	return out
}

func subset(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(s string) bool { return !slices.Contains(whole, s) })
}

// strict is the order of mapping and filtering; 0: not measured.
var strict = map[protocol.Behavior]int{protocol.EndpointIndependent: 1, protocol.AddressDependent: 2, protocol.AddressAndPortDependent: 3}

func (c *comparison) nats() {
	for _, e := range c.ends {
		if e.before == nil || e.after == nil {
			continue
		}
		b, a := e.before.NAT, e.after.NAT
		c.answer(e, "translated", b.Translated, a.Translated, func(bool, bool) protocol.ChangeTone { return protocol.ToneOther })
		c.behavior(e, "mapping", b.Mapping, a.Mapping)
		c.behavior(e, "filtering", b.Filtering, a.Filtering)
		c.answer(e, "hairpin", b.Hairpin, a.Hairpin, yesIsBetter)
		if m, n := outside(e.before), outside(e.after); !slices.Equal(m, n) {
			tone := protocol.ToneOther
			switch {
			case len(m) == 0: // STUN was not reached, or not asked
				tone = protocol.ToneBetter
			case len(n) == 0:
				tone = protocol.ToneWorse
			}
			c.ofPeer(protocol.ChangeNATs, e, "outside-addresses", c.list(m), c.list(n), tone)
		}
	}
}

// answer compares what is yes, no or not known.
func (c *comparison) answer(e end, what string, before, after *bool, tone func(before, after bool) protocol.ChangeTone) {
	word := func(b *bool) string {
		switch {
		case b == nil:
			return c.say("report.not-known")
		case *b:
			return c.say("report.yes")
		}
		return c.say("report.no")
	}
	switch {
	case before == nil && after == nil:
	case before == nil || after == nil:
		c.ofPeer(protocol.ChangeNATs, e, what, word(before), word(after), protocol.ToneOther)
	case *before != *after:
		c.ofPeer(protocol.ChangeNATs, e, what, word(before), word(after), tone(*before, *after))
	}
}

func (c *comparison) behavior(e end, what string, before, after protocol.Behavior) {
	if before == "" {
		before = protocol.NotMeasurable
	}
	if after == "" {
		after = protocol.NotMeasurable
	}
	if before != after {
		c.ofPeer(protocol.ChangeNATs, e, what, c.word("behavior.", string(before)), c.word("behavior.", string(after)), lessIsBetter(strict[before], strict[after]))
	}
}
