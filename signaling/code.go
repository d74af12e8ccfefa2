package signaling

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// A room's code is the only thing that lets one in, and people read it to each other over the telephone: eight syllables of one of sixteen consonants
// and one of four vowels, 8 × (4+2) = 48 bits of crypto/rand. With 20,000 rooms open a guess hits one in 2^33 tries, each a TCP connection.
// There are no digits and no c, e, l, q, x, y, so nothing looks or sounds like something else.
const (
	consonants = "bdfghjkmnprstvwz"
	vowels     = "aiou"
	syllables  = 8
)

// newCode makes a code like "bodu-kafi-zomu-rita".
func newCode() string {
	var bits [syllables * 6 / 8]byte
	rand.Read(bits[:]) // never fails (crypto/rand)
	var n uint64
	for _, b := range bits {
		n = n<<8 | uint64(b)
	}
	var code strings.Builder
	for i := range syllables {
		if i > 0 && i%2 == 0 {
			code.WriteByte('-')
		}
		code.WriteByte(consonants[n&15])
		code.WriteByte(vowels[n>>4&3])
		n >>= 6
	}
	return code.String()
}

// plainCode is a code as it is looked up: people type capitals, and leave hyphens out.
func plainCode(code string) string {
	return strings.ToLower(strings.ReplaceAll(code, "-", ""))
}

// openCode tells whether OpenRooms accepts a code.
func openCode(code string) bool {
	for _, c := range code {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(code) >= 1 && len(code) <= maxRoomCode
}

// newToken makes a resume token: 128 bits, so that guessing one is hopeless within its life.
func newToken() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
