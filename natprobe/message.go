package natprobe

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"unicode"

	"github.com/pion/stun/v3"
)

// maxSoftware is in characters: RFC 8489 section 14.14 allows fewer than 128.
const maxSoftware = 127

// messageHeader is the size of a STUN header (RFC 8489 section 5).
const messageHeader = 20

// The bits of CHANGE-REQUEST (RFC 5780 section 7.2).
const (
	changePort = 2
	changeIP   = 4
)

// answer is a response, read and checked.
type answer struct {
	id       [stun.TransactionIDSize]byte
	mapped   netip.AddrPort // XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS where there is none
	plain    netip.AddrPort // MAPPED-ADDRESS
	xored    bool           // there was an XOR-MAPPED-ADDRESS
	origin   netip.AddrPort // RESPONSE-ORIGIN or SOURCE-ADDRESS
	other    netip.AddrPort // OTHER-ADDRESS or CHANGED-ADDRESS
	modern   bool           // RESPONSE-ORIGIN or OTHER-ADDRESS: the server knows RFC 5780
	classic  bool           // SOURCE-ADDRESS or CHANGED-ADDRESS, and not modern: it knows RFC 3489
	software string
	padding  int // bytes in PADDING
	code     int // of an error response, else 0
	reason   string

	from netip.AddrPort // where it came from
}

// refusal is the error response in one line.
func (a answer) refusal() string { return strings.TrimSpace(strconv.Itoa(a.code) + " " + a.reason) }

var errNotAnswer = errors.New("no response to a Binding request")

// request makes a Binding request. There is no FINGERPRINT and no SOFTWARE: servers of RFC 3489 drop what they do not know.
func request(attributes ...stun.Setter) (*stun.Message, error) {
	return stun.Build(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, attributes...)...)
}

func change(bits byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrChangeRequest, Value: []byte{0, 0, 0, bits}}
}

// padding asks for an answer as long as the request (RFC 5780 section 7.6).
func padding(n int) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrPadding, Value: make([]byte, n)}
}

// responsePort asks for the answer to go to another port of ours (RFC 5780 section 7.5). The value is two bytes long; the codec pads.
func responsePort(port uint16) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrResponsePort, Value: binary.BigEndian.AppendUint16(nil, port)}
}

// parseAnswer reads a datagram. It must be exactly one Binding response, and a success must tell an address.
func parseAnswer(raw []byte) (answer, error) {
	m := &stun.Message{Raw: raw}
	if err := m.Decode(); err != nil {
		return answer{}, err
	}
	if len(raw) != messageHeader+int(m.Length) {
		return answer{}, errNotAnswer
	}
	success := m.Type == stun.BindingSuccess
	if !success && m.Type != stun.BindingError {
		return answer{}, errNotAnswer
	}
	a := answer{id: m.TransactionID}
	if !success {
		var code stun.ErrorCodeAttribute
		if err := code.GetFrom(m); err != nil {
			return answer{}, err
		}
		a.code, a.reason = int(code.Code), plainText(string(code.Reason))
		if a.code < 300 || a.code > 699 { // RFC 8489 section 14.8
			return answer{}, errNotAnswer
		}
	}
	address := func(t stun.AttrType) netip.AddrPort {
		var mapped stun.MappedAddress
		if !wholeAddress(m, t) || mapped.GetFromAs(m, t) != nil {
			return netip.AddrPort{}
		}
		ip, ok := netip.AddrFromSlice(mapped.IP)
		if !ok || mapped.Port <= 0 || mapped.Port > 65535 || ip.Unmap().IsUnspecified() {
			return netip.AddrPort{}
		}
		return netip.AddrPortFrom(ip.Unmap(), uint16(mapped.Port))
	}
	var xor stun.XORMappedAddress
	if wholeAddress(m, stun.AttrXORMappedAddress) && xor.GetFrom(m) == nil {
		if ip, ok := netip.AddrFromSlice(xor.IP); ok && xor.Port > 0 && xor.Port <= 65535 {
			a.mapped, a.xored = netip.AddrPortFrom(ip.Unmap(), uint16(xor.Port)), true
		}
	}
	a.plain = address(stun.AttrMappedAddress)
	if !a.xored {
		a.mapped = a.plain
	}
	if success && !a.mapped.IsValid() {
		return answer{}, errNotAnswer
	}
	a.origin, a.other = address(stun.AttrResponseOrigin), address(stun.AttrOtherAddress)
	a.modern = a.origin.IsValid() || a.other.IsValid()
	if !a.modern { // RFC 3489 section 11.2
		a.origin, a.other = address(stun.AttrSourceAddress), address(stun.AttrChangedAddress)
		a.classic = a.origin.IsValid() || a.other.IsValid()
	}
	if v, err := m.Get(stun.AttrSoftware); err == nil {
		a.software = plainText(string(v))
	}
	if v, err := m.Get(stun.AttrPadding); err == nil {
		a.padding = len(v)
	}
	return a, nil
}

// wholeAddress tells whether an address attribute is as long as its family says (RFC 8489 section 14.1): the codec fills a short one up with zeros.
func wholeAddress(m *stun.Message, t stun.AttrType) bool {
	v, err := m.Get(t)
	return err == nil && (len(v) == 8 && v[1] == 1 || len(v) == 20 && v[1] == 2)
}

// plainText is what a foreign server says of itself, fit for a terminal.
func plainText(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(s, "") {
		if n == maxSoftware {
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			n++
		}
	}
	return strings.TrimSpace(b.String())
}
