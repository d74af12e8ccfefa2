package stunsrv

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// whoamiPerSecond and whoamiBurst are per source IP. A NAT test asks four corners a few times at once; a person types.
	whoamiPerSecond = 5
	whoamiBurst     = 20
	// maxWhoamiSources bounds the table: a few hundred machines are a large closed network. Where it is full of sources that have all just asked,
	// new ones get silence.
	maxWhoamiSources = 1024
)

// whoamiLimit is a token bucket for each source IP; all ports of one count as one, since a forged source chooses its port freely.
type whoamiLimit struct {
	mu      sync.Mutex
	sources map[netip.Addr]*rate.Limiter
}

func (l *whoamiLimit) allow(source netip.Addr, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.sources[source]
	if !ok {
		if len(l.sources) >= maxWhoamiSources {
			l.forgetFull(now)
		}
		if len(l.sources) >= maxWhoamiSources {
			return false
		}
		if l.sources == nil {
			l.sources = make(map[netip.Addr]*rate.Limiter)
		}
		bucket = rate.NewLimiter(whoamiPerSecond, whoamiBurst)
		l.sources[source] = bucket
	}
	return bucket.AllowN(now, 1)
}

// forgetFull drops the sources whose bucket has filled up again: they are as good as new ones.
func (l *whoamiLimit) forgetFull(now time.Time) {
	for source, bucket := range l.sources {
		if bucket.TokensAt(now) >= whoamiBurst {
			delete(l.sources, source)
		}
	}
}
