package natprobe

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
)

const (
	// tcpWait bounds the TCP step where UDP answers: it runs beside the others and must not make the whole longer than 2 s.
	tcpWait = 1500 * time.Millisecond
	// tcpWaitBlocked is where UDP does not answer: TCP then decides whether UDP is blocked or the server is away.
	tcpWaitBlocked = 4 * time.Second
	// maxRoundTrip bounds what a slow answer can do to the clocks.
	maxRoundTrip = time.Second
)

// The packets, in the words of the standards.
const (
	binding       = "Binding request"
	bindingChange = "Binding request, CHANGE-REQUEST "
	bindingPad    = "Binding request, PADDING"
	bindingPort   = "Binding request, RESPONSE-PORT"
)

// probe is one run.
type probe struct {
	Config
	network Network
	server  netip.AddrPort // corner PP
	source  netip.Addr     // of this machine, zone included
	result  protocol.NATResult
	found   findings

	readers sync.WaitGroup

	telling              sync.Mutex // OnTest is called with it held
	mu                   sync.Mutex
	sockets              []*socket
	rtt                  time.Duration // the longest clean one
	portsSeen, portsKept int
	outside              []netip.Addr // the IPs under which the primary corner has seen our sockets
	ignored              int          // datagrams that answer nothing
	stranger,
	misplaced netip.AddrPort // where the last ignored datagram, and the last answer from an unexpected place, came from
	misplacedCount int
}

// Run classifies. The error is for what cannot be asked at all (no such host, no socket); a server that does not answer is a result.
// All goroutines have ended and all sockets are closed when it returns. A context that ends early ends it with what is known and the context's error.
func Run(ctx context.Context, c Config) (protocol.NATResult, error) {
	began := time.Now()
	p := &probe{Config: c, network: c.Network}
	if p.network == nil {
		p.network = machine{}
	}
	if p.MaxLifetime == 0 {
		p.MaxLifetime = DefaultMaxLifetime
	}
	if p.Lifetime && p.MaxLifetime < minMaxLifetime {
		return protocol.NATResult{}, fmt.Errorf("a search up to %s is too short to tell anything; try %s", p.MaxLifetime, DefaultMaxLifetime)
	}
	var err error
	if p.server, err = c.resolve(ctx); err != nil {
		return protocol.NATResult{}, err
	}
	if p.source, err = p.network.Source(p.server); err != nil {
		return protocol.NATResult{}, fmt.Errorf("no way to %s: %w; does this machine have a route to it?", p.server, err)
	}
	p.result = protocol.NATResult{
		Schema: protocol.NATSchema, Tool: protocol.Tool{Name: "icescope", Version: c.Version}, GeneratedAt: began.UTC().Format(time.RFC3339),
		Server: p.server.String(),
	}
	err = p.run(ctx)
	p.close()
	p.readers.Wait()
	p.conclude()
	p.result.TookMs = float64(time.Since(began).Microseconds()) / 1000
	return p.result, err
}

// run takes the experiments in an order that keeps them apart: whatever the filters remember of this machine, before the filtering tests it has spoken to the primary
// corner alone. Side by side run only those that do not touch each other's ports and places.
func (p *probe) run(ctx context.Context) error {
	base, err := p.open(0)
	if err != nil {
		return fmt.Errorf("no UDP socket on %s: %w", p.source, err)
	}
	p.result.Local = base.local.String()

	tcpCtx, endTCP := context.WithTimeout(ctx, tcpWaitBlocked)
	defer endTCP()
	var tcp sync.WaitGroup
	tcp.Go(func() { p.addressTCP(tcpCtx) })
	defer tcp.Wait()

	first, ok := p.addressUDP(ctx, base)
	if !ok {
		return ctx.Err()
	}
	hurry := time.AfterFunc(tcpWait, endTCP)
	defer hurry.Stop()
	if first.code != 0 {
		return ctx.Err()
	}
	p.rewritten(first)
	c := p.learnCorners(first)

	var beside sync.WaitGroup // these speak to the primary corner alone, from ports of their own
	beside.Go(func() { p.fragments(ctx) })
	beside.Go(func() { p.contiguity(ctx) })
	filters := p.filterTests(ctx, c)
	beside.Wait()
	beside.Go(func() { p.mapping(ctx, base, first, c) })
	beside.Go(func() { p.filterControls(ctx, filters) })
	beside.Wait()
	p.found.classify()
	p.hairpin(ctx)
	tcp.Wait()
	p.lifetime(ctx)
	return ctx.Err()
}

