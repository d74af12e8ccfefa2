package diagnosis

import (
	"regexp"
	"slices"

	"github.com/icescope/icescope/protocol"
)

// What the fold knows, in the report's types.

func (f *Fold) peerReport(p *peer) protocol.PeerReport {
	r := protocol.PeerReport{ID: p.id, Label: p.joined.Label, Kind: p.joined.Kind, UserAgent: p.joined.UserAgent, Browser: browser(p.joined), Online: p.online,
		HTTPAddress: p.joined.HTTPAddress, STUNAddresses: []string{}, HTTPRTTMs: p.rttMs, Masked: f.masked(p).ptr(),
		Candidates: []protocol.CandidateReport{}, Errors: []protocol.ErrorReport{}}
	if p.env != nil {
		r.SecureContext, r.Permission, r.Proxy, r.Interfaces = p.env.SecureContext, p.env.MediaPermission, p.env.Proxy, p.env.Interfaces
	}
	for _, s := range udpSightings(p) {
		if !slices.Contains(r.STUNAddresses, s.Source) {
			r.STUNAddresses = append(r.STUNAddresses, s.Source)
		}
	}
	r.NAT = f.nat(p)
	for _, n := range slices.Backward(p.alone) {
		if n.trial.Kind() == protocol.TrialAlone {
			addEnd(&r, n)
			break
		}
	}
	for _, k := range trialOrder {
		if t := f.newestTrial(k); t != nil {
			for _, n := range t.ends() {
				if n.peer == p {
					addEnd(&r, n)
				}
			}
		}
	}
	return r
}

// addEnd lists the candidates of one gathering: those signaled, then those that only the statistics know.
func addEnd(r *protocol.PeerReport, n *end) {
	kind := n.trial.Kind()
	for _, c := range n.candidates {
		typ, local, _ := protocol.Preferences(c.Priority)
		v := protocol.CandidateReport{Trial: kind, Type: c.Type, Protocol: c.Protocol, Address: c.Address, Port: c.Port, RelatedAddress: c.RelatedAddress,
			Foundation: c.Foundation, Component: c.Component, Priority: c.Priority, TypePreference: typ, LocalPreference: local, URL: c.url, TCPType: c.TCPType,
			UsernameFragment: c.Ufrag, AtMs: c.atMs, Masked: c.Masked(), Signaled: true, ReceivedByPeer: c.applied != nil && *c.applied, AppliedError: c.appErr,
			Event: c.event, Selected: n.isSelected(c)}
		if c.RelatedPort >= 0 {
			port := c.RelatedPort
			v.RelatedPort = &port
		}
		r.Candidates = append(r.Candidates, v)
	}
	for _, c := range n.local {
		if c.Type == "prflx" || c.TCPType == "active" || n.signaled(c) || !signalable(c.Address) {
			continue
		}
		typ, local, component := protocol.Preferences(c.Priority)
		r.Candidates = append(r.Candidates, protocol.CandidateReport{Trial: kind, Type: c.Type, Protocol: c.Protocol, Address: c.Address, Port: c.Port, Foundation: c.Foundation,
			Component: component, Priority: c.Priority, TypePreference: typ, LocalPreference: local, URL: c.URL, TCPType: c.TCPType, Event: -1})
	}
	for _, e := range n.errors {
		r.Errors = append(r.Errors, protocol.ErrorReport{Trial: kind, URL: e.URL, Code: e.Code, Text: e.Text, AtMs: e.AtMs, Event: e.event})
	}
}

func (n *end) isSelected(c *candidate) bool {
	if p := n.selectedPair(); p != nil {
		return p.base == n.baseOf(c.Type, c.Protocol, c.Port, c.RelatedPort) && (c.Type == p.local.Type || c.Type == "host" && p.local.Type == "prflx")
	}
	return false
}

var browserNames = []struct {
	name string
	re   *regexp.Regexp
}{
	{"Edge", regexp.MustCompile(`Edg/(\d+)`)},
	{"Chromium", regexp.MustCompile(`Chrome/(\d+)`)},
	{"Firefox", regexp.MustCompile(`Firefox/(\d+)`)},
	{"Safari", regexp.MustCompile(`Version/(\d+).*Safari/`)},
}

func browser(j *protocol.Joined) string {
	if j.Kind == protocol.KindHeadless {
		return "icescope peer"
	}
	for _, b := range browserNames {
		if m := b.re.FindStringSubmatch(j.UserAgent); m != nil {
			return b.name + " " + m[1]
		}
	}
	return ""
}

func (t *trial) report() protocol.TrialReport {
	r := protocol.TrialReport{ID: t.id, Kind: t.kind, A: t.a.peer.id, B: t.b.peer.id, Offerer: t.start.Offerer, Step: t.step(), StartedAtMs: t.startedMs,
		Pairs: []protocol.PairReport{}, Error: t.failure, Hold: t.holdReport()}
	if t.stop != nil {
		r.Outcome, r.Reason = t.stop.Outcome, t.stop.Reason
		if t.hindered() {
			r.Hindered = t.slowest().peer.id
		}
	}
	r.Clocks = t.clocks()
	for _, row := range t.rows() {
		r.Pairs = append(r.Pairs, t.pairReport(row))
		if p := &r.Pairs[len(r.Pairs)-1]; p.Selected && r.SelectedPair == nil {
			r.SelectedPair = &protocol.PairName{Local: endpoint(p.Local.Address, p.Local.Port), Remote: endpoint(p.Remote.Address, p.Remote.Port)}
		}
	}
	for _, n := range t.ends() {
		if d := n.data; d != nil {
			first := r.Data == nil
			if first {
				r.Data = &protocol.DataReport{}
			}
			if first || d.RTTMs > r.Data.RTTMs {
				r.Data.RTTMs, r.Data.JitterMs, r.Data.RoundTripsMs = d.RTTMs, d.JitterMs, d.RoundTripsMs
			}
			worse(r.Data, d.LossPercent, d.ThroughputKbps)
		}
		if n.video != nil {
			if r.Video == nil {
				r.Video = &protocol.VideoReport{FramesDecoded: n.video.FramesDecoded}
			}
			r.Video.FramesDecoded = min(r.Video.FramesDecoded, n.video.FramesDecoded)
			if n == t.a {
				r.Video.A = n.video
			} else {
				r.Video.B = n.video
			}
		}
	}
	return r
}

