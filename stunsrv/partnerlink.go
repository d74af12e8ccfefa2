package stunsrv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/time/rate"

	"github.com/icescope/icescope/protocol"
)

const (
	// partnerHeartbeat is how often each end says something, and partnerPatience how long it is missed before the partner counts as lost. Until then clients are told of an
	// address that may not answer, so it is short; three beats forgive a busy machine.
	partnerHeartbeat = time.Second
	partnerPatience  = 3500 * time.Millisecond
	// partnerQueue is in frames. Who does not read as many in time is lost.
	partnerQueue = 1024
	// partnerFramesPerSecond and partnerFramesBurst are what a partner may send: more than an honest one ever does.
	partnerFramesPerSecond, partnerFramesBurst = 4000, 4000
	// partnerAnswersPerSecond and partnerAnswersBurst are for answers that are to leave from the partner. A classification takes a few; what is over them is silence, so they
	// are far above what a room of people asks for.
	partnerAnswersPerSecond, partnerAnswersBurst = 400, 400
	// partnerSightingsPerSecond and partnerSightingsBurst bound what a flood here costs there.
	partnerSightingsPerSecond, partnerSightingsBurst = 1000, 1000
	// sightingsPerFrame: at 1.3 kB for the longest they fit into a frame.
	sightingsPerFrame = 10
	// emitPatience is how long the partner may take to send what it was asked to.
	emitPatience = time.Second
)

var (
	errPartnerSlow   = errors.New("the partner does not read")
	errPartnerGone   = errors.New("the partner is gone")
	errPartnerTooBig = errors.New("the partner sends too much")
)

// link is a connection to a partner whose key was proved.
type link struct {
	s             *Server
	raw, conn     net.Conn
	in            *bufio.Reader
	local, remote netip.Addr // of the connection: the two IPs
	dialer        bool       // this side called
	peer          partnerHello

	frames    *rate.Limiter // that come
	answers   *rate.Limiter // that are to leave there
	sightings *rate.Limiter // that go there
	lends     *rate.Limiter // that leave here

	out  chan []byte
	wake chan struct{}
	done chan struct{} // closed when the link is of no use any more
	once sync.Once
	why  error // of done

	mu      sync.Mutex
	ticket  uint64
	waiting map[uint64]chan error // by ticket
	seen    []protocol.Sighting   // to be told
}

func newLink(s *Server, raw, conn net.Conn, dialer bool) *link {
	return newLinkAt(s, raw, conn, dialer, addrOf(raw.LocalAddr()), addrOf(raw.RemoteAddr()))
}

func newLinkAt(s *Server, raw, conn net.Conn, dialer bool, local, remote netip.Addr) *link {
	return &link{
		s: s, raw: raw, conn: conn, in: bufio.NewReader(conn), dialer: dialer, local: local, remote: remote,
		frames:    rate.NewLimiter(partnerFramesPerSecond, partnerFramesBurst),
		answers:   rate.NewLimiter(partnerAnswersPerSecond, partnerAnswersBurst),
		sightings: rate.NewLimiter(partnerSightingsPerSecond, partnerSightingsBurst),
		lends:     rate.NewLimiter(lendsPerSecond, lendsBurst),
		out:       make(chan []byte, partnerQueue), wake: make(chan struct{}, 1), done: make(chan struct{}), waiting: make(map[uint64]chan error),
	}
}

func addrOf(a net.Addr) netip.Addr {
	return a.(*net.TCPAddr).AddrPort().Addr().Unmap().WithZone("")
}

func (l *link) hello() partnerHello {
	return partnerHello{Instance: l.s.partners.instance, Local: l.local, Remote: l.remote, Ports: l.s.ports}
}