// addressUDP is test I of both series (RFC 5780 sections 4.3 and 4.4), and the question whether UDP passes at all.
func (p *probe) addressUDP(ctx context.Context, s *socket) (answer, bool) {
	a, rtt, err := p.exchange(ctx, s, p.server, firstPauses, func(a answer) bool { return samePlace(a.from, p.server) })
	p.record(s.stepOf(protocol.StepAddressUDP, binding, p.server, protocol.CornerPP, a, rtt, err))
	if err != nil {
		return a, false
	}
	p.measured(rtt) // a first answer counts even where the request was sent again: too long is better than too short
	p.result.UDPBlocked = new(bool)
	p.result.Software = a.software
	switch {
	case a.code != 0:
		p.result.Dialect = "RFC 8489"
		return a, true
	case a.modern:
		p.result.Dialect = "RFC 5780"
	case a.classic:
		p.result.Dialect = "RFC 3489"
	default:
		p.result.Dialect = "RFC 8489"
	}
	p.result.UDPAddress = a.mapped.String()
	if a.other.IsValid() {
		p.result.Other = a.other.String()
	}
	if a.origin.IsValid() { // RFC 5780 section 7.3
		p.result.ServerTranslated = yes(!samePlace(a.origin, p.server))
	}
	own, err := p.network.Own()
	switch translated := !slices.ContainsFunc(append(own, p.source), func(o netip.Addr) bool { return sameAddr(o, a.mapped.Addr()) }); {
	case err == nil:
		p.result.NAT.Translated = &translated
	case !translated:
		p.result.NAT.Translated = &translated
	}
	p.found.translated = p.result.NAT.Translated
	p.preservation(s, a)
	return a, true
}

// rewritten compares the two forms of the same address (RFC 5780 section 3.6): an application-level gateway rewrites the one that it can read.
func (p *probe) rewritten(a answer) {
	t := protocol.NATTest{Step: protocol.StepAddressRewrite, Transport: "udp", Packet: binding, From: p.result.Local, To: p.server.String(), Corner: protocol.CornerPP,
		Result: protocol.StepAnswered, Answerer: a.from.String(), Mapped: a.plain.String()}
	if !a.xored || !a.plain.IsValid() || a.classic {
		t = skipped(protocol.StepAddressRewrite, binding, "one-form")
	} else {
		p.result.Rewritten = yes(!samePlace(a.mapped, a.plain))
	}
	p.record(t)
}

// corners are where the server can be asked. Only PP is certain.
type corners struct {
	ps, sp, ss netip.AddrPort // invalid: not there
	guessed    bool           // ps was not named by the server; icescope's second port is the next one
}

// learnCorners reads OTHER-ADDRESS (RFC 5780 section 7.4) or CHANGED-ADDRESS. What cannot be another place is none.
func (p *probe) learnCorners(a answer) corners {
	o := a.other
	switch {
	case !o.IsValid() && p.server.Port() < 65535:
		return corners{ps: netip.AddrPortFrom(p.server.Addr(), p.server.Port()+1), guessed: true}
	case !o.IsValid():
		return corners{}
	case o.Addr().Is4() != p.server.Addr().Is4():
		p.note("other-family " + o.String())
		return corners{}
	case o.Addr().IsLoopback() && !p.server.Addr().IsLoopback():
		p.note("other-loopback " + o.String())
		return corners{}
	}
	var c corners
	samePort, sameIP := o.Port() == p.server.Port(), sameAddr(o.Addr(), p.server.Addr())
	if !samePort {
		c.ps = netip.AddrPortFrom(p.server.Addr(), o.Port())
	}
	if !sameIP {
		c.sp = netip.AddrPortFrom(o.Addr(), p.server.Port())
	}
	if !samePort && !sameIP {
		c.ss = o
	}
	if samePort || sameIP {
		p.note("other-same " + o.String())
	}
	return c
}

