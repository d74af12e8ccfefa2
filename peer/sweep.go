package peer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/stun/v3"
	"github.com/pion/webrtc/v4"
)

// The sweep asks over the pair that a trial has connected how long a packet may be: connectivity checks (RFC 8445 section 7.2.4) of growing size, which any ICE
// agent must answer, and answers shortly. Where the long ones stay out, the path swallows them (a small MTU and no word of it); where all are answered and DTLS
// still is not, something on the way knows DTLS and drops it. They leave through the trial's own socket with its own credentials, and their answers are
// taken out before pion sees them.

// sweepSizes are bytes of UDP payload: around the MTUs that tunnels have (576, 1280, 1400, 1492) down to what DTLS of every agent fits in.
var sweepSizes = []int{100, 300, 548, 700, 900, 1000, 1100, 1200, 1252, 1280, 1372, 1400, 1464, 1472}

const (
	sweepTries  = 3
	sweepEvery  = 10 * time.Millisecond  // between two packets: 140 kB/s at the most
	sweepAgain  = 400 * time.Millisecond // between the first packets of two tries, and after the last
	sweepAfter  = 2 * time.Second        // after ICE has connected: DTLS is through by then, or does not come
	maxIPv6Size = 1452                   // what an Ethernet frame holds behind an IPv6 header
)

// sweepOnce begins the sweep when ICE has connected.
func (t *trial) sweepOnce(ctx context.Context) {
	if t.swept || t.pc == nil || t.start.Trial.Kind().Solo() {
		return
	}
	if s := t.pc.ICEConnectionState(); s != webrtc.ICEConnectionStateConnected && s != webrtc.ICEConnectionStateCompleted {
		return
	}
	t.swept = true
	remote := t.remote
	if !t.begin() {
		return
	}
	go func() {
		defer t.work.Done()
		soon(ctx, t.dtlsUp.done, sweepAfter)
		if ctx.Err() == nil {
			t.sweep(ctx, remote)
		}
	}()
}

// sweep tells one probe for each size. A trial that ends meanwhile leaves out what had not been answered: that is not known, and not "no".
func (t *trial) sweep(ctx context.Context, remote credentials) {
	pair, err := t.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil || pair.Local.Protocol != webrtc.ICEProtocolUDP {
		return
	}
	port, ok := t.bases.Load(candidateAddress(pair.Local))
	if !ok {
		return // relayed: the socket is the relay's
	}
	to := candidateAddress(pair.Remote)
	last, ok := t.wire.check(port.(uint16), to)
	if !ok {
		return
	}
	s := &sweep{wire: t.wire, conn: last.conn, to: net.UDPAddrFromAddrPort(to), port: port.(uint16), remote: to}
	for _, size := range sweepSizes {
		if to.Addr().Is6() && size > maxIPv6Size {
			continue
		}
		if err := s.add(last.request, remote.pwd, size); err != nil {
			t.log.Debug("sweep", "size", size, "error", err)
		}
	}
	defer s.forget()
	t.sweeping.Store(s)
	restore, err := dontFragment(last.conn)
	if err != nil {
		t.log.Debug("sweep", "error", err)
	}
	defer restore()
	whole := s.run(ctx)
	from := addrPort(last.conn.LocalAddr())
	if local := candidateAddress(pair.Local); pair.Local.Typ == webrtc.ICECandidateTypeHost {
		from = local
	}
	for _, r := range s.results() {
		if !whole && !r.Answered {
			continue
		}
		r.What, r.Trial, r.From, r.To, r.AtMs = "size", t.start.Trial, from.String(), to.String(), t.atMs()
		t.send(protocol.ClientMessage{Type: protocol.ClientProbe, Probe: &r})
	}
}

func candidateAddress(c *webrtc.ICECandidate) netip.AddrPort {
	ip, _ := netip.ParseAddr(c.Address) // the invalid address is nobody's
	return netip.AddrPortFrom(ip.Unmap().WithZone(""), c.Port)
}

// sweep is the checks of one pair.
type sweep struct {
	wire *wire
	conn net.PacketConn
	to   net.Addr
	// The pair's local port and remote address, by which the samples find it.
	port   uint16
	remote netip.AddrPort

	mu     sync.Mutex // over what follows, where it changes
	sizes  []*sized
	open   int
	closed closing // all are answered
}

// sized is the check of one size: each try is the same packet.
type sized struct {
	packet []byte
	id     txid
	probe  protocol.Probe
	last   time.Time
}

