package stunsrv

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/icescope/icescope/protocol"
)

// A partner is another icescope on another machine, with which this one shares its addresses: each is the other's secondary IP (RFC 5780 section 6). One TCP connection of each
// family, to a STUN port of the other, carries what must leave from there, and what arrived there. docs/adr/0004-partner.md says why it is built so.

const (
	// partnerIntroduction is for the handshakes before two are partners.
	partnerIntroduction = 5 * time.Second
	// partnerRetry is the first pause after an attempt that failed; it doubles up to maxPartnerRetry.
	partnerRetry    = 500 * time.Millisecond
	maxPartnerRetry = 15 * time.Second
	// maxPartnerTroubles are remembered, so that each is logged once. Those of strangers that are over it are not logged.
	maxPartnerTroubles = 64
)

// Reasons why a connection between partners ends that is no trouble.
var (
	errPartnerBusy     = errors.New("there is a partner already, and one has one")
	errPartnerReplaced = errors.New("another connection took its place")
)

// partners are the live links, at most one a family.
type partners struct {
	key      string
	places   []string // to call
	instance string
	seats    seats // taken by introductions that others began

	mu       sync.Mutex
	live     [2]*link
	troubles map[string]bool

	telling sync.Mutex // OnSighting is called by one at a time
}

func (p *partners) init(key string, places []string) {
	p.key, p.places, p.instance = key, places, rand.Text()
	for _, place := range places {
		host, _ := splitPartner(place)
		if addr, err := netip.ParseAddr(host); err == nil {
			p.seats.reserve(place, addr)
		}
	}
	p.troubles = make(map[string]bool)
}

// partnerPlaces are the partners' addresses as "host:port".
func (c Config) partnerPlaces(port uint16) (places []string, err error) {
	if c.PartnerKey != "" && len(c.PartnerKey) < MinPartnerKey {
		return nil, fmt.Errorf("stunsrv: the partner key has %d characters, at least %d are needed; try one that `openssl rand -hex 16` makes", len(c.PartnerKey), MinPartnerKey)
	}
	if len(c.Partners) > 0 && c.PartnerKey == "" {
		return nil, errors.New("stunsrv: a partner needs a key that both know; try --stun-partner-key with what `openssl rand -hex 16` makes")
	}
	var families [2]bool
	for _, text := range c.Partners {
		host, portText := splitPartner(text)
		if portText == "" { // partners have the same ports
			portText = strconv.Itoa(int(port))
		}
		if n, err := strconv.ParseUint(portText, 10, 16); err != nil || host == "" || n == 0 {
			return nil, fmt.Errorf("stunsrv: %q is no partner; try --stun-partner 192.0.2.2", text)
		}
		if addr, err := netip.ParseAddr(host); err == nil {
			f := family(addr.Unmap())
			if families[f] {
				return nil, fmt.Errorf("stunsrv: %q is a second partner of one family; one is enough for four corners", text)
			}
			families[f] = true
			if slices.ContainsFunc(c.Alternate, func(a netip.Addr) bool { return family(a.Unmap()) == f }) {
				return nil, fmt.Errorf("stunsrv: a second address of this machine and the partner %q are both to be the second STUN address; leave out --stun-alt-ip or --stun-partner", text)
			}
		} else if len(c.Alternate) > 0 {
			return nil, fmt.Errorf("stunsrv: the partner %q is a name, and its family not known; with --stun-alt-ip give its address to --stun-partner", text)
		}
		places = append(places, net.JoinHostPort(host, portText))
	}
	if len(places) > 2 {
		return nil, fmt.Errorf("stunsrv: %d partners; one for each family is enough for four corners", len(places))
	}
	return places, nil
}

