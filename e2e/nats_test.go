package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/icescope/icescope/protocol"
)

const (
	// truthRounds is how often each NAT's truth is looked at: a behaviour that depends on chance would show.
	truthRounds = 3
	// truthWait is how long a datagram may take on a busy machine.
	truthWait = 2 * time.Second
	// truthGrace is how much longer than a control that was sent after it a datagram may be on its way.
	truthGrace = 30 * time.Millisecond
)

// Every NAT does what it is said to do, whatever icescope says of it: UDP sockets at the server's four corners and inside see it.
func TestNATs(t *testing.T) {
	need(t, "ip", "nft")
	for _, n := range NATs {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			lab, err := BuildNAT(n)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := lab.Close(); err != nil {
					t.Error(err)
				}
			})
			w := &truth{t: t, lab: lab}
			w.corners = w.sockets(NodeServer, ServerIP+":3478", ServerIP+":3479", SecondIP+":3478", SecondIP+":3479")
			for range truthRounds {
				w.mapping(n)
				w.filtering(n)
				w.hairpin(n)
			}
			if n.Timeout > 0 {
				w.timeout(n)
			}
		})
	}
}

// The other side is the same, and two NATs do not disturb each other.
func TestNATsSideBySide(t *testing.T) {
	need(t, "ip", "nft")
	lab, err := BuildNAT(NATs[0], NATs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	}()
	w := &truth{t: t, lab: lab}
	w.corners = w.sockets(NodeServer, ServerIP+":3478", ServerIP+":3479", SecondIP+":3478", SecondIP+":3479")
	for i, name := range []string{"adm-adf", "user-apdm-eif", "firewall", "user-eim-adf", "none"} { // and from one to the next
		n, ok := FindNAT(name)
		if !ok {
			t.Fatalf("there is no NAT %q", name)
		}
		if err := errors.Join(lab.SetNAT(1, n), lab.SetNAT(0, NATs[i])); err != nil {
			t.Fatal(err)
		}
		w.side = 1
		w.mapping(n)
		w.filtering(n)
		w.side = 0
		w.mapping(NATs[i])
		w.filtering(NATs[i])
	}
}

// truth is the lab's own eyes: what arrives where, from whom, with how many hops to go.
type truth struct {
	t       *testing.T
	lab     *NATLab
	side    int
	corners []*truthSocket
}

type truthSocket struct {
	*ipv4.PacketConn
	at  netip.AddrPort
	got chan datagram
}

type datagram struct {
	from netip.AddrPort
	text string
	ttl  int
}

func (w *truth) sockets(node string, addresses ...string) (out []*truthSocket) {
	w.t.Helper()
	for _, address := range addresses {
		s := &truthSocket{got: make(chan datagram, 100)}
		if err := InNamespace(w.lab.NS(node), func() error {
			c, err := net.ListenPacket("udp4", address)
			if err != nil {
				return err
			}
			s.PacketConn = ipv4.NewPacketConn(c)
			s.at = c.LocalAddr().(*net.UDPAddr).AddrPort()
			return s.SetControlMessage(ipv4.FlagTTL, true)
		}); err != nil {
			w.t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			b := make([]byte, 100)
			for {
				n, control, from, err := s.ReadFrom(b)
				if err != nil {
					return
				}
				s.got <- datagram{unmap(from), string(b[:n]), control.TTL}
			}
		}()
		w.t.Cleanup(func() {
			s.Close()
			<-done
		})
		out = append(out, s)
	}
	return out
}