// agree exchanges hellos and verdicts.
func (l *link) agree() error {
	mine := l.hello()
	theirs, err := l.swap(&partnerFrame{Hello: &mine})
	if err != nil {
		return err
	}
	if theirs.Hello == nil {
		return errNotAPreface
	}
	l.peer = *theirs.Hello
	refused := l.s.refuses(l)
	trouble := refused
	if old := l.s.partners.link(family(l.local)); refused == nil && old != nil && !l.replaces(old) {
		refused, trouble = errPartnerBusy, errPartnerBusy
	}
	verdict := partnerVerdict{}
	if refused != nil {
		verdict.Refused = refused.Error()
	}
	theirs, err = l.swap(&partnerFrame{Verdict: &verdict})
	switch {
	case trouble != nil:
		return trouble
	case err != nil:
		return err
	case theirs.Verdict == nil:
		return errNotAPreface
	case theirs.Verdict.Refused == errPartnerBusy.Error():
		return errPartnerBusy
	case theirs.Verdict.Refused != "":
		return fmt.Errorf("refused by the partner: %s", printableReason(theirs.Verdict.Refused))
	}
	return nil
}

// printableReason cuts what a partner says to what may stand in a log.
func printableReason(s string) string {
	const most = 400
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s[:min(len(s), most)])
}

func (l *link) swap(f *partnerFrame) (*partnerFrame, error) {
	b, err := f.encode()
	if err != nil {
		return nil, err
	}
	if _, err := l.conn.Write(b); err != nil {
		return nil, err
	}
	return readPartnerFrame(l.in)
}

// replaces tells whether l takes the place of old. A partner that calls again has lost the old connection, or was started anew. Where both have called at once, both
// keep the call of the one whose name is the smaller.
func (l *link) replaces(old *link) bool {
	switch {
	case l.remote != old.remote:
		return false
	case l.peer.Instance != old.peer.Instance || l.dialer == old.dialer:
		return true
	}
	return l.dialer == (l.s.partners.instance < l.peer.Instance)
}

// run carries frames until one side fails, and tells why.
func (l *link) run() error {
	var writer sync.WaitGroup
	writer.Go(func() { l.fail(l.write()) })
	l.fail(l.read())
	writer.Wait()
	return l.why
}

// fail ends the link; the first reason counts.
func (l *link) fail(why error) {
	l.once.Do(func() {
		switch {
		case errors.Is(why, io.EOF) || errors.Is(why, io.ErrUnexpectedEOF):
			why = errors.New("it closed the connection")
		case errors.Is(why, os.ErrDeadlineExceeded):
			why = fmt.Errorf("nothing was heard of it for %s", partnerPatience)
		}
		l.why = why
		l.s.part(l, why)
		close(l.done)
		l.raw.Close()
	})
}

func (l *link) read() error {
	for {
		_ = l.raw.SetReadDeadline(time.Now().Add(partnerPatience))
		f, err := readPartnerFrame(l.in)
		if err != nil {
			return err
		}
		if !l.frames.Allow() {
			return errPartnerTooBig
		}
		l.take(f)
	}
}

// take does what a frame says.
func (l *link) take(f *partnerFrame) {
	if f.Emit != nil {
		err := l.lend(f.Emit)
		if err != nil {
			l.s.log.Debug("not sent for the partner", "to", f.Emit.To, "err", err)
		}
		if f.Emit.Ticket != 0 {
			done := partnerEmitted{Ticket: f.Emit.Ticket}
			if err != nil {
				done.Error = err.Error()
			}
			l.must(&partnerFrame{Emitted: &done})
		}
	}
	if f.Emitted != nil {
		l.mu.Lock()
		waiting := l.waiting[f.Emitted.Ticket]
		delete(l.waiting, f.Emitted.Ticket)
		l.mu.Unlock()
		if waiting != nil {
			var err error
			if f.Emitted.Error != "" {
				err = fmt.Errorf("the partner did not send it: %s", printableReason(f.Emitted.Error))
			}
			waiting <- err
		}
	}
	if a := f.Arrival; a != nil && a.Local.Addr() == l.remote {
		if m, ok := parseMessage(a.Packet); ok && (m.typ == typeBindingSuccess || m.typ == typeBindingError) {
			l.s.checks.hand(a.Packet, unmapped(a.Source), a.Local)
		}
	}
	for _, x := range f.Sightings {
		if x, ok := l.believable(x); ok {
			l.s.tell(x)
		}
	}
}

