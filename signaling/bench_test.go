package signaling

import (
	"strings"
	"testing"
)

// benchFrame is as the benchmark's generator sends it: see testdata/dialects.json. That one acknowledges with each frame, as every client does; the number is
// higher than any because the generator cannot count.
var benchFrame = []byte(`{"type":"candidate","seq":7,"candidate":{"trial":"host-1","candidate":"candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host generation 0 x ` + strings.Repeat("some more ", 30) + `","sdpMid":"0","sdpMLineIndex":0}}`)

// BenchmarkDecode is a candidate's way through decoding and checking, without sockets.
func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(benchFrame)))
	for b.Loop() {
		if _, e := decode(benchFrame); e != nil {
			b.Fatal(e)
		}
	}
}
