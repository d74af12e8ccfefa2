package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// The tables of a report. Both documents draw them cell by cell.

func (v view) trials(r protocol.Report) table {
	t := table{Title: v.T("report.trials"), Head: []string{
		v.T("report.trial"), v.T("report.result"), v.T("report.selected-pair"), v.T("report.clocks"), v.T("report.data"), v.T("report.video"),
	}}
	for _, tr := range r.Trials {
		result := cell{v.outcome(tr.Outcome)}
		why := tr.ReasonText
		if why == "" && tr.Reason != "" {
			why = v.word("reason.", string(tr.Reason))
		}
		if why != "" {
			result = append(result, line{Text: clean(why), Soft: true})
		}
		if tr.Error != "" {
			result = append(result, line{Text: clean(tr.Error), Mono: true})
		}
		if tr.Outcome != protocol.OutcomeConnected && tr.Outcome != protocol.OutcomeSkipped && tr.Step != "" {
			result = append(result, line{Text: v.T("report.came-to", "step", v.word("step.", tr.Step)), Soft: true})
		}
		selected := cell{{Text: none}}
		if p := tr.SelectedPair; p != nil {
			selected = cell{{Text: orNone(clean(p.Local)), Mono: true}, {Text: orNone(clean(p.Remote)), Mono: true}}
		}
		c := tr.Clocks
		clocks := cell{{Text: strings.Join([]string{optional(c.GatherMs), optional(c.CheckMs), optional(c.DTLSMs)}, " / "), Mono: true}}
		if c.TotalMs != nil {
			clocks = append(clocks, line{Text: v.T("report.total", "ms", optional(c.TotalMs)), Soft: true})
		}
		data := cell{{Text: none}}
		if d := tr.Data; d != nil {
			data = cell{
				{Text: v.T("report.rtt", "rtt", number(d.RTTMs), "jitter", number(d.JitterMs))},
				{Text: v.T("report.burst", "loss", optional(d.LossPercent), "rate", rate(d.ThroughputKbps)), Soft: true},
			}
		}
		video := cell{{Text: none}}
		if tr.Video != nil {
			video = cell{{Text: v.T("report.frames", "n", strconv.Itoa(tr.Video.FramesDecoded))}}
		}
		t.Rows = append(t.Rows, []cell{{{Text: v.word("trial.", string(tr.Kind))}, {Text: clean(string(tr.ID)), Mono: true, Soft: true}},
			result, selected, clocks, data, video})
	}
	return t
}

// machines is one table, a column a machine, so that the two ends are compared line by line.
func (v view) machines(r protocol.Report) table {
	t := table{Title: v.T("report.machines"), Head: []string{""}}
	for _, p := range r.Peers {
		t.Head = append(t.Head, peerName(p))
	}
	row := func(name string, of func(protocol.PeerReport) cell) {
		cells := []cell{{{Text: name}}}
		for _, p := range r.Peers {
			cells = append(cells, of(p))
		}
		t.Rows = append(t.Rows, cells)
	}
	text := func(s string) cell { return cell{{Text: orNone(clean(s))}} }
	mono := func(items ...string) cell {
		var c cell
		for _, s := range items {
			if s != "" {
				c = append(c, line{Text: clean(s), Mono: true})
			}
		}
		if c == nil {
			return cell{{Text: none}}
		}
		return c
	}
	row(v.T("report.kind"), func(p protocol.PeerReport) cell {
		online := v.T("report.online")
		if !p.Online {
			online = v.T("report.offline")
		}
		return cell{{Text: v.word("kind.", string(p.Kind))}, {Text: online, Soft: true}}
	})
	row(v.T("report.browser"), func(p protocol.PeerReport) cell {
		if p.Browser != "" {
			return text(p.Browser)
		}
		return text(p.UserAgent)
	})
	row(v.T("report.http-address"), func(p protocol.PeerReport) cell {
		c := mono(p.HTTPAddress)
		if p.HTTPRTTMs != nil {
			c = append(c, line{Text: v.T("report.round-trip", "ms", number(*p.HTTPRTTMs)), Soft: true})
		}
		return c
	})
	row(v.T("report.stun-addresses"), func(p protocol.PeerReport) cell { return mono(p.STUNAddresses...) })
	row(v.T("report.masked"), func(p protocol.PeerReport) cell { return text(v.yesNo(p.Masked)) })
	row(v.T("report.secure-context"), func(p protocol.PeerReport) cell {
		c := text(v.yesNo(p.SecureContext))
		if p.Permission != "" {
			c = append(c, line{Text: v.T("report.permission", "state", clean(p.Permission)), Soft: true})
		}
		return c
	})
	row(v.T("report.translated"), func(p protocol.PeerReport) cell { return text(v.yesNo(p.NAT.Translated)) })
	behavior := func(b protocol.Behavior) cell {
		if b == "" {
			b = protocol.NotMeasurable
		}
		return text(v.word("behavior.", string(b)))
	}
	row(v.T("report.mapping"), func(p protocol.PeerReport) cell {
		c := behavior(p.NAT.Mapping)
		if p.NAT.RFC3489 != "" {
			c = append(c, line{Text: clean(string(p.NAT.RFC3489)), Soft: true})
		}
		return c
	})
	row(v.T("report.filtering"), func(p protocol.PeerReport) cell { return behavior(p.NAT.Filtering) })
	row(v.T("report.hairpin"), func(p protocol.PeerReport) cell { return text(v.yesNo(p.NAT.Hairpin)) })
	row(v.T("report.nat-follows"), func(p protocol.PeerReport) cell { return text(clean(p.NAT.Summary)) })
	row(v.T("report.nat-evidence"), func(p protocol.PeerReport) cell {
		var c cell
		for _, e := range append(slices.Clone(p.NAT.Evidence), decisive(p.NAT)...) {
			c = append(c, line{Text: clean(e)})
		}
		if c == nil {
			return text("")
		}
		return c
	})
	if len(r.Peers) == 0 {
		t.Rows = nil
	}
	return t
}

