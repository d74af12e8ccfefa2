package server

import (
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/icescope/icescope/protocol"
)

// stunURLs writes the STUN URLs of this server (RFC 7064) for a page that was opened with a host.
type stunURLs struct {
	advertise string
	bound     []netip.Addr // what the STUN sockets are bound to; empty: all addresses
	ports     []uint16     // the primary first
	machine   []netip.Addr
	corners   func() []protocol.CornerSet // the second IP may come and go, where a partner lends it; nil: none
}

// turnURLs writes the TURN URLs (RFC 7065).
type turnURLs struct {
	stun        stunURLs
	tlsPort     uint16 // 0: not over TLS
	credentials func(room string) (username, password string)
	// trusted: browsers take the certificate, so that a trial can try TLS as well. One of our own they refuse in silence.
	trusted bool
}

// overUDP, overTCP and overTLS are at the first port of STUN, and at that of HTTPS, of the host that clients are most likely to reach.
func (t turnURLs) overUDP(page string, local netip.Addr) string { return t.plain(page, local, "udp") }
func (t turnURLs) overTCP(page string, local netip.Addr) string { return t.plain(page, local, "tcp") }

func (t turnURLs) plain(page string, local netip.Addr, transport string) string {
	host := t.stun.hosts(hostOnly(page), local)[0]
	return "turn:" + net.JoinHostPort(host, strconv.Itoa(int(t.stun.ports[0]))) + "?transport=" + transport
}

// overTLS has the host that the page was opened with, since that is the name in the certificate; empty: not served.
func (t turnURLs) overTLS(page string, local netip.Addr) string {
	if t.tlsPort == 0 {
		return ""
	}
	host := hostOnly(page)
	if t.stun.advertise != "" || host == "" || isLoopbackHost(host) {
		host = t.stun.hosts(host, local)[0]
	}
	return "turns:" + net.JoinHostPort(host, strconv.Itoa(int(t.tlsPort))) + "?transport=tcp"
}

// all are the URLs for one page.
func (t turnURLs) all(page string, local netip.Addr) []string {
	urls := []string{t.overUDP(page, local), t.overTCP(page, local)}
	if tls := t.overTLS(page, local); tls != "" {
		urls = append(urls, tls)
	}
	return urls
}

// servers are the ICE servers for one trial of a room, with credentials that end.
func (t turnURLs) servers(page string, local netip.Addr, room string, kind protocol.TrialKind) []protocol.ICEServer {
	urls := []string{t.overUDP(page, local)}
	if kind == protocol.TrialRelayTCP {
		urls = []string{t.overTCP(page, local)}
		if tls := t.overTLS(page, local); tls != "" && t.trusted {
			urls = append(urls, tls)
		}
	}
	username, password := t.credentials(room)
	return []protocol.ICEServer{{URLs: urls, Username: username, Credential: password}}
}

// servers are the ICE servers for one page: one server with a URL per corner, because two addresses and two ports are what shows the mapping behaviour (RFC 5780
// section 4.3).
//
// local is this machine's end of the page's connection. Where the page was opened by a name, it goes first: closed networks have no DNS.
func (s stunURLs) servers(pageHost string, local netip.Addr) []protocol.ICEServer {
	var urls []string
	for _, host := range s.withSecond(s.hosts(hostOnly(pageHost), local)) {
		for _, port := range s.ports {
			urls = append(urls, "stun:"+net.JoinHostPort(host, strconv.Itoa(int(port))))
		}
	}
	return []protocol.ICEServer{{URLs: urls}}
}

// hosts is the address that reached the page, for it is the address that works. Not so where the operator knows better, where the STUN sockets
// hear other addresses only, and on loopback: from there a browser gathers nothing that a second machine could use.
func (s stunURLs) hosts(page string, local netip.Addr) []string {
	if s.advertise != "" {
		return []string{hostOnly(s.advertise)}
	}
	if len(s.bound) > 0 {
		var out []string
		for _, addr := range s.bound {
			out = append(out, addr.String())
		}
		if i := slices.Index(out, page); i > 0 { // the one that works for sure goes first
			out[0], out[i] = out[i], out[0]
		}
		return out
	}
	if page != "" && !isLoopbackHost(page) {
		if _, err := netip.ParseAddr(page); err != nil && local.IsValid() && !local.IsLoopback() {
			return []string{local.String(), page}
		}
		return []string{page}
	}
	if addrs := reachable(netip.Addr{}, s.machine); len(addrs) > 0 {
		return []string{addrs[0].String()}
	}
	return []string{"127.0.0.1"}
}

// withSecond adds to each host the other IP of its quadruple. A page that was opened with a third address of this machine is not told of it: nobody knows whether it can be
// reached from there, and a STUN server that does not answer makes a browser gather for half a minute.
func (s stunURLs) withSecond(hosts []string) []string {
	if s.corners == nil {
		return hosts
	}
	out := slices.Clone(hosts)
	for _, set := range s.corners() {
		for _, host := range hosts {
			other := ""
			switch {
			case set.Secondary == "":
			case host == set.Primary:
				other = set.Secondary
			case host == set.Secondary:
				other = set.Primary
			}
			if other != "" && !slices.Contains(out, other) {
				out = append(out, other)
			}
		}
	}
	return out
}
