package stunsrv

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/pion/stun/v3"
	"pgregory.net/rapid"
)

// checkAnswerOf holds every answer to what must be true of all, at every corner and over both transports.
func checkAnswerOf(t interface{ Fatalf(string, ...any) }, msg []byte, source, local netip.AddrPort) {
	for _, r := range []*responder{testResponder(), fourCorners(local, PrimaryPort)} {
		for _, stream := range []bool{false, true} {
			r.stream = stream
			checkOneAnswer(t, r, msg, source, local)
		}
	}
	second := fourCorners(local, AlternatePort)
	checkOneAnswer(t, second, msg, source, netip.AddrPortFrom(second.pair.secondary, 3479))
}

// checkOneAnswer: bounded, to the IP that asked, from a corner of this server, never a question, never answered in its turn, and STUN that others can read.
func checkOneAnswer(t interface{ Fatalf(string, ...any) }, r *responder, msg []byte, source, local netip.AddrPort) {
	before := bytes.Clone(msg)
	out, found := r.respond(make([]byte, 0, maxAnswer), msg, source, local)
	if !bytes.Equal(before, msg) {
		t.Fatalf("%x was changed to %x", before, msg)
	}
	if len(out) > len(msg)+maxGrowth || len(out) > maxAnswer {
		t.Fatalf("%d bytes answer %d", len(out), len(msg))
	}
	if len(out) > 0 {
		change := found.from ^ r.here(local.Addr())
		if found.to.Addr() != source.Addr() || found.to.Port() != source.Port() && found.to.Port() < minResponsePort || r.stream && (found.to != source || change != 0) {
			t.Fatalf("%x from %s is answered to %s", msg, source, found.to)
		}
		if !r.has(local.Addr(), change) || found.origin != r.across(local, change) {
			t.Fatalf("%x at %s is answered from %s, corner %d", msg, local, found.origin, found.from)
		}
	}
	// Whoever is given the answer, here or at another server, keeps silent.
	for _, again := range []*responder{testResponder(), fourCorners(local, AlternatePort), r} {
		echo, what := again.respond(nil, out, found.origin, found.to)
		if len(echo) != 0 || what.kind != kindNothing && what.kind != kindResponse {
			t.Fatalf("the answer %q to %x is a question: %s", out, msg, what.kind)
		}
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
		m, ok := parseMessage(out)
		if !ok || m.typ != typeBindingSuccess && m.typ != typeBindingError || !bytes.Equal(out[4:headerSize], msg[4:headerSize]) {
			t.Fatalf("%x answers %x", out, msg)
		}
		if !m.classic { // pion knows the cookie only
			if err := (&stun.Message{Raw: out}).Decode(); err != nil {
				t.Fatalf("%x: %v in %x", msg, err, out)
			}
			break
		}
		for rest := out[headerSize:]; len(rest) > 0; {
			_, value, tail, ok := nextAttribute(rest)
			if rest = tail; !ok || len(value)%4 != 0 {
				t.Fatalf("%x answers %x", out, msg)
			}
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{rfc5769Request, rfc5769IPv4, rfc5769IPv6, whoamiWord, "whoami SS\r\n", string(classicRequest("\x00\x03\x00\x04\x00\x00\x00\x06")),
		"\x00\x01\x00\x00" + rfc5769ID, "\x00\x01\x00\x04" + rfc5769ID + "\x00\x30\x00\x00",
		"\x00\x01\x00\x08" + rfc5769ID + "\x00\x03\x00\x04\x00\x00\x00\x06", "\x00\x01\x00\x08" + rfc5769ID + "\x00\x27\x00\x02\x10\x00\x00\x00",
		"\x00\x01\x00\x10" + rfc5769ID + "\x00\x03\x00\x04\x00\x00\x00\x04\x00\x27\x00\x04\x10\x00\x00\x00",
		"\x00\x01\x00\x0c" + rfc5769ID + "\x00\x26\x00\x06padded\x00\x00", "\x00\x01\x00\x0c" + rfc5769ID + "\x00\x26\x00\x00\x00\x27\x00\x02\x10\x00\x00\x00"} {
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
					known := rapid.SampledFrom([]uint16{attrChangeRequest, attrResponsePort, attrPadding, attrSoftware})
					b = appendAttribute(b, rapid.OneOf(rapid.Uint16(), known).Draw(t, "type"), rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "value"))
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