func (v view) candidates(p protocol.PeerReport) table {
	t := table{Title: v.T("report.candidates-of", "peer", peerName(p)), Head: []string{
		v.T("report.trial"), v.T("report.type"), v.T("report.address"), v.T("report.related"), v.T("report.priority"), v.T("report.at-ms"),
		v.T("report.at-the-other-end"),
	}}
	for _, c := range p.Candidates {
		typ := c.Type
		if c.TCPType != "" {
			typ += " " + c.TCPType
		}
		address := cell{{Text: hostPort(c.Address, c.Port, v.T("report.hidden")), Mono: true}}
		if c.Selected {
			address = append(address, line{Text: v.T("report.selected"), Tone: good})
		}
		related := ""
		if c.RelatedAddress != "" {
			related = clean(c.RelatedAddress)
			if c.RelatedPort != nil {
				related = hostPort(c.RelatedAddress, *c.RelatedPort, "")
			}
		}
		if c.URL != "" {
			related = strings.TrimSpace(related + " " + clean(c.URL))
		}
		arrival := line{Text: v.T("report.received"), Tone: good}
		switch {
		case !c.Signaled:
			arrival = line{Text: v.T("report.not-signaled"), Tone: unknown}
		case c.AppliedError != "":
			arrival = line{Text: clean(c.AppliedError), Tone: bad}
		case c.Trial == protocol.TrialAlone:
			arrival = line{Text: none} // it is never offered to anyone
		case !c.ReceivedByPeer:
			arrival = line{Text: v.T("report.not-received"), Tone: bad}
		}
		t.Rows = append(t.Rows, []cell{
			{{Text: v.word("trial.", string(c.Trial))}},
			{{Text: clean(strings.TrimSpace(typ + " " + c.Protocol))}},
			address,
			{{Text: orNone(related), Mono: related != ""}},
			{{Text: strconv.FormatUint(uint64(c.Priority), 10), Mono: true},
				{Text: strconv.Itoa(c.TypePreference) + " · " + strconv.Itoa(c.LocalPreference), Mono: true, Soft: true}},
			{{Text: number(c.AtMs), Mono: true}},
			{arrival},
		})
	}
	return t
}

func (v view) candidateErrors(r protocol.Report) table {
	t := table{Title: v.T("report.candidate-errors"), Head: []string{
		v.T("report.machine"), v.T("report.trial"), v.T("report.code"), v.T("report.text"), "URL", v.T("report.at-ms"), v.T("report.event"),
	}}
	for _, p := range r.Peers {
		for _, e := range p.Errors {
			t.Rows = append(t.Rows, []cell{
				{{Text: clean(p.ID)}}, {{Text: v.word("trial.", string(e.Trial))}}, {{Text: strconv.Itoa(e.Code), Mono: true}},
				{{Text: orNone(clean(e.Text))}}, {{Text: orNone(clean(e.URL)), Mono: true}}, {{Text: number(e.AtMs), Mono: true}},
				{{Text: events([]int{e.Event}), Mono: true}},
			})
		}
	}
	return t
}

