package server

import (
	"cmp"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// roomBurst and roomEvery bound how fast one source makes rooms: a class that starts together fits into the burst, a script that fills the
	// memory does not get on.
	roomBurst = 20
	roomEvery = 3 * time.Second
	// maxSources bounds the memory of the limiter itself. Sources whose bucket is full again are forgotten first.
	maxSources = 4096
)

// sourceLimiter is a token bucket per source address. Its zero value is the one of rooms; it is safe for concurrent use.
type sourceLimiter struct {
	every rate.Limit // 0: roomEvery
	burst int        // 0: roomBurst

	mu      sync.Mutex
	buckets map[netip.Prefix]*rate.Limiter
}

// allow takes one token of a source. An IPv6 source is its /64: one machine has all of that (RFC 4291 section 2.5.1).
func (l *sourceLimiter) allow(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	source, err := addr.Prefix(bits)
	if err != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.buckets[source]
	if !ok {
		if len(l.buckets) >= maxSources {
			l.forget()
		}
		if len(l.buckets) >= maxSources {
			return false
		}
		if l.buckets == nil {
			l.buckets = map[netip.Prefix]*rate.Limiter{}
		}
		bucket = rate.NewLimiter(cmp.Or(l.every, rate.Every(roomEvery)), cmp.Or(l.burst, roomBurst))
		l.buckets[source] = bucket
	}
	return bucket.Allow()
}

// forget drops the sources that have been quiet for long enough to have a full bucket: for them nothing changes.
func (l *sourceLimiter) forget() {
	for source, bucket := range l.buckets {
		if bucket.Tokens() >= float64(bucket.Burst()) {
			delete(l.buckets, source)
		}
	}
}
