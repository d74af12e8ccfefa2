package session

import (
	"net/netip"
	"strings"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
	"github.com/icescope/icescope/stunsrv"
)

// The direct check: the server asks an unmasked host address of a peer, as ICE asks, with the credentials that the peer signaled. An answer from another
// address is the mark of an asymmetric NAT (RFC 8445 section 7.2.5.2.1).

// maxDirect addresses of one peer are asked: more interfaces than a machine has that a person should look at.
const maxDirect = 16

type credentials struct{ ufrag, pwd string }

type hostAddress struct {
	end trialEnd
	at  netip.AddrPort
}

// trialAddr is an address that was asked: once for each peer, whatever the trial.
type trialAddr struct {
	peer string
	ip   netip.Addr
}

// description learns the credentials (RFC 8839 section 5.4) and asks the addresses that waited for them.
func (s *state) description(p *signaling.Peer, d *protocol.Description) {
	if !s.c.direct() || len(p.Hello().Trials) == 0 {
		return
	}
	k := credentials{attribute(d.SDP, "ice-ufrag"), attribute(d.SDP, "ice-pwd")}
	if k.ufrag == "" || k.pwd == "" {
		return
	}
	if s.keys == nil {
		s.keys = map[trialEnd]credentials{}
	}
	if len(s.keys) < 1024 { // more trials than a person starts
		s.keys[trialEnd{d.Trial, p.ID()}] = k
	}
	waiting := s.pending
	s.pending = nil
	for _, a := range waiting {
		s.ask(a)
	}
}

func (c *Conductor) direct() bool { return c.config.DirectChecks && c.config.STUN != nil }

// attribute is the value of the first a=name: line.
func attribute(sdp, name string) string {
	_, rest, ok := strings.Cut(sdp, "a="+name+":")
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}

// candidate ties sightings to the peer and asks an unmasked host address.
func (s *state) candidate(p *signaling.Peer, c *protocol.Candidate) {
	if len(p.Hello().Trials) == 0 || c.Line == "" {
		return
	}
	line, err := protocol.ParseCandidate(c.Line)
	if err != nil || line.Protocol != "udp" {
		return
	}
	ip, err := netip.ParseAddr(line.Address)
	if err != nil {
		return
	}
	at := netip.AddrPortFrom(ip.Unmap(), uint16(line.Port))
	n := s.nat[p.ID()]
	if n != nil && c.Trial == n.trial {
		n.mine = append(n.mine, at)
	}
	for _, x := range s.c.signaled(s.room, p.ID(), at) {
		s.sighted(p.ID(), x, "candidate")
	}
	// Only in the trial without servers: where this server is one of the browser's STUN servers, Chromium takes what comes from it for answers and nothing else.
	if line.Type == "host" && c.Trial.Kind() == protocol.TrialHost && s.c.direct() {
		s.ask(hostAddress{trialEnd{c.Trial, p.ID()}, at})
	}
}

// farEnd are the credentials of the peer's opposite in a trial. A check has to name both fragments (RFC 8445 section 7.2.2); some agents look at the second, too.
func (s *state) farEnd(e trialEnd) (credentials, bool) {
	for k, c := range s.keys {
		if k.trial == e.trial && k.peer != e.peer {
			return c, true
		}
	}
	return credentials{}, false
}

// ask sends the check, once for each address, or lets it wait for the credentials.
func (s *state) ask(a hostAddress) {
	key, ok := s.keys[a.end]
	far, both := s.farEnd(a.end)
	if !ok || !both {
		if len(s.pending) < 2*maxDirect {
			s.pending = append(s.pending, a)
		}
		return
	}
	once := trialAddr{a.end.peer, a.at.Addr()}
	if s.asked == nil {
		s.asked = map[trialAddr]bool{}
	}
	count := 0
	for k := range s.asked {
		if k.peer == once.peer {
			count++
		}
	}
	if s.asked[once] || count >= maxDirect || s.c.ctx.Err() != nil {
		return
	}
	s.asked[once] = true
	// The role must be the opposite of the peer's, or the check would make it change its own (RFC 8445 section 7.3.1.1). The offerer is controlling.
	t := s.trials[a.end.trial]
	controlling := t == nil || t.offerer.ID() != a.end.peer
	s.c.work.Go(func() {
		result, err := s.c.config.STUN.Check(s.c.ctx, stunsrv.CheckRequest{To: a.at, RemoteUfrag: key.ufrag, RemotePwd: key.pwd, LocalUfrag: far.ufrag,
			Controlling: controlling})
		if s.c.ctx.Err() != nil {
			return
		}
		check := result.Protocol(a.end.trial, "direct")
		if err != nil {
			check.Result, check.Error = "error", err.Error()
		}
		s.room.Do(func() {
			if !s.closed {
				s.record(a.end.peer, protocol.EventCheck, &check)
				s.changed()
			}
		})
	})
}
