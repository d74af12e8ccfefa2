package stunsrv

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 8489 section 14.5 fixes it
	"encoding/binary"
)

const integritySize = attrHeaderSize + sha1.Size

// appendIntegrity ends msg, which begins at start, with its MESSAGE-INTEGRITY (RFC 8489 section 14.5): the HMAC is over all before it, with a length
// that counts it already. The key of a short-term credential is the password itself (section 9.1.1).
func appendIntegrity(dst []byte, start int, password string) []byte {
	binary.BigEndian.PutUint16(dst[start+2:], uint16(len(dst)-start-headerSize+integritySize))
	mac := hmac.New(sha1.New, []byte(password))
	mac.Write(dst[start:])
	return mac.Sum(append(dst, attrMessageIntegrity>>8, attrMessageIntegrity, 0, sha1.Size))
}

// integrityOK checks the MESSAGE-INTEGRITY whose attribute begins at offset in raw. FINGERPRINT may follow it and is not covered, so the length is put back.
func integrityOK(raw []byte, offset int, password string) bool {
	value := raw[offset+attrHeaderSize:]
	if len(value) < sha1.Size || binary.BigEndian.Uint16(raw[offset+2:]) != sha1.Size {
		return false
	}
	var header [4]byte
	copy(header[:], raw)
	binary.BigEndian.PutUint16(header[2:], uint16(offset+integritySize-headerSize))
	mac := hmac.New(sha1.New, []byte(password))
	mac.Write(header[:])
	mac.Write(raw[len(header):offset])
	return hmac.Equal(mac.Sum(nil), value[:sha1.Size])
}
