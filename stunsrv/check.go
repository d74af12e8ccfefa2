package stunsrv

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
	"golang.org/x/time/rate"
)

const (
	// MaxCheckPackets is how many packets one check sends at most: enough for a few lost ones in a closed network, too few to trouble anyone.
	MaxCheckPackets = 5
	// checksPerSecond and checkBurst are for the whole server. A room of two needs about ten direct checks at its start and up to a dozen that measure filtering, and
	// two rooms may begin at once; the rate keeps the server from being a packet cannon.
	checksPerSecond = 60
	checkBurst      = 60
	// checkPriority is that of a peer-reflexive candidate (type preference 110) of the first component (RFC 8445 sections 5.1.2.1 and 5.1.2.2).
	checkPriority = 110<<24 | 65535<<8 | 255
	// minCheckPort: no browser gathers a candidate below it, and services listen there (facts: Chromium rejects such candidates too).
	minCheckPort = 1024
	// Lengths of ice-ufrag and ice-pwd in characters (RFC 8839 section 5.4).
	minUfrag, minPwd, maxCredential = 4, 22, 256
	// answerQueue is how many responses to one check may wait: one to each packet, and a forged one.
	answerQueue = MaxCheckPackets + 1
)

// usualPauses are those of a check that has none of its own. The pause doubles (RFC 8489 section 6.2.1 doubles as well), and round trips of closed networks are below
// the first. The last is how long the last packet is waited for.
var usualPauses = []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond}

// Errors of Check for which nothing was sent.
var (
	ErrNotServing  = errors.New("stunsrv: the server is not serving")
	ErrTarget      = errors.New("stunsrv: no address to send a check to")
	ErrCredentials = errors.New("stunsrv: not an ICE credential")
	ErrNoSocket    = errors.New("stunsrv: no socket to send the check from")
	ErrCheckRate   = errors.New("stunsrv: too many checks")
	ErrPauses      = errors.New("stunsrv: too many packets for one check")
)

// CheckRequest is one connectivity check to send (RFC 8445 section 7.2.2).
type CheckRequest struct {
	To          netip.AddrPort // the candidate's address: unicast, not loopback, port 1024 or above
	RemoteUfrag string         // ice-ufrag and ice-pwd that the answerer signaled (RFC 8839 section 5.4)
	RemotePwd   string
	LocalUfrag  string // ours; the answerer knows it from the description that it was given, or does not look
	// Controlling sends ICE-CONTROLLING, else ICE-CONTROLLED (RFC 8445 section 7.1.3). The wrong one is answered with 487, which is an answer as well.
	Controlling bool
	TieBreaker  uint64 // 0: random
	Priority    uint32 // of the peer-reflexive candidate that the check would make (RFC 8445 section 7.1.1); 0: the usual one
	FromPort    Port
	From        netip.Addr // which address of this machine; zero: the one that routing chooses for To
	// Pauses are those after packet 1, 2 and so on; their number is that of the packets, at most MaxCheckPackets. Empty: three packets, 1.4 s in all. Without
	// Enough the last pause is how long the last packet is waited for.
	Pauses []time.Duration
	// AllSent is called by Check itself, after the last packet was written; never where the check ends before that. It must not wait. Nil: nobody.
	AllSent func()
	// Enough, when closed, ends the wait: what was sent and not answered by then is unanswered; where nothing was sent yet, the result is "error". Nil: never.
	Enough <-chan struct{}
	// NotAfter is when it may begin at the latest: a check whose turn would come later is not sent (ErrCheckRate). Zero: whenever its turn comes.
	NotAfter time.Time
}

