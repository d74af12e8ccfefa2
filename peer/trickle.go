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

	mu         sync.Mutex
	generation int // ICE restarts so far
	began      time.Time
	ufrag      string                         // of the description that was sent; until then the candidates wait
	waiting    []protocol.ClientMessage       // for it
	told       map[netip.AddrPort]bool        // srflx addresses that were signaled
	base       map[uint16]webrtc.ICECandidate // pion's srflx candidates, by the port of their socket
	ended      bool                           // pion has no more
	done       bool                           // nor have we: the end of candidates was signaled
}

func newGathering(t *trial) *gathering {
	return &gathering{t: t, began: t.began, told: map[netip.AddrPort]bool{}, base: map[uint16]webrtc.ICECandidate{}}
}

// restart begins anew, before pion does (RFC 8445 section 2.4).
func (g *gathering) restart() {
	g.t.wire.restart()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.generation++
	g.began, g.ufrag, g.waiting, g.ended, g.done = time.Now(), "", nil, false, false
	clear(g.told)
	clear(g.base)
}

// described lets the candidates go: none may overtake its description.
func (g *gathering) described(ufrag string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ufrag = ufrag
	waiting := g.waiting
	g.waiting = nil
	for _, m := range waiting {
		g.say(m)
	}
}

// say sends a frame, or keeps it for after the description.
func (g *gathering) say(m protocol.ClientMessage) {
	if g.ufrag == "" {
		g.waiting = append(g.waiting, m)
		return
	}
	if m.Candidate != nil && m.Candidate.Line != "" {
		m.Candidate.UsernameFragment = g.ufrag
	}
	g.t.send(m)
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
	case g.done || c.TCPType == "active": // pion makes one for each passive candidate of the other end, which can do nothing with it
	case c.Typ == webrtc.ICECandidateTypeSrflx:
		g.base[c.RelatedPort] = *c
	case c.Typ == webrtc.ICECandidateTypeRelay:
		ip, _ := netip.ParseAddr(c.Address)
		at := g.t.wire.relay(netip.AddrPortFrom(ip.Unmap(), c.Port))
		g.signal(*c, serverURL(g.t.start.ICEServers, g.t.wire, at, true))
	default:
		g.signal(*c, "")
		if ip, err := netip.ParseAddr(c.Address); err == nil && c.Typ == webrtc.ICECandidateTypeHost && c.Protocol == webrtc.ICEProtocolUDP {
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
			g.signal(c, serverURL(g.t.start.ICEServers, g.t.wire, endpoint{m.server, false}, false))
		}
	}
	if !g.ended || g.t.wire.waiting(0) && time.Since(g.began) < gatherWithin {
		return
	}
	g.done = true
	g.say(g.t.stateMessage("gathering", "complete"))
	g.say(protocol.ClientMessage{Type: protocol.ClientCandidate, Candidate: &protocol.Candidate{
		Trial: g.t.start.Trial, AtMs: g.t.atMs(), Generation: g.generation,
	}})
	for _, e := range candidateErrors(g.t.start.ICEServers, g.t.wire) {
		e.Trial, e.AtMs = g.t.start.Trial, g.t.atMs()
		g.say(protocol.ClientMessage{Type: protocol.ClientCandidateError, CandidateError: &e})
	}
}

func (g *gathering) signal(c webrtc.ICECandidate, url string) {
	init := c.ToJSON()
	index := int(c.SDPMLineIndex)
	g.say(protocol.ClientMessage{Type: protocol.ClientCandidate, Candidate: &protocol.Candidate{
		Trial: g.t.start.Trial, AtMs: g.t.atMs(), Line: init.Candidate, SDPMid: init.SDPMid, SDPMLineIndex: &index, URL: url, Generation: g.generation,
	}})
}
