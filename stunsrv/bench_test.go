package stunsrv

import (
	"net/netip"
	"testing"

	"github.com/icescope/icescope/protocol"
)

func BenchmarkAnswer(b *testing.B) {
	for name, msg := range map[string][]byte{
		"binding":      bindingRequest(b).Raw,
		"unknown":      []byte("\x00\x01\x00\x08" + rfc5769ID + "\x00\x03\x00\x04\x00\x00\x00\x06"),
		"whoami":       []byte(whoamiWord),
		"ice-check":    []byte(rfc5769Request),
		"not-stun":     []byte("\x80\x60some RTP that went astray"),
		"classic-3489": classicRequest(""),
	} {
		b.Run(name, func(b *testing.B) {
			r, out := testResponder(), make([]byte, 0, 256)
			b.ReportAllocs()
			for b.Loop() {
				out, _ = r.respond(out[:0], msg, client4, server4)
			}
		})
	}
}

// BenchmarkServeUDP is one client that waits for each answer, with sightings told as in service.
func BenchmarkServeUDP(b *testing.B) {
	s := run(b, Config{Primary: []string{":0"}, Software: "icescope", OnSighting: func(protocol.Sighting) {}})
	conn := dialUDP(b, s.at("127.0.0.1", PrimaryPort))
	request, buf := bindingRequest(b).Raw, make([]byte, 256)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkServeUDPBusy has as many requests in flight as one batch reads. An operation is one request.
func BenchmarkServeUDPBusy(b *testing.B) {
	const inFlight = 64
	s := run(b, Config{Primary: []string{":0"}, Software: "icescope", OnSighting: func(protocol.Sighting) {}})
	conn := dialUDP(b, s.at("127.0.0.1", PrimaryPort))
	request, buf := bindingRequest(b).Raw, make([]byte, 256)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += inFlight {
		for range min(inFlight, b.N-done) {
			if _, err := conn.Write(request); err != nil {
				b.Fatal(err)
			}
		}
		for range min(inFlight, b.N-done) {
			if _, err := conn.Read(buf); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkServeTCP is one lasting connection whose client waits for each answer.
func BenchmarkServeTCP(b *testing.B) {
	s := run(b, Config{Software: "icescope", OnSighting: func(protocol.Sighting) {}})
	conn := dialTCP(b, s.Addrs()[0])
	request, buf := bindingRequest(b).Raw, make([]byte, 256)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSightings is what telling of one request costs its loop: of a source that is known already, and in a flood of others.
func BenchmarkSightings(b *testing.B) {
	for name, sources := range map[string]int{"known": 128, "flood": 1 << 16} {
		b.Run(name, func(b *testing.B) {
			s := newSightings(func(protocol.Sighting) {})
			sights := make([]sight, 64)
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += len(sights) {
				for i := range sights {
					sights[i].seen = seen{source: netip.AddrPortFrom(client4.Addr(), uint16((done+i)%sources)), local: server4, kind: kindBinding, answered: true}
				}
				s.add(sights)
			}
		})
	}
}
