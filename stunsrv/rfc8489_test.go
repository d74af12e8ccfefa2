package stunsrv

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/pion/stun/v3"
)

var (
	client4 = netip.MustParseAddrPort("192.0.2.1:50000")
	client6 = netip.MustParseAddrPort("[2001:db8::1]:50000")
	server4 = netip.MustParseAddrPort("198.51.100.1:3478")
	server6 = netip.MustParseAddrPort("[2001:db8::2]:3478")
)

func testResponder() *responder {
	return &responder{software: appendAttribute(nil, attrSoftware, []byte("icescope/1.2")), otherPort: 3479}
}

// attribute is any attribute, for requests that pion would not build.
func attribute(typ stun.AttrType, value string) stun.Setter {
	return stun.RawAttribute{Type: typ, Value: []byte(value)}
}

func TestRFC8489Success(t *testing.T) {
	for _, at := range [][2]netip.AddrPort{{client4, server4}, {client6, server6}} {
		for _, fingerprinted := range []bool{false, true} {
			request := bindingRequest(t)
			if fingerprinted {
				request = bindingRequest(t, stun.Fingerprint)
			}
			out, found := testResponder().respond([]byte("before"), request.Raw, at[0], at[1])
			if string(out[:6]) != "before" || found.kind != kindBinding || found.from != pp {
				t.Fatalf("%q %+v", out, found)
			}
			source, origin := mapped(t, out[6:], request)
			if source != at[0] || origin != at[1] {
				t.Errorf("source %s, origin %s, want %s", source, origin, at)
			}
			m := decode(t, out[6:])
			var software stun.Software
			if err := software.GetFrom(m); err != nil || software.String() != "icescope/1.2" {
				t.Errorf("SOFTWARE %q %v", software, err)
			}
			// Section 14.7: FINGERPRINT in the answer to a request that has it.
			if m.Contains(stun.AttrFingerprint) != fingerprinted || fingerprinted && stun.Fingerprint.Check(m) != nil {
				t.Errorf("FINGERPRINT is wrong in %v", m)
			}
		}
	}
}

// TestRFC8489Unknown: sections 6.3.1 and 14.13, and the boundary between comprehension-required and -optional of section 14.
func TestRFC8489Unknown(t *testing.T) {
	for name, c := range map[string]struct {
		more []stun.Setter
		want []uint16
	}{
		"optional":           {[]stun.Setter{attribute(0x8000, "x"), attribute(0xFFFF, "")}, nil},
		"required":           {[]stun.Setter{attribute(0x7FFF, "x")}, []uint16{0x7FFF}},
		"two, fingerprinted": {[]stun.Setter{attribute(0x0030, "x"), attribute(0x0031, "y"), stun.Fingerprint}, []uint16{0x30, 0x31}},
		"known, unexpected":  {[]stun.Setter{attribute(stun.AttrRealm, "x"), attribute(stun.AttrXORMappedAddress, "12345678")}, nil},
		"change, none":       {[]stun.Setter{attribute(stun.AttrChangeRequest, "\x00\x00\x00\x00")}, nil},
		"change IP":          {[]stun.Setter{attribute(stun.AttrChangeRequest, "\x00\x00\x00\x04")}, []uint16{3}},
		"change port":        {[]stun.Setter{attribute(stun.AttrChangeRequest, "\x00\x00\x00\x02")}, []uint16{3}},
		"change, short":      {[]stun.Setter{attribute(stun.AttrChangeRequest, "\x00")}, []uint16{3}},
	} {
		t.Run(name, func(t *testing.T) {
			request := bindingRequest(t, c.more...)
			out, found := testResponder().respond(nil, request.Raw, client4, server4)
			m := decode(t, out)
			if found.kind != kindBinding {
				t.Errorf("kind %s", found.kind)
			}
			if c.want == nil {
				mapped(t, out, request)
				return
			}
			var code stun.ErrorCodeAttribute
			var unknown stun.UnknownAttributes
			if err := m.Parse(&code, &unknown); err != nil {
				t.Fatal(err)
			}
			var got []uint16
			for _, u := range unknown {
				got = append(got, uint16(u))
			}
			if code.Code != stun.CodeUnknownAttribute || m.Type != stun.BindingError || m.TransactionID != request.TransactionID || !slices.Equal(got, c.want) {
				t.Errorf("%v %v in %v", code, got, m)
			}
			if request.Contains(stun.AttrFingerprint) && stun.Fingerprint.Check(m) != nil {
				t.Error("no FINGERPRINT")
			}
		})
	}
}

// TestRFC8489Silence: what section 6.3 discards, and the ICE checks that our own checks provoke.
func TestRFC8489Silence(t *testing.T) {
	good := bindingRequest(t).Raw
	changed := func(f func([]byte) []byte) []byte { return f(append([]byte(nil), good...)) }
	set16 := func(at int, v uint16) []byte {
		return changed(func(b []byte) []byte { binary.BigEndian.PutUint16(b[at:], v); return b })
	}
	password := stun.NewShortTermIntegrity("0123456789abcdef0123456789")
	badFingerprint := bindingRequest(t, stun.Fingerprint).Raw
	badFingerprint[len(badFingerprint)-1] ^= 1
	notLast := bindingRequest(t, stun.Fingerprint, stun.NewSoftware("after")).Raw
	for name, c := range map[string]struct {
		raw  []byte
		kind kind
	}{
		"nothing":            {nil, kindNothing},
		"short":              {good[:19], kindNothing},
		"first bits":         {set16(0, 0x8001), kindNothing},
		"length too long":    {set16(2, 4), kindNothing},
		"length not of 4":    {changed(func(b []byte) []byte { b[3] = 2; return append(b, 0, 0) }), kindNothing},
		"more after it":      {append(append([]byte(nil), good...), 0), kindNothing},
		"indication":         {set16(0, 0x0011), kindNothing},
		"allocate":           {set16(0, 0x0003), kindTURN}, // for the relay; where there is none, silence as well
		"success response":   {set16(0, 0x0101), kindResponse},
		"error response":     {set16(0, 0x0111), kindResponse},
		"attribute too long": {changed(func(b []byte) []byte { b[3] = 4; return append(b, 0x80, 0x22, 0, 1) }), kindNothing},
		"FINGERPRINT":        {badFingerprint, kindNothing},
		"FINGERPRINT first":  {notLast, kindNothing},
		"username":           {bindingRequest(t, stun.NewUsername("a:b")).Raw, kindCheck},
		"integrity":          {bindingRequest(t, password).Raw, kindCheck},
		"priority":           {bindingRequest(t, attribute(stun.AttrPriority, "\x01\x02\x03\x04")).Raw, kindCheck},
		"use-candidate":      {bindingRequest(t, attribute(stun.AttrUseCandidate, "")).Raw, kindCheck},
		"controlled":         {bindingRequest(t, attribute(stun.AttrICEControlled, "12345678")).Raw, kindCheck},
		"controlling":        {bindingRequest(t, attribute(stun.AttrICEControlling, "12345678"), stun.Fingerprint).Raw, kindCheck},
	} {
		if out, found := testResponder().respond(nil, c.raw, client4, server4); len(out) != 0 || found.kind != c.kind {
			t.Errorf("%s: kind %s, answer %x", name, found.kind, out)
		}
	}
}
