package signaling

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// FuzzFrame holds three things: no frame breaks the decoder, the two decoders agree, and what is relayed is JSON that says what was sent.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{
		`{"type":"hello","hello":{"kind":"browser","trials":["host"],"live":true}}`,
		string(benchFrame),
		`{"type":"candidate","seq":1,"ack":2,"candidate":{"trial":"relay-udp-12","candidate":"","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"x","url":"stun:a","atMs":12.50,"generation":3}}`,
		`{"candidate":{},"type":"candidate"}`,
		`{"type":"candidate","type":"candidate","candidate":{"trial":"host-1","candidate":""}}`,
		`{"type":"candidate","candidate":{"trial":"host-1","candidate":"","candidate":"x"}}`,
		`{"type":"candidate","candidate":{"trial":"host-1","candidate":"","sdpMid":null}}`,
		`{"type":"candidate","seq":01,"candidate":{"trial":"host-1","candidate":""}}`,
		`{"type":"candidate","seq":1.0,"candidate":{"trial":"host-1","candidate":"","atMs":0}}`,
		`{"type":"candidate","candidate":{"":"","":""}}`,
		`{"type":"candidate","candidate":{"trial":"host-1","candidate":"\ud800"},"x":[{}]}`,
		`{"type":"description","description":{"trial":"stun-1","kind":"offer","sdp":"v=0\r\n"}}`,
		`{"type":"run","run":{"iceServers":[{"urls":"stun:a"}]}}`,
		`{"type":"ack","ack":9}`, `{}`, `{"TYPE":"leave"}`, `[`, "\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if plain, ok := decodePlain(data); ok {
			var m protocol.ClientMessage
			if err := json.Unmarshal(data, &m); err != nil {
				t.Fatalf("encoding/json refuses what was taken for plain: %v", err)
			}
			if !reflect.DeepEqual(m, plain.ClientMessage) {
				t.Fatalf("encoding/json reads %s, we read %s", encode(m), encode(plain.ClientMessage))
			}
		}
		fr, e := decode(data)
		if e != nil {
			if e.Code == "" || e.Message == "" || e.Hint == "" {
				t.Fatalf("the error does not explain itself: %+v", e)
			}
			return
		}
		var want any
		switch fr.Type {
		case protocol.ClientCandidate:
			want = *fr.Candidate
		case protocol.ClientDescription:
			want = *fr.Description
		default:
			return
		}
		out := encodeRelayed(fr.Type, 7, 8, "a", 9, fr.bodyText())
		var m protocol.ServerMessage
		if err := json.Unmarshal(out, &m); err != nil {
			t.Fatalf("what is relayed is no JSON: %v: %s", err, out)
		}
		var got any
		if m.Candidate != nil {
			got = *m.Candidate
		} else if m.Description != nil {
			got = *m.Description
		}
		if !reflect.DeepEqual(got, want) || m.Seq != 7 || m.Ack != 8 || m.From != "a" || m.Ref != 9 || string(m.Type) != string(fr.Type) {
			t.Fatalf("%s is relayed as %s", data, out)
		}
	})
}

func TestPlainIsTakenWhereItMatters(t *testing.T) {
	for _, s := range []string{string(benchFrame), string(benchFrame0)} {
		if _, ok := decodePlain([]byte(s)); !ok {
			t.Errorf("not plain: %s", s)
		}
	}
	zero := 0
	mid := "0"
	written := encode(&protocol.ClientMessage{Type: protocol.ClientCandidate, Seq: 12, Ack: 3, Candidate: &protocol.Candidate{
		Trial: "relay-udp-2", Line: candidateLine, SDPMid: &mid, SDPMLineIndex: &zero, UsernameFragment: "x", URL: "stun:192.0.2.1", AtMs: 12.25, Generation: 1}})
	if _, ok := decodePlain(written); !ok {
		t.Errorf("not plain: %s", written)
	}
}
