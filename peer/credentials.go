package peer

import (
	"crypto/rand"
	"strings"
)

// credentials are those of ICE (RFC 8839 section 5.4).
type credentials struct{ ufrag, pwd string }

// iceChars are the ice-char of RFC 8839 section 5.4: 64, so that a random byte gives each with the same chance.
const iceChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// The bounds of RFC 8839 section 5.4 for a username fragment, and a password with 192 bits where 128 are asked for (RFC 8445 section 5.3).
const (
	minUfrag  = 4
	maxUfrag  = 256
	pwdLength = 32
)

// newCredentials are random, with a username fragment of that many characters.
func newCredentials(length int) credentials {
	random := func(n int) string {
		b := make([]byte, n)
		_, _ = rand.Read(b) // never fails
		for i := range b {
			b[i] = iceChars[b[i]%byte(len(iceChars))]
		}
		return string(b)
	}
	return credentials{ufrag: random(min(max(length, minUfrag), maxUfrag)), pwd: random(pwdLength)}
}

// credentialsOf are the first in a description; with one bundle there are no others.
func credentialsOf(sdp string) credentials {
	return credentials{attribute(sdp, "ice-ufrag"), attribute(sdp, "ice-pwd")}
}

// attribute is the value of the first such attribute in a description (RFC 8866 section 5.13); empty: there is none.
func attribute(sdp, name string) string {
	for line := range strings.Lines(sdp) {
		if value, ok := strings.CutPrefix(line, "a="+name+":"); ok {
			return strings.TrimRight(value, "\r\n")
		}
	}
	return ""
}