// add makes the check of one size, or, where the least is longer than that, the least.
func (s *sweep) add(like *stun.Message, pwd string, size int) error {
	m, err := paddedCheck(like, pwd, size)
	if err != nil {
		return err
	}
	if n := len(s.sizes); n > 0 && s.sizes[n-1].probe.Size == len(m.Raw) {
		return nil // the least, again
	}
	one := &sized{packet: m.Raw, id: m.TransactionID, probe: protocol.Probe{Size: len(m.Raw)}}
	s.sizes = append(s.sizes, one)
	s.open++
	if s.closed.done == nil {
		s.closed.done = make(chan struct{})
	}
	s.wire.mu.Lock()
	s.wire.sweeps[one.id] = func() { s.answered(one) }
	s.wire.mu.Unlock()
	return nil
}

func (s *sweep) forget() {
	s.wire.mu.Lock()
	defer s.wire.mu.Unlock()
	for _, one := range s.sizes {
		delete(s.wire.sweeps, one.id)
	}
}

func (s *sweep) answered(one *sized) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.probe.Answered {
		return
	}
	one.probe.Answered, one.probe.RTTMs = true, milliseconds(time.Since(one.last))
	if s.open--; s.open == 0 {
		s.closed.close()
	}
}

// run sends what is not answered, sweepTries times. False: ctx ended before every size had its time.
func (s *sweep) run(ctx context.Context) bool {
	if len(s.sizes) == 0 {
		return true
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for range sweepTries {
		began := time.Now()
		for _, one := range s.sizes {
			if !s.send(one) {
				continue
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return false
			}
		}
		soon(ctx, s.closed.done, sweepAgain-min(time.Since(began), sweepAgain/2))
		select {
		case <-s.closed.done:
			return true
		case <-ctx.Done():
			return false
		default:
		}
	}
	return true
}

// send sends one check, unless it is answered.
func (s *sweep) send(one *sized) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.probe.Answered {
		return false
	}
	one.last = time.Now()
	switch _, err := s.conn.WriteTo(one.packet, s.to); {
	case err == nil:
		one.probe.Sent++
	case errors.Is(err, syscall.EMSGSIZE):
		one.probe.Error = "EMSGSIZE: this machine knows that the path takes no packets of that size"
	default:
		one.probe.Error = err.Error()
	}
	return true
}

// count is what the sweep has sent and been answered. The other end counts these checks like any other; here pion does not know of them.
func (s *sweep) count() (sent, answered int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sizes {
		sent += int64(one.probe.Sent)
		if one.probe.Answered {
			answered++
		}
	}
	return sent, answered
}

func (s *sweep) results() []protocol.Probe {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []protocol.Probe
	for _, one := range s.sizes {
		out = append(out, one.probe)
	}
	return out
}

const (
	// maxSoftware is the longest SOFTWARE that every edition of STUN allows (RFC 5389 section 15.10; RFC 8489 section 14.14 says 509), cut to whole words of four bytes.
	maxSoftware = 508
	// attrPadding is comprehension-optional and nobody's: an agent that does not know it ignores it (RFC 8489 section 14).
	attrPadding = stun.AttrType(0xC0F0)
	attrHeader  = 4
	trailer     = 24 + 8 // MESSAGE-INTEGRITY and FINGERPRINT, which stand last
)

// paddedCheck is a connectivity check like another one, with a transaction of its own and without a nomination, made size bytes long.
func paddedCheck(like *stun.Message, pwd string, size int) (*stun.Message, error) {
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID)
	if err != nil {
		return nil, err
	}
	for _, a := range like.Attributes {
		switch a.Type {
		case stun.AttrUsername, stun.AttrPriority, stun.AttrICEControlled, stun.AttrICEControlling:
			m.Add(a.Type, a.Value)
		}
	}
	software := "icescope " + strings.Repeat(".", maxSoftware)
	for attr, longest := stun.AttrSoftware, maxSoftware; ; attr, longest = attrPadding, maxSoftware {
		left := size - len(m.Raw) - trailer - attrHeader
		if left < 0 {
			break
		}
		// What is left after this one must be nothing or hold a header.
		m.Add(attr, []byte(software[:min(left&^3, longest)]))
	}
	for _, s := range []stun.Setter{stun.NewShortTermIntegrity(pwd), stun.Fingerprint} {
		if err := s.AddTo(m); err != nil {
			return nil, err
		}
	}
	return m, nil
}
