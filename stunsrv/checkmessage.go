package stunsrv

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// appendCheck writes a connectivity check (RFC 8445 section 7.2.2). It never carries USE-CANDIDATE: nothing must be nominated for a path that ends here.
func appendCheck(dst []byte, id []byte, r CheckRequest) []byte {
	start := len(dst)
	dst = appendHeader(dst, typeBindingRequest, id)
	dst = appendAttribute(dst, attrUsername, []byte(r.RemoteUfrag+":"+r.LocalUfrag))
	dst = appendAttribute(dst, attrPriority, binary.BigEndian.AppendUint32(nil, r.Priority))
	role := uint16(attrICEControlled)
	if r.Controlling {
		role = attrICEControlling
	}
	dst = appendAttribute(dst, role, binary.BigEndian.AppendUint64(nil, r.TieBreaker))
	dst = appendIntegrity(dst, start, r.RemotePwd)
	return appendFingerprint(dst, start)
}

// checkAnswer is what a response to a check says.
type checkAnswer struct {
	mapped netip.AddrPort
	err    string // "487 Role Conflict"; empty: success
}

// readCheckAnswer reads a response. It is false where the response must be taken as never received (RFC 8489 section 9.1.4): MESSAGE-INTEGRITY is wrong, or missing where
// the answerer could have made it. Who refuses the credential itself (400, 401) has none.
func readCheckAnswer(raw []byte, password string) (checkAnswer, bool) {
	m, ok := parseMessage(raw)
	if !ok {
		return checkAnswer{}, false
	}
	var answer checkAnswer
	var signed bool
	code := 0
	for rest := m.raw[headerSize:]; len(rest) > 0; {
		offset := len(m.raw) - len(rest)
		typ, value, tail, ok := nextAttribute(rest)
		if !ok {
			return checkAnswer{}, false
		}
		rest = tail
		switch {
		case typ == attrFingerprint:
			if len(rest) > 0 || !fingerprintOK(m.raw, value) {
				return checkAnswer{}, false
			}
		case signed: // what follows MESSAGE-INTEGRITY is not protected, and ignored (RFC 8489 section 14.5)
		case typ == attrMessageIntegrity:
			if signed = integrityOK(m.raw, offset, password); !signed {
				return checkAnswer{}, false
			}
		case typ == attrXORMappedAddress:
			answer.mapped, _ = parseAddress(value, m.raw[4:headerSize])
		case typ == attrErrorCode && len(value) >= 4: // RFC 8489 section 14.8
			code = int(value[2]&7)*100 + int(value[3])
			answer.err = fmt.Sprintf("%d %s", code, printable(value[4:]))
		}
	}
	if m.typ == typeBindingError {
		return answer, code != 0 && (signed || code == 400 || code == 401)
	}
	answer.err = ""
	return answer, signed
}
