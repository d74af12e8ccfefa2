package stunsrv

import (
	"encoding/binary"
	"testing"
)

// classicRequest is a Binding request without the magic cookie; attributes are appended as they are.
func classicRequest(attributes string) []byte {
	b := append([]byte{0, 1, 0, byte(len(attributes))}, "sixteen byte id."...)
	return append(b, attributes...)
}

// attributesOf reads a message without its padding rules, as clients of RFC 3489 do: every length must be a multiple of four.
func attributesOf(t testing.TB, raw []byte) map[uint16]string {
	t.Helper()
	found := make(map[uint16]string)
	for rest := raw[headerSize:]; len(rest) > 0; {
		n := int(binary.BigEndian.Uint16(rest[2:]))
		if n%4 != 0 {
			t.Fatalf("length %d in %x", n, raw)
		}
		found[binary.BigEndian.Uint16(rest)] = string(rest[4 : 4+n])
		rest = rest[4+n:]
	}
	return found
}

// TestRFC3489: a request without the cookie is answered in the old words (RFC 8489 section 11).
func TestRFC3489(t *testing.T) {
	for _, attributes := range []string{"", "\x00\x03\x00\x04\x00\x00\x00\x00"} {
		request := classicRequest(attributes)
		out, found := testResponder().respond(nil, request, client4, server4)
		if found.kind != kindBinding || string(out[4:headerSize]) != string(request[4:headerSize]) || binary.BigEndian.Uint16(out) != typeBindingSuccess {
			t.Fatalf("%+v %x", found, out)
		}
		got := attributesOf(t, out)
		if len(got) != 2 || got[attrMappedAddress] != "\x00\x01\xc3\x50\xc0\x00\x02\x01" || got[attrSourceAddress] != "\x00\x01\x0d\x96\xc6\x33\x64\x01" {
			t.Errorf("%x", got)
		}
	}
}

// TestRFC3489Unknown: section 11.2.10 repeats one type in an odd list.
func TestRFC3489Unknown(t *testing.T) {
	for attributes, unknown := range map[string]string{
		"\x00\x03\x00\x04\x00\x00\x00\x06":                 "\x00\x03\x00\x03",
		"\x00\x03\x00\x04\x00\x00\x00\x02\x00\x02\x00\x00": "\x00\x03\x00\x02", // RESPONSE-ADDRESS would aim answers at others
	} {
		out, _ := testResponder().respond(nil, classicRequest(attributes), client4, server4)
		got := attributesOf(t, out)
		if binary.BigEndian.Uint16(out) != typeBindingError || got[attrErrorCode][:4] != "\x00\x00\x04\x14" || got[attrUnknown] != unknown {
			t.Errorf("%x: %x", attributes, got)
		}
	}
}
