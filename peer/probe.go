package peer

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/stun/v3"
	"github.com/pion/transport/v4"
)

// The probes ask each STUN server beside ICE, from fresh sockets: a Binding request and the plain word whoami, over UDP and over TCP. No browser can. Where the
// word is answered and the Binding request is not, something on the way knows STUN and drops it; where neither is, the port is closed.

const (
	probeTargets = 8 // addresses, each with four questions
	probeWithin  = 2500 * time.Millisecond
	probeStagger = 10 * time.Millisecond // between two questions, so that a rate limit of packets is not what is measured
	probeAnswer  = 1500                  // bytes: more than any answer
)

// probeResends are when a question over UDP is asked again: RFC 8489 section 6.2.1 with an RTO of 250 ms, cut short.
var probeResends = []time.Duration{0, 250 * time.Millisecond, 750 * time.Millisecond, 1500 * time.Millisecond}

// The questions, as protocol.Probe.What names them.
const (
	bindingUDP = "binding-udp"
	bindingTCP = "binding-tcp"
	whoamiUDP  = "whoami-udp"
	whoamiTCP  = "whoami-tcp"
)

// probe asks every STUN server of these all four questions, and tells each answer, or that there was none, as it comes. It returns when all are told or ctx ends.
func probe(ctx context.Context, n transport.Net, servers []protocol.ICEServer, tell func(protocol.Probe)) {
	began := time.Now()
	whole, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	var asking sync.WaitGroup
	defer asking.Wait()
	stagger := time.NewTicker(probeStagger)
	defer stagger.Stop()
	for _, target := range targets(n, servers) {
		for _, what := range []string{bindingUDP, whoamiUDP, bindingTCP, whoamiTCP} {
			asking.Go(func() {
				p := protocol.Probe{What: what, To: target.String()}
				ask(whole, n, target, &p)
				if ctx.Err() != nil && !p.Answered {
					return // left before it could be known
				}
				p.AtMs = milliseconds(time.Since(began))
				tell(p)
			})
			select {
			case <-stagger.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

// targets are the addresses of the STUN servers, each once.
func targets(n transport.Net, servers []protocol.ICEServer) (out []netip.AddrPort) {
	for _, s := range servers {
		for _, u := range s.URLs {
			uri, err := stun.ParseURI(u)
			if err != nil || uri.Scheme != stun.SchemeTypeSTUN || len(out) == probeTargets {
				continue
			}
			addr, err := n.ResolveUDPAddr("udp", net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port)))
			if err != nil {
				continue // the gathering says so
			}
			if at := addrPort(addr); !slices.Contains(out, at) {
				out = append(out, at)
			}
		}
	}
	return out
}

// ask asks one question from a socket of its own.
func ask(ctx context.Context, n transport.Net, to netip.AddrPort, p *protocol.Probe) {
	question, fits := whoamiQuestion, isWhoami
	if p.What == bindingUDP || p.What == bindingTCP {
		request, err := stun.Build(stun.BindingRequest, stun.TransactionID)
		if err != nil {
			p.Error = err.Error()
			return
		}
		question = request.Raw
		fits = func(answer []byte) bool {
			m, ok := decode(answer)
			return ok && m.TransactionID == request.TransactionID
		}
	}
	conn, err := dialProbe(ctx, n, to, p.What == bindingTCP || p.What == whoamiTCP)
	if err != nil {
		p.Error = err.Error()
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	defer conn.Close()
	p.From = addrPort(conn.LocalAddr()).String()
	if p.What == bindingTCP || p.What == whoamiTCP {
		askStream(conn, question, fits, p)
	} else {
		askDatagram(ctx, conn, question, fits, p)
	}
}

// dialProbe is a socket that hears of ICMP errors.
func dialProbe(ctx context.Context, n transport.Net, to netip.AddrPort, tcp bool) (net.Conn, error) {
	if !tcp {
		return n.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	}
	dialer := n.CreateDialer(&net.Dialer{Timeout: probeWithin, Cancel: ctx.Done()}) //nolint:staticcheck // transport.Dialer takes no context
	return dialer.Dial("tcp", to.String())
}

// askDatagram asks again until an answer comes or ctx ends. An ICMP error is noted and no end: something on the way may send it for one packet and not for the next.
func askDatagram(ctx context.Context, conn net.Conn, question []byte, fits func([]byte) bool, p *protocol.Probe) {
	var (
		sent  time.Time
		buf   = make([]byte, probeAnswer)
		begun = time.Now()
	)
	for i, at := range probeResends {
		soon(ctx, nil, time.Until(begun.Add(at)))
		if ctx.Err() != nil {
			return
		}
		sent = time.Now()
		if _, err := conn.Write(question); err != nil {
			p.Error = err.Error()
		} else {
			p.Sent++
		}
		until := begun.Add(probeWithin)
		if i+1 < len(probeResends) {
			until = begun.Add(probeResends[i+1])
		}
		for {
			if ctx.Err() != nil || conn.SetReadDeadline(until) != nil {
				return
			}
			size, err := conn.Read(buf)
			if err != nil {
				if t, ok := errors.AsType[net.Error](err); !ok || !t.Timeout() {
					p.Error = err.Error()
				}
				break
			}
			if fits(buf[:size]) {
				p.Answered, p.RTTMs, p.Error = true, milliseconds(time.Since(sent)), ""
				return
			}
		}
	}
}

// askStream asks once: TCP repeats by itself.
func askStream(conn net.Conn, question []byte, fits func([]byte) bool, p *protocol.Probe) {
	sent := time.Now()
	if _, err := conn.Write(question); err != nil {
		p.Error = err.Error()
		return
	}
	p.Sent = 1
	buf := make([]byte, 0, probeAnswer)
	for len(buf) < cap(buf) {
		size, err := conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+size]
		if fits(buf) {
			p.Answered, p.RTTMs = true, milliseconds(time.Since(sent))
			return
		}
		if err != nil {
			if t, ok := errors.AsType[net.Error](err); !ok || !t.Timeout() {
				p.Error = "the connection ended without an answer"
				if !errors.Is(err, io.EOF) {
					p.Error = err.Error()
				}
			}
			return
		}
	}
}

var whoamiQuestion = []byte("whoami\n")

// isWhoami tells whether that is ip,port and the end of the line.
func isWhoami(answer []byte) bool {
	line, ok := strings.CutSuffix(string(answer), "\n")
	ip, port, comma := strings.Cut(line, ",")
	_, err := netip.ParseAddr(ip)
	_, portErr := strconv.ParseUint(port, 10, 16)
	return ok && comma && err == nil && portErr == nil
}