// CheckResult is what came of a check.
type CheckResult struct {
	From, To netip.AddrPort
	Sent     int // packets, at most MaxCheckPackets
	// Result is as in protocol.Check: "answered" from To, "non-symmetric" (RFC 8445 section 7.2.5.2.1), "unanswered", or "error": it could not be sent, or the wait
	// was cut short other than by Enough. Error responses are answers.
	Result   string
	Answerer netip.AddrPort // source of the answer
	Arrived  netip.AddrPort // the server's address that the answer came to; other than From only where the result is "non-symmetric"
	Mapped   netip.AddrPort // XOR-MAPPED-ADDRESS of the answer
	RTT      time.Duration  // 0: not known, because it is not known which packet was answered
	Error    string         // of an error response "487 Role Conflict", else why the result is "error"
}

// Protocol is the result as it stands in a recording.
func (r CheckResult) Protocol(trial protocol.TrialID, purpose string) protocol.Check {
	c := protocol.Check{Trial: trial, Purpose: purpose, From: text(r.From), To: text(r.To), Sent: r.Sent, Result: r.Result,
		RTTMs: float64(r.RTT) / float64(time.Millisecond), Error: r.Error}
	if r.Answerer.IsValid() {
		c.Answerer = text(r.Answerer)
	}
	if r.Mapped.IsValid() {
		c.Mapped = text(r.Mapped)
	}
	return c
}

// transactionID is cookie and transaction id, the 16 bytes of a header (RFC 8489 section 5).
type transactionID [16]byte

// arrival is a response with the id of a check.
type arrival struct {
	raw           []byte
	source, local netip.AddrPort
	at            time.Time
}

// checks are those that wait for an answer. The read loops deliver to them.
type checks struct {
	pace *rate.Limiter
	done chan struct{}

	mu      sync.Mutex
	waiting map[transactionID]chan arrival

	lent lentChecks
}

func (c *checks) init() {
	c.pace = rate.NewLimiter(checksPerSecond, checkBurst)
	c.done = make(chan struct{})
	c.waiting = make(map[transactionID]chan arrival)
}

func (c *checks) close() { close(c.done) }

func (c *checks) add(id transactionID) <-chan arrival {
	answers := make(chan arrival, answerQueue)
	c.mu.Lock()
	c.waiting[id] = answers
	c.mu.Unlock()
	return answers
}

func (c *checks) remove(id transactionID) {
	c.mu.Lock()
	delete(c.waiting, id)
	c.mu.Unlock()
}

// deliver hands a response to the check that has its id, here or at a partner, if there is one. It copies raw, and never waits.
func (c *checks) deliver(raw []byte, source, local netip.AddrPort) {
	if !c.hand(raw, source, local) {
		c.lent.hand(raw, source, local)
	}
}

// hand is deliver for the checks of this server, and tells whether it was one.
func (c *checks) hand(raw []byte, source, local netip.AddrPort) bool {
	c.mu.Lock()
	answers := c.waiting[transactionID(raw[4:headerSize])]
	c.mu.Unlock()
	if answers == nil {
		return false
	}
	select {
	case answers <- arrival{raw: append([]byte(nil), raw...), source: source, local: local, at: time.Now()}:
	default:
	}
	return true
}

