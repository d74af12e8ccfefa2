package stunsrv

import (
	"net/netip"

	"github.com/icescope/icescope/protocol"
)

// Corners are the four places of the server as seen from one of them, which is PP: whatever a client asked first. Zero: not there.
type Corners struct{ PP, PS, SP, SS netip.AddrPort }

// At is the corner with that name.
func (c Corners) At(name protocol.Corner) netip.AddrPort {
	switch name {
	case protocol.CornerPP:
		return c.PP
	case protocol.CornerPS:
		return c.PS
	case protocol.CornerSP:
		return c.SP
	case protocol.CornerSS:
		return c.SS
	}
	return netip.AddrPort{}
}

// CornersFrom tells where the corners are for a client that asked local, which is the Local of a sighting. All are zero where the server does not answer there.
func (s *Server) CornersFrom(local netip.AddrPort) Corners {
	local = netip.AddrPortFrom(local.Addr().Unmap().WithZone(""), local.Port())
	if p := s.lent[family(local.Addr())].Load(); p != nil && local.Addr() == p.secondary { // it was the partner that was asked
		c := s.CornersFrom(netip.AddrPortFrom(p.primary, local.Port()))
		return Corners{PP: c.SP, PS: c.SS, SP: c.PP, SS: c.PS}
	}
	for _, sock := range s.sockets {
		bound := sock.local.Addr()
		if bound.Is4() != local.Addr().Is4() || sock.local.Port() != local.Port() || !bound.IsUnspecified() && bound.WithZone("") != local.Addr() {
			continue
		}
		r := sock.responder
		if p := s.lent[family(bound)].Load(); p != nil && local.Addr() == p.primary {
			r.pair = p
		}
		at := func(change corner) netip.AddrPort {
			if !r.has(local.Addr(), change) {
				return netip.AddrPort{}
			}
			return r.across(local, change)
		}
		return Corners{PP: local, PS: at(ps), SP: at(sp), SS: at(ss)}
	}
	return Corners{}
}

// Corners are the two IPs and ports of each family that has a second one of either. A wildcard without a second IP has the first reachable address as its primary,
// as of now; loopback only where the server has nothing else.
func (s *Server) Corners() []protocol.CornerSet {
	var out []protocol.CornerSet
	addrs := s.Addrs()
	for f := range s.pairs {
		p := s.pair(f)
		set := protocol.CornerSet{PrimaryPort: int(s.ports[PrimaryPort]), SecondaryPort: int(s.ports[AlternatePort])}
		switch {
		case p != nil:
			set.Primary, set.Secondary = p.primary.String(), p.secondary.String()
		case set.SecondaryPort == 0:
			continue
		default:
			for _, a := range addrs {
				ip := a.Addr()
				if family(ip) == f && !ip.IsLinkLocalUnicast() && (!ip.IsLoopback() || addrs[0].Addr().IsLoopback()) {
					set.Primary = ip.String()
					break
				}
			}
		}
		if set.Primary != "" {
			out = append(out, set)
		}
	}
	return out
}
