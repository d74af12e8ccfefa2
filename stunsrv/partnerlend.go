package stunsrv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

// What a partner may have sent from here is what RFC 5780 and signed checks need, and nothing else: whoever steals the key gets no cannon.

const (
	// lendsPerSecond and lendsBurst are in datagrams: the answers of partnerAnswersPerSecond, and checksPerSecond of MaxCheckPackets each. At the size of maxAnswer they are
	// 9 Mbit/s.
	lendsPerSecond, lendsBurst = 700, 700
	// maxLentCheck is in bytes, for a Binding request: a check with two ufrags of 32 characters has 172.
	maxLentCheck = 300
	// lentAge is how long an answer to a check that was sent for a partner is waited for: longer than any check's pauses are.
	lentAge = 30 * time.Second
	// maxLent checks may be waited for: those of lentAge, at the rate of the partner's own checks.
	maxLent = 2 * checksPerSecond * int(lentAge/time.Second)
	// maxLentArrivals of one check are handed on; it cannot use more.
	maxLentArrivals = answerQueue
)

// errLend is why something is not sent for a partner.
var errLend = errors.New("not for a partner to send")

// lend sends a datagram for the partner.
func (l *link) lend(e *partnerEmit) error {
	if !l.lends.Allow() {
		return ErrCheckRate
	}
	to := unmapped(e.To)
	if err := l.s.reachableTarget(to); err != nil {
		return err
	}
	if !to.Addr().IsLoopback() && slices.ContainsFunc(machineAddrs(), func(p netip.Prefix) bool { return p.Addr() == to.Addr() }) {
		return fmt.Errorf("%w: %s is this machine", ErrTarget, to) // its services may trust it
	}
	port := PrimaryPort
	if e.From.Port() == l.s.ports[AlternatePort] {
		port = AlternatePort
	}
	if e.From.Addr() != l.local || e.From.Port() != l.s.ports[port] {
		return fmt.Errorf("%w: from %s", errLend, e.From)
	}
	check, err := lendable(e.Packet, to)
	if err != nil {
		return err
	}
	out, err := l.s.outletFor(CheckRequest{To: to, From: l.local, FromPort: port})
	if err != nil {
		return err
	}
	if check && !l.s.checks.lent.add(transactionID(e.Packet[4:headerSize]), l, time.Now()) {
		return ErrCheckRate
	}
	return out.write(context.Background(), e.Packet) // here it waits for nothing
}

// lendable tells what packet is: an answer for to, or a check. An answer names the address that it goes to, so that nothing can be said to anybody but what his own address is.
func lendable(packet []byte, to netip.AddrPort) (check bool, err error) {
	if len(packet) > maxAnswer {
		return false, fmt.Errorf("%w: %d bytes", errLend, len(packet))
	}
	if ip, ok := bytes.CutSuffix(packet, []byte("\n")); ok && string(ip) == to.Addr().String()+","+strconv.Itoa(int(to.Port())) {
		return false, nil
	}
	m, ok := parseMessage(packet)
	if !ok {
		return false, fmt.Errorf("%w: neither STUN nor whoami", errLend)
	}
	switch {
	case m.typ == typeBindingSuccess:
		if !saysAddress(m, to.Addr()) {
			return false, fmt.Errorf("%w: an answer that does not name %s", errLend, to.Addr())
		}
		return false, nil
	case m.typ == typeBindingRequest && !m.classic && len(packet) <= maxLentCheck && isCheck(m):
		return true, nil
	}
	return false, fmt.Errorf("%w: a STUN message of type %#04x", errLend, m.typ)
}

// saysAddress tells whether an answer has a MAPPED-ADDRESS of that IP. RESPONSE-PORT may have it sent to another port.
func saysAddress(m message, ip netip.Addr) bool {
	said := false
	for rest := m.raw[headerSize:]; len(rest) > 0; {
		typ, value, tail, ok := nextAttribute(rest)
		if !ok {
			return false
		}
		rest = tail
		if typ == attrMappedAddress {
			at, ok := parseAddress(value, noXOR[:])
			if said = ok && at.Addr() == ip; !said {
				return false
			}
		}
	}
	return said
}

// isCheck tells whether a request has what appendCheck writes, and nothing else.
func isCheck(m message) bool {
	want := []uint16{attrUsername, attrPriority, attrICEControlled, attrMessageIntegrity, attrFingerprint}
	for rest := m.raw[headerSize:]; len(rest) > 0; {
		typ, value, tail, ok := nextAttribute(rest)
		if typ == attrICEControlling {
			typ = attrICEControlled
		}
		if !ok || len(want) == 0 || typ != want[0] || typ == attrFingerprint && !fingerprintOK(m.raw, value) {
			return false
		}
		rest, want = tail, want[1:]
	}
	return len(want) == 0
}

// lentChecks are those that were sent for partners.
type lentChecks struct {
	mu    sync.Mutex
	byID  map[transactionID]*lentCheck
	order []transactionID // the oldest first
}

type lentCheck struct {
	link     *link
	at       time.Time
	arrivals int
}

// add remembers that the answer to id is link's, and tells whether there was room.
func (c *lentChecks) add(id transactionID, l *link, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.order) > 0 && now.Sub(c.byID[c.order[0]].at) > lentAge {
		delete(c.byID, c.order[0])
		c.order = c.order[1:]
	}
	if known := c.byID[id]; known != nil {
		return known.link == l // the same check once more
	}
	if len(c.order) >= maxLent {
		return false
	}
	if c.byID == nil {
		c.byID = make(map[transactionID]*lentCheck)
	}
	c.byID[id] = &lentCheck{link: l, at: now}
	c.order = append(c.order, id)
	return true
}

// hand gives a response to the partner whose check it answers, if there is one.
func (c *lentChecks) hand(raw []byte, source, local netip.AddrPort) {
	c.mu.Lock()
	known := c.byID[transactionID(raw[4:headerSize])]
	if known == nil || known.arrivals >= maxLentArrivals || len(raw) > maxAnswer {
		c.mu.Unlock()
		return
	}
	known.arrivals++
	c.mu.Unlock()
	known.link.must(&partnerFrame{Arrival: &partnerArrival{Source: netip.AddrPortFrom(source.Addr().WithZone(""), source.Port()), Local: local, Packet: raw}})
}
