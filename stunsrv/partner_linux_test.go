package stunsrv

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestPartnerFamilies: wildcard servers in both families, each with a link of its own. Both stand on one machine, so only what
// a client is told can be seen here; the lab has two. The calls are made by this goroutine, which stands in the namespace.
func TestPartnerFamilies(t *testing.T) {
	enterNamespace(t, "address add 10.77.0.1/32 dev lo", "address add 10.77.0.2/32 dev lo", "-6 address add 2001:db8:77::1/128 dev lo nodad", "-6 address add 2001:db8:77::2/128 dev lo nodad")
	serve := func(config Config) (*Server, logTo) {
		log := make(logTo, 100)
		config.Log, config.PartnerKey = slog.New(log), partnerKey
		s, err := Listen(config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return s, log
	}
	b, logB := serve(Config{Primary: []string{"10.77.0.2:3478", "[2001:db8:77::2]:3478"}, AlternatePort: 3479})
	a, logA := serve(Config{Primary: []string{"10.77.0.1:3478", "[2001:db8:77::1]:3478"}, AlternatePort: 3479})
	var calls sync.WaitGroup
	t.Cleanup(calls.Wait)
	for _, place := range []string{"10.77.0.2:3478", "[2001:db8:77::2]:3478"} {
		conn, err := a.dialPartner(t.Context(), place)
		for end := time.Now().Add(patience); err != nil && time.Now().Before(end); runtime.Gosched() { // the kernel makes routes of IPv6 a moment after their address
			conn, err = a.dialPartner(t.Context(), place)
		}
		if err != nil {
			t.Fatal(err)
		}
		calls.Go(func() { _, _ = a.partnership(conn, true, func() {}) })
		t.Cleanup(func() { conn.Close() })
	}
	for _, log := range []logTo{logA, logA, logB, logB} {
		log.await(t, saysLent)
	}
	for _, c := range []struct{ asked, other string }{{"10.77.0.1:3478", "10.77.0.2:3479"}, {"[2001:db8:77::1]:3478", "[2001:db8:77::2]:3479"}} {
		asked, other := netip.MustParseAddrPort(c.asked), netip.MustParseAddrPort(c.other)
		if got := a.CornersFrom(asked).SS; got != other {
			t.Errorf("from %s: %s", asked, got)
		}
		if got := b.CornersFrom(other).SS; got != asked {
			t.Errorf("from %s: %s", other, got)
		}
	}
	if len(a.Corners()) != 2 || len(b.Corners()) != 2 {
		t.Errorf("%+v %+v", a.Corners(), b.Corners())
	}
}
