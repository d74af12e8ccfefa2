package peer

import (
	"net/netip"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/webrtc/v4"
)

// gathering trickles a trial's candidates (RFC 8838): pion's own, and those that the same socket was told by further STUN servers. Those are real, since
// what is sent there arrives at that socket; they differ only behind a NAT whose mapping depends on the destination.
type gathering struct {
	t *trial

	mu    sync.Mutex
	told  map[netip.AddrPort]bool        // srflx addresses that were signaled
	base  map[uint16]webrtc.ICECandidate // pion's srflx candidates, by the port of their socket
	ended bool                           // pion has no more
	done  bool                           // nor have we: the end of candidates was signaled
}

func (g *gathering) over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.done
}

// candidate takes what pion gathered; nil is its end.
func (g *gathering) candidate(c *webrtc.ICECandidate) {
	g.mu.Lock()
	switch {
	case c == nil:
		g.ended = true
	case c.Typ == webrtc.ICECandidateTypeSrflx:
		g.base[c.RelatedPort] = *c
	default:
		g.signal(*c, "")
		if ip, err := netip.ParseAddr(c.Address); err == nil && c.Typ == webrtc.ICECandidateTypeHost {
			g.t.bases.Store(netip.AddrPortFrom(ip, c.Port), c.Port)
		}
	}
	g.mu.Unlock()
	g.settle()
}

// settle signals what the STUN servers have told by now, and the end of candidates once pion is through and every server has answered or had its time.
// It is called whenever one of these may have changed.
func (g *gathering) settle() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.done {
		return
	}
	for port, c := range g.base {
		for _, m := range g.t.wire.told(port) {
			if g.told[m.seen] {
				continue
			}
			g.told[m.seen] = true
			g.t.bases.Store(m.seen, port)
			c.Address, c.Port = m.seen.Addr().String(), m.seen.Port()
			g.signal(c, serverURL(g.t.start.ICEServers, g.t.wire, m.server))
		}
	}
	if !g.ended || g.t.wire.waiting(0) && time.Since(g.t.began) < gatherWithin {
		return
	}
	g.done = true
	g.t.state("gathering", "complete")
	g.t.send(protocol.ClientMessage{Type: protocol.ClientCandidate, Candidate: &protocol.Candidate{Trial: g.t.start.Trial, AtMs: g.t.atMs()}})
	for _, e := range candidateErrors(g.t.start.ICEServers, g.t.wire) {
		e.Trial, e.AtMs = g.t.start.Trial, g.t.atMs()
		g.t.send(protocol.ClientMessage{Type: protocol.ClientCandidateError, CandidateError: &e})
	}
}

func (g *gathering) signal(c webrtc.ICECandidate, url string) {
	init := c.ToJSON()
	index := int(c.SDPMLineIndex)
	out := &protocol.Candidate{
		Trial: g.t.start.Trial, AtMs: g.t.atMs(), Line: init.Candidate, SDPMid: init.SDPMid, SDPMLineIndex: &index, URL: url,
	}
	if line, err := protocol.ParseCandidate(out.Line); err == nil {
		out.UsernameFragment = line.Ufrag
	}
	g.t.send(protocol.ClientMessage{Type: protocol.ClientCandidate, Candidate: out})
}
