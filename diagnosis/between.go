package diagnosis

import "github.com/icescope/icescope/protocol"

// between says of the two ends that a report is about what the rules know of their places.
func (f *Fold) between() (b Between) {
	var ends []*peer
	var newest *trial
	for _, k := range trialOrder {
		if t := f.newestTrial(k); t != nil && (newest == nil || t.startedMs > newest.startedMs) {
			newest = t
		}
	}
	if newest != nil {
		ends = []*peer{newest.a.peer, newest.b.peer}
	}
	for _, online := range []bool{true, false} {
		for _, p := range f.peers {
			if newest == nil && p.joined.Kind != protocol.KindWatcher && p.joined.Beside == "" && p.online == online && len(ends) < 2 {
				ends = append(ends, p)
			}
		}
	}
	if len(ends) == 2 && ends[1].id < ends[0].id {
		ends[0], ends[1] = ends[1], ends[0]
	}
	if len(ends) > 0 {
		b.A = ends[0].id
	}
	if len(ends) < 2 {
		return b
	}
	b.B = ends[1].id
	same, proven, _ := f.sameSegment(ends[0], ends[1])
	b.SameSegment, b.Proven = same.ptr(), proven
	if ip, shared := f.sharedOutside(ends[0], ends[1]); shared {
		b.Shared = ip.String()
	}
	for _, p := range ends {
		if f.tunneled(p) {
			b.VPN = append(b.VPN, p.id)
		}
	}
	return b
}

// tunneled: does the statistics' own network type say that packets leave into a VPN?
func (f *Fold) tunneled(p *peer) bool {
	for _, n := range f.endsOf(p) {
		for _, l := range n.local {
			if l.NetworkType == "vpn" {
				return true
			}
		}
	}
	return false
}