// splitPartner splits "host", "host:port", "[host]:port", or an IPv6 address without brackets.
func splitPartner(text string) (host, port string) {
	if host, port, err := net.SplitHostPort(text); err == nil {
		return host, port
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"), ""
}

// namesPartner tells whether the second address of family f is to be a partner's.
func (c Config) namesPartner(f int) bool {
	return slices.ContainsFunc(c.Partners, func(text string) bool {
		host, _ := splitPartner(text)
		addr, err := netip.ParseAddr(host)
		return err != nil || family(addr.Unmap()) == f
	})
}

// pair is the two IPs of a family as of now; nil: it has one.
func (s *Server) pair(f int) *pair {
	if p := s.pairs[f]; p != nil {
		return p
	}
	return s.lent[f].Load()
}

// sendLent has a partner send an answer. Where it cannot, this socket says so itself, with pin: silence would pass for a filter's.
func (sock *socket) sendLent(answer, pin []byte, way inquiry) error {
	err := errPartnerGone // since the answer was made
	if p := sock.lent.Load(); p != nil && p.secondary == way.origin.Addr() {
		err = p.link.answer(answer, way.origin, way.to)
	}
	if err == nil {
		return nil
	}
	_, _, failed := sock.conn.WriteMsgUDPAddrPort(appendNotSent(nil, answer), pin, way.to)
	return errors.Join(err, failed)
}

// appendNotSent writes what is answered in place of an answer that the partner does not send: a 500 (RFC 8489 section 14.8).
func appendNotSent(dst, answer []byte) []byte {
	const reason = "Server Error"
	if _, ok := parseMessage(answer); !ok {
		return append(dst, noCorner...)
	}
	dst = appendHeader(dst, typeBindingError, answer[4:headerSize])
	dst = append(append(dst, attrErrorCode>>8, attrErrorCode, 0, byte(4+len(reason)), 0, 0, 5, 0), reason...)
	setLength(dst)
	return dst
}

// lentBy is where the pair of a family will stand that a partner may lend; nil: none ever will.
func (s *Server) lentBy(f int) *atomic.Pointer[pair] {
	if s.partners.key == "" || s.pairs[f] != nil || s.ports[AlternatePort] == 0 {
		return nil
	}
	return &s.lent[f]
}

// tell hands a sighting to whoever wants it.
func (s *Server) tell(x protocol.Sighting) {
	s.partners.telling.Lock()
	defer s.partners.telling.Unlock()
	if s.config.OnSighting != nil {
		s.config.OnSighting(x)
	}
}

// saw takes a sighting of this machine. A partner is told as well: its rooms cannot know who asks here.
func (s *Server) saw(x protocol.Sighting) {
	s.tell(x)
	local, err := netip.ParseAddrPort(x.Local)
	if err != nil {
		return
	}
	if l := s.partners.link(family(local.Addr())); l != nil && local.Addr() == l.local {
		l.pass(x)
	}
}

// link is the live link of a family; nil: none.
func (p *partners) link(f int) *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live[f]
}

// partnersBegin tells whether a connection that begins with b is another icescope's that wants to be a partner.
func (s *Server) partnersBegin(b []byte) bool {
	return s.partners.key != "" && len(b) > 0 && b[0] == partnerPreface[0]
}

// acceptPartner serves a connection of which read has been read already, until it ends.
func (s *Server) acceptPartner(conn *net.TCPConn, read []byte) {
	from := addrOf(conn.RemoteAddr())
	leave, ok := s.partners.seats.take(from)
	if !ok {
		s.log.Debug("too many introductions of partners", "from", conn.RemoteAddr(), "limit", maxIntroductions, "limitPerAddress", introductionsPerAddr)
		return
	}
	defer leave()
	_, err := s.partnership(&readAhead{conn, bytes.NewReader(read)}, false, leave)
	if errors.Is(err, errPartnerBusy) {
		return // who called has a reason to say so, not who is content
	}
	s.troubled(from.String(), err)
}