func unmap(a net.Addr) netip.AddrPort {
	p := a.(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// inside is a fresh socket of the machine behind the NAT.
func (w *truth) inside() *truthSocket {
	return w.sockets(natSides[w.side].host, natSides[w.side].hostIP+":0")[0]
}

func (s *truthSocket) send(t *testing.T, to netip.AddrPort, text string) {
	t.Helper()
	if _, err := s.WriteTo([]byte(text), nil, net.UDPAddrFromAddrPort(to)); err != nil {
		t.Fatal(err)
	}
}

// arrives waits for a datagram with that text; others are of an earlier question and forgotten.
func (s *truthSocket) arrives(text string, within time.Duration) (datagram, bool) {
	deadline := time.After(within)
	for {
		select {
		case d := <-s.got:
			if d.text == text {
				return d, true
			}
		case <-deadline:
			return datagram{}, false
		}
	}
}

// seen sends to a corner and tells who the corner saw.
func (w *truth) seen(s *truthSocket, corner int) datagram {
	w.t.Helper()
	text := fmt.Sprintf("ask %s %d", s.at, time.Now().UnixNano())
	s.send(w.t, w.corners[corner].at, text)
	d, ok := w.corners[corner].arrives(text, truthWait)
	if !ok {
		w.t.Fatalf("nothing from %s arrives at %s", s.at, w.corners[corner].at)
	}
	return d
}

func (w *truth) mapping(n NAT) {
	w.t.Helper()
	s := w.inside()
	var m [4]netip.AddrPort
	for i := range w.corners {
		d := w.seen(s, i)
		m[i] = d.from
		hops := 1
		if n.Outer != nil {
			hops = 2
		}
		if d.ttl != 64-hops {
			w.t.Errorf("a TTL of %d after %d routers", d.ttl, hops)
		}
	}
	var is protocol.Behavior
	switch {
	case m[0] == m[1] && m[1] == m[2] && m[2] == m[3]:
		is = protocol.EndpointIndependent
	case m[0] == m[1] && m[2] == m[3]:
		is = protocol.AddressDependent
	case m[0] != m[1] && m[0] != m[2] && m[2] != m[3]:
		is = protocol.AddressAndPortDependent
	}
	if is != n.Mapping {
		w.t.Errorf("mapping is %q, and said to be %q: %v", is, n.Mapping, m)
	}
	if translated := m[0].Addr() != s.at.Addr(); translated != n.Translated {
		w.t.Errorf("translated is %v: %s as %s", translated, s.at, m[0])
	}
	other := w.inside()
	if differs := w.seen(other, 0).from.Addr() != m[0].Addr(); differs != (n.Pool == PoolArbitrary) {
		w.t.Errorf("pooling %q, and another socket got another address: %v", n.Pool, differs)
	}
}

func (w *truth) filtering(n NAT) {
	w.t.Helper()
	s := w.inside()
	public := w.seen(s, 0).from
	// The contacted corner speaks last: when it was heard, the others would have been.
	var heard [4]bool
	for _, i := range []int{3, 2, 1, 0} {
		w.corners[i].send(w.t, public, fmt.Sprint("corner ", i))
	}
	for limit := truthWait; ; {
		select {
		case d := <-s.got:
			for i := range heard {
				if d.text == fmt.Sprint("corner ", i) {
					heard[i] = true
					if d.from != w.corners[i].at {
						w.t.Errorf("%s spoke, and %s was seen", w.corners[i].at, d.from)
					}
				}
			}
			if heard[0] {
				limit = truthGrace
			}
			continue
		case <-time.After(limit):
		}
		break
	}
	if n.Also != nil && !heard[0] {
		return // a mapping that changes may have gone
	}
	var is protocol.Behavior
	switch heard {
	case [4]bool{true, true, true, true}:
		is = protocol.EndpointIndependent
	case [4]bool{true, true, false, false}:
		is = protocol.AddressDependent
	case [4]bool{true, false, false, false}:
		is = protocol.AddressAndPortDependent
	}
	if is != n.Filtering {
		w.t.Errorf("filtering is %q, and said to be %q: heard %v", is, n.Filtering, heard)
	}
}

func (w *truth) hairpin(n NAT) {
	w.t.Helper()
	one, two := w.inside(), w.inside()
	from, to := w.seen(one, 0).from, w.seen(two, 0).from
	if !n.Translated {
		return // nothing to turn back at
	}
	one.send(w.t, to, "hairpin")
	w.corners[0].send(w.t, to, "control")
	limit, hairpin := truthWait, false
	for {
		select {
		case d := <-two.got:
			switch d.text {
			case "hairpin":
				hairpin = true
				if d.from.Addr() != from.Addr() {
					w.t.Errorf("hairpinning shows %s; want the public address %s", d.from, from)
				}
			case "control":
				limit = truthGrace
			}
			continue
		case <-time.After(limit):
		}
		break
	}
	if hairpin != n.Hairpin {
		w.t.Errorf("hairpinning is %v, and said to be %v", hairpin, n.Hairpin)
	}
}

// timeout: a mapping still lives after half of its time and is gone a little after all of it. A socket each, for what comes in may refresh it.
func (w *truth) timeout(n NAT) {
	w.t.Helper()
	young, old := w.inside(), w.inside()
	began := time.Now()
	a, b := w.seen(young, 0).from, w.seen(old, 0).from
	time.Sleep(n.Timeout / 2)
	w.corners[0].send(w.t, a, "young")
	if _, ok := young.arrives("young", n.Timeout/4); !ok {
		w.t.Errorf("the mapping was gone after %v", n.Timeout/2)
	}
	time.Sleep(time.Until(began.Add(n.Timeout + n.Timeout/4)))
	w.corners[0].send(w.t, b, "old")
	if _, ok := old.arrives("old", n.Timeout/4); ok {
		w.t.Errorf("the mapping still lived after %v", time.Since(began))
	}
}
