package stunsrv

import (
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"
)

const (
	// bookBits are of the number of places in a book: twice maxSightings, so that the search for a free one is short.
	bookBits = 13
	// bookWords are what hash reads of addresses: the source's IP and port, and the port of the socket.
	bookWords = 3
)

// book is what waits for delivery, in order, and a hash table over it with open addressing: a source that is in it costs some 20 ns, where a map of such long keys
// would cost more than the whole answer. Its size never changes.
type book struct {
	list   []waiting
	places [1 << bookBits]uint16 // where in list, plus 1; 0: free
	secret [bookWords]uint64     // with seed: nobody can choose requests that have the same place
	seed   maphash.Seed
}

func newBook() *book {
	b := &book{seed: maphash.MakeSeed()}
	for i := range b.secret {
		b.secret[i] = rand.Uint64() | 1
	}
	return b
}

// add counts one request. The TTL is not part of what makes a sighting, or a path that changes would split it: those that are merged have the first's.
func (b *book) add(x *sight) {
	var username []byte
	if x.kind == kindCheck {
		username = wholeUsername(x.username)
	}
	at := b.hash(&x.seen, username)
	for ; b.places[at] != 0; at = (at + 1) % uint(len(b.places)) {
		if w := &b.list[b.places[at]-1]; w.seen == x.seen && w.username == string(username) {
			w.requests++
			return
		}
	}
	if len(b.list) == maxSightings {
		return
	}
	b.list = append(b.list, waiting{seen: x.seen, username: string(username), userAgent: printable(x.software), ttl: x.ttl, requests: 1})
	b.places[at] = uint16(len(b.list))
}

// hash is a place for x: each word times a secret number (multilinear hashing), of which the upper bits are spread evenly whatever the words are.
func (b *book) hash(x *seen, username []byte) uint {
	ip := x.source.Addr().As16()
	sum := binary.NativeEndian.Uint64(ip[:])*b.secret[0] + binary.NativeEndian.Uint64(ip[8:])*b.secret[1] +
		(uint64(x.source.Port())<<16|uint64(x.local.Port()))*b.secret[2]
	if len(username) > 0 {
		sum += maphash.Bytes(b.seed, username)
	}
	return uint(sum >> (64 - bookBits))
}

// clear makes room. Places are cleared as a whole: 16 KiB, fifty times a second at most.
func (b *book) clear() {
	clear(b.list) // strings are let go
	b.list = b.list[:0]
	clear(b.places[:])
}