// Check sends a signed connectivity check and waits for what comes of it, about 1.4 s where nothing does and the request says nothing else. It waits its turn where many are sent at once.
// An error means that the result says nothing about the network: nothing was sent (one of the errors above), or ctx or the server ended first; then the
// result still tells how far it came.
func (s *Server) Check(ctx context.Context, r CheckRequest) (CheckResult, error) {
	r.To = unmapped(r.To)
	result := CheckResult{To: r.To, Result: "error"}
	if len(r.Pauses) == 0 {
		r.Pauses = usualPauses
	}
	if err := s.checkable(r); err != nil {
		return result, err
	}
	out, err := s.outletFor(r)
	if err != nil {
		return result, err
	}
	from := out.from
	result.From = from
	if err := s.awaitServing(ctx); err != nil {
		return result, err
	}
	queue, leave := ctx, context.CancelFunc(func() {})
	if !r.NotAfter.IsZero() {
		queue, leave = context.WithDeadline(ctx, r.NotAfter)
	}
	err = s.checks.pace.Wait(queue)
	leave()
	if err != nil {
		return result, fmt.Errorf("%w: %w", ErrCheckRate, err)
	}
	if r.TieBreaker == 0 {
		r.TieBreaker = randomUint64()
	}
	if r.Priority == 0 {
		r.Priority = checkPriority
	}
	id := newTransactionID()
	packet := appendCheck(nil, id[:], r)
	answers := s.checks.add(id)
	defer s.checks.remove(id)

	timer := time.NewTimer(0)
	defer timer.Stop()
	var first time.Time
	answered := func(a arrival) bool {
		answer, ok := readCheckAnswer(a.raw, r.RemotePwd)
		if !ok {
			return false
		}
		result.Result, result.Answerer, result.Arrived, result.Mapped, result.Error = "answered", a.source, a.local, answer.mapped, answer.err
		if text(a.source) != text(r.To) || text(a.local) != text(from) {
			result.Result = "non-symmetric"
		}
		if result.Sent == 1 && out.gone == nil {
			result.RTT = a.at.Sub(first)
		}
		return true
	}
	tooSoon := func() bool { // no silence to speak of
		if result.Sent == 0 {
			result.Error = "stopped early: nothing was sent yet"
		}
		return result.Sent == 0
	}
	silent := func() { // the wait is over; what has come by now still counts
		select {
		case <-out.gone: // who knows what has come
			result.Error = errPartnerGone.Error()
			return
		default:
		}
		result.Result = "unanswered"
		for len(answers) > 0 {
			if answered(<-answers) {
				return
			}
		}
	}
	for {
		select {
		case a := <-answers:
			if answered(a) {
				return result, nil
			}
		case <-r.Enough:
			if !tooSoon() {
				silent()
			}
			return result, nil
		case <-timer.C:
			select {
			case <-r.Enough:
				if tooSoon() {
					return result, nil
				}
			default:
			}
			if result.Sent == len(r.Pauses) {
				silent()
				return result, nil
			}
			if result.Sent == 0 {
				first = time.Now()
			}
			if err := out.write(ctx, packet); err != nil {
				result.Error = err.Error()
				return result, nil
			}
			timer.Reset(r.Pauses[result.Sent])
			if result.Sent++; result.Sent == len(r.Pauses) && r.AllSent != nil {
				r.AllSent()
			}
		case <-out.gone:
			result.Error = errPartnerGone.Error()
			return result, nil
		case <-ctx.Done():
			result.Error = "stopped early: " + ctx.Err().Error()
			return result, ctx.Err()
		case <-s.checks.done:
			result.Error = "stopped early: the server is closing"
			return result, ErrNotServing
		}
	}
}

// awaitServing waits for the loops that read answers: without them every check would seem unanswered.
func (s *Server) awaitServing(ctx context.Context) error {
	select {
	case <-s.checks.done:
		return ErrNotServing
	default:
	}
	select {
	case <-s.serving:
		return nil
	case <-s.checks.done:
		return ErrNotServing
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotServing, ctx.Err())
	}
}

// checkable refuses what must not be sent.
func (s *Server) checkable(r CheckRequest) error {
	if !between(minUfrag, r.RemoteUfrag) || !between(minUfrag, r.LocalUfrag) || !between(minPwd, r.RemotePwd) {
		return fmt.Errorf("%w: a ufrag has %d to %d characters, a pwd %d to %d", ErrCredentials, minUfrag, maxCredential, minPwd, maxCredential)
	}
	if len(r.Pauses) > MaxCheckPackets {
		return fmt.Errorf("%w: %d, at most %d", ErrPauses, len(r.Pauses), MaxCheckPackets)
	}
	return s.reachableTarget(r.To)
}

