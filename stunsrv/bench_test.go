package stunsrv

import (
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