func (t *trial) pairReport(w row) protocol.PairReport {
	r := protocol.PairReport{Directions: protocol.PairDirections{AToB: w.aToB().state, BToA: w.bToA().state}, Events: []int{}}
	// Each end's name for an address is the other end's remote candidate; its own local one may be hidden.
	if w.p != nil {
		r.Local, r.Remote, r.State = pairEnd(t.a, w.p.local), pairEnd(t.b, w.p.remote), w.p.State
		r.A = w.p.counters()
		r.Selected = t.a.selected == w.p.key()
		r.Events = addEvents(r.Events, w.p.event)
	}
	if w.q != nil {
		r.StateB, r.B = w.q.State, w.q.counters()
		if w.p == nil {
			r.Local, r.Remote, r.State = pairEnd(t.a, w.q.remote), pairEnd(t.b, w.q.local), w.q.State
		} else if far := remoteEnd(w.q.remote); far.Address != r.Local.Address && far.Address != "" {
			r.Aliases = append(r.Aliases, endpoint(far.Address, far.Port))
		}
		if w.p == nil {
			r.Selected = t.b.selected == w.q.key()
		}
		r.Events = addEvents(r.Events, w.q.event)
	}
	return r
}

// pairEnd names a candidate of an end; where the statistics hide its address, what the end signaled for the same type and port serves.
func pairEnd(n *end, c protocol.SampleCandidate) protocol.PairEnd {
	e := remoteEnd(c)
	if e.Address == "" {
		for _, s := range n.candidates {
			if s.Port == c.Port && s.Type == c.Type && s.Protocol == c.Protocol {
				e.Address = s.Address
			}
		}
	}
	return e
}

func remoteEnd(c protocol.SampleCandidate) protocol.PairEnd {
	return protocol.PairEnd{Address: c.Address, Port: c.Port, Type: c.Type, Protocol: c.Protocol}
}

func (p *endPair) counters() *protocol.PairCounters {
	return &protocol.PairCounters{RequestsSent: p.RequestsSent, RequestsReceived: p.RequestsReceived, ResponsesSent: p.ResponsesSent, ResponsesReceived: p.ResponsesReceived,
		NonSymmetric: p.NonSymmetric, BytesSent: p.BytesSent, BytesReceived: p.BytesReceived,
		PacketsSent: p.PacketsSent, PacketsReceived: p.PacketsReceived, RTTMs: p.RTTMs, State: p.State}
}

// step is how far the trial came.
func (t *trial) step() string {
	switch {
	case t.stop != nil && t.stop.Outcome == protocol.OutcomeConnected:
		return "done"
	case t.drawn() && t.both(func(n *end) bool { return n.video != nil }):
		return "done"
	case t.either(func(n *end) bool { return n.data != nil }):
		return "video"
	case t.both((*end).connected):
		return "data"
	case t.either((*end).iceConnected):
		return "dtls"
	case t.either(func(n *end) bool { return len(n.pairs) > 0 || n.saw("ice=checking") }):
		return "check"
	case t.either(func(n *end) bool { return n.described != nil }):
		return "exchange"
	}
	return "gather"
}

func (t *trial) clocks() (c protocol.Clocks) {
	slower := func(at func(*end) (float64, bool)) *float64 {
		var out *float64
		for _, n := range t.ends() {
			v, ok := at(n)
			if !ok {
				return nil
			}
			if out == nil || v > *out {
				out = &v
			}
		}
		return out
	}
	first := func(n *end, keys ...string) (float64, bool) {
		for _, k := range keys {
			if v, ok := n.stateMs[k]; ok {
				return v, true
			}
		}
		return 0, false
	}
	c.GatherMs = slower(func(n *end) (float64, bool) {
		if n.gatherMs == nil {
			return 0, false
		}
		return *n.gatherMs, true
	})
	c.CheckMs = slower(func(n *end) (float64, bool) {
		v, ok := first(n, "ice=connected", "ice=completed")
		if !ok || n.described == nil {
			return 0, false
		}
		return max(0, v-*n.described), true
	})
	c.DTLSMs = slower(func(n *end) (float64, bool) {
		ice, ok := first(n, "ice=connected", "ice=completed")
		v, ok2 := first(n, "connection=connected")
		return max(0, v-ice), ok && ok2
	})
	if t.stop != nil {
		v := t.stopMs - t.startedMs
		c.TotalMs = &v
	}
	return c
}

// worse keeps the worse of both ends' measurements.
func worse(d *protocol.DataReport, loss, throughput *float64) {
	if loss != nil && (d.LossPercent == nil || *loss > *d.LossPercent) {
		d.LossPercent = loss
	}
	if throughput != nil && (d.ThroughputKbps == nil || *throughput < *d.ThroughputKbps) {
		d.ThroughputKbps = throughput
	}
}
