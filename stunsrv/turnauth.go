package stunsrv

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // RFC 8489 section 9.2.2 fixes it
	"crypto/sha1" //nolint:gosec // coturn's scheme fixes it
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pion/turn/v5"
)

const (
	// turnCredentialLife is how long a credential is good for, and the allocations made with it. A trial begins at once and lasts a minute, one that is held MaxHoldMs, ten
	// minutes, and an ICE restart allocates again with the same one: an hour is enough for all of them, and soon over for who copied it.
	turnCredentialLife = time.Hour
	// maxTurnName bounds a USERNAME, in bytes: an expiry, a colon and a room's code. RFC 8489 section 14.3 allows 508, which nobody is given here.
	maxTurnName = 128
)

// Attributes of TURN (RFC 8656 section 18).
const (
	attrXORPeerAddress     = 0x0012
	attrRequestedTransport = 0x0019
	transportUDP           = 17 // the protocol's number in REQUESTED-TRANSPORT (RFC 8656 section 18.8)
)

// TURNCredentials makes credentials for one room, in the words of coturn's REST scheme: the name says when they end, and the password proves that the name is ours. Empty:
// there is no TURN.
func (s *Server) TURNCredentials(room string) (username, password string) {
	if s.turn == nil {
		return "", ""
	}
	return s.turn.credentials(room, time.Now().Add(turnCredentialLife))
}

func (t *relayServer) credentials(room string, ends time.Time) (username, password string) {
	username = strconv.FormatInt(ends.Unix(), 10) + ":" + room
	return username, t.password(username)
}

func (t *relayServer) password(username string) string {
	mac := hmac.New(sha1.New, []byte(t.config.Secret))
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// key is that of a long-term credential (RFC 8489 section 9.2.2). ok is false where the name is none of ours, or has ended.
func (t *relayServer) key(username string, now time.Time) (key []byte, ok bool) {
	ends, _, ok := splitName(username)
	if !ok || !now.Before(ends) {
		return nil, false
	}
	sum := md5.Sum([]byte(username + ":" + turnRealm + ":" + t.password(username))) //nolint:gosec // as above
	return sum[:], true
}

// splitName reads the USERNAME of a credential.
func splitName(username string) (ends time.Time, room string, ok bool) {
	expiry, room, ok := strings.Cut(username, ":")
	seconds, err := strconv.ParseInt(expiry, 10, 64)
	if !ok || err != nil || seconds < 0 || len(username) > maxTurnName {
		return time.Time{}, "", false
	}
	return time.Unix(seconds, 0), room, true
}

// authenticate tells pion the key. The gate has checked the credentials before, so that a refusal here is one of the second that they ended in.
func (t *relayServer) authenticate(a *turn.RequestAttributes) (user string, key []byte, ok bool) {
	key, ok = t.key(a.Username, time.Now())
	return a.Username, key, ok
}

// gate looks at what is meant for pion first. Either pass is true, or there is an answer to it, appended to dst, or silence. It is where credentials get the
// 401 (RFC 8489 section 9.2.4), peers the 403 (RFC 8656 sections 10.2 and 12.2), and transports other than UDP the 442 (section 7.2) that pion answers otherwise.
func (t *relayServer) gate(dst, msg []byte, local netip.Addr) (answer []byte, pass, proved bool) {
	if isChannelData(msg) {
		return dst, true, false
	}
	m, ok := parseMessage(msg)
	if !ok || !m.isTURN() {
		return dst, false, false
	}
	if m.typ == typeSend {
		return dst, true, false
	}
	var username string
	var nonce []byte
	integrity := -1
	forbidden, transport := false, true
	for rest := m.raw[headerSize:]; len(rest) > 0 && integrity < 0; { // what stands after MESSAGE-INTEGRITY counts for nothing (RFC 8489 section 14.5)
		typ, value, tail, ok := nextAttribute(rest)
		if !ok {
			return dst, false, false
		}
		switch typ {
		case attrUsername:
			username = string(value[:min(len(value), maxTurnName+1)])
		case attrNonce:
			nonce = value
		case attrMessageIntegrity:
			integrity = len(m.raw) - len(rest)
		case attrRequestedTransport:
			transport = len(value) == 4 && value[0] == transportUDP
		case attrXORPeerAddress:
			peer, ok := parseAddress(value, m.raw[4:headerSize])
			forbidden = forbidden || ok && !t.mayTalkTo(peer.Addr().Unmap(), local) || ok && m.typ == typeChannelBind && !t.mayReach(peer, local)
		}
		rest = tail
	}
	if integrity < 0 {
		return dst, true, false // pion's server asks for credentials
	}
	key, ok := t.key(username, time.Now())
	if !ok || !integrityOK(m.raw, integrity, string(key)) {
		t.counters.refusedCredentials.Add(1)
		return appendTURNError(dst, m, 401, "Unauthorized", nonce, ""), false, false
	}
	switch {
	case m.typ == typeAllocate && !transport:
		return appendTURNError(dst, m, 442, "Unsupported Transport Protocol", nil, string(key)), false, true
	case forbidden:
		t.counters.refusedPeer.Add(1)
		return appendTURNError(dst, m, 403, "Forbidden", nil, string(key)), false, true
	}
	return dst, true, true
}

// appendTURNError writes an error response (RFC 8489 section 14.8): a 401 with REALM and the request's NONCE, others signed.
func appendTURNError(dst []byte, m message, code int, reason string, nonce []byte, key string) []byte {
	start := len(dst)
	dst = appendHeader(dst, m.typ|typeErrorClass, m.raw[4:headerSize])
	dst = appendAttribute(dst, attrErrorCode, append([]byte{0, 0, byte(code / 100), byte(code % 100)}, reason...))
	if len(nonce) > 0 {
		dst = appendAttribute(dst, attrNonce, nonce)
		dst = appendAttribute(dst, attrRealm, []byte(turnRealm))
	}
	setLength(dst[start:])
	if key != "" {
		dst = appendIntegrity(dst, start, key)
	}
	return dst
}