// callPartner keeps a link to the partner at place until ctx ends.
func (s *Server) callPartner(ctx context.Context, place string) {
	pause := partnerRetry
	for ctx.Err() == nil {
		lived, err := s.callOnce(ctx, place)
		if ctx.Err() != nil {
			return
		}
		s.troubled(place, err)
		if lived {
			pause = partnerRetry
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		pause = min(2*pause, maxPartnerRetry)
	}
}

// callOnce tells whether there was a link, and why it is no more.
func (s *Server) callOnce(ctx context.Context, place string) (lived bool, err error) {
	conn, err := s.dialPartner(ctx, place)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	f := family(unmapped(conn.RemoteAddr().(*net.TCPAddr).AddrPort()).Addr())
	if l := s.partners.link(f); l != nil { // it called first
		conn.Close()
		return awaitLink(ctx, l), nil
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	lived, err = s.partnership(conn, true, func() {})
	if l := s.partners.link(f); l != nil && (errors.Is(err, errPartnerBusy) || errors.Is(err, errPartnerReplaced)) {
		return awaitLink(ctx, l), nil
	}
	return lived, err
}

func awaitLink(ctx context.Context, l *link) bool {
	select {
	case <-l.done:
	case <-ctx.Done():
	}
	return true
}

// dialPartner connects from an address on which this server answers STUN: that is the one that is lent.
func (s *Server) dialPartner(ctx context.Context, place string) (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, partnerIntroduction)
	defer cancel()
	host, port, _ := net.SplitHostPort(place)
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	s.partners.seats.reserve(place, addrs...)
	var errs []error
	for _, addr := range addrs {
		addr = addr.Unmap()
		local := s.localFor(addr)
		if !local.IsValid() {
			errs = append(errs, fmt.Errorf("%s: the STUN server of this machine has no address that can reach it", addr))
			continue
		}
		dialer := net.Dialer{}
		if !local.IsUnspecified() {
			dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
		}
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), port))
		if err == nil {
			return conn.(*net.TCPConn), nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// localFor is the address to call a partner from: the wildcard where there is one, else the one that routing would choose, or the first that is as reachable. Invalid: none.
func (s *Server) localFor(partner netip.Addr) (local netip.Addr) {
	route, _ := routeSource(netip.AddrPortFrom(partner, s.ports[PrimaryPort])) // an error leaves it invalid
	for _, sock := range s.sockets {
		switch bound := sock.local.Addr(); {
		case bound.Is4() != partner.Is4():
		case bound.IsUnspecified() || bound == route:
			return bound
		case !local.IsValid() && bound.IsLoopback() == partner.IsLoopback():
			local = bound
		}
	}
	return local
}

// partnership is a connection's life, from the introduction to its end, and why it ended. introduced is called when the key was proved.
func (s *Server) partnership(conn net.Conn, dialer bool, introduced func()) (lived bool, err error) {
	_ = conn.SetDeadline(time.Now().Add(partnerIntroduction))
	secure, err := introduce(conn, s.partners.key, dialer)
	if err != nil {
		return false, err
	}
	introduced()
	l := newLink(s, conn, secure, dialer)
	if err := l.agree(); err != nil {
		return false, err
	}
	_ = conn.SetDeadline(time.Time{})
	if err := s.unite(l); err != nil {
		return false, err
	}
	return true, l.run()
}

// refuses tells why two cannot be partners; nil: they can.
func (s *Server) refuses(l *link) error {
	mine := l.hello()
	switch {
	case l.peer.Instance == mine.Instance:
		return fmt.Errorf("%s is this icescope itself; --stun-partner wants another machine's address", l.remote)
	case l.peer.Local != l.remote || l.peer.Remote != l.local:
		return fmt.Errorf("something translates between the two: from here it is %s to %s, from there %s to %s; name an address at which clients reach the partner without translation",
			l.local, l.remote, l.peer.Remote, l.peer.Local)
	case mine.Ports[AlternatePort] == 0 || mine.Ports != l.peer.Ports:
		return fmt.Errorf("the STUN ports are %s here and %s there, and RFC 5780 section 6 needs the same two on both; give both the same --stun and --stun-alt-port",
			portsText(mine.Ports), portsText(l.peer.Ports))
	case l.remote.IsLinkLocalUnicast():
		return fmt.Errorf("%s is link-local: clients could not ask it; name another address of that machine", l.remote)
	case !l.dialer && s.expectsOther(l.remote):
		return fmt.Errorf("%s is started with another --stun-partner than %s", l.local, l.remote)
	}
	return nil
}

func portsText(p [2]uint16) string {
	if p[AlternatePort] == 0 {
		return fmt.Sprintf("%d alone", p[PrimaryPort])
	}
	return fmt.Sprintf("%d and %d", p[PrimaryPort], p[AlternatePort])
}

// expectsOther tells whether the partner of that family is named, and is another.
func (s *Server) expectsOther(remote netip.Addr) bool {
	other := false
	for _, place := range s.config.Partners {
		host, _ := splitPartner(place)
		addr, err := netip.ParseAddr(host)
		if err != nil || addr.Unmap() == remote {
			return false
		}
		other = other || family(addr.Unmap()) == family(remote)
	}
	return other
}

// unite makes l the live link of its family, and the partner's address the second one.
func (s *Server) unite(l *link) error {
	p := &s.partners
	p.mu.Lock()
	f := family(l.local)
	old := p.live[f]
	if old != nil && !l.replaces(old) {
		p.mu.Unlock()
		return errPartnerBusy
	}
	p.live[f] = l
	lends := s.lentBy(f)
	if lends != nil {
		lends.Store(&pair{primary: l.local, secondary: l.remote, link: l})
	}
	clear(p.troubles) // what comes after a success is worth a line again
	p.mu.Unlock()
	switch {
	case old != nil:
		old.fail(errPartnerReplaced)
	case lends != nil:
		s.log.Info("second STUN address lent by partner: NAT behaviour is fully measurable", "address", l.remote)
	default:
		s.log.Info("partner borrows the STUN address of this machine, which has a second one of its own", "partner", l.remote)
	}
	return nil
}

// part takes l away.
func (s *Server) part(l *link, why error) {
	p := &s.partners
	p.mu.Lock()
	defer p.mu.Unlock()
	f := family(l.local)
	if p.live[f] != l {
		return
	}
	p.live[f] = nil
	s.lent[f].Store(nil)
	select {
	case <-s.checks.done: // this server ends
	default:
		s.log.Info("partner lost: its address is no longer the second STUN address", "address", l.remote, "err", why)
	}
}

// troubled logs why there is no partner, once for each reason.
func (s *Server) troubled(with string, err error) {
	if err == nil || errors.Is(err, errPartnerReplaced) {
		return
	}
	p := &s.partners
	p.mu.Lock()
	defer p.mu.Unlock()
	if op, ok := errors.AsType[*net.OpError](err); ok { // without the addresses in it: the port is another each time
		err = fmt.Errorf("%s: %w", op.Op, op.Err)
	}
	if text := with + " " + err.Error(); !p.troubles[text] && (len(p.troubles) < maxPartnerTroubles || slices.Contains(p.places, with)) {
		p.troubles[text] = true
		s.log.Warn("no partner", "with", with, "err", err)
		return
	}
	s.log.Debug("no partner", "with", with, "err", err)
}