// preservation: does the NAT keep the port (RFC 4787 section 4.2.1)? The first socket shows the step; all others of the run are counted with it.
func (p *probe) preservation(s *socket, a answer) {
	if p.found.translated == nil || !*p.found.translated {
		p.record(skipped(protocol.StepPreservation, binding, "untranslated"))
		return
	}
	p.record(protocol.NATTest{Step: protocol.StepPreservation, Transport: "udp", Packet: binding, From: s.local.String(), To: p.server.String(),
		Corner: protocol.CornerPP, Result: protocol.StepAnswered, Answerer: a.from.String(), Mapped: a.mapped.String()})
	p.kept(s, a)
}

// kept counts one more socket whose port the NAT kept or changed. A NAT that preserves ports tries to, and takes another where that one is in use: most of
// them decide.
func (p *probe) kept(s *socket, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.code != 0 || p.found.translated == nil || !*p.found.translated {
		return
	}
	if !slices.Contains(p.outside, a.mapped.Addr()) {
		p.outside = append(p.outside, a.mapped.Addr())
	}
	p.portsSeen++
	if s.local.Port() == a.mapped.Port() {
		p.portsKept++
	}
	p.result.PortPreservation = yes(2*p.portsKept > p.portsSeen)
}

func yes(b bool) *bool { return &b }

// record keeps a step and tells of it.
func (p *probe) record(t protocol.NATTest) {
	p.telling.Lock()
	defer p.telling.Unlock()
	if t.Result != protocol.StepRunning {
		p.result.NAT.Tests = append(p.result.NAT.Tests, t)
	}
	if p.OnTest != nil {
		p.OnTest(t)
	}
}

// note keeps what is worth knowing beside the steps, as a word and its values; package report makes a sentence of it.
func (p *probe) note(words string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.result.NAT.Evidence = append(p.result.NAT.Evidence, NotePrefix+words)
}

// NotePrefix begins a line of NATReport.Evidence that is not yet a sentence: a word of the catalog (nat.note.WORD) and its values.
const NotePrefix = "note:"

func (p *probe) measured(rtt time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rtt = max(p.rtt, min(rtt, maxRoundTrip))
}

func (p *probe) roundTrip() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rtt
}

func (p *probe) ignore(from netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ignored++
	p.stranger = from
}

// elsewhere counts an answer to our own request that came from a place that was not asked: a path that translates one direction only.
func (p *probe) elsewhere(from netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.misplacedCount++
	p.misplaced = from
}

func (p *probe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sockets {
		_ = s.conn.Close() // it has served
	}
}

// conclude fills the result from what was found. Nothing runs any more.
func (p *probe) conclude() {
	r := &p.result
	if p.misplacedCount > 0 {
		r.NAT.Evidence = append(r.NAT.Evidence, fmt.Sprintf("%sanswered-elsewhere %d %s", NotePrefix, p.misplacedCount, p.misplaced))
	}
	if len(p.outside) > 1 { // RFC 4787 REQ-2 recommends "paired"
		r.NAT.Evidence = append(r.NAT.Evidence, fmt.Sprintf("%sseveral-outside %s %s", NotePrefix, p.outside[0], p.outside[1]))
	}
	if p.ignored > 0 {
		r.NAT.Evidence = append(r.NAT.Evidence, fmt.Sprintf("%signored %d %s", NotePrefix, p.ignored, p.stranger))
	}
	if r.UDPBlocked == nil && r.TCPAddress != "" { // TCP proves that the server is there; without it, it may be away
		r.UDPBlocked = yes(true)
	}
	p.found.classify()
	r.NAT.Mapping, r.NAT.Filtering = p.found.mapping, p.found.filtering
	r.NAT.RFC3489 = protocol.Classic(r.NAT.Translated, r.NAT.Mapping, r.NAT.Filtering)
	if r.UDPBlocked != nil && *r.UDPBlocked {
		r.NAT.RFC3489 = protocol.ClassicBlocked
	}
	r.NAT.Callers = protocol.CallersOf(r.NAT.Mapping, r.NAT.Filtering)
	r.NAT.State = protocol.NATDone
	if r.NAT.Evidence == nil {
		r.NAT.Evidence = []string{}
	}
	if r.NAT.Tests == nil {
		r.NAT.Tests = []protocol.NATTest{}
	}
	inOrder(r.NAT.Tests)
	r.NAT.Corners = protocol.CornersOf(r.NAT.Filtering, r.NAT.Tests)
}
