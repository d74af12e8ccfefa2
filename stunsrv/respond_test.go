package stunsrv

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/pion/stun/v3"
	"pgregory.net/rapid"
)

// checkAnswerOf holds every answer to what must be true of all: bounded, never a question, never answered in its turn, and STUN that others can read.
func checkAnswerOf(t interface{ Fatalf(string, ...any) }, msg []byte, source, local netip.AddrPort) {
	r := testResponder()
	before := bytes.Clone(msg)
	out, found := r.respond(nil, msg, source, local)
	if !bytes.Equal(before, msg) {
		t.Fatalf("%x was changed to %x", before, msg)
	}
	if len(out) > len(msg)+maxGrowth {
		t.Fatalf("%d bytes answer %d", len(out), len(msg))
	}
	if _, again := r.respond(nil, out, local, source); again.kind != kindNothing && again.kind != kindResponse {
		t.Fatalf("the answer %q to %x is a question: %s", out, msg, again.kind)
	}
	switch found.kind {
	case kindNothing, kindCheck, kindResponse:
		if len(out) != 0 {
			t.Fatalf("%s %x is answered: %x", found.kind, msg, out)
		}
	case kindWhoami:
		if _, ok := parseWhoami(msg, pp); !ok || len(out) == 0 {
			t.Fatalf("%q is answered with %q", msg, out)
		}
	case kindBinding:
		if _, ok := parseMessage(msg); !ok || msg[0] != 0 || msg[1] != 1 {
			t.Fatalf("%x is taken for a request", msg)
		}
		if m, _ := parseMessage(msg); !m.classic { // pion knows the cookie only
			if err := (&stun.Message{Raw: out}).Decode(); err != nil {
				t.Fatalf("%x: %v in %x", msg, err, out)
			}
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{rfc5769Request, rfc5769IPv4, rfc5769IPv6, whoamiWord, "whoami SS\r\n", string(classicRequest("\x00\x03\x00\x04\x00\x00\x00\x06")),
		"\x00\x01\x00\x00" + rfc5769ID, "\x00\x01\x00\x04" + rfc5769ID + "\x00\x30\x00\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		checkAnswerOf(t, msg, client4, server4)
		checkAnswerOf(t, msg, client6, server6)
		_, _ = readCheckAnswer(msg, rfc5769Password)
	})
}

// TestSilence: anything that is neither STUN nor whoami gets silence. Lengths and first bytes are drawn towards the border.
func TestSilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		msg := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 100),
			rapid.Custom(func(t *rapid.T) []byte {
				return []byte(rapid.StringMatching(`whoami ?[PS]{0,3}[\r\n]{0,2}`).Draw(t, "line"))
			}),
			rapid.Custom(func(t *rapid.T) []byte {
				body := rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "body")
				return append([]byte("\x00\x01\x00"+string(rune(len(body)&0x7F))+rfc5769ID), body...)
			}),
			rapid.Custom(func(t *rapid.T) []byte { // attributes in good order
				b := appendHeader(nil, typeBindingRequest, []byte(rfc5769ID))
				for range rapid.IntRange(0, 20).Draw(t, "attributes") {
					b = appendAttribute(b, rapid.Uint16().Draw(t, "type"), rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "value"))
				}
				setLength(b)
				return b
			}),
		).Draw(t, "msg")
		checkAnswerOf(t, msg, client6, server6)
	})
}

func TestAnswerDoesNotAllocate(t *testing.T) {
	request := bindingRequest(t, stun.Fingerprint).Raw
	r, out, question := testResponder(), make([]byte, 0, 256), []byte(whoamiWord)
	if n := testing.AllocsPerRun(100, func() {
		out, _ = r.respond(out[:0], request, client6, server6)
		out, _ = r.respond(out[:0], question, client6, server6)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