// pairs shows a direction as the four counters that a request passes on its way there and back (facts.md, 2): sent by one end, received and answered by
// the other, and the answers that came back.
func (v view) pairs(tr protocol.TrialReport) table {
	a, b := clean(tr.A), clean(tr.B)
	t := table{Title: v.T("report.pairs-of", "trial", v.word("trial.", string(tr.Kind)), "a", a, "b", b), Head: []string{
		a, b, v.T("report.state"), a + " → " + b, b + " → " + a, v.T("report.events-short"),
	}}
	end := func(e protocol.PairEnd) cell {
		return cell{{Text: hostPort(e.Address, e.Port, v.T("report.hidden")), Mono: true},
			{Text: clean(strings.TrimSpace(e.Type + " " + e.Protocol)), Soft: true}}
	}
	way := func(d protocol.DirectionState, from, to *protocol.PairCounters) cell {
		if from == nil {
			from = &protocol.PairCounters{}
		}
		if to == nil {
			to = &protocol.PairCounters{}
		}
		c := cell{v.direction(d), {Mono: true, Text: strings.Join([]string{
			count(from.RequestsSent), count(to.RequestsReceived), count(to.ResponsesSent), count(from.ResponsesReceived)}, " › ")}}
		if n := from.NonSymmetric; n != nil && *n > 0 {
			c = append(c, line{Text: v.T("report.non-symmetric", "n", count(n)), Soft: true})
		}
		if from.BytesSent != nil || to.BytesReceived != nil {
			c = append(c, line{Text: v.T("report.bytes", "sent", count(from.BytesSent), "received", count(to.BytesReceived)), Soft: true})
		}
		if from.RTTMs != nil {
			c = append(c, line{Text: v.T("report.round-trip", "ms", optional(from.RTTMs)), Soft: true})
		}
		return c
	}
	for _, p := range tr.Pairs {
		local := end(p.Local)
		for _, alias := range p.Aliases {
			local = append(local, line{Text: v.T("report.alias", "address", clean(alias)), Soft: true})
		}
		state := cell{{Text: orNone(clean(p.State))}}
		if p.StateB != "" && p.StateB != p.State {
			state = append(state, line{Text: clean(tr.B) + ": " + clean(p.StateB)})
		}
		if p.Selected {
			state = append(state, line{Text: v.T("report.selected"), Tone: good})
		}
		t.Rows = append(t.Rows, []cell{local, end(p.Remote), state, way(p.Directions.AToB, p.A, p.B), way(p.Directions.BToA, p.B, p.A),
			{{Text: orNone(events(p.Events)), Mono: true}}})
	}
	return t
}

func (v view) signaling(r protocol.Report) table {
	t := table{Title: v.T("report.signaling"), Head: []string{
		v.T("report.event"), v.T("report.at-ms"), v.T("report.from-to"), v.T("report.trial"), v.T("report.what"), v.T("report.content"),
		v.T("report.applied"),
	}}
	for _, s := range r.Signaling {
		way := clean(s.From)
		if s.To != "" {
			way += " → " + clean(s.To)
		}
		applied := line{Text: v.T("report.not-received"), Tone: bad}
		switch {
		case s.Error != "":
			applied = line{Text: clean(s.Error), Tone: bad}
		case s.AppliedMs != nil:
			applied = line{Text: optional(s.AppliedMs), Mono: true}
		case s.To == "":
			applied = line{Text: none} // to nobody
		}
		t.Rows = append(t.Rows, []cell{
			{{Text: strconv.Itoa(s.Event), Mono: true}}, {{Text: number(s.AtMs), Mono: true}}, {{Text: way}},
			{{Text: string(s.Trial) + "-" + strconv.Itoa(s.Run), Mono: true}}, // as the trials name themselves: in words it would take two lines
			{{Text: v.word("report.what-", s.What)}}, {{Text: orNone(shortCandidate(s.Text)), Mono: true}}, {applied},
		})
	}
	return t
}

// shortCandidate is a candidate-attribute without what the candidate tables say better (foundation, priority, extensions): a line of the log is one line on paper.
// Nor is the whole of a .local name, which stands there. The whole attribute stands in the JSON.
func shortCandidate(text string) string {
	c, err := protocol.ParseCandidate(text)
	if err != nil {
		return clean(text)
	}
	return clean(strings.TrimSpace(strings.Join([]string{c.Type, c.Protocol, hostPort(shortName(c.Address), c.Port, none), c.TCPType}, " ")))
}