// believable lets in what a partner can have seen: a partner speaks for its own address only, and in words that may stand in a report.
func (l *link) believable(x protocol.Sighting) (protocol.Sighting, bool) {
	source, err := netip.ParseAddrPort(x.Source)
	local, err2 := netip.ParseAddrPort(x.Local)
	kinds := []string{kindBinding.String(), kindCheck.String(), kindWhoami.String()}
	if err != nil || err2 != nil || local.Addr() != l.remote || x.Requests < 1 || x.Transport != "udp" && x.Transport != "tcp" || !slices.Contains(kinds, x.Kind) {
		return x, false
	}
	return protocol.Sighting{Source: text(source), Local: text(local), Transport: x.Transport, Kind: x.Kind, Requests: x.Requests, Answered: x.Answered,
		UserAgent: printable([]byte(x.UserAgent)), SourceTTL: x.SourceTTL, Username: usernameText([]byte(x.Username))}, true
}

func (l *link) write() error {
	beat := time.NewTicker(partnerHeartbeat)
	defer beat.Stop()
	alive, err := (&partnerFrame{}).encode()
	if err != nil {
		return err
	}
	for {
		frame := alive
		select {
		case frame = <-l.out:
		case <-beat.C:
		case <-l.wake:
			l.mu.Lock()
			n := min(len(l.seen), sightingsPerFrame)
			batch := l.seen[:n:n]
			if l.seen = l.seen[n:]; len(l.seen) > 0 {
				l.wakeUp()
			}
			l.mu.Unlock()
			if frame, err = (&partnerFrame{Sightings: batch}).encode(); err != nil {
				return err
			}
		case <-l.done:
			return nil
		}
		_ = l.raw.SetWriteDeadline(time.Now().Add(partnerPatience))
		if _, err := l.conn.Write(frame); err != nil {
			return err
		}
	}
}

func (l *link) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// pass tells the partner of a sighting. What is over the rate is dropped: a check that is not seen opens nothing, and so proves nothing.
func (l *link) pass(x protocol.Sighting) {
	if !l.sightings.Allow() {
		return
	}
	l.mu.Lock()
	l.seen = append(l.seen, x) // the rate bounds it, or the link ends
	l.mu.Unlock()
	l.wakeUp()
}

// queue gives a frame to the writer, and tells whether there was room.
func (l *link) queue(f *partnerFrame) bool {
	b, err := f.encode()
	if err != nil {
		l.s.log.Debug("no frame for the partner", "err", err)
		return false
	}
	select {
	case l.out <- b:
		return true
	default:
		return false
	}
}

// must is for what is evidence. A link that would lose some is worth nothing: from its end on, nothing is concluded from a silence.
func (l *link) must(f *partnerFrame) {
	if !l.queue(f) {
		l.fail(errPartnerSlow)
	}
}

// answer has an answer leave from a corner of the partner. It copies packet, and never waits.
func (l *link) answer(packet []byte, from, to netip.AddrPort) error {
	if !l.answers.Allow() {
		return ErrCheckRate
	}
	if !l.queue(&partnerFrame{Emit: &partnerEmit{From: from, To: to, Packet: packet}}) {
		return errPartnerSlow
	}
	return nil
}

// check has a packet of a check leave from a corner of the partner, and waits until it has.
func (l *link) check(ctx context.Context, packet []byte, from, to netip.AddrPort) error {
	sent := make(chan error, 1)
	l.mu.Lock()
	l.ticket++
	ticket := l.ticket
	l.waiting[ticket] = sent
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.waiting, ticket)
		l.mu.Unlock()
	}()
	l.must(&partnerFrame{Emit: &partnerEmit{From: from, To: to, Packet: packet, Ticket: ticket}})
	patience := time.NewTimer(emitPatience)
	defer patience.Stop()
	select {
	case err := <-sent:
		return err
	case <-l.done:
		return errPartnerGone
	case <-patience.C:
		return fmt.Errorf("the partner did not say within %s that it was sent", emitPatience)
	case <-ctx.Done():
		return ctx.Err()
	}
}