// reachableTarget refuses an address that no ICE agent has.
func (s *Server) reachableTarget(at netip.AddrPort) error {
	to := at.Addr()
	switch {
	case !to.IsValid() || to.IsUnspecified() || to.IsMulticast() || broadcast(to):
		return fmt.Errorf("%w: %s is not unicast", ErrTarget, to)
	case at.Port() < minCheckPort:
		return fmt.Errorf("%w: port %d is below %d", ErrTarget, at.Port(), minCheckPort)
	case to.IsLoopback() && !s.config.AllowLoopbackChecks:
		return fmt.Errorf("%w: %s is this machine", ErrTarget, to)
	}
	return nil
}

func between(least int, s string) bool { return len(s) >= least && len(s) <= maxCredential }

// broadcast tells the limited broadcast address, and those of the networks that this machine stands in (RFC 919).
func broadcast(a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	if a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return true
	}
	for _, p := range machineAddrs() {
		if p.Addr().Is4() && p.Bits() < 31 && p.Contains(a) {
			host := ^uint32(0) >> p.Bits()
			ip := a.As4()
			if n := binary.BigEndian.Uint32(ip[:]); n&host == host || n&host == 0 {
				return true
			}
		}
	}
	return false
}

// outlet is where a check leaves from.
type outlet struct {
	from  netip.AddrPort
	write func(ctx context.Context, packet []byte) error // returns when the kernel has it
	gone  <-chan struct{}                                // closed when answers can no longer be seen; nil: always they can
}

// outletFor finds the place that a check leaves from: a socket here, or a partner's.
func (s *Server) outletFor(r CheckRequest) (outlet, error) {
	if p := s.lent[family(r.From.Unmap())].Load(); p != nil && r.From.Unmap() == p.secondary && r.To.Addr().Is4() == p.secondary.Is4() {
		from := netip.AddrPortFrom(p.secondary, s.ports[r.FromPort])
		return outlet{from, func(ctx context.Context, packet []byte) error { return p.link.check(ctx, packet, from, r.To) }, p.link.done}, nil
	}
	sock, from, err := s.socketFor(r)
	if err != nil {
		return outlet{}, err
	}
	var pin []byte
	if sock.local.Addr().IsUnspecified() {
		pin = sendFrom(from.Addr())
	}
	return outlet{from: from, write: func(_ context.Context, packet []byte) error {
		_, _, err := sock.conn.WriteMsgUDPAddrPort(packet, pin, r.To)
		return err
	}}, nil
}

// socketFor finds the socket and the source address for a check.
func (s *Server) socketFor(r CheckRequest) (*socket, netip.AddrPort, error) {
	from := r.From.Unmap()
	if !from.IsValid() {
		var err error
		if from, err = routeSource(r.To); err != nil {
			return nil, netip.AddrPort{}, fmt.Errorf("%w: %w", ErrNoSocket, err)
		}
	}
	var found *socket
	for _, sock := range s.sockets {
		bound := sock.local.Addr()
		if sock.port != r.FromPort || bound.Is4() != r.To.Addr().Is4() {
			continue
		}
		if bound.IsUnspecified() || bound.WithZone("") == from.WithZone("") {
			return sock, netip.AddrPortFrom(from, sock.local.Port()), nil
		}
		if found == nil && !r.From.IsValid() {
			found = sock // routing would choose an address that the server was told not to use
		}
	}
	if found == nil {
		return nil, netip.AddrPort{}, fmt.Errorf("%w: none at %s for %s", ErrNoSocket, from, r.To)
	}
	return found, found.local, nil
}

// routeSource asks the kernel which of this machine's addresses it would use towards to. Connecting a UDP socket sends nothing.
func routeSource(to netip.AddrPort) (netip.Addr, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

func newTransactionID() (id transactionID) {
	_, _ = rand.Read(id[:]) // crypto/rand: whoever cannot see the check cannot guess it; Read never fails
	binary.BigEndian.PutUint32(id[:], magicCookie)
	return id
}

func randomUint64() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}
