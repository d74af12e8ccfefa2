package peer

import (
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/stun/v3"
)

// codeUnreachable is the errorCode of an icecandidateerror where no server answered (W3C webrtc-pc, RTCPeerConnectionIceErrorEvent).
const codeUnreachable = 701

// candidateErrors says of each ICE server that gave nothing why that is, as a browser's icecandidateerror does; pion itself has no such event. It stands
// on what crossed the sockets: a server is called dead only if it was asked and did not answer.
func candidateErrors(servers []protocol.ICEServer, w *wire) []protocol.CandidateError {
	var out []protocol.CandidateError
	for _, s := range servers {
		for _, u := range s.URLs {
			uri, err := stun.ParseURI(u)
			if err != nil {
				continue // NewPeerConnection has refused it
			}
			_, seen, err := w.lookup(uri)
			e := protocol.CandidateError{URL: u, Code: codeUnreachable}
			switch {
			case err != nil:
				e.Text = "host lookup failed: " + err.Error()
			case seen == nil:
				continue // never asked: nothing is known
			case seen.errorCode != 0:
				e.Code, e.Text = seen.errorCode, seen.errorText
			case seen.responded == 0:
				e.Text = "no answer to " + strconv.Itoa(seen.asked) + " requests"
			default:
				continue
			}
			if seen != nil && seen.local.IsValid() {
				e.Address, e.Port = seen.local.Addr().String(), int(seen.local.Port())
			}
			out = append(out, e)
		}
	}
	return out
}

// oneSocket takes the STUN servers that pion would ask from a socket each, and lets the wire ask them all from the first one's. Those without a literal
// address stay as they are: resolving a name may take longer than pion waits for the answer.
func oneSocket(servers []protocol.ICEServer, w *wire) []protocol.ICEServer {
	out := make([]protocol.ICEServer, 0, len(servers))
	for _, s := range servers {
		kept := s
		kept.URLs = nil
		for _, u := range s.URLs {
			uri, err := stun.ParseURI(u)
			if err != nil || uri.Scheme != stun.SchemeTypeSTUN {
				kept.URLs = append(kept.URLs, u)
				continue
			}
			ip, err := netip.ParseAddr(uri.Host)
			if err == nil {
				at := netip.AddrPortFrom(ip, uint16(uri.Port))
				w.names[net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port))] = resolved{addr: at}
				w.others = append(w.others, at)
			}
			// pion asks one server of each address family, since it uses a socket for one family only
			first := !slices.ContainsFunc(w.others[:max(len(w.others)-1, 0)], func(o netip.AddrPort) bool { return o.Addr().Is4() == ip.Is4() })
			if err != nil || first {
				kept.URLs = append(kept.URLs, u)
			}
		}
		if len(kept.URLs) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

// serverURL is the URL of a server that answered: what a browser tells as candidate.url. relay: as a TURN server, not as a STUN server.
func serverURL(servers []protocol.ICEServer, w *wire, at endpoint, relay bool) string {
	for _, s := range servers {
		for _, u := range s.URLs {
			uri, err := stun.ParseURI(u)
			if err != nil || relay != (uri.Scheme == stun.SchemeTypeTURN || uri.Scheme == stun.SchemeTypeTURNS) || at.tcp != (uri.Proto == stun.ProtoTypeTCP) {
				continue
			}
			if addr, _, err := w.lookup(uri); err == nil && addr == at.AddrPort {
				return u
			}
		}
	}
	return ""
}

// hasIPv6 tells whether any interface has an IPv6 address. Where none has, pion must not be asked for IPv6 at all: it gives up mDNS for both
// families as soon as it cannot listen in one (ice v4.4.0, mdns.go), and then resolves no browser's .local name.
func hasIPv6(w *wire) bool {
	interfaces, err := w.Interfaces()
	if err != nil {
		return true
	}
	for _, i := range interfaces {
		addrs, _ := i.Addrs() // an error is an interface without addresses
		for _, a := range addrs {
			var ip net.IP
			switch a := a.(type) {
			case *net.IPNet:
				ip = a.IP
			case *net.IPAddr:
				ip = a.IP
			}
			if addr, ok := netip.AddrFromSlice(ip); ok && addr.Unmap().Is6() {
				return true
			}
		}
	}
	return false
}
