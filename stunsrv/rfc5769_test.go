package stunsrv

import (
	"bytes"
	"net/netip"
	"testing"
)

// The vectors of RFC 5769 sections 2.1 to 2.3. The short-term password of all is the same.
const (
	rfc5769Password = "VOkJxbRl1RmTxUk/WvJxBt"
	rfc5769ID       = "\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
	rfc5769Request  = "\x00\x01\x00\x58" + rfc5769ID +
		"\x80\x22\x00\x10STUN test client" +
		"\x00\x24\x00\x04\x6e\x00\x01\xff" +
		"\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36" +
		"\x00\x06\x00\x09evtj:h6vY\x20\x20\x20" +
		"\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2" +
		"\x80\x28\x00\x04\xe5\x7a\x3b\xcf"
	rfc5769IPv4 = "\x01\x01\x00\x3c" + rfc5769ID +
		"\x80\x22\x00\x0btest vector\x20" +
		"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43" +
		"\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7" +
		"\x80\x28\x00\x04\xc0\x7d\x4c\x96"
	rfc5769IPv6 = "\x01\x01\x00\x48" + rfc5769ID +
		"\x80\x22\x00\x0btest vector\x20" +
		"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9" +
		"\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41" +
		"\x80\x28\x00\x04\xc8\xfb\x0b\x4c"
)

// spaced pads SOFTWARE and USERNAME with spaces where they ask for it; our writer pads with zeros, so the writer's tests copy the padding.
func spaced(b []byte, text string) []byte {
	i := bytes.Index(b, []byte(text)) + len(text)
	for n := (4 - len(text)%4) % 4; n > 0; n-- {
		b[i] = ' '
		i++
	}
	return b
}

// TestRFC5769Request: section 2.1 is a connectivity check, and so gets silence; its FINGERPRINT and MESSAGE-INTEGRITY are right; our check has the same attributes.
func TestRFC5769Request(t *testing.T) {
	r := responder{}
	out, found := r.respond(nil, []byte(rfc5769Request), client4, server4)
	if len(out) != 0 || found.kind != kindCheck || string(found.software) != "STUN test client" {
		t.Errorf("answer %x, %+v", out, found)
	}
	broken := []byte(rfc5769Request)
	broken[30] ^= 1
	if _, found := r.respond(nil, broken, client4, server4); found.kind != kindNothing {
		t.Errorf("a wrong FINGERPRINT was taken for %s", found.kind)
	}
	offset := bytes.Index([]byte(rfc5769Request), []byte("\x00\x08\x00\x14"))
	if !integrityOK([]byte(rfc5769Request), offset, rfc5769Password) || integrityOK([]byte(rfc5769Request), offset, rfc5769Password+"x") {
		t.Error("MESSAGE-INTEGRITY is judged wrongly")
	}
	// The same message by our writers, attribute by attribute.
	b := appendHeader(nil, typeBindingRequest, []byte(rfc5769ID))
	b = appendAttribute(b, attrSoftware, []byte("STUN test client"))
	b = appendAttribute(b, attrPriority, []byte("\x6e\x00\x01\xff"))
	b = appendAttribute(b, attrICEControlled, []byte("\x93\x2f\xf9\xb1\x51\x26\x3b\x36"))
	b = spaced(appendAttribute(b, attrUsername, []byte("evtj:h6vY")), "evtj:h6vY")
	b = appendFingerprint(appendIntegrity(b, 0, rfc5769Password), 0)
	if string(b) != rfc5769Request {
		t.Errorf("got  %x\nwant %x", b, rfc5769Request)
	}
}

// TestRFC5769Responses: sections 2.2 and 2.3, read and written.
func TestRFC5769Responses(t *testing.T) {
	for vector, source := range map[string]string{rfc5769IPv4: "192.0.2.1:32853", rfc5769IPv6: "[2001:db8:1234:5678:11:2233:4455:6677]:32853"} {
		want := netip.MustParseAddrPort(source)
		answer, ok := readCheckAnswer([]byte(vector), rfc5769Password)
		if !ok || answer.mapped != want || answer.err != "" {
			t.Errorf("%s: read %+v %v", source, answer, ok)
		}
		if _, ok := readCheckAnswer([]byte(vector), "another password"); ok {
			t.Errorf("%s: accepted with another password", source)
		}
		b := appendHeader(nil, typeBindingSuccess, []byte(rfc5769ID))
		b = spaced(appendAttribute(b, attrSoftware, []byte("test vector")), "test vector")
		b = appendAddress(b, attrXORMappedAddress, want, []byte(rfc5769ID))
		b = appendFingerprint(appendIntegrity(b, 0, rfc5769Password), 0)
		if string(b) != vector {
			t.Errorf("got  %x\nwant %x", b, vector)
		}
	}
}
