package stunsrv

import (
	"net/netip"
	"slices"
	"sync"
)

// Introductions that others began cost a handshake of TLS each, and nobody has proved anything yet. One who is silent holds his seat for partnerIntroduction.
const (
	// maxIntroductions at once of addresses that are no named partner's.
	maxIntroductions = 16
	// introductionsPerAddr is one more than a partner needs, which may have lost a connection and begun another.
	introductionsPerAddr = 2
	// maxReserved addresses of one named partner: a name can have many.
	maxReserved = 8
)

// seats are for introductions. A named partner's addresses have seats of their own, so that strangers cannot keep it out. The zero value is ready.
type seats struct {
	mu        sync.Mutex
	reserved  map[string][]netip.Addr // by the place that was named
	taken     map[netip.Addr]int
	strangers int
}

// reserve keeps seats for the addresses that a named place has now.
func (s *seats) reserve(place string, addrs ...netip.Addr) {
	plain := make([]netip.Addr, 0, maxReserved)
	for _, addr := range addrs[:min(len(addrs), maxReserved)] {
		plain = append(plain, addr.Unmap().WithZone(""))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserved == nil {
		s.reserved = map[string][]netip.Addr{}
	}
	s.reserved[place] = plain
}

// take gives a seat to a connection from an address; leave, which may be called more than once, gives it back.
func (s *seats) take(from netip.Addr) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stranger := true
	for _, addrs := range s.reserved {
		stranger = stranger && !slices.Contains(addrs, from)
	}
	if s.taken[from] >= introductionsPerAddr || stranger && s.strangers >= maxIntroductions {
		return nil, false
	}
	if s.taken == nil {
		s.taken = map[netip.Addr]int{}
	}
	s.taken[from]++
	if stranger {
		s.strangers++
	}
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.taken[from]--; s.taken[from] == 0 {
			delete(s.taken, from)
		}
		if stranger {
			s.strangers--
		}
	}), true
}
